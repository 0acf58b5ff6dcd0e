#!/bin/bash
# tests/replay/explain_test.sh BIN: `bulkhead explain` of packets of the sample says what their replay says of them, names the
# rule that decided by its line, and the same at every batch size. Exit 77: jq is not installed (skipped).
set -euo pipefail

bin=$1 here=$(cd "$(dirname "$0")/../.." && pwd)
command -v jq >/dev/null || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
wrong() { echo "$*" >&2; failed=1; }

"$bin/make-capture" sample "$work"
rules=$here/deploy/sample/home.nft
replay=(--in lan="$work/lan.pcap" --in wan="$work/wan.pcap" --config "$here/deploy/sample/router.toml" --rules "$rules")
"$bin/bulkhead" replay "${replay[@]}" --out "$work/out" >"$work/summary"

# One packet for each rule that decided, each reason, each translation.
jq -r -s 'unique_by([.verdict, .reason, .rule.handle, (.rule | tostring), (.nat | type)])[] | [.in, .n, .verdict, .reason // "-", .rule.handle // 0, .rule.chain // "-"] | @tsv' \
  "$work/out/verdicts.jsonl" >"$work/packets"
[ "$(wc -l <"$work/packets")" -ge 12 ] || wrong "only $(wc -l <"$work/packets") kinds of packets"

while IFS=$'\t' read -r in n verdict reason handle chain; do
  "$bin/bulkhead" explain --packet "$in:$n" "${replay[@]}" >"$work/said"
  tail -n 1 "$work/said" | grep -q "^verdict $verdict" || wrong "$in:$n: want verdict $verdict: $(tail -n 1 "$work/said")"
  [ "$reason" = - ] || tail -n 1 "$work/said" | grep -q "($reason)" || wrong "$in:$n: want reason $reason"
  if [ "$reason" = policy ]; then grep -q 'policy drop' "$work/said" || wrong "$in:$n: no policy in the walk"; fi
  [ "$handle" != 0 ] || continue
  # The last rule that matched in the deciding chain is the one, and stands where its line says.
  last=$(grep -E '^    yes ' "$work/said" | tail -n 1)
  line=$(sed -E 's/^    yes +line +([0-9]+) .*/\1/' <<<"$last")
  text=$(sed -E 's/^    yes +line +[0-9]+ +//' <<<"$last")
  sed -n "${line}p" "$rules" | grep -qF "${text%% *}" || wrong "$in:$n: line $line of $rules is not '$text'"
  grep -q "^  chain [a-z0-9]* [a-z]* $chain" "$work/said" || wrong "$in:$n: chain $chain is not in the walk"
done <"$work/packets"

for batch in 1 256; do "$bin/bulkhead" explain --packet wan:20 --batch $batch "${replay[@]}" >"$work/batch-$batch"; done
cmp "$work/batch-1" "$work/batch-256" || wrong "another walk at another batch size"
grep -q 'yes  line' "$work/batch-1" || wrong "nothing matched packet wan:20: $(cat "$work/batch-1")"

for packet in wan:100000 eth9:1 wan:0 wan; do
  if "$bin/bulkhead" explain --packet "$packet" "${replay[@]}" >"$work/said" 2>"$work/why"; then wrong "$packet was explained"; fi
  grep -q "^bulkhead: $packet: " "$work/why" || wrong "$packet: no reason was given: $(cat "$work/why")"
done
exit $failed
