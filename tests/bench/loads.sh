# tests/bench/loads.sh: the loads of run.sh: their captures, rulesets and the words that run them. Sourced.
#
#   make_load LOAD            makes what is not there of its captures and its ruleset, in $work
#   packets_of LOAD
#   words_of SYSTEM LOAD      sets `words`: the command. Its figures go to stdout (empty-chain) or $work/figures
#
# Needs    $bin, $tools, $work, $packets, $mixed_packets.

capture_of() {
  case $1 in
    udp64-drop1) echo udp64-1024 ;;
    udp64-new* | udp64-choices | udp64-scan | udp64-scan-reject) echo udp64-new ;;
    kernel-*) echo mixed ;;
    *) echo "$1" ;;
  esac
}

packets_of() { if [ "$(capture_of "$1")" = mixed ]; then echo "$mixed_packets"; else echo "$packets"; fi; }

make_capture() {  # CAPTURE
  case $1 in
    mixed) "$tools/make-capture" mixed --packets "$mixed_packets" "$work/mixed" ;;
    # A millisecond apart, so that flows of the last 30 seconds live and the table does not fill up.
    udp64-new) make_udp64 "$1" --flows 0 --gap-ns 1000000 ;;
    udp64-scan-answered) make_udp64 "$1" --flows 0 --ports 1 --gap-ns 1000000 ;;
    udp64-blocked-*) make_udp64 "$1" --flows 1024 --blocked-percent "${1##*-}" ;;
    *) make_udp64 "$1" --flows "${1#udp64-}" ;;
  esac
}

make_udp64() {  # CAPTURE OPTIONS...
  "$tools/make-capture" udp64 "${@:2}" --packets "$packets" "$work/$1.pcap"
}

home() {  # BLOCKED PORT
  echo "define blocked = $1"
  cat tests/bench/home.nft
}

more_rules() {  # COUNT, which no packet matches
  awk -v rules="$1" 'BEGIN { for (i = 0; i < rules; ++i) {
    host = int(i / 65536) % 256 "." int(i / 256) % 256 "." i % 256
    if (i % 3 == 0) print "ip saddr 172." host " udp dport " i % 1000 " counter drop"
    if (i % 3 == 1) print "ip daddr 192." host "/" 24 + i % 9 " counter accept"
    if (i % 3 == 2) print "tcp dport " i " ip saddr 10.0.0.0/8 counter drop" } }'
}

ruleset_of() {  # LOAD
  case $1 in
    *mixed*) cat deploy/sample/home.nft ;;
    udp64-drop1) home 1024 ;;
    udp64-blocked-*) home 2048 ;;  # the flow behind the 1,024
    udp64-new-*)
      more_rules "${1##*-}" >"$work/more"
      home 1 | sed "/ct state invalid drop/r $work/more" ;;
    udp64-choices)
      home 1
      printf '%s\n' 'table inet later {' 'chain late {' 'type filter hook postrouting priority srcnat + 10;' 'udp sport 1024-2000 counter' '}' '}' ;;
    udp64-scan-reject | udp64-scan-answered) home 1 | sed '/^\t\ticmp type/a\\t\treject' ;;
    *) home 1 ;;
  esac
}

make_load() {
  local capture
  capture=$(capture_of "$1")
  [ -e "$work/$capture.pcap" ] || [ -e "$work/$capture" ] || make_capture "$capture"
  ruleset_of "$1" >"$work/$1.nft"
}

words_of() {
  local lane=on capture=$work/$(capture_of "$2").pcap
  if [ "$1" = empty-chain ]; then
    words=("$empty_chain" --packets "$packets")
    return
  fi
  if [ "$1" != bulkhead ]; then lane=off; fi
  words=("$bin/bulkhead" replay --out "$work/out" --no-verdicts --figures "$work/figures" --fast-lane $lane)
  case $2 in
    mixed) words+=(--in "lan=$work/mixed/lan.pcap" --in "wan=$work/mixed/wan.pcap") ;;
    udp64-scan*) words+=(--in "out=$capture") ;;
    *) words+=(--in "lan=$capture") ;;
  esac
  if [ "$1" = bulkhead-bridge ]; then return; fi
  words+=(--rules "$work/$2.nft")
  case $2 in
    mixed) words+=(--addr lan=192.0.2.254/24 --addr lan=2001:db8:1::ffff/64 --addr wan=198.51.100.254/24 --addr wan=2001:db8:2::ffff/64) ;;
    udp64-scan*) words+=(--addr out=10.0.0.254/8 --addr lan=198.51.100.254/24) ;;
    *) words+=(--addr lan=10.0.0.254/8 --addr out=198.51.100.254/24) ;;
  esac
}
