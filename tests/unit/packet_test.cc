// tests/unit/packet_test.cc: the packet parser: one row per packet, and against its slow twin.
#define BOOST_TEST_MODULE packet
#include "common/packet/packet.h"

#include <fmt/format.h>

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "tests/tools/packets.h"
#include "tests/unit/packet_twin.h"

namespace bulkhead::packet {

std::ostream& operator<<(std::ostream& out, Shape shape) { return out << static_cast<int>(shape); }
std::ostream& operator<<(std::ostream& out, Reason reason) { return out << name_of(reason); }
std::ostream& operator<<(std::ostream& out, Tracking tracking) { return out << static_cast<int>(tracking); }

}  // namespace bulkhead::packet

namespace bulkhead {

namespace {

using test::Bytes;

const test::Ends v4{test::address("192.0.2.1"), test::address("198.51.100.7")};
const test::Ends v6{test::address("2001:db8::1"), test::address("2001:db8:1::7")};

packet::Headers parse_all(const Bytes& frame, packet::LinkType link = packet::LinkType::ethernet) {
  return packet::parse(frame, static_cast<uint32_t>(frame.size()), link);
}

Bytes tcp_frame(const test::Ends& ends) {
  return test::ethernet(
      test::ip(ends, packet::protocol::tcp, test::tcp(ends, {.src_port = 40000, .dst_port = 443, .flags = 2})));
}

/// A packet of one transport protocol, whose payload is `l4`.
Bytes ipv4_frame(uint8_t number, const Bytes& l4) { return test::ethernet(test::ip(v4, number, l4)); }
Bytes ipv6_frame(const Bytes& extensions, uint8_t first, uint8_t number, const Bytes& l4) {
  test::IpFields fields;
  fields.extensions = extensions;
  fields.first_extension = first;
  return test::ethernet(test::ip(v6, number, l4, fields));
}

Bytes changed(Bytes frame, size_t at, uint8_t value) {
  frame[at] = value;
  return frame;
}
Bytes cut(Bytes frame, size_t size) {
  frame.resize(size);
  return frame;
}
Bytes grown(Bytes frame, size_t more) {
  frame.resize(frame.size() + more);
  return frame;
}

const Bytes udp6 = test::udp(v6, 5000, 53, test::pattern(10));

}  // namespace

BOOST_AUTO_TEST_CASE(tcp_over_ipv4_gives_tuple_and_offsets) {
  const Bytes frame = tcp_frame(v4);
  const packet::Headers h = parse_all(frame);
  BOOST_TEST(h.shape == packet::Shape::ip);
  BOOST_TEST(h.l3_offset == 14);
  BOOST_TEST(h.l4_offset == 34u);
  BOOST_TEST(h.l3_length == 40u);
  BOOST_TEST(h.l4_length() == 20u);
  BOOST_TEST(h.tuple.source_port() == 40000);
  BOOST_TEST(h.tuple.destination_port() == 443);
  BOOST_TEST(h.tuple.protocol == packet::protocol::tcp);
  BOOST_TEST(h.tuple.l3 == 4);
  BOOST_CHECK(h.tuple.src == v4.src.bytes);
  BOOST_CHECK(h.tuple.dst == v4.dst.bytes);
  BOOST_TEST(!h.truncated);
}

BOOST_AUTO_TEST_CASE(udp_over_ipv6_behind_extension_headers_gives_tuple) {
  // hop-by-hop (padding), routing, destination options, AH with 12 bytes of integrity value
  Bytes extensions = {43, 0, 1, 4, 0, 0, 0, 0, 60, 0, 0, 0, 0, 0, 0, 0, 51, 0, 1, 4, 0, 0, 0, 0, 17, 4};
  extensions.resize(extensions.size() + 22);
  const packet::Headers h = parse_all(ipv6_frame(extensions, 0, packet::protocol::udp, udp6));
  BOOST_TEST(h.shape == packet::Shape::ip);
  BOOST_TEST(h.tuple.protocol == packet::protocol::udp);
  BOOST_TEST(h.l4_offset == 14u + 40 + 48);
  BOOST_TEST(h.tuple.source_port() == 5000);
  BOOST_TEST(h.l4_length() == 18u);
}

struct ShapeRow {
  const char* what;
  Bytes frame;
  packet::Shape shape;
  packet::Reason reason = packet::Reason::none;
};

BOOST_AUTO_TEST_CASE(every_frame_has_its_shape_and_reason) {
  const Bytes tcp4 = tcp_frame(v4), tcp6 = tcp_frame(v6);
  const Bytes udp4 = ipv4_frame(17, test::udp(v4, 1, 2, test::pattern(4)));
  const Bytes gre1 = {0x20, 1, 0x88, 0x0b, 0, 0, 0x12, 0x34},
              gre1_other = {0x20, 1, 0x08, 0x00, 0, 0, 0x12, 0x34};
  const std::vector<ShapeRow> rows = {
      {"no bytes", {}, packet::Shape::malformed, packet::Reason::short_link},
      {"13 bytes", Bytes(13), packet::Shape::malformed, packet::Reason::short_link},
      {"ethertype 0", Bytes(14), packet::Shape::not_ip},
      {"ARP", test::arp(1, {2}, v4.src, {}, v4.dst), packet::Shape::not_ip},
      {"IPv4 tag without its inside", cut(test::ethernet(Bytes(), 0x8100), 14), packet::Shape::malformed,
       packet::Reason::short_link},
      {"IPv4 of 19 bytes", cut(tcp4, 33), packet::Shape::malformed, packet::Reason::short_ip},
      {"IPv6 of 39 bytes", cut(tcp6, 53), packet::Shape::malformed, packet::Reason::short_ip},
      {"version 5 as IPv4", changed(tcp4, 14, 0x55), packet::Shape::malformed, packet::Reason::bad_version},
      {"version 4 as IPv6", changed(tcp6, 14, 0x45), packet::Shape::malformed, packet::Reason::bad_version},
      {"IPv4 header of 16", changed(tcp4, 14, 0x44), packet::Shape::malformed, packet::Reason::bad_header_length},
      {"IPv4 header of 60 in 40", changed(tcp4, 14, 0x4f), packet::Shape::malformed, packet::Reason::bad_header_length},
      {"IPv4 total below header", changed(tcp4, 17, 19), packet::Shape::malformed, packet::Reason::bad_total_length},
      {"IPv4 total beyond wire", changed(tcp4, 17, 41), packet::Shape::malformed, packet::Reason::bad_total_length},
      {"IPv4 with padding", grown(tcp4, 6), packet::Shape::ip},
      {"IPv6 payload beyond wire", changed(tcp6, 19, 21), packet::Shape::malformed, packet::Reason::bad_total_length},
      {"IPv6 with padding", grown(tcp6, 6), packet::Shape::ip},
      {"TCP of 19", ipv4_frame(6, Bytes(19)), packet::Shape::malformed, packet::Reason::short_l4},
      {"TCP of 19 and padding", grown(ipv4_frame(6, Bytes(19)), 9), packet::Shape::malformed, packet::Reason::short_l4},
      {"TCP data offset 16", changed(tcp4, 46, 0x40), packet::Shape::malformed, packet::Reason::bad_tcp_data_offset},
      {"TCP data offset beyond packet", changed(tcp4, 46, 0x60), packet::Shape::malformed,
       packet::Reason::bad_tcp_data_offset},
      {"UDP of 7", ipv4_frame(17, Bytes(7)), packet::Shape::malformed, packet::Reason::short_l4},
      {"UDP says 7", changed(udp4, 39, 7), packet::Shape::malformed, packet::Reason::bad_udp_length},
      {"UDP says 13 of 12", changed(udp4, 39, 13), packet::Shape::malformed, packet::Reason::bad_udp_length},
      {"UDP says 11 of 12", changed(udp4, 39, 11), packet::Shape::ip},
      {"UDP-Lite covers all", ipv4_frame(136, Bytes(8)), packet::Shape::ip},
      {"UDP-Lite covers 7", ipv4_frame(136, {0, 1, 0, 2, 0, 7, 0, 0}), packet::Shape::malformed,
       packet::Reason::bad_udp_length},
      {"SCTP of 11", ipv4_frame(132, Bytes(11)), packet::Shape::malformed, packet::Reason::short_l4},
      {"SCTP of 12", ipv4_frame(132, Bytes(12)), packet::Shape::ip},
      {"DCCP of 16 whose data offset is 0", ipv4_frame(33, Bytes(16)), packet::Shape::ip},
      {"DCCP of 3", ipv4_frame(33, Bytes(3)), packet::Shape::ip},
      {"ICMP of 7", ipv4_frame(1, Bytes(7)), packet::Shape::malformed, packet::Reason::short_l4},
      {"ESP of nothing", ipv4_frame(50, {}), packet::Shape::ip},
      {"unknown protocol", ipv4_frame(253, Bytes(3)), packet::Shape::ip},
      {"GRE 1 with PPP", ipv4_frame(47, gre1), packet::Shape::ip},
      {"GRE 1 with other", ipv4_frame(47, gre1_other), packet::Shape::no_tuple},
      {"IPv6 without next header", ipv6_frame({}, 0, 59, {}), packet::Shape::no_tuple},
      {"IPv6 hop-by-hop beyond packet", ipv6_frame({17, 1, 0, 0, 0, 0, 0, 0}, 0, 17, {}), packet::Shape::malformed,
       packet::Reason::short_extension},
      {"IPv6 AH without length", ipv6_frame({17}, 51, 17, {}), packet::Shape::malformed, packet::Reason::short_extension},
      {"IPv6 payload 0 with hop-by-hop, no jumbo",
       changed(ipv6_frame({17, 0, 1, 4, 0, 0, 0, 0}, 0, 17, {}), 19, 0), packet::Shape::malformed,
       packet::Reason::short_l4},
      {"IPv6 jumbo of 65535", changed(ipv6_frame({17, 0, 0xc2, 4, 0, 0, 0xff, 0xff}, 0, 17, {}), 19, 0),
       packet::Shape::malformed, packet::Reason::short_l4},
      {"IPv6 jumbo of 65536 in 48", changed(ipv6_frame({17, 0, 0xc2, 4, 0, 1, 0, 0}, 0, 17, {}), 19, 0),
       packet::Shape::malformed, packet::Reason::bad_jumbo},
      {"IPv4 TCP without a length", changed(tcp4, 17, 0), packet::Shape::ip},
      {"IPv4 UDP without a length", changed(udp4, 17, 0), packet::Shape::malformed, packet::Reason::bad_total_length},
      {"IPv6 TCP without a length", changed(tcp6, 19, 0), packet::Shape::ip},
      {"IPv4 fragment header only", changed(tcp4, 20, 0x20), packet::Shape::fragment},
      {"IPv6 atomic fragment", ipv6_frame({17, 0, 0, 0, 1, 2, 3, 4}, 44, 17, udp6), packet::Shape::ip},
      {"IPv6 first fragment", ipv6_frame({17, 0, 0, 1, 1, 2, 3, 4}, 44, 17, udp6), packet::Shape::fragment},
      {"IPv6 fragment header of 7", ipv6_frame({17, 0, 0, 1, 1, 2, 3}, 44, 17, {}), packet::Shape::malformed,
       packet::Reason::short_extension},
  };
  for (const ShapeRow& row : rows) {
    BOOST_TEST_CONTEXT(row.what) {
      const packet::Headers h = parse_all(row.frame);
      BOOST_TEST(h.shape == row.shape);
      BOOST_TEST(h.reason == row.reason);
      BOOST_TEST(test::broken_promise(h, row.frame, 0) == "");
      BOOST_TEST(test::describe(h) == test::describe(test::twin_parse(row.frame, 0, packet::LinkType::ethernet)));
    }
  }
}

BOOST_AUTO_TEST_CASE(jumbogram_takes_its_length_from_the_option) {
  Bytes l4 = test::udp(v6, 1, 2, {});
  l4.resize(70'000 - 8);
  store_be16(l4.data() + 4, 8);
  Bytes frame = ipv6_frame({17, 0, 0xc2, 4, 0, 1, 0x11, 0x70}, 0, 17, l4);  // 0x11170 = 70000
  store_be16(frame.data() + 18, 0);
  const packet::Headers h = parse_all(frame);
  BOOST_TEST(h.shape == packet::Shape::ip);
  BOOST_TEST(h.l3_length == 70'040u);
  BOOST_TEST(h.l4_offset == 62u);
}

BOOST_AUTO_TEST_CASE(vlan_tags_are_passed_over_up_to_eight) {
  test::LinkFields link;
  const Bytes inside = test::ip(v4, packet::protocol::udp, test::udp(v4, 1, 2, {}));
  for (uint16_t tags = 0; tags <= 9; ++tags) {
    const packet::Headers h = parse_all(test::ethernet(inside, link));
    BOOST_TEST(h.shape == (tags <= 8 ? packet::Shape::ip : packet::Shape::not_ip));
    BOOST_TEST(h.vlan_count == std::min<int>(tags, 8));
    if (tags <= 8) BOOST_TEST(h.l3_offset == 14 + 4 * tags);
    if (tags >= 2) BOOST_TEST((h.vlan_tci[0] == 100 && h.vlan_tci[1] == 101));
    link.vlans.push_back(static_cast<uint16_t>(100 + tags));
  }
}

BOOST_AUTO_TEST_CASE(every_link_type_leads_to_the_same_packet) {
  for (const test::Ends& ends : {v4, v6}) {
    const Bytes packet = test::ip(ends, packet::protocol::udp, test::udp(ends, 1, 2, {}));
    for (auto [link, offset] :
         {std::pair{packet::LinkType::ethernet, 14}, std::pair{packet::LinkType::raw_ip, 0},
          std::pair{packet::LinkType::linux_cooked_v1, 16}, std::pair{packet::LinkType::linux_cooked_v2, 20}}) {
      BOOST_TEST_CONTEXT(packet::name_of(link)) {
        const packet::Headers h = parse_all(test::with_link(link, packet), link);
        BOOST_TEST(h.shape == packet::Shape::ip);
        BOOST_TEST(h.l3_offset == offset);
        BOOST_TEST(h.tuple.destination_port() == 2);
      }
    }
  }
  BOOST_TEST(parse_all({0x55}, packet::LinkType::raw_ip).reason == packet::Reason::bad_version);
  BOOST_TEST(parse_all({}, packet::LinkType::raw_ip).reason == packet::Reason::short_ip);
}

BOOST_AUTO_TEST_CASE(link_types_have_their_numbers) {
  for (auto [number, link] :
       {std::pair{1, packet::LinkType::ethernet}, std::pair{12, packet::LinkType::raw_ip}, std::pair{14, packet::LinkType::raw_ip},
        std::pair{101, packet::LinkType::raw_ip}, std::pair{228, packet::LinkType::raw_ip}, std::pair{229, packet::LinkType::raw_ip},
        std::pair{113, packet::LinkType::linux_cooked_v1}, std::pair{276, packet::LinkType::linux_cooked_v2}}) {
    BOOST_CHECK(packet::link_type_of(number) == link);
    BOOST_CHECK(packet::link_type_of(packet::linktype_number(link)) == link);
  }
  BOOST_CHECK(!packet::link_type_of(105));
}

BOOST_AUTO_TEST_CASE(packet_cut_by_snaplen_is_truncated_but_keeps_its_length) {
  const Bytes whole =
      ipv4_frame(6, test::tcp(v4, {.src_port = 1, .dst_port = 2, .payload = test::pattern(1000)}));
  const packet::Headers h = packet::parse(cut(whole, 54), static_cast<uint32_t>(whole.size()), packet::LinkType::ethernet);
  BOOST_TEST(h.shape == packet::Shape::ip);
  BOOST_TEST(h.truncated);
  BOOST_TEST(h.l4_length() == 1020u);
  const packet::Headers shorter = packet::parse(cut(whole, 53), static_cast<uint32_t>(whole.size()), packet::LinkType::ethernet);
  BOOST_TEST(shorter.reason == packet::Reason::short_l4);
  BOOST_TEST(shorter.truncated);
}

BOOST_AUTO_TEST_CASE(fragments_say_where_they_belong) {
  for (const test::Ends& ends : {v4, v6}) {
    const Bytes packet = test::ip(ends, packet::protocol::udp, test::udp(ends, 1, 2, test::pattern(2000)));
    const auto parts = test::fragments(packet, 800, 0x1234);
    BOOST_REQUIRE(parts.size() == 3u);
    for (size_t i = 0; i < parts.size(); ++i) {
      const packet::Headers h = parse_all(test::ethernet(parts[i]));
      BOOST_TEST(h.shape == packet::Shape::fragment);
      BOOST_TEST(h.fragment_offset == 800 * i);
      BOOST_TEST(h.more_fragments == (i < 2));
      BOOST_TEST(h.first_fragment() == (i == 0));
      BOOST_TEST(h.fragment_id == 0x1234u);
      BOOST_TEST(h.tuple.protocol == packet::protocol::udp);
      BOOST_TEST(h.l4_length() == (i < 2 ? 800u : 408u));
    }
  }
}

BOOST_AUTO_TEST_CASE(icmp_tuple_holds_identifier_type_and_code) {
  const packet::Headers h = parse_all(ipv4_frame(1, test::echo(v4, true, 0x4321, 1, {})));
  BOOST_TEST(h.tuple.icmp_id() == 0x4321);
  BOOST_TEST(h.tuple.icmp_type() == 8);
  BOOST_TEST(h.tuple.icmp_code() == 0);
  const packet::Headers gre = parse_all(ipv4_frame(47, {0x20, 1, 0x88, 0x0b, 0, 0, 0x12, 0x34}));
  BOOST_TEST(gre.tuple.source_port() == 0);
  BOOST_TEST(gre.tuple.destination_port() == 0x1234);
}

BOOST_AUTO_TEST_CASE(icmp_types_are_tracked_as_linux_does) {
  struct Row {
    uint8_t l3, number, type;
    packet::Tracking tracking;
    int answer;  // type of the inverse; -1: none
  };
  const std::vector<Row> rows = {
      {4, 1, 8, packet::Tracking::flow, 0},          {4, 1, 0, packet::Tracking::answer, 8},
      {4, 1, 13, packet::Tracking::flow, 14},        {4, 1, 14, packet::Tracking::answer, 13},
      {4, 1, 15, packet::Tracking::flow, 16},        {4, 1, 16, packet::Tracking::answer, 15},
      {4, 1, 17, packet::Tracking::flow, 18},        {4, 1, 18, packet::Tracking::answer, 17},
      {4, 1, 3, packet::Tracking::error, -1},        {4, 1, 4, packet::Tracking::error, -1},
      {4, 1, 5, packet::Tracking::error, -1},        {4, 1, 11, packet::Tracking::error, -1},
      {4, 1, 12, packet::Tracking::error, -1},       {4, 1, 9, packet::Tracking::invalid, -1},
      {4, 1, 19, packet::Tracking::invalid, -1},     {6, 1, 8, packet::Tracking::invalid, 0},
      {4, 58, 128, packet::Tracking::invalid, 129},  {6, 58, 128, packet::Tracking::flow, 129},
      {6, 58, 129, packet::Tracking::answer, 128},   {6, 58, 139, packet::Tracking::flow, 140},
      {6, 58, 140, packet::Tracking::answer, 139},   {6, 58, 1, packet::Tracking::error, -1},
      {6, 58, 4, packet::Tracking::error, -1},       {6, 58, 130, packet::Tracking::untracked, -1},
      {6, 58, 131, packet::Tracking::untracked, -1}, {6, 58, 132, packet::Tracking::untracked, -1},
      {6, 58, 133, packet::Tracking::untracked, -1}, {6, 58, 134, packet::Tracking::untracked, -1},
      {6, 58, 135, packet::Tracking::untracked, -1}, {6, 58, 136, packet::Tracking::untracked, -1},
      {6, 58, 137, packet::Tracking::error, -1},     {6, 58, 138, packet::Tracking::invalid, -1},
      {6, 58, 143, packet::Tracking::untracked, -1},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT("ipv" << int{row.l3} << " protocol " << int{row.number} << " type " << int{row.type}) {
      packet::Tuple tuple;
      tuple.l3 = row.l3;
      tuple.protocol = row.number;
      tuple.src_port = to_network(uint16_t{77});
      tuple.dst_port = to_network(static_cast<uint16_t>(row.type << 8 | 3));
      tuple.src[0] = 1;
      BOOST_TEST(packet::tracking(tuple) == row.tracking);
      const auto other = packet::inverse(tuple);
      BOOST_TEST(other.has_value() == (row.answer >= 0));
      if (!other) continue;
      BOOST_TEST(other->icmp_type() == row.answer);
      BOOST_TEST(other->icmp_code() == 3);
      BOOST_TEST(other->icmp_id() == 77);
      BOOST_TEST(other->dst[0] == 1);
      BOOST_CHECK(packet::inverse(*other) == tuple);
    }
  }
}

BOOST_AUTO_TEST_CASE(inverse_swaps_ends_and_ports) {
  const packet::Tuple tuple = parse_all(tcp_frame(v6)).tuple;
  const auto other = packet::inverse(tuple);
  BOOST_REQUIRE(other);
  BOOST_CHECK(other->src == tuple.dst && other->dst == tuple.src);
  BOOST_TEST(other->source_port() == 443);
  BOOST_CHECK(packet::inverse(*other) == tuple);
}

BOOST_AUTO_TEST_CASE(icmp_errors_quote_the_tuple_of_the_packet) {
  for (const test::Ends& ends : {v4, v6}) {
    const Bytes inner = test::ip(ends, packet::protocol::udp, test::udp(ends, 40000, 53, test::pattern(20)));
    const test::Ends outer{ends.dst, ends.src};
    const bool four = ends.src.l3 == 4;
    for (size_t quoted : {inner.size(), inner.size() - 24, inner.size() - 25, size_t{19}, size_t{0}}) {
      const Bytes part(inner.begin(), inner.begin() + static_cast<std::ptrdiff_t>(quoted));
      const Bytes error = test::icmp_error(outer, four ? 3 : 1, 3, part);
      const Bytes frame = test::ethernet(test::ip(outer, four ? packet::protocol::icmp : packet::protocol::icmpv6, error));
      const auto tuple = packet::quoted_tuple(frame, parse_all(frame));
      BOOST_TEST(tuple.has_value() == (quoted >= inner.size() - 24));
      if (tuple) BOOST_CHECK(*tuple == parse_all(test::ethernet(inner)).tuple);
    }
  }
  BOOST_CHECK(!packet::quoted_tuple(tcp_frame(v4), parse_all(tcp_frame(v4))));
}

BOOST_AUTO_TEST_CASE(icmpv6_redirect_quotes_out_of_its_first_option) {
  const test::Ends ends{test::address("fe80::1"), v6.src};
  const Bytes inner = test::ip(v6, packet::protocol::udp, udp6);
  Bytes rest(36);
  rest.push_back(4);
  rest.push_back(static_cast<uint8_t>((8 + inner.size() + 7) / 8));
  rest.resize(rest.size() + 6);
  rest.insert(rest.end(), inner.begin(), inner.end());
  test::IpFields fields;
  fields.hop_limit = 255;
  const Bytes good = test::ethernet(test::ip(ends, packet::protocol::icmpv6, test::icmp(ends, 137, 0, rest), fields));
  const auto tuple = packet::quoted_tuple(good, parse_all(good));
  BOOST_REQUIRE(tuple);
  BOOST_TEST(tuple->destination_port() == 53);
  const Bytes far = changed(good, 21, 64), other_option = changed(good, 54 + 40, 2),
              global = changed(good, 22, 0x20);
  for (const Bytes& bad : {far, other_option, global}) BOOST_CHECK(!packet::quoted_tuple(bad, parse_all(bad)));
}

namespace {

std::vector<Bytes> seeds() {
  Bytes chain = {43, 0, 1,  4, 0, 0, 0, 0, 60, 0, 0,  0, 0, 0, 0, 0, 44, 0, 1, 4, 0, 0,
                 0,  0, 51, 0, 0, 0, 0, 0, 0,  9, 17, 1, 0, 0, 0, 0, 0,  0, 0, 0, 0, 0};
  std::vector<Bytes> out;
  for (const test::Ends& ends : {v4, v6}) {
    const Bytes udp = test::ip(ends, packet::protocol::udp, test::udp(ends, 1, 2, test::pattern(60)));
    out.push_back(udp);
    out.push_back(test::ip(ends, packet::protocol::tcp, test::tcp(ends, {.options = test::syn_options(1460)})));
    out.push_back(test::ip(ends, ends.src.l3 == 4 ? 1 : 58, test::icmp_error(ends, 3, 1, udp)));
    for (uint8_t number : Bytes{132, 33, 136, 47}) out.push_back(test::ip(ends, number, Bytes(24, 3)));
    for (const Bytes& part : test::fragments(udp, 32, 5)) out.push_back(part);
  }
  test::IpFields fields;
  fields.extensions = chain;
  out.push_back(test::ip(v6, packet::protocol::udp, udp6, fields));
  return out;
}

/// One to four bytes changed, most of them in the headers, and perhaps cut or lengthened.
void mutate(Bytes& frame, test::Random& random) {
  for (uint32_t i = 1 + random.below(4); i > 0 && !frame.empty(); --i) {
    const uint32_t reach = random.below(4) == 0 ? static_cast<uint32_t>(frame.size())
                                                : std::min<uint32_t>(static_cast<uint32_t>(frame.size()), 64);
    const uint32_t at = random.below(reach);
    constexpr uint8_t likely[] = {0, 1, 4, 6, 17, 43, 44, 51, 58, 59, 60, 0x40, 0x45, 0x60, 0x81, 0xff};
    frame[at] = random.below(2) == 0 ? likely[random.below(16)] : static_cast<uint8_t>(random.next());
  }
  if (random.below(4) == 0) frame.resize(random.below(static_cast<uint32_t>(frame.size()) + 9));
}

}  // namespace

BOOST_AUTO_TEST_CASE(mutated_packets_parse_as_the_slow_twin_does) {
  test::Random random(20240607);
  const std::vector<Bytes> packets = seeds();
  for (int round = 0; round < 300'000; ++round) {
    const auto link = static_cast<packet::LinkType>(random.below(4));
    Bytes frame = test::with_link(link, packets[random.below(static_cast<uint32_t>(packets.size()))]);
    mutate(frame, random);
    const uint32_t wire =
        static_cast<uint32_t>(frame.size()) + (random.below(4) == 0 ? random.below(100) : 0);
    const Bytes exact(frame);  // no spare capacity behind the last byte, for AddressSanitizer
    const packet::Headers h = packet::parse(exact, wire, link);
    const std::string broken = test::broken_promise(h, exact, wire);
    const std::string twin = test::describe(test::twin_parse(exact, wire, link)), ours = test::describe(h);
    if (!broken.empty() || ours != twin) {
      BOOST_FAIL(fmt::format("round {}: {}\nours {}\ntwin {}\n{:02x}", round, broken, ours, twin,
                             fmt::join(exact, "")));
    }
  }
}

}  // namespace bulkhead
