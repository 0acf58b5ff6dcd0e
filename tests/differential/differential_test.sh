#!/bin/bash
# Conversations by seed through the kernel's conntrack and through ours: each packet's state and the table at the end.
#
#   tests/differential/differential_test.sh BIN [FIRST [COUNT]]
#
# BIN: the folder of the built programs. Seeds FIRST to FIRST + COUNT - 1 go in runs of 500. Exit 77: not possible here.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/kernel_lab.sh"
bin=$1 first=${2:-1} count=${3:-250} each=500

missing=$(lab_possible)
if [ -n "$missing" ]; then echo "skipped: $missing"; exit 77; fi

lab=bulkhead-ct-$$
work=$(mktemp -d)
trap 'lab_down $lab; rm -rf "$work"' EXIT

run() {  # FIRST COUNT
  local begin=$SECONDS
  rm -rf "$work"/*
  mkdir "$work/kernel"
  lab_up "$lab"
  lab_rules "$lab" "$here/states.nft"
  "$bin/make-cases" "$1" "$2" "$work/cases"
  ip netns exec "$lab-wire" "$bin/run-kernel" "$work/cases" "$work/kernel"
  lab_flows "$lab" >"$work/kernel/conntrack.txt"
  lab_down "$lab"
  "$bin/bulkhead" replay --in lan="$work/cases/lan.pcap" --in wan="$work/cases/wan.pcap" --out "$work/ours" >/dev/null
  "$bin/compare-kernel" tracking "$work/kernel" "$work/ours" $((SECONDS - begin + 1))
}

failed=0
for ((at = first; at < first + count; at += each)); do
  many=$((first + count - at))
  if [ $many -gt $each ]; then many=$each; fi
  echo "seeds $at to $((at + many - 1))"
  if ! run $at $many; then
    failed=1
    if [ -n "${KEEP:-}" ]; then cp -r "$work" "$KEEP/seeds-$at"; fi
  fi
done
exit $failed
