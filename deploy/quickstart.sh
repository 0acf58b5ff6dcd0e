#!/bin/sh
# Installs what is lacking, builds the programs, and replays the sample capture through the processes, with a
# home router's ruleset. No root but for the packages. Tests are not built: that is for tests/run.sh.
set -eu
cd "$(dirname "$0")/.."
. deploy/install.sh

say() { printf '\n== %s\n' "$*"; }

say "installing what is lacking of Debian's packages"
install build
say "building: two to four minutes on two cores, the first time"
mkdir -p build
cmake --preset release >build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
cmake --build --preset release --target programs make-capture

bin=build/release/bin
say "replaying the sample capture as a home router: deploy/sample/router.toml, deploy/sample/home.nft"
"$bin/make-capture" sample build/sample
"$bin/bulkhead" replay --in lan=build/sample/lan.pcap --in wan=build/sample/wan.pcap --out build/sample/out \
  --config deploy/sample/router.toml --rules deploy/sample/home.nft

say "what to try next"
cat <<'END'
what became of each packet, the flow table, the ruleset with its counters:
  head -3 build/sample/out/verdicts.jsonl; cat build/sample/out/conntrack.txt build/sample/out/ruleset.nft
why the 20th packet from wan went as it did:
  build/release/bin/bulkhead explain --packet wan:20 --in lan=build/sample/lan.pcap --in wan=build/sample/wan.pcap \
    --config deploy/sample/router.toml --rules deploy/sample/home.nft
your own captures and rules: README.md, "A replay". Every test: ./tests/run.sh
END
