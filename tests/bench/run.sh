#!/bin/bash
# Measures, in one run, on this machine.
#
#   tests/bench/run.sh replay [--json FILE] [--runs N] [--packets N]
#
# replay   64-byte UDP packets of 1, 1,024, 65,536 flows and of a new flow each, through the real processes, without
#          verdicts.jsonl; beside them the empty chain: the same processes, rings, commits, with packets made in memory,
#          no files and no tracking. bulkhead is a router with a stateful ruleset and masquerade (home.nft); bulkhead-slow the
#          same without the fast lane, every packet through the chain; bulkhead-bridge tracks and has no rules, without the fast
#          lane too. udp64-drop1: one of 1,024 flows is blocked; udp64-new-N: N more rules that no packet matches. Packets a second are the median of N runs, from the first packet taken in to
#          the last byte written; system calls are counted in a run of their own (perf, root), since counting costs.
set -euo pipefail
cd "$(dirname "$0")/../.."
. deploy/install.sh
install build bench

runs=5 packets=3000000 json=
[ "${1:-}" = replay ] || { sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2; }
shift
while [ $# -gt 0 ]; do
  case $1 in
    --json) json=$2; shift 2 ;;
    --runs) runs=$2; shift 2 ;;
    --packets) packets=$2; shift 2 ;;
    *) echo "what is $1?" >&2; exit 2 ;;
  esac
done

cmake --preset release >/dev/null
cmake --build --preset release --target bulkhead bulkhead-holder bulkhead-keeper bulkhead-pktio bulkhead-conntrack bulkhead-rules \
  bulkhead-nat make-capture bench-empty-chain journal-cost-with journal-cost-without >/dev/null
bin=build/release/bin
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rows=$work/rows

loads=(udp64-1 udp64-1024 udp64-65536 udp64-new)
for load in "${loads[@]}"; do
  flows=${load#udp64-} gap=1000
  # A new flow each: a millisecond apart, so that those of the last 30 seconds live and the table does not fill up.
  if [ "$flows" = new ]; then flows=0 gap=1000000; fi
  "$bin/make-capture" udp64 --flows "$flows" --packets "$packets" --gap-ns "$gap" "$work/$load.pcap"
done

for load in udp64-1024 udp64-drop1; do
  { if [ $load = udp64-drop1 ]; then echo "define blocked = 1024"; else echo "define blocked = 1"; fi; cat tests/bench/home.nft; } >"$work/$load.nft"
done
for load in udp64-1 udp64-65536 udp64-new; do ln -s udp64-1024.nft "$work/$load.nft"; done
ln -s udp64-1024.pcap "$work/udp64-drop1.pcap"
for rules in 10 10000; do
  awk -v rules=$rules 'BEGIN { for (i = 0; i < rules; ++i) {
    host = int(i / 65536) % 256 "." int(i / 256) % 256 "." i % 256
    if (i % 3 == 0) print "ip saddr 172." host " udp dport " i % 1000 " counter drop"
    if (i % 3 == 1) print "ip daddr 192." host "/" 24 + i % 9 " counter accept"
    if (i % 3 == 2) print "tcp dport " i " ip saddr 10.0.0.0/8 counter drop" } }' >"$work/more"
  sed "/ct state invalid drop/r $work/more" "$work/udp64-1024.nft" >"$work/udp64-new-$rules.nft"
  ln -s udp64-new.pcap "$work/udp64-new-$rules.pcap"
done

# command SYSTEM LOAD: the words that run it; its figures go to stdout (empty-chain) or $work/figures
command() {
  if [ "$1" = empty-chain ]; then
    echo "build/release/bench/empty-chain --packets $packets"
  else
    local lane=on as=
    if [ "$1" != bulkhead ]; then lane=off; fi
    if [ "$1" != bulkhead-bridge ]; then as="--addr lan=10.0.0.254/8 --addr out=198.51.100.254/24 --rules $work/$2.nft"; fi
    echo "$bin/bulkhead replay --in lan=$work/$2.pcap --out $work/out --no-verdicts --figures $work/figures --fast-lane $lane $as"
  fi
}

