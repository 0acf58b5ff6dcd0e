#!/bin/bash
#!/bin/bash
# Rulesets through the kernel's nftables as a router, and through ours: what leaves, counters, the flow table at the end.
#
#   tests/differential/rulesets_test.sh BIN written [NAME...]     rulesets/*.nft, or those named
#   tests/differential/rulesets_test.sh BIN generated FIRST COUNT rulesets that make-ruleset makes of these seeds
#
# A ruleset bridge* meets a bridge between lan and wan; with edges* other frames than IP come too; for *untracked* nothing tracks but the
# ruleset, and flows are not compared.
#
# Limits of ICMP errors are off on both sides, but for rulesets answer_limits*, which are about them.
#
# BIN: the folder of the built programs. KEEP=DIR keeps the runs that differ. Exit 77: not possible here.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/kernel_lab.sh"
bin=$1 kind=$2
shift 2; names=("$@")

missing=$(lab_possible)
if [ -n "$missing" ]; then echo "skipped: $missing"; exit 77; fi

lab=bulkhead-rules-$$
work=$(mktemp -d)
trap 'lab_down $lab; rm -rf "$work"' EXIT

# errexit is off where a function's status is asked for, so each command has its &&.
run() {  # RULESET; 3: a busy machine held it up
  lab_up "$lab" && "lab_$wiring" "$lab" && lab_silent "$lab" $tracking && { [ $limited = yes ] || lab_unlimited "$lab"; } &&
    ip netns exec "$lab-fw" nft -f "$1" &&
    ip netns exec "$lab-wire" "$bin/run-kernel" "$work/cases" "$work/kernel" $pace
}

kernel() {  # RULESET
  local try status=3
  for ((try = 0; try < 20 && status == 3; ++try)); do
    lab_down "$lab"
    status=0
    run "$1" || status=$?
  done
  [ $status = 0 ] && lab_flows "$lab" >"$work/kernel/conntrack.txt" &&
    lab_listing "$lab" >"$work/kernel/ruleset.nft" &&
    lab_down "$lab"
}

ours() {  # RULESET
  local in=() sides=(lan wan)
  if [ $wiring = router ]; then sides+=(dmz) in+=(--config "$here/topology.toml"); fi
  for side in "${sides[@]}"; do in+=(--in "$side=$work/kernel/sent/$side.pcap"); done
  if [ $limited = no ]; then in+=(--unlimited-answers); fi
  "$bin/bulkhead" replay "${in[@]}" --rules "$1" --flows 4096 --ring 16 --batch 4 --out "$work/ours" >/dev/null &&  # few in the chain: some go by the fast lane
    { [ -z "$tracking" ] || : >"$work/ours/conntrack.txt"; }
}

compared=0 failed=0
compare() {  # NAME RULESET SEED
  local begin=$SECONDS
  rm -rf "$work/cases" "$work/kernel" "$work/ours"
  mkdir "$work/kernel"
  local cuts=() limited=no pace=timed wiring=router tracking=
  case $1 in
    bridge*) wiring=bridge cuts=(frames) ;;
    edges*) cuts=(frames) ;;
    *untracked*) tracking=untracked cuts=(fragments) ;;
    fragments_nat*) cuts=(fragments-of-clients) ;;
    fragments* | *-cut) cuts=(fragments) ;;
    answer_limits*) limited=yes ;;
    counts*) pace=paced ;;
    odd*) cuts=(odd) ;;
  esac
  if "$bin/make-packets" "$2" "$3" "$work/cases" "${cuts[@]}" && { [ $wiring = router ] || rm "$work/cases/dmz.pcap"; } && kernel "$2" && ours "$2" &&
    "$bin/compare-kernel" ruleset "$work/kernel" "$work/ours" $((SECONDS - begin + 1)) >"$work/said" 2>&1; then
    compared=$((compared + 1)); cp $work/ours/ruleset.nft /tmp/duptmp/$1-$3.listing
    echo "$1: $(tr '\n' ' ' <"$work/said")"
    return
  fi
  lab_down "$lab"
  failed=$((failed + 1))
  echo "FAILED $1, packets of seed $3"
  cat "$work/said" 2>/dev/null || true
  if [ -n "${KEEP:-}" ]; then
    rm -rf "${KEEP:?}/$1"
    mkdir -p "$KEEP/$1"
    cp "$2" "$KEEP/$1/ruleset.nft"
    cp -r "$work"/[!r]* "$KEEP/$1"
  fi
}

written() {  # NAME...
  local names=("$@") name seed
  if [ $# = 0 ]; then names=("$here"/rulesets/*.nft); fi
  for name in "${names[@]}"; do
    name=$(basename "$name" .nft)
    seed=$(($(cksum <<<"$name" | cut -d ' ' -f 1) % 100000))  # its own, whatever other rulesets there are
    compare "$name" "$here/rulesets/$name.nft" $seed
  done
}

generated() {  # FIRST COUNT
  local seed
  for ((seed = $1; seed < $1 + $2; ++seed)); do
    "$bin/make-ruleset" "$seed" >"$work/ruleset.nft"
    local name=seed-$seed
    if [ $((seed % 5)) = 0 ]; then
      name+=-cut
      printf 'table inet tracking {\n\tchain used_by_nobody {\n\t\tct state new counter\n\t}\n}\n' >>"$work/ruleset.nft"  # as the lab does
    fi
    compare "$name" "$work/ruleset.nft" "$seed"
  done
}

for seed in 1 2 3 4 5 6 7; do for name in "${names[@]}"; do compare $name $here/rulesets/$name.nft $seed; done; done
echo "$compared same, $failed differ"
