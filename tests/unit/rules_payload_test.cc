// Raw payload and options that rules set, what lies behind the transport's header, fields that say how a packet is to be read; and
// what is asked of a host on which nobody listens.
#include "common/base/bytes.h"
#include "common/packet/internet_checksum.h"
#include "tests/unit/rules_firewall.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

constexpr size_t kIp = 20, kUdpSum = 6, kTcpSum = 16, kTcp = 20;

/// The packet's bytes after its rules.
Bytes changed(Firewall& firewall, const Bytes& frame) {
  const ruleset::Evaluation& seen = firewall.at(ruleset::At::forward, frame);
  return {seen.head.begin(), seen.head.begin() + seen.head_length};
}

Bytes changed(const std::string& rules, const Bytes& frame) {
  Firewall firewall(in_chain(rules));
  return changed(firewall, frame);
}

Bytes with_options(const Bytes& options) {
  Segment segment;
  segment.src_port = 40000;
  segment.dst_port = 80;
  segment.flags = tcp_flag::syn;
  segment.options = options;
  segment.payload = pattern(9);
  return ethernet(ip(kOut, packet::protocol::tcp, tcp(kOut, segment)));
}

/// Is the checksum at `at` behind the IPv4 header right?
bool sums_up(Bytes packet, size_t at, uint8_t protocol) {
  uint16_t const said = load_be16(packet.data() + kIp + at);
  store_be16(packet.data() + kIp + at, 0);
  uint32_t pseudo = protocol + static_cast<uint32_t>(packet.size() - kIp);
  for (size_t i = 12; i < kIp; i += 2) pseudo += load_be16(packet.data() + i);
  return checksum(packet.data() + kIp, packet.size() - kIp, pseudo) == said;
}

}  // namespace

BOOST_AUTO_TEST_CASE(raw_payload_is_set_and_no_checksum_with_it) {
  Bytes const frame = datagram(1000, 53), before(frame.begin() + 14, frame.end());
  Bytes const after = changed("@th,16,16 set 5353 @nh,8,8 set 0x10 @th,67,3 set 5", datagram(1000, 53));
  Bytes wanted = before;
  store_be16(wanted.data() + kIp + 2, 5353);
  wanted[1] = 0x10;
  wanted[kIp + 8] = static_cast<uint8_t>((wanted[kIp + 8] & 0xe3) | 5U << 2);
  BOOST_TEST(after == wanted);
}

BOOST_AUTO_TEST_CASE(what_lies_behind_the_transport_is_set_with_its_checksum) {
  Bytes const after = changed("@ih,0,32 set 0xcafebabe @ih,40,8 set 0x77", datagram(1000, 53));
  BOOST_TEST(load_be32(after.data() + kIp + 8) == 0xcafebabe);
  BOOST_TEST(int{after[kIp + 8 + 5]} == 0x77);
  BOOST_TEST(sums_up(after, kUdpSum, packet::protocol::udp));
  Bytes const segment = changed("@ih,0,16 set 0x4142", with_options(syn_options(1460)));
  size_t const header = size_t{segment[kIp + 12]} >> 4 << 2;
  BOOST_TEST(header > kTcp);
  BOOST_TEST(load_be16(segment.data() + kIp + header) == 0x4142);
  BOOST_TEST(sums_up(segment, kTcpSum, packet::protocol::tcp));
}

BOOST_AUTO_TEST_CASE(inner_bytes_are_those_of_protocols_that_have_some) {
  Firewall firewall(in_chain("@ih,0,16 0x0001 accept"));
  BOOST_TEST(firewall(datagram(1000, 53)) == "accept");
  BOOST_TEST(firewall(ping(kOut)) == "policy");
  BOOST_TEST(firewall(datagram(1000, 53, kOut, 1)) == "policy");
  BOOST_TEST(firewall(ethernet(ip(kOut, 47, {0x20, 0, 8, 0, 9, 9, 9, 9, 0, 1}))) == "accept");  // GRE with a key
  BOOST_TEST(firewall(ethernet(ip(kOut, 47, {0x20, 1, 8, 0, 9, 9, 9, 9, 0, 1}))) == "policy");
  BOOST_TEST(firewall(ethernet(ip(kOut, 4, {0, 1, 8, 0}))) == "accept");
}

BOOST_AUTO_TEST_CASE(bytes_far_from_the_header_are_set_too) {
  Bytes const frame = datagram(1000, 53, kOut, 1000);
  Bytes const after = changed("@th,2000,16 set 0x1234", frame);
  BOOST_REQUIRE(after.size() >= kIp + 252);
  BOOST_TEST(load_be16(after.data() + kIp + 250) == 0x1234);
  Firewall short_one(in_chain("@th,2000,16 set 0x1234 accept"));
  BOOST_TEST(short_one(datagram(1000, 53)) == "policy");
  BOOST_TEST(!short_one.packet.edited);
}

BOOST_AUTO_TEST_CASE(an_option_is_reset_to_no_operations) {
  Bytes const after = changed("reset tcp option sack-perm reset tcp option 3", with_options({2, 4, 5, 180, 4, 2, 3, 3, 7, 0, 0, 0}));
  Bytes const options(after.begin() + kIp + kTcp, after.begin() + kIp + kTcp + 12);
  BOOST_TEST(options == (Bytes{2, 4, 5, 180, 1, 1, 1, 1, 1, 0, 0, 0}));
  BOOST_TEST(sums_up(after, kTcpSum, packet::protocol::tcp));
  Firewall firewall(in_chain("reset tcp option 77 accept"));
  BOOST_TEST(firewall(with_options({2, 4, 5, 180})) == "accept");
  BOOST_TEST(!firewall.packet.edited);
  BOOST_TEST(firewall(with_options({1, 1, 77, 9})) == "drop");  // cut short
  BOOST_TEST(firewall(datagram(1000, 53)) == "policy");
}

