#!/bin/bash
# tests/replay/user_test.sh BIN: `bulkhead` as somebody meets it who types: what is wrong is named, help helps, folders are one
# run's at a time, a summary adds up, and what could not be written is an error.
set -uo pipefail

bin=$1
bulkhead=$bin/bulkhead
work=$(mktemp -d)
running=
trap '[ -z "$running" ] || kill -9 "$running" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0
wrong() { echo "WRONG $*" >&2; failed=1; }

# says STATUS TEXT WORDS...: ends so, and says so on standard error.
says() {
  local status=$1 text=$2
  shift 2
  "$bulkhead" "$@" >out.txt 2>err.txt
  local got=$?
  [ $got = "$status" ] || wrong "bulkhead $*: exit status $got, not $status: $(cat err.txt)"
  grep -qF -- "$text" err.txt || wrong "bulkhead $*: does not say '$text': $(cat err.txt)"
}

"$bin/make-capture" sample . || exit 1
two=(--in lan=lan.pcap --in wan=wan.pcap)

# --- what is wrong is named ---
says 1 "no command 'repaly'; did you mean 'replay'?" repaly
says 1 "no command 'frobnicate'" frobnicate
says 1 "no option '--foo'" --foo
says 1 "a command is missing"
says 1 "no option '--otu'; did you mean '--out'?" replay "${two[@]}" --otu results
says 1 "no option '--flow'; did you mean '--flows'?" replay "${two[@]}" --out results --flow=5
says 1 "'stray' is one word too many" replay "${two[@]}" --out results stray
says 1 "--in is required" replay --out results
says 1 "--out is required" replay "${two[@]}"
says 1 "--packet is required" explain "${two[@]}"
says 1 "--batch" replay "${two[@]}" --out results --batch many
says 1 "--fast-lane" replay "${two[@]}" --out results --fast-lane perhaps
says 1 "--out" replay "${two[@]}" --out
says 1 "no option '--jsn'; did you mean '--json'?" status --jsn
says 1 "no option '--offlin'; did you mean '--offline'?" nft --offlin list ruleset
[ ! -e results ] || wrong "a command that was refused made its folder"

# --- help and version ---
"$bulkhead" --version >out.txt || wrong "--version ends badly"
grep -qE '^bulkhead [0-9]+\.[0-9]+' out.txt || wrong "--version: $(cat out.txt)"
for command in "" replay explain status stop nft; do
  # shellcheck disable=SC2086
  "$bulkhead" $command --help >out.txt || wrong "$command --help ends badly"
  grep -q '^Example' out.txt && grep -q '^Exit status' out.txt || wrong "$command --help has no example or no exit statuses"
done
"$bulkhead" replay --help >out.txt
[ "$(grep -n -- '--out ' out.txt | head -n 1 | cut -d: -f1)" -lt "$(grep -n -- '--batch' out.txt | head -n 1 | cut -d: -f1)" ] || wrong "help begins with knobs"
for file in NAME.pcap drops.pcap local.pcap ruleset.nft verdicts.jsonl conntrack.txt; do grep -qF "$file" out.txt || wrong "help names no $file"; done

# --- a folder that is used again ---
printf 'table ip t {\n\tchain c {\n\t\ttype filter hook forward priority 0; policy accept;\n\t}\n}\n' >rules.nft
"$bulkhead" replay --in left=lan.pcap --in right=wan.pcap --rules rules.nft --out again >/dev/null || wrong "the first run into a folder"
for file in left.pcap right.pcap ruleset.nft; do [ -e "again/$file" ] || wrong "no $file"; done
echo mine >again/notes.txt
cp lan.pcap again/mine.pcap
cp lan.pcap theirs.pcap && mv theirs.pcap again/right.pcap  # no longer what the run left
"$bulkhead" replay "${two[@]}" --out again >/dev/null || wrong "the second run into a folder"
for file in left.pcap ruleset.nft; do [ ! -e "again/$file" ] || wrong "$file of the run before is still there"; done
for file in notes.txt mine.pcap right.pcap lan.pcap wan.pcap conntrack.txt; do [ -e "again/$file" ] || wrong "$file is gone"; done
says 1 "again/lan.pcap would overwrite the input" replay --in lan=again/lan.pcap --in wan=wan.pcap --out again
"$bulkhead" replay --in a=again/lan.pcap --in b=again/wan.pcap --out again >/dev/null || wrong "what a run left can be read by the next"
[ -e again/lan.pcap ] || wrong "an input was removed"

