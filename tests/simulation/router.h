// tests/simulation/router.h: a small router's settings, for the workloads' addresses, with a ruleset that keeps state.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>

#include "common/base/topology.h"
#include "common/ruleset/compile/facts.h"
#include "tests/simulation/world.h"

namespace bulkhead::test {

/// lan 10.0.0.254/24 and wan 192.0.2.254/24 with the IPv6 networks of the workload; wan's MTU is 1300.
[[nodiscard]] inline control::Settings router_settings(uint32_t ring, uint32_t batch, uint32_t flows) {
  control::Settings settings = small_settings(ring, batch, flows);
  auto const prefix = [](const char* text) { return parse_prefix(text).value(); };
  Topology& topology = settings.topology;
  topology.interfaces = {
      {"lan", {0x02, 0, 0, 0, 1, 1}, 1500, {prefix("10.0.0.254/24"), prefix("2001:db8::fe/64")}},
      {"wan", {0x02, 0, 0, 0, 1, 2}, 1300, {prefix("192.0.2.254/24"), prefix("2001:db8:1::fe/64")}}};
  topology.neighbours = {{parse_address("192.0.2.1").value(), {0x02, 0, 0, 0, 2, 1}, 1}};
  return settings;
}

/// Counters, a limit, a quota, marks, rejects, sets that fill and expire: whatever of rules a lost or doubled packet would show in.
inline constexpr const char* kStatefulRules = R"(
table inet t {
  counter whole { }
  set hosts { type ipv4_addr . inet_service; size 6; flags dynamic,timeout; timeout 30s; }
  set counted { type ipv4_addr; size 4; flags dynamic; elements = { 10.0.0.1 } }
  set hot { type ipv4_addr; size 3; flags timeout; elements = { 192.0.2.1 timeout 1s } }
  set busy { type ipv4_addr; size 3; flags dynamic; }
  ct timeout brief { protocol udp; l3proto inet; policy = { unreplied : 1, replied : 2 }; }
  ct timeout hasty { protocol tcp; l3proto inet; policy = { syn_sent : 2, established : 3, unack : 2, close : 1 }; }
  chain pre { type filter hook prerouting priority -150; policy accept;
    counter name "whole"
    update @hosts { ip saddr . udp sport timeout 500ms counter }
    add @counted { ip saddr limit rate 3/second burst 4 packets }
    ip daddr @hot ip saddr . udp sport @hosts counter delete @counted { ip saddr }
    meter each size 5 { ip6 saddr timeout 1s counter }
    udp sport 3000-3001 ct mark set 0x3
    udp sport 3001-3004 ct timeout set "brief"
    tcp sport 1000-1005 ct timeout set "hasty"
    udp sport 3002-3005 ct direction original ct label set 7
    ct label 7 ct direction reply counter ct label set 99
    ct label 99 counter
    meta mark set numgen inc mod 7
    meta mark 2 numgen random mod 3 1 counter
    jhash ip saddr . udp sport mod 2 0 counter
    udp sport 3000-3010 ip dscp set cs1 counter
    ct original packets > 2 ct status seen-reply counter
    ct bytes 200-400 ct expiration > 10s counter
  }
  chain forward { type filter hook forward priority 0; policy drop;
    ct state invalid tcp dport 80 counter reject with tcp reset
    ct state invalid counter reject
    ct mark 0x3 counter
    ct state new ct count over 5 counter
    ct state new add @busy { ip saddr ct count over 2 } counter
    udp sport 2000 limit rate 2/second burst 3 packets accept
    udp sport 2001 quota 400 bytes accept
    udp sport 2002 reject
    tcp sport 1001 reject with tcp reset
    tcp sport 1100-1101 tcp flags rst counter
    tcp sport 1100-1101 tcp dport 80 numgen inc mod 5 3 counter reject with tcp reset
    ct state established,related counter accept
    ct state vmap { new : jump fresh, untracked : accept }
  }
  chain fresh { ip saddr . udp dport { 10.0.0.1 . 53, 10.0.0.2 . 53 } counter accept
    meta l4proto { icmp, icmpv6 } limit rate over 5/second drop
    counter accept
  }
  chain out { type filter hook output priority filter; policy accept;
    ct state established counter
    ct mark 0x3 ct state related counter
    tcp flags rst quota over 400 bytes counter drop
  }
}
)";

