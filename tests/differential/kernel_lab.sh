# tests/differential/kernel_lab.sh: the kernel's firewall between wires, in namespaces of its own. Sourced; root.
#
#   lab_up NAME            namespaces NAME-fw (forwards between lan and wan) and NAME-wire (their other ends, lan1 and wan1)
#   lab_router NAME        NAME-fw has a third side, dmz, and the addresses of topology.toml
#   lab_bridge NAME        or it is a bridge between lan and wan, whose ports have MAC addresses that nobody asks for
#   lab_rules NAME FILE    the ruleset of NAME-fw becomes FILE's
#   lab_silent NAME        what is for NAME-fw itself is tracked, and then dropped behind every chain: nobody answers,
#                        and the host says of no group that it listens to it, which chains would count
#   lab_silent NAME untracked  the same, but nothing tracks unless the ruleset does
#   lab_unlimited NAME     NAME-fw answers as often as there is reason: its limits run by its clock, a replay's by the packets'
#   lab_listing NAME       its ruleset with the counters, without lab_silent's own
#   lab_flows NAME         its flow table, as conntrack prints it
#   lab_down NAME
#
# World    as a replay's: rp_filter off, no offloads, static neighbours, nobody else on the wires. All interfaces of the
#          firewall have the MAC address 02:00:00:00:00:02, all hosts 02:00:00:00:00:01. lan: 10.0.0.0/8 and
#          2001:db8:1::/48. wan: 192.0.2.0/24 and 2001:db8:2::/48. dmz: 198.51.100.0/24 and 2001:db8:3::/48.
# Limits   ICMP errors: those for all peers together, which chance plays with, are off; those for each peer with lab_unlimited.
# Ticks    clock0 and clock1, in NAME-wire, by which run-kernel knows that nothing more comes.

lab_possible() {  # what is missing, or nothing
  [ "$(id -u)" = 0 ] || { echo "not root"; return; }
  for tool in ip nft conntrack sysctl; do
    command -v "$tool" >/dev/null || { echo "no $tool"; return; }
  done
  ip netns add "bulkhead-try-$$" 2>/dev/null || { echo "no network namespaces"; return; }
  ip netns exec "bulkhead-try-$$" true 2>/dev/null || echo "no entering of network namespaces"
  ip netns del "bulkhead-try-$$"
}

lab_side() {  # NAME SIDE NET4 NET6
  ip -n "$1-fw" link add "$2" address 02:00:00:00:00:02 type veth peer name "$2"1 netns "$1-wire"
  ip netns exec "$1-fw" sysctl -qw "net.ipv6.conf.$2.accept_ra=0" "net.ipv6.conf.$2.addr_gen_mode=1"
  ip netns exec "$1-wire" sysctl -qw "net.ipv6.conf.$2"1.disable_ipv6=1
  ip -n "$1-wire" link set "$2"1 up arp off
  ip -n "$1-fw" -batch - <<END
link set $2 up
addr add 2001:db8:ffff::$(printf %x "'${2:0:1}")/128 dev $2 nodad
neigh add 169.254.1.1 lladdr 02:00:00:00:00:01 nud permanent dev $2
neigh add fe80::1 lladdr 02:00:00:00:00:01 nud permanent dev $2
route add $3 via 169.254.1.1 dev $2 onlink
route add $4 via fe80::1 dev $2 onlink
END
}

lab_up() {
  ip netns add "$1-fw"
  ip netns add "$1-wire"
  ip -n "$1-fw" link set lo up
  ip netns exec "$1-fw" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0 \
    net.ipv4.conf.default.rp_filter=0 net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.default.send_redirects=0 \
    net.ipv6.auto_flowlabels=0 net.ipv4.icmp_msgs_per_sec=1000000 net.ipv4.icmp_msgs_burst=1000000
  lab_side "$1" lan 10.0.0.0/8 2001:db8:1::/48
  lab_side "$1" wan 192.0.2.0/24 2001:db8:2::/48
  ip netns exec "$1-wire" sysctl -qw net.ipv6.conf.default.disable_ipv6=1
  ip -n "$1-wire" link add clock0 type veth peer name clock1
  ip -n "$1-wire" link set clock0 up arp off
  ip -n "$1-wire" link set clock1 up arp off
}

