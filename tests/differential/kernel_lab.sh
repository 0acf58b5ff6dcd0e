# tests/differential/kernel_lab.sh: the kernel's firewall between two wires, in namespaces of its own. Sourced; root.
#
#   lab_up NAME            namespaces NAME-fw (forwards between lan0 and wan0) and NAME-wire (their other ends)
#   lab_rules NAME FILE    the ruleset of NAME-fw becomes FILE's
#   lab_flows NAME         its flow table, as conntrack prints it
#   lab_down NAME
#
# World    as a replay's: rp_filter off, no offloads, static neighbours, nobody else on the wires. Both interfaces of the
#          firewall have the MAC address 02:00:00:00:00:02, all hosts 02:00:00:00:00:01. lan: 10.0.0.0/8 and
#          2001:db8:1::/48. wan: 192.0.2.0/24 and 2001:db8:2::/48.

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
  local fw="ip netns exec $1-fw"
  ip -n "$1-fw" link add "$2"0 address 02:00:00:00:00:02 type veth peer name "$2"1 netns "$1-wire"
  $fw sysctl -qw "net.ipv6.conf.$2"0.accept_ra=0 "net.ipv6.conf.$2"0.addr_gen_mode=1
  ip netns exec "$1-wire" sysctl -qw "net.ipv6.conf.$2"1.disable_ipv6=1
  ip -n "$1-wire" link set "$2"1 up arp off
  ip -n "$1-fw" link set "$2"0 up
  ip -n "$1-fw" addr add 2001:db8:ffff:${#2}::1/128 dev "$2"0 nodad
  ip -n "$1-fw" neigh add 169.254.1.1 lladdr 02:00:00:00:00:01 nud permanent dev "$2"0
  ip -n "$1-fw" neigh add fe80::1 lladdr 02:00:00:00:00:01 nud permanent dev "$2"0
  ip -n "$1-fw" route add "$3" via 169.254.1.1 dev "$2"0 onlink
  ip -n "$1-fw" -6 route add "$4" via fe80::1 dev "$2"0 onlink
}

lab_up() {
  ip netns add "$1-fw"
  ip netns add "$1-wire"
  ip -n "$1-fw" link set lo up
  ip netns exec "$1-fw" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0 \
    net.ipv4.conf.default.rp_filter=0 net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.default.send_redirects=0
  lab_side "$1" lan 10.0.0.0/8 2001:db8:1::/48
  lab_side "$1" wan 192.0.2.0/24 2001:db8:2::/48
}

lab_rules() {
  ip netns exec "$1-fw" nft flush ruleset
  ip netns exec "$1-fw" nft -f "$2"
  ip netns exec "$1-fw" sysctl -qw net.netfilter.nf_conntrack_acct=1 net.netfilter.nf_conntrack_checksum=1
}

lab_flows() { ip netns exec "$1-fw" conntrack -L -o extended 2>/dev/null; }

lab_down() {
  ip netns del "$1-fw" 2>/dev/null || true
  ip netns del "$1-wire" 2>/dev/null || true
}
