#!/bin/sh
# Installs what is lacking, builds, and replays the sample capture through the processes, with a
# home router's ruleset. No root but for the packages.
set -eu
cd "$(dirname "$0")/.."
. deploy/install.sh
install build
cmake --preset release
cmake --build --preset release
bin=build/release/bin
"$bin/make-capture" sample build/sample
"$bin/bulkhead" replay --in lan=build/sample/lan.pcap --in wan=build/sample/wan.pcap --out build/sample/out \
  --config deploy/sample/router.toml --rules deploy/sample/home.nft
