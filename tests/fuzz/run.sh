#!/bin/bash
# Runs every fuzzer for so many seconds, two at a time; any finding is an error.
set -euo pipefail
cd "$(dirname "$0")/../../build/asan"
seconds=${1:-5}
for fuzzer in bin/*_fuzz; do echo "$fuzzer"; done |
  xargs -P 2 -I{} sh -c 'name=$(basename {}); mkdir -p corpus/$name; {} -max_total_time='"$seconds"' -rss_limit_mb=4096 corpus/$name >$name.log 2>&1 && tail -n 1 $name.log | sed "s/^/$name: /" || { cat $name.log; exit 255; }'
