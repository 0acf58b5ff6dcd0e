// Sets and maps that rules change, as the kernel's nft_dynset does.
#include "tests/unit/rules_firewall.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

constexpr uint64_t kSecond = 1'000'000'000;

Bytes from(unsigned host, uint16_t to = 53) {
  return datagram(1000, to, {address(fmt::format("10.0.{}.{}", host / 256, host % 256)), kOut.dst});
}

}  // namespace

BOOST_AUTO_TEST_CASE(added_elements_are_found_until_they_expire) {
  Firewall firewall(in_chain("ip saddr @seen accept\n udp dport 1 add @seen { ip saddr }",
                          "set seen { type ipv4_addr; flags dynamic,timeout; timeout 10s; }"));
  BOOST_TEST(firewall(from(7)) == "policy");
  BOOST_TEST(firewall(from(7, 1)) == "policy");
  BOOST_TEST(firewall(from(7)) == "accept");
  BOOST_TEST(firewall(from(8)) == "policy");
  firewall.now_ns += 10 * kSecond - 1;
  BOOST_TEST(firewall(from(7, 1)) == "accept");  // found, so that nothing is added
  firewall.now_ns += 1;
  BOOST_TEST(firewall(from(7)) == "policy");
}

BOOST_AUTO_TEST_CASE(add_keeps_the_expiry_and_update_moves_it) {
  std::string const sets = "set a { type ipv4_addr; flags dynamic,timeout; }\n set u { type ipv4_addr; flags dynamic,timeout; timeout 1m; }";
  Firewall firewall(in_chain("add @a { ip saddr timeout 10s } update @u { ip saddr timeout 10s } accept", sets));
  BOOST_TEST(firewall(from(7)) == "accept");
  firewall.now_ns += 4 * kSecond;
  BOOST_TEST(firewall(from(7)) == "accept");
  firewall.now_ns += kSecond;
  BOOST_TEST(firewall.elements("set a") == "10.0.0.7 timeout 10s expires 5s");
  BOOST_TEST(firewall.elements("set u") == "10.0.0.7 timeout 10s expires 9s");
}

BOOST_AUTO_TEST_CASE(full_set_ends_the_rule_until_an_element_expires) {
  Firewall firewall(in_chain("add @s { ip saddr } accept", "set s { type ipv4_addr; size 3; flags dynamic,timeout; timeout 10s; }"));
  for (unsigned i = 0; i < 3; ++i, firewall.now_ns += kSecond) BOOST_TEST(firewall(from(i)) == "accept");
  BOOST_TEST(firewall(from(3)) == "policy");
  BOOST_TEST(firewall(from(2)) == "accept");
  firewall.now_ns += 7 * kSecond;  // the first is gone
  BOOST_TEST(firewall(from(3)) == "accept");
  BOOST_TEST(firewall(from(4)) == "policy");
  BOOST_TEST(firewall.elements("set s") == "10.0.0.1 expires 1s, 10.0.0.2 expires 2s,\n\t\t\t     10.0.0.3 expires 10s");
}

BOOST_AUTO_TEST_CASE(delete_takes_an_element_away_and_never_ends_the_rule) {
  Firewall firewall(in_chain("udp dport 1 delete @s { ip saddr } accept\n ip saddr @s drop\n add @s { ip saddr } accept",
                          "set s { type ipv4_addr; size 2; flags dynamic; }"));
  BOOST_TEST(firewall(from(1, 1)) == "accept");
  for (unsigned i = 0; i < 10; ++i) {
    BOOST_TEST(firewall(from(i)) == "accept");
    BOOST_TEST(firewall(from(i)) == "drop");
    BOOST_TEST(firewall(from(i, 1)) == "accept");
  }
}

