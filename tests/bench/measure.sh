# tests/bench/measure.sh: runs a system under a load and makes its row. Sourced.
#
#   measure SYSTEM LOAD       a line of the table on stdout, and of JSON in $rows
#   skip SYSTEM LOAD WHY      the same for one that cannot be measured here
#   print_head, print_shares  above the table; below it, of the loads of real conversations, what became of the packets
#
# Needs    $runs, $rows, $work; loads.sh, kernel.sh.

system_calls() {  # of `words`, a thousand packets of LOAD
  if ! perf stat -x, -e raw_syscalls:sys_enter -o "$work/perf" -- "${words[@]}" >/dev/null 2>&1; then echo null; return; fi
  awk -F, -v packets="$(packets_of "$1")" '/sys_enter/ { if ($1 + 0 > 0) printf "%.2f", $1 * 1000 / packets; else printf "null" }' "$work/perf"
}

run_once() {  # SYSTEM LOAD: a line of JSON
  local accepted
  if [ "$1" = kernel ]; then
    kernel_run "$2" "$work/$2.nft" "$work/mixed/lan.pcap" "$work/mixed/wan.pcap"
    return
  fi
  "${words[@]}" >"$work/said"
  if [ "$1" = empty-chain ]; then cat "$work/said"; return; fi
  accepted=$(awk '$1 == "accepted" { gsub(",", ""); print $2 }' "$work/said")
  jq -c --argjson packets "$(packets_of "$2")" --argjson forwarded "${accepted:-null}" '. + { $packets, $forwarded }' "$work/figures"
}

measure() {
  local each=$work/each calls=null
  make_load "$2"
  words_of "$1" "$2"
  : >"$each"
  for _ in $(seq "$runs"); do run_once "$1" "$2" >>"$each"; done
  if [ "$1" != kernel ]; then calls=$(system_calls "$2"); fi
  jq -s -c --arg system "$1" --arg load "$2" --argjson calls "${calls:-null}" '
    def median: sort | .[length / 2 | floor];
    def hundredths: if . == null then . else . * 100 | round / 100 end;
    [.[].services | values] as $all |
    { system: $system, load: $load, pps: (map(.pps) | median | floor),
      pps_min: (map(.pps) | min | floor), pps_max: (map(.pps) | max | floor),
      cpu_ns_per_packet: (map(.cpu_ns_per_packet) | median | round),
      services: ($all[0] // {} | with_entries(.key as $name | .value = ([$all[][$name].cpu_ns_per_packet] | median | round))),
      context_switches_per_1000: (map(.context_switches_per_1000) | median | hundredths),
      system_calls_per_1000: $calls,
      peak_kib: ($all | map([.[].peak_kib] | add) | max) }
    + (map({ packets, sent, dropped, forwarded }) | sort_by(.forwarded) | .[length / 2 | floor] | with_entries(select(.value != null)))' "$each" |
    tee -a "$rows" | print_row
}

skip() {
  jq -n -c --arg system "$1" --arg load "$2" --arg why "$3" '{ system: $system, load: $load, skipped: $why }' >>"$rows"
  printf '%-15s %-20s skipped: %s\n' "$1" "$2" "$3"
}

print_head() {
  echo "$(nproc) cores, $(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo), kernel $(uname -r); $packets packets, median of $runs runs"
  printf '%-15s %-20s %10s %8s  %-18s %9s %9s %7s\n' system load packets/s CPU-ns/p pktio/ct/rules/nat switches calls MiB
  printf '%-15s %-20s %10s %8s  %-18s %9s %9s %7s\n' '' '' '' all 'ns a packet' '/1000 p' '/1000 p' peak
}

print_row() {
  jq -r '[.system, .load, .pps, .cpu_ns_per_packet,
    (.services | if . == {} then "-" else "\(.pktio)/\(.conntrack)/\(.rules)/\(.nat)" end),
    (.context_switches_per_1000, .system_calls_per_1000 | . // "-"), (.peak_kib | if . then . / 1024 | floor else "-" end)] | @tsv' |
    awk -F'\t' '{ printf "%-15s %-20s %10d %8d  %-18s %9s %9s %7s\n", $1, $2, $3, $4, $5, $6, $7, $8 }'
}

print_shares() {
  jq -s -r 'map(select(.load | endswith("mixed") or endswith("mixed-in-order")) | select(.skipped | not)) | select(length > 0) |
    "\nof the packets of mixed:", (.[] |
      "  \(.system) \(.load): \(.forwarded) forwarded of \(.packets) taken in" + if .sent then
        " of \(.sent) sent, \(.dropped) dropped before" else "" end)' "$rows"
}