/// NAT of every kind, with ranges that run out. Of what nat chooses nothing is seen but the identifiers of echoes.
inline constexpr const char* kTranslatingRules = R"(
table ip nat {
  map web { type inet_service : ipv4_addr . inet_service; elements = { 8080 : 10.0.0.2 . 80, 8443 : 10.0.0.3 . 443 } }
  chain pre { type nat hook prerouting priority dstnat; policy accept;
    ip daddr 192.0.2.254 counter dnat ip addr . port to tcp dport map @web
    ip daddr 192.0.2.254 udp dport 5353 dnat to 10.0.0.1-10.0.0.3:53
    udp dport 9999 redirect to :53
  }
  chain post { type nat hook postrouting priority srcnat; policy accept;
    oifname "wan" meta l4proto udp ip saddr 10.0.0.5-10.0.0.8 snat to 203.0.113.1-203.0.113.3:2000-2001 random
    oifname "wan" meta l4proto udp ip saddr 10.0.0.9-10.0.0.12 snat to 203.0.113.1:2000-2003 fully-random,persistent
    ip saddr 10.0.0.13 snat prefix to 198.51.100.0/24
    oifname "wan" counter masquerade
    meta l4proto tcp iifname "lan" oifname "lan" masquerade to :2000-2002
  }
}
table inet filter {
  chain forward { type filter hook forward priority filter; policy drop;
    ct state invalid counter reject
    ct state established,related counter accept
    ct status dnat counter accept
    iifname "lan" counter accept
    udp dport 53 ip daddr 10.0.0.0/24 accept
  }
  chain out { type filter hook output priority filter; policy accept; ct state related counter; ct status snat counter; ct original ip saddr 10.0.0.5 counter; }
}
)";
/// And chains behind it, which see ports too.
inline constexpr const char* kLateRules = R"(
table inet late {
  chain late { type filter hook postrouting priority 200; policy accept;
    ip saddr 192.0.2.254 ip ttl set 60 counter
    ip saddr 10.0.0.0/24 counter
    udp sport 2000-2003 counter
    udp sport 1024-1999 ip dscp set cs1 counter
    udp sport 2004-65535 ct mark set 0x9 counter
  }
}
)";

[[nodiscard]] inline std::string translating_rules() { return fmt::format("{}{}", kTranslatingRules, kLateRules); }

/// Chains before conntrack: what they drop or leave untracked, and marks that go on.
inline constexpr const char* kEarlyRules = R"(
table inet raw {
  chain pre { type filter hook prerouting priority raw; policy accept;
    udp sport 3000 notrack
    udp sport 2000 limit rate 2/second burst 3 packets counter drop
    tcp sport 1000 tcp flags syn quota over 300 bytes drop
    udp sport 3001 meta mark set 0x9 counter
    ip daddr 203.0.113.5 counter drop
  }
}
table inet filter {
  chain pre { type filter hook prerouting priority mangle; policy accept; meta mark 0x9 ct mark set 0x9 counter; ct state untracked counter; }
  chain forward { type filter hook forward priority filter; policy accept;
    ct mark 0x9 counter
    udp sport 2001 quota 400 bytes accept
    ct state vmap { new : jump fresh, untracked : accept, invalid : drop }
  }
  chain fresh { limit rate over 9/second burst 20 packets counter drop; counter; }
}
)";

/// Where frames come in and leave; fragments one by one, some of which are dropped, and marks that go on.
inline constexpr const char* kEdgeRules = R"(
table netdev dev {
  chain in { type filter hook ingress device lan priority 0; policy accept;
    counter
    meta protocol arp counter
    ip frag-off & 0x1fff != 0 limit rate over 8/second burst 6 packets counter drop
    ip frag-off & 0x1fff == 0 meta mark set 0x5
    udp sport 2000 limit rate 2/second burst 3 packets counter drop
    tcp sport 1000 tcp flags syn quota over 300 bytes drop
  }
  chain out { type filter hook egress devices = { lan, wan } priority 0; policy accept;
    meta length 1-60 counter
    udp sport 2001 quota over 200 bytes counter drop
    tcp sport 1001 counter drop
    icmp type time-exceeded counter
  }
}
table inet filter {
  chain pre { type filter hook prerouting priority mangle; policy accept; meta mark 0x5 ct mark set 0x9 counter; }
  chain forward { type filter hook forward priority filter; policy accept; ct mark 0x9 counter; ct state vmap { new : accept, invalid : drop }; }
}
table arp a {
  chain input { type filter hook input priority 0; policy accept; counter; limit rate over 3/second drop; }
}
)";