BOOST_AUTO_TEST_CASE(elements_of_the_file_count_from_the_first_packet) {
  Firewall firewall(in_chain("ip saddr @s accept", "set s { type ipv4_addr; flags timeout; timeout 1m; elements = { 10.0.0.1, 10.0.0.2 timeout 5s, "
                                                "10.0.0.3 timeout 1h expires 3s } }"));
  for (unsigned i = 1; i <= 3; ++i) BOOST_TEST(firewall(from(i)) == "accept");
  BOOST_TEST(firewall(from(4)) == "policy");
  firewall.now_ns += 3 * kSecond;
  BOOST_TEST(firewall(from(3)) == "policy");
  BOOST_TEST(firewall(from(2)) == "accept");
  firewall.now_ns += 2 * kSecond;
  BOOST_TEST(firewall(from(2)) == "policy");
  BOOST_TEST(firewall.elements("set s") == "10.0.0.1 expires 55s");
}

BOOST_AUTO_TEST_CASE(intervals_expire_too) {
  Firewall firewall(in_chain("ip saddr @s accept", "set s { type ipv4_addr; flags interval,timeout; elements = { 10.0.0.0/24 timeout 5s, 10.0.1.0/24 } }"));
  BOOST_TEST(firewall(from(1)) == "accept");
  BOOST_TEST(firewall(from(257)) == "accept");
  firewall.now_ns += 5 * kSecond;
  BOOST_TEST(firewall(from(1)) == "policy");
  BOOST_TEST(firewall(from(257)) == "accept");
  BOOST_TEST(firewall.elements("set s") == "10.0.1.0/24");
}

BOOST_AUTO_TEST_CASE(statements_are_each_elements_own) {
  Firewall firewall(in_chain("udp dport 53 update @s { ip saddr limit rate 1/second burst 2 packets } accept",
                          "set s { type ipv4_addr; flags dynamic; }"));
  for (unsigned host = 1; host < 4; ++host) {
    BOOST_TEST(firewall(from(host)) == "accept");
    BOOST_TEST(firewall(from(host)) == "accept");
    BOOST_TEST(firewall(from(host)) == "policy");
  }
  firewall.now_ns += kSecond;
  BOOST_TEST(firewall(from(1)) == "accept");
  BOOST_TEST(firewall(from(1)) == "policy");
}

BOOST_AUTO_TEST_CASE(counters_of_elements_are_listed) {
  Firewall firewall(in_chain("add @own { ip saddr counter quota over 100 bytes }\n add @sets { ip saddr }\n ip saddr @fixed accept",
                          "set own { type ipv4_addr; flags dynamic; }\n set sets { type ipv4_addr; flags dynamic; counter; }\n"
                          "set fixed { type ipv4_addr; counter; elements = { 10.0.0.1 counter packets 5 bytes 7, 10.0.0.2 comment \"two\" } }"));
  for (int i = 0; i < 3; ++i) BOOST_TEST(firewall(from(1)) == "accept");
  BOOST_TEST(firewall(from(9)) == "policy");
  BOOST_TEST(firewall.elements("set own") == "10.0.0.1 counter packets 3 bytes 144 quota over 100 bytes used 100 bytes, "
                                             "10.0.0.9 counter packets 1 bytes 48 quota over 100 bytes used 48 bytes");
  BOOST_TEST(firewall.elements("set sets") == "10.0.0.1 counter packets 3 bytes 144, 10.0.0.9 counter packets 1 bytes 48");
  BOOST_TEST(firewall.elements("set fixed") == "10.0.0.1 counter packets 8 bytes 151, 10.0.0.2 counter packets 0 bytes 0 comment \"two\"");
}

BOOST_AUTO_TEST_CASE(meters_limit_each_key) {
  Firewall firewall(in_chain("meter m size 100 { ip saddr . udp dport limit rate over 1/second burst 2 packets } drop\n accept"));
  for (uint16_t port : {uint16_t{53}, uint16_t{54}}) {
    BOOST_TEST(firewall(from(1, port)) == "accept");
    BOOST_TEST(firewall(from(1, port)) == "accept");
    BOOST_TEST(firewall(from(1, port)) == "drop");
  }
}

BOOST_AUTO_TEST_CASE(maps_are_filled_and_read) {
  Firewall firewall(in_chain("udp dport 1 add @m { ip saddr . udp sport : 0x17 } accept\n meta mark set ip saddr . udp sport map @m accept",
                          "map m { type ipv4_addr . inet_service : mark; flags dynamic,timeout; timeout 10s; }"));
  BOOST_TEST(firewall(from(1)) == "policy");
  BOOST_TEST(firewall(from(1, 1)) == "accept");
  BOOST_TEST(firewall(from(1)) == "accept");
  BOOST_TEST(firewall.packet.mark == 0x17);
  BOOST_TEST(firewall(from(2)) == "policy");
  BOOST_TEST(firewall.elements("map m") == "10.0.0.1 . 1000 expires 10s : 0x00000017");
}

