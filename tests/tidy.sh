#!/bin/bash
# clang-tidy over every source of ours, or those that are named; any finding is an error.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -f build/tidy/compile_commands.json ] || cmake --preset asan -B build/tidy -DBULKHEAD_SANITIZE= -DBULKHEAD_FUZZ=OFF -DBULKHEAD_UNITY=OFF -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON >/dev/null
cmake --build build/tidy --target bulkhead_schema generated/common/ruleset/read/grammar.h >/dev/null
files=("$@")
[ ${#files[@]} -gt 0 ] || mapfile -t files < <(git ls-files -- 'common/*.cc' 'ipc/*.cc' 'services/*.cc')
printf '%s\n' "${files[@]}" |
  xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p build/tidy --warnings-as-errors='*' 2>/dev/null
echo "clang-tidy: nothing found"