/// Copies of what comes in, is routed, leaves and is said; and frames that are sent on. They come to chains that keep state.
inline constexpr const char* kCopyRules = R"(
table netdev dev {
  chain in { type filter hook ingress device lan priority 0; policy accept;
    udp sport 2000-2003 dup to wan counter
    meta protocol arp counter fwd to wan
    ip frag-off & 0x1fff != 0 limit rate 5/second burst 6 packets dup to lan counter
    udp sport 3000 fwd ip to 192.0.2.9 device wan
    tcp sport 1001 tcp flags syn fwd to wan
  }
  chain out { type filter hook egress devices = { lan, wan } priority 0; policy accept;
    quota over 9000 bytes counter drop
    udp sport 2001 oifname "wan" dup to lan dup to wan counter
    icmp type time-exceeded dup to wan counter
    udp sport 3001 oifname "wan" counter fwd ip to 10.0.0.9 device lan
  }
}
table ip t {
  chain raw { type filter hook prerouting priority raw; policy accept; tcp sport 1000 dup to 192.0.2.7 counter; }
  chain pre { type filter hook prerouting priority 0; policy accept;
    ip saddr 10.0.0.1 dup to 192.0.2.7 dup to 10.0.0.77 device lan counter
    udp sport 2002 dup to ip daddr map { 192.0.2.1 : 192.0.2.8 } counter
    udp sport 2003 dup to 192.0.2.1 dup to 192.0.2.2 dup to 192.0.2.3 dup to 192.0.2.4 dup to 192.0.2.5 dup to 192.0.2.6 counter
  }
  chain forward { type filter hook forward priority 0; policy accept; udp sport 3002 ip ttl set 9 dup to 192.0.2.7 ip ttl set 3 counter; udp sport 3003 reject; }
  chain output { type filter hook output priority 0; policy accept; ct state untracked limit rate over 9/second burst 9 packets counter drop; icmp type destination-unreachable dup to 192.0.2.7; }
}
)";

/// A bridge, which tracks for rules of its own.
inline constexpr const char* kBridgeRules = R"(
table bridge b {
  chain pre { type filter hook prerouting priority -300; policy accept; counter; ip frag-off & 0x1fff != 0 numgen inc mod 7 3 counter drop; meta mark set 0x5; }
  chain forward { type filter hook forward priority filter; policy accept; meta protocol arp limit rate over 5/second drop; ct state new meta mark 0x5 counter; }
  chain input { type filter hook input priority filter; policy accept; quota over 500 bytes counter drop; }
  chain post { type filter hook postrouting priority srcnat; policy accept; udp sport 2002 counter drop; }
}
)";

/// Nothing tracks: fragments go on one by one, but those for the router itself.
inline constexpr const char* kUntrackedRules = R"(
table inet t {
  chain raw { type filter hook prerouting priority raw; policy accept; ip frag-off & 0x1fff == 0 meta mark set 0x5 counter; }
  chain pre { type filter hook prerouting priority 0; policy accept; ip frag-off & 0x1fff != 0 limit rate over 8/second burst 6 packets counter drop; }
  chain input { type filter hook input priority 0; policy accept; meta mark 0x5 counter; }
  chain forward { type filter hook forward priority 0; policy accept; ip frag-off & 0x3fff != 0 counter; frag more-fragments 1 counter; }
}
)";

/// State that these chains share with those behind conntrack; and refusals, whose limits are everybody's.
inline constexpr const char* kEarlySharingRules = R"(
table inet fw {
  quota much { over 2000 bytes }
  limit few { rate 5/second burst 9 packets }
  set seen { type ipv4_addr . inet_service; size 6; flags dynamic,timeout; timeout 2s; }
  chain pre { type filter hook prerouting priority raw; policy accept;
    udp sport 3001 ct zone set 4
    udp dport 3001 ct zone set 4
    tcp sport 1002 ct original zone set 5
    udp sport 2001 ct reply zone set udp dport map { 53 : 6, 54 : 0 }
    update @seen { ip saddr . udp sport }
    limit name "few" counter
    udp sport 3000-3002 quota name "much" counter notrack
    udp sport 2000 reject
  }
  chain forward { type filter hook forward priority filter; policy accept;
    ip saddr . udp sport @seen counter
    limit name "few" counter
    ct zone 4 counter
    ct original zone 5 ct direction reply counter
    udp dport 53 quota name "much" counter drop
    tcp sport 1001 reject
    delete @seen { ip saddr . udp sport }
  }
  chain out { type filter hook output priority filter; policy accept; ct state related counter; limit name "few" counter; ip daddr . udp sport @seen counter; }
}
)";

