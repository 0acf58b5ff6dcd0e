#!/bin/bash
# Measures, in one run, on this machine.
#
#   tests/bench/run.sh replay [--json FILE] [--runs N] [--packets N] [--mixed-packets N] [--only REGEX] [--bin DIR]
#
# replay   Packets through the real processes, without verdicts.jsonl; beside them the empty chain: the same processes, rings, commits,
#          with packets made in memory, no files and no tracking; and the kernel. --only: of the rows, those whose SYSTEM/LOAD the
#          expression matches. --bin: the programs of that folder, rather than of a build.
#
#          bulkhead is a router with a stateful ruleset and masquerade (home.nft); bulkhead-slow the same without the fast
#          lane, every packet through the chain; bulkhead-bridge tracks and has no rules, without the fast lane too.
#          kernel: see kernel.sh; root, and tcpreplay.
#
#          udp64-N: 64-byte UDP packets of 1, 1,024, 65,536 flows; udp64-new: of a new flow each. udp64-drop1: one of 1,024 flows is
#          blocked; udp64-blocked-N: N of 100 packets are of one blocked flow, the others of 1,024. udp64-new-N: N more rules
#          that no packet matches. udp64-choices: udp64-new, and a chain that sees which port nat has chosen. udp64-scan: each
#          packet of a new flow, which the policy drops; udp64-scan-reject: or a last rule refuses, which answers an address
#          once a second; udp64-scan-answered: each of a new address, so that all are answered. mixed: 1,000,000 packets of conversations, deploy/sample/home.nft; kernel-mixed: these through the
#          kernel's router, both sides at top speed; kernel-mixed-in-order: both in the order of time.
#
#          Packets a second are the median of N runs, from the first packet taken in to the last byte written; system
#          calls are counted in a run of their own (perf, root), since counting costs.
set -euo pipefail
cd "$(dirname "$0")/../.."
. deploy/install.sh
. tests/bench/loads.sh
. tests/bench/kernel.sh
. tests/bench/measure.sh

runs=5 packets=3000000 mixed_packets=1000000 json='' only='' bin=''
[ "${1:-}" = replay ] || { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0"; exit 2; }
shift
while [ $# -gt 0 ]; do
  case $1 in
    --json) json=$2; shift 2 ;;
    --runs) runs=$2; shift 2 ;;
    --packets) packets=$2; shift 2 ;;
    --mixed-packets) mixed_packets=$2; shift 2 ;;
    --only) only=$2; shift 2 ;;
    --bin) bin=$2; shift 2 ;;
    *) echo "what is $1?" >&2; exit 2 ;;
  esac
done

wanted() { [[ $1 =~ $only ]]; }  # SYSTEM/LOAD

table=(empty-chain/udp64-1024)
for load in 1 1024 65536 new; do table+=(bulkhead-bridge/udp64-$load); done
for load in 1 1024 65536 new choices drop1 blocked-10 blocked-50 blocked-100 scan scan-reject scan-answered; do table+=(bulkhead/udp64-$load); done
table+=(bulkhead/mixed kernel/kernel-mixed kernel/kernel-mixed-in-order)
for load in 1 1024 65536 new drop1 new-10 new-10000; do table+=(bulkhead-slow/udp64-$load); done

install build bench
cmake --preset release >/dev/null
tools=build/release/bin empty_chain=build/release/bench/empty-chain
if [ -n "$bin" ]; then
  empty_chain=$bin/../bench/empty-chain
  cmake --build --preset release --target make-capture >/dev/null
else
  bin=$tools
  cmake --build --preset release --target bulkhead bulkhead-holder bulkhead-keeper bulkhead-pktio bulkhead-conntrack bulkhead-rules \
    bulkhead-nat make-capture bench-empty-chain journal-cost-with journal-cost-without >/dev/null
fi

work=$(mktemp -d)
rows=$work/rows
: >"$rows"
trap 'kernel_down; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

print_head
without_kernel=$(kernel_possible)
for row in "${table[@]}"; do
  wanted "$row" || continue
  if [ "${row%/*}" = kernel ] && [ -n "$without_kernel" ]; then
    skip "${row%/*}" "${row#*/}" "$without_kernel"
  else
    measure "${row%/*}" "${row#*/}"
  fi
done
print_shares

for flows in known new; do
  if wanted "journal-cost/$flows" && [ -x "$bin/journal-cost-with" ]; then
    for _ in $(seq "$runs"); do
      echo "$("$bin/journal-cost-with" $flows 256) $("$bin/journal-cost-without" $flows 256)"
    done | jq -R -s -r --arg flows "$flows" '
      def median: sort | .[length / 2 | floor];
      split("\n") | map(select(length > 0) | split(" ") | map(tonumber)) |
      "journal and commit, \($flows) flows, ns a packet of conntrack (both visits), median of \(length) pairs: \(map(.[0]) | median) with the journal, " +
      "\(map(.[1]) | median) without, ratio \(map(.[0] / .[1]) | median * 100 | round / 100)"'
  fi
done

[ -z "$json" ] || jq -s . "$rows" >"$json"
