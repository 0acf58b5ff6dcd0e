#!/bin/bash
# tests/differential/listing_test.sh BULKHEAD: rulesets loaded into the kernel and listed by nft, and read and listed by us, are the
# same bytes; what the kernel refuses we refuse at the same place.
#
# Input   tests/rulesets/*.nft, tests/rulesets/refused/*.nft, Debian's examples. `expires` runs, so it is cut from both sides.
# Skipped (77) without root, nft or network namespaces. An example that the kernel at hand refuses (an interface or a
#         kernel module that is not there) is counted, not compared.
set -u
bulkhead=$(readlink -f "$1")
cd "$(dirname "$0")/.."
. differential/nft_alone.sh
nft_alone listing
failed=0 compared=0 refused=0 left_out=0

fresh() { ip netns del "$name"; ip netns add "$name"; }
kernel() { ip netns exec "$name" nft "$@"; }
without_expires() { sed -E 's/ expires [0-9a-z]+//g; s/, "expires": [0-9]+//g' "$1"; }
place() { grep -oE '^[^:]+:[0-9]+:[0-9]+-[0-9]+' "$1" | head -n 1; }
complain() { echo "FAILED $1"; failed=$((failed + 1)); }

compare() {  # FILE OPTIONS...
  local file=$1
  shift
  kernel "$@" list ruleset >"$work/kernel" 2>&1
  "$bulkhead" nft --offline -f "$file" "$@" list ruleset >"$work/ours" 2>&1
  if diff <(without_expires "$work/kernel") <(without_expires "$work/ours") >"$work/diff"; then compared=$((compared + 1)); return; fi
  complain "$file $*: kernel's <, ours >"
  head -n 20 "$work/diff"
}

again() {  # what the kernel lists, read and listed once more, is the same; JSON too
  kernel "$@" list ruleset >"$work/listed"
  "$bulkhead" nft --offline "$@" -f "$work/listed" list ruleset >"$work/ours" 2>&1
  if diff <(without_expires "$work/listed" | sed -E 's/"handle": [0-9]+/"handle": 0/g') <(without_expires "$work/ours" | sed -E 's/"handle": [0-9]+/"handle": 0/g') >"$work/diff"; then compared=$((compared + 1)); return; fi
  complain "$file: listed again $*"
  head -n 20 "$work/diff"
}

for file in rulesets/*.nft /usr/share/doc/nftables/examples/*.nft; do
  fresh
  if ! kernel -f "$file" >"$work/errors" 2>&1; then
    case $file in
      rulesets/*) complain "$file: the kernel refuses it"; head -n 3 "$work/errors" ;;
      *) left_out=$((left_out + 1)) ;;
    esac
    continue
  fi
  for options in "" -a -s -n -j; do compare "$file" $options; done
  again -s
  again -j -s
done

for file in rulesets/refused/*.nft; do
  fresh
  kernel -f "$file" >"$work/kernel" 2>&1 && complain "$file: the kernel takes it"
  "$bulkhead" nft -c -f "$file" >"$work/ours" 2>&1 && complain "$file: taken"
  if [ "$(place "$work/kernel")" = "$(place "$work/ours")" ]; then refused=$((refused + 1)); else
    complain "$file: kernel's and ours:"
    head -n 1 "$work/kernel" "$work/ours"
  fi
done
echo "$compared listings the same, $refused refusals at the same place, $left_out examples that this host's kernel refuses, $failed failed"
[ $compared -gt 100 ] && [ $refused -gt 0 ] || { echo "too little was compared"; exit 1; }
[ $failed = 0 ]