BOOST_AUTO_TEST_CASE(a_chain_reads_the_packet_anew_and_the_one_before_does_not) {
  Firewall firewall("table inet t {\n chain a { type filter hook forward priority 0; policy accept;\n"
                    "  udp dport 53 ip protocol set 253 meta l4proto != udp drop\n  udp dport 54 ip frag-off set 5\n  udp dport 54 th sport 1000 ip ttl set 3\n }\n"
                    " chain b { type filter hook forward priority 1; policy accept;\n  meta l4proto 253 accept\n  @th,0,24 0x03e800 drop\n  ip ttl 3 ip frag-off 5 accept\n  drop\n }\n}\n");
  BOOST_TEST(firewall(datagram(1000, 53)) == "accept");
  BOOST_TEST(firewall(datagram(1000, 54)) == "accept");
  BOOST_TEST(firewall(datagram(1000, 55)) == "drop");
}

BOOST_AUTO_TEST_CASE(nobody_listens_at_a_queue) {
  Firewall firewall(in_chain("udp dport 1 queue to 3\n udp dport 2 queue flags bypass to 0-3\n udp dport 3 queue to udp sport map { 7 : 1 }"));
  BOOST_TEST(firewall(datagram(1000, 1)) == "drop");
  BOOST_TEST(firewall.packet.unheard);
  BOOST_TEST(firewall(datagram(1000, 2)) == "accept");
  BOOST_TEST(firewall(datagram(1000, 3)) == "policy");  // no queue is named
  BOOST_TEST(!firewall.packet.unheard);
  BOOST_TEST(firewall(datagram(7, 3)) == "drop");
  BOOST_TEST(firewall.loaded->notes.size() == 3U);
}

BOOST_AUTO_TEST_CASE(no_socket_is_here_and_no_proxy) {
  Firewall firewall("table inet t {\n chain c { type filter hook prerouting priority -150; policy drop;\n  meta l4proto udp socket transparent 0 accept\n"
                    "  meta l4proto udp socket wildcard 1 accept\n  meta l4proto udp tproxy to :7 accept\n  iif \"lo\" accept\n  iif 1 accept\n  udp dport 9 iif != \"lo\" accept\n }\n}\n");
  BOOST_TEST((firewall.at(ruleset::At::prerouting, datagram(1000, 53)).verdict == ruleset::Decision::drop));
  BOOST_TEST((firewall.at(ruleset::At::prerouting, datagram(1000, 9)).verdict == ruleset::Decision::accept));
}

BOOST_AUTO_TEST_CASE(a_flow_goes_round_the_rules_once_the_kernel_would_let_it) {
  constexpr uint32_t kSeenReply = 2, kAssured = 4, kConfirmed = 8;
  Firewall firewall(in_chain("flow add @f accept", "flowtable f { hook ingress priority 0; devices = { \"lan\" }; }"));
  BOOST_TEST(firewall(datagram(1000, 53)) == "policy");
  BOOST_TEST(!firewall.packet.steady);
  firewall.status = kConfirmed;
  BOOST_TEST(firewall(datagram(1000, 53)) == "accept");
  BOOST_TEST(firewall.packet.steady);
  BOOST_TEST(firewall(segment(80, tcp_flag::ack), chain::FlowState::established) == "policy");
  firewall.status = kConfirmed | kSeenReply | kAssured;
  BOOST_TEST(firewall(segment(80, tcp_flag::ack), chain::FlowState::established) == "accept");
  BOOST_TEST(firewall(segment(80, tcp_flag::ack | tcp_flag::fin), chain::FlowState::established) == "policy");
  BOOST_TEST(firewall(ping(kOut)) == "policy");
}

BOOST_AUTO_TEST_CASE(a_handshake_is_answered_for_the_server_and_ends_there) {
  Firewall firewall(in_chain("tcp dport 80 synproxy mss 1460\n accept"));
  BOOST_TEST(firewall(segment(80, tcp_flag::syn)) == "drop");
  BOOST_TEST(firewall(segment(80, tcp_flag::ack)) == "drop");
  BOOST_TEST(firewall(segment(80, tcp_flag::rst)) == "accept");
  BOOST_TEST(firewall(segment(81, tcp_flag::syn)) == "accept");
}

BOOST_AUTO_TEST_CASE(maps_that_change_give_an_address_and_a_port) {
  Firewall firewall("table ip t {\n map m { type inet_service : ipv4_addr . inet_service; flags timeout; elements = { 80 timeout 5s : 10.9.9.9 . 8080, 81 : 10.9.9.8 . 81 } }\n"
                    " map l { type ipv4_addr : ipv4_addr . mark; flags dynamic; size 10; }\n chain c { type filter hook forward priority 0; policy accept;\n"
                    "  update @l { ip saddr : ip daddr . 7 }\n }\n chain n { type nat hook prerouting priority 0; policy accept; meta l4proto tcp dnat ip to tcp dport map @m\n }\n}\n");
  BOOST_TEST(firewall(segment(80, tcp_flag::syn)) == "accept");
  BOOST_TEST(firewall.elements("map l") == "10.0.0.7 : 192.0.2.1 . 0x00000007");
}
