#!/bin/bash
# tests/replay/carried_out_test.sh BIN: of what `bulkhead nft -c` accepts without a word a replay carries out every rule (carried_out/);
# what it refuses (refused/) a replay refuses too, with the same words; of what it does not carry out yet (not_yet/) both name the same lines, nft -c as warnings and the replay as errors.
set -euo pipefail

bin=$1 here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
wrong() { echo "$*" >&2; failed=1; }

"$bin/make-capture" sample "$work"
replay() {  # RULESET
  "$bin/bulkhead" replay --in lan="$work/lan.pcap" --in wan="$work/wan.pcap" --config "$here/../../deploy/sample/router.toml" \
    --rules "$1" --out "$work/out" >"$work/summary" 2>"$work/errors"
}
places() { grep -oE '^[^ ]+\.nft:[0-9]+:[0-9-]+' "$1" | sort -u; }

for rules in "$here"/carried_out/*.nft; do
  name=$(basename "$rules")
  "$bin/bulkhead" nft -c -f "$rules" >"$work/said" 2>&1 || wrong "$name: nft -c refuses it"
  [ ! -s "$work/said" ] || wrong "$name: nft -c says: $(cat "$work/said")"
  replay "$rules" || wrong "$name: a replay refuses it: $(cat "$work/errors")"
  # What is listed at the end is a ruleset again.
  "$bin/bulkhead" nft -c -f "$work/out/ruleset.nft" >"$work/said" 2>&1 || wrong "$name: as it is listed: $(cat "$work/said")"
done

for rules in "$here"/not_yet/*.nft; do
  name=$(basename "$rules")
  "$bin/bulkhead" nft -c -f "$rules" >"$work/said" 2>"$work/warnings" || wrong "$name: nft -c refuses it"
  grep -q ': Warning: .*not supported yet' "$work/warnings" || wrong "$name: no warning: $(cat "$work/warnings")"
  if replay "$rules"; then wrong "$name: a replay does not refuse it"; fi
  cmp <(places "$work/warnings") <(sed 's/^bulkhead: //' "$work/errors" >"$work/plain" && places "$work/plain") || wrong "$name: other lines: $(cat "$work/errors")"
done
[ "$(grep -c Warning: "$work/warnings")" = 2 ] || wrong "several.nft: want two warnings: $(cat "$work/warnings")"

for rules in "$here"/refused/*.nft; do
  name=$(basename "$rules")
  if "$bin/bulkhead" nft -c -f "$rules" >"$work/said" 2>&1; then wrong "$name: nft -c takes it"; fi
  if replay "$rules"; then wrong "$name: a replay takes it"; fi
  diff -B "$work/said" <(sed 's/^bulkhead: //' "$work/errors") >/dev/null || wrong "$name: other words: $(cat "$work/errors")"
done

# Whom nobody asks: said, and counted.
replay "$here/carried_out/queues.nft"
[ "$(grep -c '^note .*queues.nft:[4-7]: queue: nobody listens' "$work/summary")" = 4 ] || wrong "queues: $(cat "$work/summary")"
cat >"$work/all.nft" <<'END'
table inet t {
	chain f {
		type filter hook forward priority filter; policy accept;
		meta l4proto tcp queue
	}
}
END
replay "$work/all.nft"
grep -q '^dropped .*no_listener [1-9]' "$work/summary" || wrong "no packet is counted: $(cat "$work/summary")"

# What leaves besides, and instead: counted, and told of the packet.
replay "$here/carried_out/copies.nft"
grep -qx 'forwarded [1-9][0-9]* (of these, by fwd)' "$work/summary" || wrong "nothing is forwarded: $(cat "$work/summary")"
grep -qx 'copies    [1-9][0-9]* (by dup)' "$work/summary" || wrong "nothing is copied: $(cat "$work/summary")"
packet=$(sed -n 's/^{"n":\([0-9]*\),"in":"lan",.*"verdict":"forward","out":"wan","rule":{"family":"netdev".*/\1/p' "$work/out/verdicts.jsonl" | head -1)
grep -q '"verdict":"forward"' "$work/out/verdicts.jsonl" && [ -n "$packet" ] || wrong "no line tells of fwd"
exit $failed
