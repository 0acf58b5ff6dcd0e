// Captures as people have them: gzip'd, with other link types, pcapng whose interfaces differ, stamps of any year.
#include <zlib.h>

#include <boost/test/unit_test.hpp>

#include "common/packet/link.h"
#include "services/pktio/in/gzip_file.h"
#include "services/pktio/in/ng_source.h"
#include "services/pktio/in/open_capture.h"
#include "services/pktio/in/stamps.h"
#include "tests/unit/capture_bytes.h"

namespace bulkhead::pktio {
namespace {

using test::Bytes;
using test::Captured;
using test::MemoryFile;

struct Seen {
  std::vector<Captured> packets;
  std::vector<Position> positions;
  std::string error;
  packet::LinkType link = packet::LinkType::ethernet;
  bool mixed = false;
};

Seen look(Source& source) {
  Seen seen{{}, {}, {}, source.link(), source.is_mixed()};
  Arrival arrival{};
  while (source.peek(arrival) == Source::State::ready) {
    seen.packets.push_back({arrival.stamp_ns, arrival.wire, Bytes(arrival.bytes, arrival.bytes + arrival.captured)});
    seen.positions.push_back(source.position());
    source.advance();
  }
  if (source.peek(arrival) == Source::State::failed) seen.error = source.error().message;
  return seen;
}

Seen look(const Bytes& contents, const CaptureOptions& options = {}) {
  const MemoryFile file(contents);
  auto source = open_capture(std::make_unique<PreadFile>(file.fd()), options);
  if (!source) return {{}, {}, source.error().message};
  return look(**source);
}

Bytes gzipped(const Bytes& contents, int level = 6) {
  z_stream z{};
  BOOST_REQUIRE(deflateInit2(&z, level, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  Bytes out(deflateBound(&z, contents.size()) + 64);
  z.next_in = const_cast<uint8_t*>(contents.data());
  z.avail_in = static_cast<uInt>(contents.size());
  z.next_out = out.data();
  z.avail_out = static_cast<uInt>(out.size());
  BOOST_REQUIRE(deflate(&z, Z_FINISH) == Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

std::vector<Captured> some_packets(size_t count, uint32_t bytes = 100) {
  std::vector<Captured> packets;
  for (size_t i = 0; i < count; ++i) packets.push_back({1'700'000'000'000'000'000 + i, bytes, test::pattern(bytes, static_cast<uint8_t>(i))});
  return packets;
}

const test::Ends kEnds{test::address("10.0.0.7"), test::address("192.0.2.1")};
Bytes datagram() { return test::ip(kEnds, packet::protocol::udp, test::udp(kEnds, 5000, 53, test::pattern(20))); }

struct NgInterface {
  uint16_t link = 1;
  uint32_t snaplen = 262144;
  Bytes options{};
};
struct NgPacket {
  uint32_t interface;
  uint64_t units;
  Bytes bytes;
};

Bytes ng_section(bool big) {
  test::Writer section(big);
  return test::pcapng_block(big, 0x0a0d0d0a, section.put(0x1a2b3c4d, 4).put(1, 2).put(0, 2).put(UINT64_MAX, 8).bytes());
}
Bytes ng_interface(bool big, const NgInterface& one) {
  test::Writer body(big);
  return test::pcapng_block(big, 1, body.put(one.link, 2).put(0, 2).put(one.snaplen, 4).put(one.options).bytes());
}
Bytes ng_packet(bool big, const NgPacket& one) {
  test::Writer body(big);
  body.put(one.interface, 4).put(one.units >> 32, 4).put(one.units & 0xffff'ffff, 4).put(one.bytes.size(), 4).put(one.bytes.size(), 4).put(one.bytes);
  return test::pcapng_block(big, 6, body.bytes());
}
Bytes ng_file(bool big, const std::vector<NgInterface>& interfaces, const std::vector<NgPacket>& packets) {
  test::Writer out(big);
  out.put(ng_section(big));
  for (const auto& one : interfaces) out.put(ng_interface(big, one));
  for (const auto& one : packets) out.put(ng_packet(big, one));
  return out.bytes();
}

}  // namespace

BOOST_AUTO_TEST_CASE(gzipped_captures_are_read_as_what_is_in_them_from_any_position) {
  auto const packets = some_packets(3000, 700);
  for (const Bytes& contents : {test::pcap_file(packets), test::pcapng_file(packets, true)}) {
    Seen const whole = look(gzipped(contents));
    BOOST_CHECK(whole.packets == packets);
    CaptureOptions options;
    unsigned calls = 0;
    options.still_alive = [&] { ++calls; };
    options.from = whole.positions[2000];
    Seen const rest = look(gzipped(contents), options);
    BOOST_CHECK(rest.packets == std::vector<Captured>(packets.begin() + 2000, packets.end()));
    BOOST_TEST(calls != 0U);
  }
}

BOOST_AUTO_TEST_CASE(members_in_a_row_are_one_file_and_garbage_behind_them_is_none) {
  auto const packets = some_packets(20);
  Bytes const contents = test::pcap_file(packets);
  Bytes all = gzipped(Bytes(contents.begin(), contents.begin() + 500));
  Bytes const second = gzipped(Bytes(contents.begin() + 500, contents.end()), 1);
  all.insert(all.end(), second.begin(), second.end());
  BOOST_CHECK(look(all).packets == packets);
  all.insert(all.end(), 100, 'x');
  BOOST_CHECK(look(all).packets == packets);
}

BOOST_AUTO_TEST_CASE(damaged_gzip_data_are_an_error_behind_what_was_readable) {
  auto const packets = some_packets(3000, 700);
  Bytes const good = gzipped(test::pcap_file(packets));
  Seen const cut = look(Bytes(good.begin(), good.end() - 2000));
  BOOST_TEST(cut.error.ends_with("its gzip data end too early"), cut.error);
  BOOST_TEST((!cut.packets.empty() && cut.packets.size() < packets.size()));
  Bytes spoilt = good;
  spoilt[spoilt.size() - 6] ^= 0xff;  // the sum of all
  Seen const wrong = look(spoilt);
  BOOST_TEST(wrong.error.ends_with("its gzip data are damaged"), wrong.error);
  BOOST_TEST(look(Bytes{0x1f, 0x8b, 8}).error.find("not a capture file") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(every_link_type_that_is_read_gives_the_same_packet) {
  using packet::LinkType;
  for (LinkType const link : {LinkType::raw_ip, LinkType::linux_cooked_v1, LinkType::linux_cooked_v2, LinkType::bsd_null, LinkType::bsd_loop,
                              LinkType::ppp, LinkType::ppp_serial, LinkType::cisco_hdlc, LinkType::nflog})
    for (bool const six : {false, true})
      BOOST_TEST_CONTEXT(packet::name_of(link) << (six ? " IPv6" : " IPv4")) {
        test::Ends const ends6{test::address("2001:db8::7"), test::address("2001:db8:1::1")};
        Bytes const packet = six ? test::ip(ends6, packet::protocol::udp, test::udp(ends6, 5000, 53, test::pattern(20))) : datagram();
        Bytes const frame = test::with_link(link, packet);
        Seen const seen = look(test::pcap_file({{1, static_cast<uint32_t>(frame.size()), frame}}, {.link = static_cast<uint32_t>(packet::linktype_number(link))}));
        BOOST_REQUIRE(seen.packets.size() == 1U);
        BOOST_CHECK(seen.link == link);
        packet::Headers const headers = packet::parse(seen.packets[0].bytes, seen.packets[0].wire, link);
        BOOST_CHECK(headers.shape == packet::Shape::ip);
        BOOST_TEST(frame.size() - headers.l3_offset == packet.size());
        const MemoryFile file(test::pcap_file({{1, static_cast<uint32_t>(frame.size()), frame}}, {.link = static_cast<uint32_t>(packet::linktype_number(link))}));
        auto source = open_capture(std::make_unique<PreadFile>(file.fd()), {});
        BOOST_REQUIRE(source);
        EthernetSource ethernet(std::move(*source), {});
        Seen const changed = look(ethernet);
        BOOST_REQUIRE(changed.packets.size() == 1U);
        BOOST_TEST(Bytes(changed.packets[0].bytes.begin() + 14, changed.packets[0].bytes.end()) == packet, boost::test_tools::per_element());
        BOOST_TEST(load_be16(changed.packets[0].bytes.data() + 12) == (six ? packet::ethertype::ipv6 : packet::ethertype::ipv4));
      }
}

BOOST_AUTO_TEST_CASE(frames_that_are_no_ip_packets_keep_their_protocol_as_ethernet) {
  struct Row {
    packet::LinkType link;
    Bytes frame;
    uint16_t type;
    size_t rest;
  };
  const std::vector<Row> rows{{packet::LinkType::ppp_serial, {0xff, 3, 0xc0, 0x21, 1, 2, 3}, 0x880b, 5},
                              {packet::LinkType::ppp, {0xc0, 0x21, 1, 2}, 0x880b, 4},
                              {packet::LinkType::cisco_hdlc, {0x8f, 0, 0x80, 0x35, 1, 2}, 0x8035, 2},
                              {packet::LinkType::bsd_null, {7, 0, 0, 0, 1, 2, 3}, 0x88b5, 7}};
  for (const Row& row : rows)
    BOOST_TEST_CONTEXT(packet::name_of(row.link)) {
      std::array<uint8_t, 14> header{};
      size_t const replaced = packet::ethernet_instead(row.frame, row.link, {}, header);
      BOOST_TEST(load_be16(header.data() + 12) == row.type);
      BOOST_TEST(row.frame.size() - replaced == row.rest);
    }
}

BOOST_AUTO_TEST_CASE(pcapng_interfaces_that_differ_give_one_link_type) {
  Bytes const packet = datagram(), ethernet = test::ethernet(packet);
  for (bool const big : {false, true}) {
    Seen const snaplens = look(ng_file(big, {{1, 65535}, {1, 262144}}, {{0, 5, ethernet}, {1, 6, ethernet}}));
    BOOST_TEST(snaplens.error == "");
    BOOST_REQUIRE(snaplens.packets.size() == 2U);
    BOOST_TEST((!snaplens.mixed && snaplens.link == packet::LinkType::ethernet));
    BOOST_CHECK((snaplens.packets[1] == Captured{6000, static_cast<uint32_t>(ethernet.size()), ethernet}));
    Seen const links = look(ng_file(big, {{101}, {1}, {113}}, {{0, 5, packet}, {1, 6, ethernet}, {2, 7, test::with_link(packet::LinkType::linux_cooked_v1, packet)}}));
    BOOST_TEST(links.error == "");
    BOOST_REQUIRE(links.packets.size() == 3U);
    BOOST_TEST((links.mixed && links.link == packet::LinkType::ethernet));
    for (const Captured& one : links.packets)
      BOOST_TEST(Bytes(one.bytes.begin() + 14, one.bytes.end()) == packet, boost::test_tools::per_element());
    CaptureOptions options;
    options.from = links.positions[2];
    BOOST_CHECK(look(ng_file(big, {{101}, {1}, {113}}, {{0, 5, packet}, {1, 6, ethernet}, {2, 7, test::with_link(packet::LinkType::linux_cooked_v1, packet)}}), options).packets ==
                std::vector<Captured>(1, links.packets[2]));
  }
  Bytes sections = ng_file(false, {{1, 100}}, {{0, 5, ethernet}});
  Bytes const second = ng_file(true, {{1, 200}}, {{0, 6, ethernet}});
  sections.insert(sections.end(), second.begin(), second.end());
  BOOST_TEST(look(sections).packets.size() == 2U);
}

BOOST_AUTO_TEST_CASE(radio_is_refused_by_name_wherever_it_stands) {
  BOOST_TEST(look(ng_file(false, {{1}, {127}}, {})).error.starts_with("packet 1: link type 127 (IEEE802_11_RADIO)"));
  BOOST_TEST(look(test::pcap_file({}, {.link = 105})).error.starts_with("packet 1: link type 105 (IEEE802_11): want Ethernet"));
}

BOOST_AUTO_TEST_CASE(damaged_pcapng_is_an_error_behind_what_was_readable) {
  Bytes const ethernet = test::ethernet(datagram());
  Bytes const good = ng_file(false, {{1, 100}, {1, 200}}, {{0, 5, ethernet}, {1, 6, ethernet}});
  Seen const cut = look(Bytes(good.begin(), good.end() - 10));
  BOOST_TEST(cut.packets.size() == 1U);
  BOOST_TEST(cut.error == "packet 2: truncated pcapng dump file");
  Seen const unknown = look(ng_file(false, {{1, 100}, {1, 200}}, {{0, 5, ethernet}, {2, 6, ethernet}}));
  BOOST_TEST(unknown.packets.size() == 1U);
  BOOST_TEST(unknown.error == "packet 2: a packet of interface 2, which nothing describes");
}

BOOST_AUTO_TEST_CASE(stamps_of_any_year_are_kept) {
  Bytes const frame = test::ethernet(datagram());
  auto const offset = [](int64_t seconds) {
    test::Writer options(false);
    return options.put(14, 2).put(8, 2).put(static_cast<uint64_t>(seconds), 8).put(0, 4).bytes();
  };
  for (bool const differ : {false, true}) {
    std::vector<NgInterface> interfaces{{1, 262144, offset(-10)}};
    if (differ) interfaces.push_back({1, 100});
    Seen const before = look(ng_file(false, interfaces, {{0, 3'000'000, frame}, {0, 12'500'000, frame}}));
    BOOST_REQUIRE(before.packets.size() == 2U);
    BOOST_TEST(static_cast<int64_t>(before.packets[0].stamp_ns) == -7'000'000'000);
    BOOST_TEST(before.packets[1].stamp_ns == 2'500'000'000U);
    interfaces[0].options = offset(5'000'000'000);  // 2128
    Seen const late = look(ng_file(false, interfaces, {{0, 1'000'000, frame}}));
    BOOST_REQUIRE(late.packets.size() == 1U);
    BOOST_TEST(late.packets[0].stamp_ns == 5'000'000'001'000'000'000U);
  }
  BOOST_TEST(static_cast<int64_t>(stamp_of_seconds(100, 1'500'000'000)) == 101'500'000'000);
  BOOST_TEST(static_cast<int64_t>(stamp_of_seconds(0, -1)) == -1);
  for (int64_t const far : {int64_t{1} << 40, int64_t{20'000'000'000}, -(int64_t{1} << 40) - 7}) {
    auto const kept = static_cast<int64_t>(stamp_of_seconds(far, 0)) / kStampSecond;
    BOOST_TEST(static_cast<uint32_t>(kept) == static_cast<uint32_t>(far));
  }
  BOOST_TEST((is_earlier(stamp_of_seconds(-1, 0), 0) && clock_of(stamp_of_seconds(-1, 0)) == 0));
}

}  // namespace bulkhead::pktio
