#!/bin/bash
# tests/differential/commands_test.sh BULKHEAD: what `list`, `reset` and `flush` print of a ruleset in the kernel, by nft, and in a
# file, by us: the same bytes, errors and exit status.
#
# Input   tests/listings/*.nft: a ruleset, and behind `#$ ` a command for it on each line.
# Left    what nft itself does not survive (-j of some kinds): ours must end well. Words that a syntax error says it expects.
#         The flags of a dormant table as JSON, which nft takes from memory that it has given back.
# Skipped (77) without root, nft or network namespaces.
set -u
bulkhead=$(readlink -f "$1")
cd "$(dirname "$0")/../listings"
. ../differential/nft_alone.sh
nft_alone commands
failed=0 compared=0 survived=0

complain() { echo "FAILED $1"; failed=$((failed + 1)); }
plain() { sed -E 's/(, expecting |; did you mean ).*//; /^warning: stmt ops .* have no json callback$/d; s/"flags": "[^"]*"/"flags": "?"/g' "$1"; }

load() {  # FILE
  ip netns del "$name" 2>/dev/null
  ip netns add "$name"
  ip -n "$name" link add v1 type veth peer name v2
  ip netns exec "$name" nft -f "$1" 2>"$work/refused" && return
  complain "$1: the kernel refuses it: $(head -n 1 "$work/refused")"
  return 1
}

compare() {  # FILE OPTIONS COMMAND
  local said ours
  # shellcheck disable=SC2086
  ip netns exec "$name" nft $2 $3 >"$work/kernel" 2>"$work/kernel.errors" </dev/null
  said=$?
  # shellcheck disable=SC2086
  "$bulkhead" nft --offline -f "$1" $2 $3 >"$work/ours" 2>"$work/ours.errors" </dev/null
  ours=$?
  if [ $said -gt 128 ]; then
    if [ $ours = 0 ] && [ -s "$work/ours" ]; then survived=$((survived + 1)); else complain "$1: $2 $3: nft died, ours ends with $ours"; fi
    return
  fi
  if [ $said = $ours ] && diff <(plain "$work/kernel") <(plain "$work/ours") >"$work/diff" &&
    diff <(plain "$work/kernel.errors") <(plain "$work/ours.errors") >"$work/diff"; then
    compared=$((compared + 1))
    return
  fi
  complain "$1: $2 $3: nft's exit status $said, ours $ours; nft's <, ours >"
  head -n 10 "$work/diff" | cut -c 1-400
}

for file in *.nft; do
  load "$file" || continue
  while IFS= read -r command; do
    options=("" -a -j)
    case $command in "list ruleset" | "list chains" | "list sets" | "list counters" | "list set t "*) options+=(-s -t -n -y -nas) ;; esac
    for one in "${options[@]}"; do
      compare "$file" "$one" "$command"
      case $command in list*) ;; *) load "$file" ;; esac
    done
  done < <(sed -n 's/^#\$ //p' "$file")
done
echo "$compared answers the same, $survived that nft does not survive, $failed failed"
[ $compared -gt 300 ] || { echo "too little was compared"; exit 1; }
[ $failed = 0 ]
