#include "tests/differential/text_of_rule.h"

#include <fmt/format.h>

namespace bulkhead::test {

template <class Make>
std::string RuleText::some(Make make) const {
  std::string const negation = chance(4) ? "!= " : "";
  if (!chance(3)) return negation + make();
  std::string first = make(), second = make();
  if (first == second || first.find('-') != std::string::npos || second.find('-') != std::string::npos) return negation + first;
  if (first.find('/') != std::string::npos || second.find('/') != std::string::npos) return negation + second;
  return fmt::format("{}{{ {}, {} }}", negation, first, second);
}

std::string RuleText::port() const {
  uint32_t const at = chance(3) ? 1000 + random_.below(50000) : 0;
  if (at != 0) return fmt::format("{}-{}", at, at + 1 + random_.below(5000));
  return one({"22", "53", "80", "443", "5000", "8080", "4000"});
}

std::string RuleText::address4() const {
  constexpr const char* nets[] = {"10.0.1.", "192.0.2.", "198.51.100."};
  std::string const net = one(nets);
  if (chance(3)) return fmt::format("{}{}/{}", net, random_.below(4) * 32, 27);
  uint32_t const low = 1 + random_.below(100);
  if (chance(3)) return fmt::format("{}{}-{}{}", net, low, net, low + 3 + random_.below(40));
  return net + std::to_string(low);
}

std::string RuleText::address6() const {
  constexpr const char* nets[] = {"2001:db8:1::", "2001:db8:2::", "2001:db8:3::"};
  std::string const net = one(nets);
  if (chance(3)) return fmt::format("{}{:x}/123", net, random_.below(3) * 32);
  return fmt::format("{}{:x}", net, 1 + random_.below(100));
}

std::string RuleText::network(int l3, bool any_protocol) const {
  if (l3 == 4) {
    switch (random_.below(any_protocol ? 8 : 7)) {
      case 0: return fmt::format("ip dscp {}", some([&] { return one({"cs0", "cs1", "af11", "ef"}); }));
      case 1: return fmt::format("ip ttl {} {}", one({"<", ">", "<=", "!="}), 62 + random_.below(3));
      case 2: return fmt::format("ip length {}-{}", 30 + random_.below(40), 70 + random_.below(200));
      case 4: return fmt::format("ip id < {}", 1 + random_.below(260));
      case 5: return fmt::format("ip daddr {}", some([&] { return address4(); }));
      case 6: return fmt::format("ip saddr & 0.0.0.{} == 0.0.0.{}", 5, one({"0", "1", "4", "5"}));
      case 7: return fmt::format("ip protocol {}", some([&] { return one({"tcp", "udp", "icmp", "sctp", "gre"}); }));
      default: return fmt::format("ip saddr {}", some([&] { return address4(); }));
    }
  }
  switch (random_.below(any_protocol ? 6 : 5)) {
    case 0: return fmt::format("ip6 dscp {}", some([&] { return one({"cs0", "cs1", "af11", "ef"}); }));
    case 1: return fmt::format("ip6 hoplimit {} {}", one({"<", ">", "<=", "!="}), 62 + random_.below(3));
    case 3: return fmt::format("ip6 flowlabel < {}", 1 + random_.below(260));
    case 4: return fmt::format("ip6 daddr {}", some([&] { return address6(); }));
    case 5: return fmt::format("ip6 nexthdr {}", some([&] { return one({"tcp", "udp", "ipv6-icmp", "sctp"}); }));
    default: return fmt::format("ip6 saddr {}", some([&] { return address6(); }));
  }
}

std::string RuleText::transport(const char* protocol) const {
  std::string_view const name = protocol;
  if (name == "icmp") return fmt::format("icmp type {}", some([&] { return one({"echo-request", "echo-reply", "destination-unreachable", "time-exceeded"}); }));
  if (name == "icmpv6") return fmt::format("icmpv6 type {}", some([&] { return one({"echo-request", "echo-reply", "destination-unreachable", "packet-too-big"}); }));
  if (name == "tcp" && chance(4)) {
    return one({"tcp flags syn", "tcp flags & (fin | syn | rst | ack) == syn", "tcp flags & (syn | ack) == ack", "tcp flags ! syn", "tcp window > 5000",
                "tcp flags & (fin | rst) != 0x0", "tcp doff 5", "tcp sequence > 1000000"});
  }
  if (chance(6)) return fmt::format("{} dport @ports", name);
  if (chance(6)) return fmt::format("{} dport & 0x{:x} == 0x{:x}", name, 3, random_.below(4));
  return fmt::format("{} {} {}", name, chance(3) ? "sport" : "dport", some([&] { return port(); }));
}

std::string RuleText::of_packet(Where where, bool any_protocol) const {
  switch (random_.below(any_protocol ? 7 : 6)) {
    case 0: return fmt::format("iifname {}", some([&] { return one({"\"lan\"", "\"wan\"", "\"dmz\""}); }));
    case 1:
      if (where == Where::prerouting || where == Where::anywhere) return "iifname \"l*\"";
      return fmt::format("oifname {}", one({"\"lan\"", "\"wan\"", "\"d*\"", "!= \"wan\""}));
    case 2: return fmt::format("meta length {} {}", one({"<", ">", "<=", ">="}), 40 + random_.below(200));
    case 3: return fmt::format("meta mark {}", one({"0x0", "0x16", "0x35", "!= 0x0", "& 0xf0 == 0x50"}));
    case 4: return "@th,16,16 < 1024";
    case 6: return fmt::format("meta l4proto {}", some([&] { return one({"tcp", "udp", "sctp", "gre"}); }));
    default: return one({"iif \"lan\"", "iif != \"wan\"", "meta pkttype host"});
  }
}

std::string RuleText::of_flow(int l3) const {
  switch (random_.below(7)) {
    case 0: return one({"ct direction original", "ct direction reply"});
    case 1: return fmt::format("ct mark {}", one({"0x0", "0x1", "!= 0x0", "& 0xf == 0x7", "0x35"}));
    case 2: return l3 == 4 ? fmt::format("ct original ip saddr {}", address4()) : fmt::format("ct original ip6 daddr {}", address6());
    default: return fmt::format("ct state {}", one({"new", "established", "related", "invalid", "established,related", "!= new", "{ new, related }"}));
  }
}

std::string RuleText::matches(int l3, const char* protocol) const {
  std::string all;
  if (chance(2)) all += network(l3, protocol == nullptr) + " ";
  if (protocol != nullptr) all += transport(protocol) + " ";
  if (chance(3)) all += of_flow(l3) + " ";
  return all;
}

std::string RuleText::setting(int l3, const char* protocol) const {
  std::string_view const name = protocol == nullptr || chance(2) ? "" : protocol;
  if (name == "tcp") return one({"tcp option maxseg size set 700 ", "tcp dport set 8080 ", "tcp window set 100 ", "tcp sport set tcp dport map { 22 : 2222, 80 : 443 } "});
  if (name == "udp") return one({"udp dport set 53 ", "udp sport set 4000 ", "udp dport set udp sport map { 5000 : 53, 53 : 5000 } "});
  if (name == "sctp") return "sctp dport set 443 ";
  if (l3 == 4) return one({"ip dscp set cs1 ", "ip ttl set 33 ", "ip ecn set ce ", "ip saddr set 10.0.1.77 ", "ip daddr set 192.0.2.9 ", "ip ttl set 64 "});
  return one({"ip6 dscp set af11 ", "ip6 hoplimit set 33 ", "ip6 ecn set ect0 ", "ip6 saddr set 2001:db8:1::4d ", "ip6 daddr set 2001:db8:3::9 "});
}

std::string RuleText::effects(int l3, const char* protocol) const {
  std::string all;
  if (chance(8)) all += one({"limit rate 2/hour ", "limit rate over 1/day burst 10 packets ", "limit name \"few\" ", "limit rate over 100 bytes/day burst 2 kbytes "});
  if (chance(10)) all += one({"quota over 900 bytes ", "quota 4 kbytes ", "quota name \"much\" "});
  if (chance(7)) all += setting(l3, protocol);
  all += chance(6) ? "counter name \"met\" " : "counter ";
  if (chance(5)) all += fmt::format("meta mark set {} ", one({"0x1", "0x16", "meta mark or 0x50", "meta mark and 0xf0", "meta mark xor 0x3", "ct mark"}));
  if (chance(5)) all += fmt::format("ct mark set {} ", one({"0x1", "0x7", "ct mark or 0x30", "ct mark and 0xf", "meta mark"}));
  return all;
}

std::string RuleText::verdict(Where where, int l3) const {
  bool const may_reject = where == Where::within;
  switch (random_.below(9)) {
    case 0: return "accept";
    case 1: return "drop";
    case 2:
      if (!may_reject) return "";
      if (family_ == "inet") return one({"reject", "reject with icmpx no-route", "reject with icmpx host-unreachable", "reject with icmpx admin-prohibited"});
      return l3 == 4 ? one({"reject", "reject with icmp host-unreachable", "reject with icmp admin-prohibited", "reject with icmp net-prohibited"})
                     : one({"reject", "reject with icmpv6 no-route", "reject with icmpv6 admin-prohibited", "reject with icmpv6 policy-fail"});
    case 3: return "return";
    case 4: case 5:
      if (first_ >= end_) return "";
      return fmt::format("{} c{}", chance(3) ? "goto" : "jump", first_ + random_.below(static_cast<uint32_t>(end_ - first_)));
    default: return "";
  }
}

std::string RuleText::rule(Where where) const {
  int const l3 = family_ == "ip" ? 4 : family_ == "ip6" ? 6 : chance(3) ? 6 : 4;
  const char* const icmp = l3 == 4 ? "icmp" : "icmpv6";
  const char* const protocols[] = {nullptr, "tcp", "tcp", "tcp", "udp", "udp", "sctp", icmp};
  const char* const protocol = protocols[random_.below(std::size(protocols))];
  std::string all = where == Where::postrouting ? "iifname { \"lan\", \"wan\", \"dmz\" } " : "";
  if (where != Where::postrouting && chance(10)) {
    std::string const table = chance(2) ? "tcp dport vmap { 22 : accept, 80 : drop, 443-500 : continue, 5000 : return }"
                                        : "ct state vmap { established : accept, invalid : drop, related : return }";
    return table;
  }
  if (protocol != nullptr && std::string_view(protocol) == "tcp" && chance(10)) return all + "counter meta mark set tcp dport map @marks";
  all += matches(l3, protocol);
  if (where != Where::postrouting && chance(3)) all += of_packet(where, protocol == nullptr) + " ";
  std::string const last = verdict(where, l3);
  return all + effects(l3, protocol) + last;
}

/// Not the identification, which is random.
std::string RuleText::answer_matches(int l3) const {
  switch (random_.below(9)) {
    case 0: return fmt::format("oifname {} ", some([&] { return one({"\"lan\"", "\"wan\"", "\"dmz\""}); }));
    case 1: return l3 == 4 ? fmt::format("ip daddr {} ", address4()) : fmt::format("ip6 daddr {} ", address6());
    case 2: return l3 == 4 ? one({"icmp type destination-unreachable ", "icmp type time-exceeded ", "icmp code 3 "})
                           : one({"icmpv6 type destination-unreachable ", "icmpv6 type packet-too-big ", "icmpv6 code 1 "});
    case 3: return one({"tcp flags rst ", "tcp flags & (rst | ack) == rst ", "meta l4proto tcp "});
    case 4: return fmt::format("meta length > {} ", 40 + random_.below(200));
    case 5: return fmt::format("tcp sport {} ", some([&] { return port(); }));
    default: return of_flow(l3) + " ";
  }
}

std::string RuleText::early_verdict(int l3, bool tcp) const {
  switch (random_.below(8)) {
    case 0: return "drop";
    case 1: return l3 == 4 ? one({"reject", "reject with icmp net-prohibited"}) : one({"reject", "reject with icmpv6 policy-fail"});
    case 2: return tcp ? "reject with tcp reset" : "meta mark set 0x16";
    case 3: return "meta mark set 0x35";
    case 4: return "accept";
    default: return "notrack";
  }
}

std::string RuleText::rule(Aside where) const {
  int const l3 = family_ == "ip" ? 4 : family_ == "ip6" ? 6 : chance(3) ? 6 : 4;
  if (where == Aside::output) {
    std::string all = answer_matches(l3);
    if (chance(3)) all += of_flow(l3) + " ";
    if (chance(8)) all += one({"limit rate 2/hour ", "quota over 900 bytes "});
    all += "counter ";
    if (chance(5)) all += fmt::format("ct mark set {} ", one({"0x1", "0x7", "ct mark or 0x30", "meta mark"}));
    return all + one({"", "", "", "", "accept", "drop"});
  }
  bool const tcp = where == Aside::resetting || chance(2);
  std::string all = transport(tcp ? "tcp" : chance(4) ? "sctp" : "udp") + " ";
  if (chance(2)) all = network(l3, false) + " " + all;
  if (where == Aside::early) return all + "counter " + early_verdict(l3, tcp);
  if (chance(2)) all += of_flow(l3) + " ";
  return all + "counter reject with tcp reset";
}

}  // namespace bulkhead::test