lab_router() {
  lab_side "$1" dmz 198.51.100.0/24 2001:db8:3::/48
  # So that devices that are there join every group of routers: one that comes later joins that of the link alone.
  ip netns exec "$1-fw" sysctl -qw net.ipv6.conf.all.forwarding=0 net.ipv6.conf.all.forwarding=1
  lab_gateway "$1" lan 10.0.0 10.0.0.0/8 2001:db8:1::
  lab_gateway "$1" wan 192.0.2 192.0.2.0/24 2001:db8:2::
  lab_gateway "$1" dmz 198.51.100 198.51.100.0/24 2001:db8:3:: 1300  # of the way: the device would take no larger ones
  lab_is_home "$1" 2001:db8:1::fffe && lab_is_home "$1" 2001:db8:2::fffe && lab_is_home "$1" 2001:db8:3::fffe
}

lab_bridge() {
  for side in lan wan; do
    ip netns exec "$1-fw" sysctl -qw "net.ipv6.conf.$side.disable_ipv6=1"
    ip -n "$1-fw" addr flush dev $side
    ip -n "$1-fw" link set $side address 02:00:00:00:00:0b
  done
  ip -n "$1-fw" link add br0 address 02:00:00:00:00:0c type bridge mcast_snooping 0
  ip netns exec "$1-fw" sysctl -qw net.ipv6.conf.br0.disable_ipv6=1
  for side in lan wan; do ip -n "$1-fw" link set $side master br0; done
  ip -n "$1-fw" link set br0 up
}

# A work queue of the kernel's, which a busy machine keeps waiting, makes an IPv6 address its own.
lab_is_home() {  # NAME ADDRESS
  local try
  for ((try = 0; try < 500; ++try)); do
    if ip -n "$1-fw" -6 route show table local type local | grep -qF "local $2 "; then return; fi
    sleep 0.02
  done
  echo "$2 is not up" >&2
  return 1
}

lab_gateway() {  # NAME SIDE FIRST_THREE_BYTES NET4 NET6 [MTU]
  ip -n "$1-fw" -batch - <<END
addr flush dev $2 scope global
addr add $3.254/30 dev $2
addr add $5fffe/126 dev $2 nodad
neigh add $3.253 lladdr 02:00:00:00:00:01 nud permanent dev $2
neigh add $3.252 lladdr 02:00:00:00:00:01 nud permanent dev $2
neigh add $5fffd lladdr 02:00:00:00:00:01 nud permanent dev $2
route replace $4 via $3.253 dev $2 mtu lock ${6:-1500}
route del $5/48 dev $2
route add $5/48 via $5fffd dev $2 mtu lock ${6:-1500}
END
}

lab_rules() {
  ip netns exec "$1-fw" nft flush ruleset
  ip netns exec "$1-fw" nft -f "$2"
  ip netns exec "$1-fw" sysctl -qw net.netfilter.nf_conntrack_acct=1 net.netfilter.nf_conntrack_checksum=1
}

# Loaded before anything that tracks: of two hooks of one priority the later one runs first, so conntrack confirms before
# the drop.
lab_silent() {
  ip netns exec "$1-fw" nft -f - <<'END'
table inet lab_silent {
  chain input { type filter hook input priority 2147483647; policy drop; }
  chain groups { type filter hook output priority -2147483648; icmpv6 type mld2-listener-report drop; }
}
END
  [ "${2:-}" = untracked ] || ip netns exec "$1-fw" nft -f - <<'END'
table inet lab_tracking {
  chain used_by_nobody { ct state new; }
}
END
  ip netns exec "$1-fw" sysctl -qw net.netfilter.nf_conntrack_acct=1 net.netfilter.nf_conntrack_checksum=1
}

# That of "no route" belongs to no namespace and stays: 5 to a peer, and one more each second.
lab_unlimited() {
  ip netns exec "$1-fw" sysctl -qw net.ipv4.icmp_ratemask=0 net.ipv6.icmp.ratelimit=0
}

lab_listing() {
  ip netns exec "$1-fw" nft list ruleset | awk '/^table inet lab_/ { own = 1 } !own; /^}/ { own = 0 }'
}

lab_flows() { ip netns exec "$1-fw" conntrack -L -o extended 2>/dev/null; }

lab_down() {
  ip netns del "$1-fw" 2>/dev/null || true
  ip netns del "$1-wire" 2>/dev/null || true
}