BOOST_AUTO_TEST_CASE(verdict_maps_with_timeouts_decide_and_jump) {
  Firewall firewall(in_chain("ip saddr vmap @v", "map v { type ipv4_addr : verdict; flags timeout; elements = { 10.0.0.1 timeout 5s : accept, "
                          "10.0.0.2 : jump other, 10.0.0.3 : drop } }\n chain other { udp dport 53 accept; }"));
  BOOST_TEST(firewall(from(1)) == "accept");
  BOOST_TEST(firewall(from(2)) == "accept");
  BOOST_TEST(firewall(from(2, 54)) == "policy");
  BOOST_TEST(firewall(from(3)) == "drop");
  firewall.now_ns += 5 * kSecond;
  BOOST_TEST(firewall(from(1)) == "policy");
  BOOST_TEST(firewall.elements("map v") == "10.0.0.2 : jump other, 10.0.0.3 : drop");
}

BOOST_AUTO_TEST_CASE(any_way_of_adding_and_expiring_is_what_a_plain_map_says) {
  Firewall firewall(in_chain("udp dport 1 update @s { ip saddr timeout 7s } accept\n udp dport 2 add @s { ip saddr timeout 3s } accept\n"
                          " udp dport 3 delete @s { ip saddr } drop\n udp dport 4 ip saddr @s accept",
                          "set s { type ipv4_addr; size 20; flags dynamic,timeout; }"));
  std::map<unsigned, uint64_t> twin;  // host, expiry
  uint64_t random = 1;
  auto const chance = [&](uint64_t below) {
    random = random * 6364136223846793005U + 1442695040888963407U;
    return (random >> 33) % below;
  };
  for (int i = 0; i < 20000; ++i) {
    firewall.now_ns += chance(2) * kSecond / 10;
    uint64_t const now = firewall.now_ns;
    std::erase_if(twin, [&](auto const& one) { return one.second <= now; });
    auto const host = static_cast<unsigned>(chance(40));
    auto const port = static_cast<uint16_t>(1 + chance(4));
    bool const there = twin.contains(host), full = !there && twin.size() == 20;
    std::string const want = port == 3 ? "drop" : (port == 4 ? there : !full) ? "accept" : "policy";
    if (port == 1 && !full) twin[host] = now + 7 * kSecond;
    if (port == 2 && !full && !there) twin[host] = now + 3 * kSecond;
    if (port == 3) twin.erase(host);
    BOOST_REQUIRE(firewall(from(host, port)) == want);
  }
}

BOOST_AUTO_TEST_CASE(default_size_holds_65535_elements) {
  Firewall firewall(in_chain("update @s { ip saddr counter } accept", "set s { type ipv4_addr; flags dynamic,timeout; timeout 1h; }"));
  size_t accepted = 0;
  for (unsigned i = 0; i < 65536; ++i) accepted += firewall(from(i)) == "accept" ? 1 : 0;
  BOOST_TEST(accepted == 65535u);
}

BOOST_AUTO_TEST_CASE(what_the_kernel_refuses_is_refused_by_name) {
  auto const reason = [](const std::string& rule, const std::string& sets) {
    auto made = ruleset::load("test", in_chain(rule, sets), {});
    return made ? std::string() : made.error().message;
  };
  BOOST_TEST(reason("add @s { ip saddr }", "set s { type ipv4_addr; flags interval; }").find("Operation not supported") != std::string::npos);
  BOOST_TEST(reason("add @s { ip saddr timeout 5s }", "set s { type ipv4_addr; flags dynamic; }").find("Operation not supported") != std::string::npos);
  BOOST_TEST(reason("ip saddr @s accept", "set s { type ipv4_addr; size 1; flags dynamic; elements = { 1.1.1.1, 1.1.1.2 } }").find("Too many open files in system") != std::string::npos);
}