# --- one run at a time ---
"$bin/make-capture" mixed --packets 20000 many >/dev/null || wrong "make-capture mixed"
"$bulkhead" replay --in lan=many/lan.pcap --in wan=many/wan.pcap --out shared --pps 2000 >first.txt 2>&1 &
running=$!
until [ -s shared/verdicts.jsonl ] || ! kill -0 $running 2>/dev/null; do sleep 0.02; done
says 1 "shared: another run is writing into this output folder" replay "${two[@]}" --out shared
kill -INT $running
wait $running
[ $? = 130 ] || wrong "the first run: $(cat first.txt)"
running=
number() { sed -nE "s/^$1 +([0-9,]+).*/\1/p" first.txt | tr -d ,; }
packets=$(number packets) accepted=$(number accepted) dropped=$(number dropped) flight=$(number "in flight") flows=$(number flows)
[ "$packets" = $((accepted + dropped + ${flight:-0})) ] || wrong "the summary does not add up: $(cat first.txt)"
[ "$(wc -l <shared/verdicts.jsonl)" = $((accepted + dropped)) ] || wrong "$(wc -l <shared/verdicts.jsonl) verdicts: $(cat first.txt)"
[ "$(wc -l <shared/conntrack.txt)" = "$flows" ] || wrong "$(wc -l <shared/conntrack.txt) flows: $(cat first.txt)"
"$bulkhead" replay "${two[@]}" --out shared >first.txt || wrong "the folder is free again"
[ "$(wc -l <shared/conntrack.txt)" = "$(number flows)" ] || wrong "$(wc -l <shared/conntrack.txt) flows: $(cat first.txt)"

# --- explain reads no further than it must ---
SECONDS=0
"$bulkhead" explain --packet lan:5 --in lan=many/lan.pcap --in wan=many/wan.pcap --pps 300 >out.txt 2>&1 || wrong "explain: $(cat out.txt)"
[ $SECONDS -lt 30 ] || wrong "explain read 20,000 packets for the fifth: $SECONDS s"
grep -q '^verdict' out.txt || wrong "explain: $(cat out.txt)"

# --- what cannot be written ---
for words in "--version" "replay --help" "replay --in lan=lan.pcap --in wan=wan.pcap --out full" "nft --offline -f rules.nft list ruleset" \
  "explain --packet lan:1 --in lan=lan.pcap --in wan=wan.pcap"; do
  # shellcheck disable=SC2086
  "$bulkhead" $words >/dev/full 2>err.txt
  [ $? = 1 ] || wrong "$words > /dev/full is no error"
  grep -q 'standard output: No space left on device' err.txt || wrong "$words > /dev/full: $(cat err.txt)"
  # shellcheck disable=SC2086
  "$bulkhead" $words >&- 2>err.txt
  [ $? = 1 ] || wrong "$words >&- is no error"
done

# --- a limit that every keeper runs into ---
(
  ulimit -f 20
  exec "$bulkhead" replay "${two[@]}" --out limited
) >out.txt 2>err.txt &
running=$!
for _ in $(seq 1200); do kill -0 $running 2>/dev/null || break; sleep 0.1; done
kill -0 $running 2>/dev/null && wrong "a keeper that a limit kills is started for ever"
wait $running
[ $? = 1 ] || wrong "a keeper that a limit kills: exit status"
running=
grep -q 'SIGXFSZ' err.txt || wrong "the signal is not named: $(tail -n 3 err.txt)"

[ $failed = 0 ] && echo "all as it should be"
exit $failed
