# tests/bench/kernel.sh: the kernel's router with the ruleset of a load, and tcpreplay on both sides of it. Sourced; root.
#
#   kernel_possible                   what is missing, or nothing
#   kernel_run LOAD RULES LAN WAN     a line of JSON. LOAD: kernel-mixed: two tcpreplays at top speed, one a side, so that answers overtake
#                                     questions; kernel-mixed-in-order: one, which sends both captures in the order of time
#   kernel_down                       also where a run was interrupted
#
# World    namespaces of their own, new for each run, which no packet leaves. The MAC addresses of the router are those to which the
#          frames of make-capture mixed go. The wires are NOARP, so that whatever is routed has a neighbour. No limit, time-out or size is set: all are
#          the kernel's own. MTU 9000: the capture has IPv6 segments of 1,508 bytes; bulkhead takes them for what a network card
#          put together and forwards them whole.
# Figures  packets: what the router's interfaces took in. pps: these by the time in which tcpreplay sent, the slower of two; a packet is sent
#          when it has been through the router or waits in the queue before it. CPU: of the whole machine, the sending too. dropped: by the
#          wires or by the router's interfaces for want of room. forwarded: what left by the router's interfaces, a few answers of its own among them.

kernel=bulkhead-bench-$$
kernel_senders=()

kernel_possible() {
  [ "$(id -u)" = 0 ] || { echo "not root"; return; }
  for tool in ip nft sysctl tcpreplay; do
    command -v $tool >/dev/null || { echo "no $tool"; return; }
  done
  ip netns add $kernel-try 2>/dev/null || { echo "no network namespaces"; return; }
  ip netns exec $kernel-try true 2>/dev/null || echo "no entering of network namespaces"
  ip netns del $kernel-try
}

kernel_side() {  # SIDE MAC ADDRESS4 ADDRESS6
  ip -n $kernel-router link add "$1" address "$2" mtu 9000 type veth peer name "$1" mtu 9000 netns $kernel-wire
  ip -n $kernel-wire link set "$1" up arp off
  ip -n $kernel-router -batch - <<END
link set $1 up arp off
addr add $3 dev $1
addr add $4 dev $1 nodad
END
}

kernel_up() {  # RULES
  ip netns add $kernel-router
  ip netns add $kernel-wire
  ip netns exec $kernel-wire sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
  ip netns exec $kernel-router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
    net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
  kernel_side lan 02:00:00:00:00:0b 192.0.2.254/24 2001:db8:1::ffff/64
  kernel_side wan 02:00:00:00:00:0a 198.51.100.254/24 2001:db8:2::ffff/64
  ip netns exec $kernel-router nft -f "$1"
}

kernel_down() {
  local part
  if [ ${#kernel_senders[@]} != 0 ]; then kill "${kernel_senders[@]}" 2>/dev/null || true; fi
  kernel_senders=()
  for part in try router wire; do ip netns del $kernel-$part 2>/dev/null || true; done
}

kernel_counts() {  # received dropped sent, of the router's interfaces together, and the busy ticks of the machine
  local part
  for part in router wire; do ip -n $kernel-$part -s -j link show type veth; done | jq -s -j '
    map(map(.stats64)) as [$router, $wire] | def all(f): map(f) | add;
    "\($router | all(.rx.packets)) \(($router | all(.rx.dropped)) + ($wire | all(.tx.dropped))) \($router | all(.tx.packets)) "'
  awk '/^cpu / { print $2 + $3 + $4 + $7 + $8 }' /proc/stat
}

kernel_send() {  # NAME OPTIONS...
  ip netns exec $kernel-wire tcpreplay --topspeed --no-flow-stats "${@:2}" >"$work/sent.$1" 2>&1 &
  kernel_senders+=($!)
}

kernel_run() {
  local before after sender
  rm -f "$work"/sent.*
  kernel_down
  kernel_up "$2"
  before=$(kernel_counts)
  if [ "$1" = kernel-mixed ]; then
    kernel_send lan --intf1=lan "$3"
    kernel_send wan --intf1=wan "$4"
  else
    kernel_send both --dualfile --intf1=lan --intf2=wan "$3" "$4"
  fi
  for sender in "${kernel_senders[@]}"; do
    wait "$sender" || { cat "$work"/sent.* >&2; return 1; }
  done
  kernel_senders=()
  after=$(kernel_counts)
  kernel_down
  awk -v before="$before" -v after="$after" -v hz="$(getconf CLK_TCK)" '
    /^Actual:/ { sent += $2; for (i = 1; i < NF; ++i) if ($i == "in" && $(i + 1) + 0 > seconds) seconds = $(i + 1) + 0 }
    END { split(before, b); split(after, a); packets = a[1] - b[1]
      printf "{\"pps\":%d,\"sent\":%d,\"packets\":%d,\"dropped\":%d,\"forwarded\":%d,\"cpu_ns_per_packet\":%d}\n",
        packets / seconds, sent, packets, a[2] - b[2], a[3] - b[3], (a[4] - b[4]) * 1e9 / hz / packets }' "$work"/sent.*
}
