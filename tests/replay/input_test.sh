#!/bin/bash
# tests/replay/input_test.sh BIN: a capture from standard input, or gzip'd, gives what the file itself gives, also where pktio is killed
# amid it: who comes after reads again what nobody can send again.
set -euo pipefail

bin=$1
bulkhead=$bin/bulkhead
work=$(mktemp -d)
trap '[ ! -d "$work/run" ] || "$bulkhead" stop --run "$work/run" >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
cd "$work"
failed=0
wrong() { echo "WRONG $*" >&2; failed=1; }

"$bin/make-capture" sample .
"$bin/make-capture" udp64 --packets 300000 many.pcap >/dev/null
gzip -k many.pcap
other=(--in wan=wan.pcap)
same() {  # WHAT
  for file in lan.pcap wan.pcap drops.pcap conntrack.txt; do
    cmp "file/$file" "$1/$file" || wrong "$1: $file is another one"
  done
}

"$bulkhead" replay --in lan=many.pcap "${other[@]}" --out file >/dev/null
"$bulkhead" replay --in lan=many.pcap.gz "${other[@]}" --out gzip >/dev/null
same gzip
"$bulkhead" replay --in lan=- "${other[@]}" --out stdin <many.pcap >/dev/null
same stdin
tail -c +1 many.pcap | "$bulkhead" replay --in lan=- "${other[@]}" --out pipe >/dev/null
same pipe
tail -c +1 many.pcap.gz | "$bulkhead" replay --in lan=- "${other[@]}" --out both >/dev/null
same both

# Of the run in $work/run: FIELD of pktio.
of_pktio() { "$bulkhead" status --run "$work/run" --json 2>/dev/null | jq -r ".services[] | select(.name == \"pktio\") | .$1" 2>/dev/null; }
packets() { "$bulkhead" status --run "$work/run" --json 2>/dev/null | jq -r '.progress.packets // 0' 2>/dev/null || echo 0; }

for input in many.pcap many.pcap.gz; do
  tail -c +1 $input | "$bulkhead" replay --in lan=- "${other[@]}" --out killed --pps 100000 --run "$work/run" >/dev/null 2>&1 &
  runs=$!
  killed=0 last=0
  while kill -0 $runs 2>/dev/null; do
    now=$(packets) pid=$(of_pktio pid || true)
    if [ "${now:-0}" -gt "$last" ] && [ -n "$pid" ] && [ $killed -lt 3 ]; then
      kill -9 "$pid" 2>/dev/null && killed=$((killed + 1)) last=$now
    fi
  done
  wait $runs || wrong "$input: it did not end well"
  [ $killed -gt 0 ] || wrong "$input: nobody was killed"
  same killed
done
exit $failed