/// What the fast lane takes, beside what it must not.
inline constexpr const char* kLaneRules = R"(
table inet raw {
  chain pre { type filter hook prerouting priority raw; policy accept; ip saddr 10.0.0.3 ip ttl 1 counter drop; }
}
table ip nat {
  chain post { type nat hook postrouting priority srcnat; policy accept; oifname "wan" ip saddr 10.0.0.5-10.0.0.20 counter masquerade; }
}
table inet fw {
  counter whole { }
  ct timeout brief { protocol udp; l3proto inet; policy = { unreplied : 1, replied : 2 }; }
  ct timeout hasty { protocol tcp; l3proto ip; policy = { established : 3, unack : 2 }; }
  chain pre { type filter hook prerouting priority mangle; policy accept;
    counter name "whole"
    udp sport 3001 ct mark set 0x5
    udp sport 3002 ct label set 9
    ct label 9 counter
    udp sport 3000-3001 ct timeout set "brief"
    tcp sport 3000-3010 ct timeout set "hasty"
    icmp type destination-unreachable ct mark set 0x7
    ct mark 0x7 counter
    ct mark 0x9 counter
  }
  chain forward { type filter hook forward priority filter; policy drop;
    ct state invalid counter reject
    tcp flags & (syn | ack) == syn counter
    tcp sport 3006 tcp flags psh counter
    tcp flags syn ct count over 3 counter
    udp sport 3003 meta length > 60 counter drop
    udp dport 3007 limit rate 1/second counter
    ct state established,related counter accept
    ip saddr 10.0.0.0/24 counter accept
  }
  chain out { type filter hook output priority filter; policy accept; ct mark 0x5 counter; ct state related counter ct mark set 0x9; ct status assured counter; }
}
)";

/// Packets without a flow that become another flow's before they are refused.
inline constexpr const char* kChangingRules = R"(
table inet raw {
  chain pre { type filter hook prerouting priority raw; policy accept;
    udp sport 3002 ip ttl 64 limit rate 3/second burst 2 packets counter notrack
    limit rate over 9/second burst 5 packets meta mark set 0x5 counter
  }
}
table inet t {
  chain pre { type filter hook prerouting priority mangle; policy accept;
    ip saddr 10.0.0.254 counter reject
    meta mark 0x5 counter
    iifname "lo" counter
  }
  chain change { type filter hook forward priority -10; policy accept;
    ct state invalid tcp sport 1100 tcp sport set 1101 counter
    ct state invalid tcp dport 1101 tcp dport set 1100 counter
    ct state untracked udp sport 3002 udp sport set 3003 counter
  }
  chain forward { type filter hook forward priority 0; policy accept;
    udp sport 3000-3003 ct mark set 0x3 counter
    tcp sport 1100-1101 ct state new,established ct mark set 0x4 counter
    ct state invalid meta l4proto tcp counter reject with tcp reset
    ct state invalid,untracked counter reject
  }
  chain out { type filter hook output priority filter; policy accept;
    ct mark 0x3 ct state related counter
    ct mark 0x4 tcp flags rst ct state established counter
    tcp flags rst ct bytes > 200 quota over 400 bytes counter drop
    tcp flags rst ct packets 3 counter
  }
}
)";

[[nodiscard]] inline control::Settings with_rules(control::Settings settings, const char* rules) {
  auto loaded = ruleset::load("test", rules, ruleset::world_of(settings.interface_names(), settings.topology, settings.seed));
  if (!loaded) throw std::runtime_error(loaded.error().message);
  settings.ruleset = ruleset::facts_of(**loaded, settings.topology);
  return settings;
}
[[nodiscard]] inline control::Settings firewall_settings(uint32_t ring, uint32_t batch, uint32_t flows) {
  return with_rules(router_settings(ring, batch, flows), kStatefulRules);
}
[[nodiscard]] inline control::Settings early_settings(uint32_t ring, uint32_t batch, uint32_t flows, const char* rules) {
  return with_rules(router_settings(ring, batch, flows), rules);
}
[[nodiscard]] inline control::Settings lane_settings(uint32_t ring, uint32_t batch, uint32_t flows) {
  return with_rules(router_settings(ring, batch, flows), kLaneRules);
}
[[nodiscard]] inline control::Settings translating_settings(uint32_t ring, uint32_t batch, uint32_t flows) {
  return with_rules(router_settings(ring, batch, flows), translating_rules().c_str());
}

}  // namespace bulkhead::test