system_calls() {  # of a command, a thousand packets
  if ! perf stat -x, -e raw_syscalls:sys_enter -o "$work/perf" -- "$@" >/dev/null 2>&1; then echo null; return; fi
  awk -F, -v packets="$packets" '/sys_enter/ { if ($1 + 0 > 0) printf "%.2f", $1 * 1000 / packets; else printf "null" }' "$work/perf"
}

measure() {  # SYSTEM LOAD
  local each=$work/each calls
  : >"$each"
  for _ in $(seq "$runs"); do
    $(command "$1" "$2") >"$work/said"
    if [ "$1" = empty-chain ]; then cat "$work/said"; else cat "$work/figures"; fi >>"$each"
  done
  calls=$(system_calls $(command "$1" "$2"))
  jq -s -c --arg system "$1" --arg load "$2" --argjson calls "${calls:-null}" '
    def median: sort | .[length / 2 | floor];
    { system: $system, load: $load, pps: (map(.pps) | median | floor),
      pps_min: (map(.pps) | min | floor), pps_max: (map(.pps) | max | floor),
      cpu_ns_per_packet: (map(.cpu_ns_per_packet) | median | round),
      services: (.[0].services | keys | map(. as $name | {key: $name, value: null}) | from_entries),
      context_switches_per_1000: (map(.context_switches_per_1000) | median | . * 100 | round / 100),
      system_calls_per_1000: $calls,
      peak_kib: (map([.services[].peak_kib] | add) | max) } as $row
    | [.[].services] as $all
    | $row | .services = (.services | with_entries(.key as $name |
        .value = ([$all[][$name].cpu_ns_per_packet] | median | round)))' "$each" | tee -a "$rows" |
    jq -r '[.system, .load, .pps, .cpu_ns_per_packet,
      (.services | "\(.pktio)/\(.conntrack)/\(.rules)/\(.nat)"),
      .context_switches_per_1000, .system_calls_per_1000, (.peak_kib / 1024 | floor)] | @tsv' |
    awk -F'\t' '{ printf "%-15s %-15s %10d %8d  %-18s %9s %9s %7s\n", $1, $2, $3, $4, $5, $6, $7, $8 }'
}

echo "$(nproc) cores, $(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo), kernel $(uname -r); $packets packets, median of $runs runs"
printf '%-15s %-15s %10s %8s  %-18s %9s %9s %7s\n' system load packets/s CPU-ns/p pktio/ct/rules/nat switches calls MiB
printf '%-15s %-15s %10s %8s  %-18s %9s %9s %7s\n' '' '' '' all 'ns a packet' '/1000 p' '/1000 p' peak
measure empty-chain udp64-1024
for load in "${loads[@]}"; do measure bulkhead-bridge "$load"; done
for load in "${loads[@]}" udp64-drop1; do measure bulkhead "$load"; done
for load in "${loads[@]}" udp64-drop1 udp64-new-10 udp64-new-10000; do measure bulkhead-slow "$load"; done

echo
echo "journal and commit, ns a packet of conntrack (both visits), with and without the journal, median of $runs pairs:"
for flows in known new; do
  for _ in $(seq "$runs"); do
    echo "$("$bin/journal-cost-with" $flows 256) $("$bin/journal-cost-without" $flows 256)"
  done | jq -R -s -r --arg flows "$flows" '
    def median: sort | .[length / 2 | floor];
    split("\n") | map(select(length > 0) | split(" ") | map(tonumber)) |
    "  \($flows) flows: \(map(.[0]) | median) with, \(map(.[1]) | median) without, ratio \(map(.[0] / .[1]) | median * 100 | round / 100)"'
done

[ -z "$json" ] || jq -s . "$rows" >"$json"
