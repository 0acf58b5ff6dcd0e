#!/bin/bash
# tests/replay/captures_test.sh BIN: captures that were misjudged once (captures/): what becomes of their packets, which rules see what, and what
# leaves, as captures/expected.txt says. `captures_test.sh BIN show` prints what it would say now.
set -euo pipefail

bin=$1 here=$(cd "$(dirname "$0")" && pwd)/captures
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

printf '\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\xff\xff\0\0\x01\0\0\0' >"$work/empty.pcap"
router=(--addr lan=10.0.0.254/8 --addr lan=2001:db8:1::fffe/64 --addr wan=192.0.2.254/24 --addr wan=2001:db8:2::fffe/64
  --route 0.0.0.0/0,192.0.2.1=wan --route ::/0,2001:db8:2::1=wan --rules "$here/seen.nft")

shows() {  # CAPTURE
  echo "== $(basename "$1")"
  "$bin/bulkhead" replay --in lan="$1" --in wan="$work/empty.pcap" "${router[@]}" --out "$work/out" 2>&1 | grep -vE '^(time|output)' || true
  sed -n '/counter packets [1-9]/s/^\t*//p' "$work/out/ruleset.nft"
  for side in lan wan; do
    local bytes
    bytes=$(stat -c %s "$work/out/$side.pcap")
    [ "$bytes" = 24 ] || { echo "$side: $bytes bytes, first $(od -An -v -tx1 -j40 -N120 "$work/out/$side.pcap" | tr -d ' \n')"; }
  done
}

for capture in "$here"/*.pcap*; do shows "$capture"; done >"$work/said"
if [ "${2:-}" = show ]; then cat "$work/said"; else diff "$here/expected.txt" "$work/said"; fi
