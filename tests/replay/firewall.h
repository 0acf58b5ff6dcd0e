// tests/replay/firewall.h: a router's topology and rules for the captures of make-capture, in which a packet that is lost, doubled, or
// taken out of turn shows: counters, limits, quotas, marks, sets that fill and expire, NAT with ranges that run out, chains before
// conntrack, refusals that close flows.
#pragma once

#include <string>
#include <vector>

#include "tests/replay/replay_lab.h"

namespace bulkhead::test {

inline constexpr const char* kFirewallTopology = R"(
[[interface]]
name = "lan"
addresses = ["192.0.2.254/24", "10.0.0.254/8", "2001:db8:1::fe/64"]
[[interface]]
name = "wan"
addresses = ["198.51.100.254/24", "2001:db8:2::fe/64"]
)";

inline constexpr const char* kFirewallRules = R"(
table inet early {
  set talkers { type ipv4_addr; size 64; flags dynamic,timeout; timeout 2s; }
  chain pre { type filter hook prerouting priority raw; policy accept;
    ip saddr 192.0.2.1-192.0.2.60 update @talkers { ip saddr limit rate 100/second } counter
    tcp dport 25 counter notrack
    tcp sport 25 counter notrack
    meta mark set numgen inc mod 3
  }
}
table ip nat {
  chain pre { type nat hook prerouting priority dstnat; policy accept;
    iifname "lan" tcp dport 8080 counter dnat to 198.51.100.7:80
  }
  chain post { type nat hook postrouting priority srcnat; policy accept;
    oifname "wan" udp dport 53 ip saddr 192.0.2.0/25 counter masquerade
    oifname "wan" tcp dport 443 counter snat to 203.0.113.1:2000
  }
}
table inet fw {
  chain pre { type filter hook prerouting priority -150; policy accept;
    counter
    meta l4proto tcp ct mark set 0x11
  }
  chain forward { type filter hook forward priority 0; policy drop;
    ct state invalid tcp dport < 20000 counter reject with tcp reset
    ct state invalid counter reject
    ct state untracked tcp flags fin counter reject with tcp reset
    ct state untracked counter accept
    ct mark 0x11 counter
    meta mark 2 counter
    ip protocol udp ip dscp set cs1 ip ttl set 60 counter
    tcp flags syn tcp option maxseg size set rt mtu
    tcp dport 22 tcp flags fin counter reject with tcp reset
    ct state established,related counter accept
    meta l4proto { icmp, icmpv6 } limit rate 20/second counter accept
    ip daddr 198.51.100.0/24 udp dport != 53 quota 400 kbytes counter accept
    ip protocol udp limit rate over 50/second burst 10 packets counter reject
    tcp dport 1-100 counter accept
    counter accept
  }
  chain output { type filter hook output priority 0; policy accept;
    ct state related ct mark 0x11 counter
    tcp flags rst counter
    ct status snat counter
    quota 20 kbytes counter
  }
}
)";

/// One most of whose flows may take the fast lane, as users' rulesets have it.
inline constexpr const char* kLaneFirewallRules = R"(
table inet early {
  chain pre { type filter hook prerouting priority raw; policy accept;
    ip saddr 192.0.2.9 counter drop
    tcp dport 25 notrack
    tcp sport 25 notrack
  }
}
table ip nat {
  chain pre { type nat hook prerouting priority dstnat; policy accept;
    iifname "lan" tcp dport 8080 counter dnat to 198.51.100.7:80
  }
  chain post { type nat hook postrouting priority srcnat; policy accept;
    oifname "wan" ip saddr 192.0.2.0/25 counter masquerade
  }
}
table inet fw {
  counter whole { }
  chain pre { type filter hook prerouting priority -150; policy accept;
    counter name "whole"
    tcp dport 443 ct mark set 0x11
    icmp type destination-unreachable ct mark set 0x12
  }
  chain forward { type filter hook forward priority 0; policy drop;
    ct state invalid counter reject
    ct mark vmap { 0x11 : jump marked, 0x12 : jump marked }
    tcp flags syn tcp option maxseg size set rt mtu
    tcp dport 22 tcp flags fin counter reject with tcp reset
    ct state established,related counter accept
    meta l4proto { icmp, icmpv6 } limit rate 20/second counter accept
    ip protocol udp udp dport 5000-6000 limit rate over 50/second burst 10 packets counter reject
    counter accept
  }
  chain marked { counter; }
  chain output { type filter hook output priority 0; policy accept; ct state related counter; ct mark 0x11 counter; ct status snat counter; }
}
)";

/// Options of a replay as this router.
[[nodiscard]] inline std::vector<std::string> firewall_options(const ReplayLab& lab, const char* rules = kFirewallRules) {
  write_file(lab.path("router.toml"), kFirewallTopology);
  write_file(lab.path("rules.nft"), rules);
  return {"--config", lab.path("router.toml"), "--rules", lab.path("rules.nft")};
}

}  // namespace bulkhead::test
