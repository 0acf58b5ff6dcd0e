// Checksums and TCP options: what the kernel verifies, against an obvious twin, and what it lets pass.
#include "common/packet/checksum.h"

#include <boost/test/unit_test.hpp>

#include "common/packet/tcp_facts.h"
#include "tests/tools/packets.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

Ends const kFour{address("10.0.0.1"), address("192.0.2.1")};
Ends const kSix{address("2001:db8::1"), address("2001:db8:1::1")};

packet::Headers parsed(const Bytes& frame) { return packet::parse(frame, static_cast<uint32_t>(frame.size()), packet::LinkType::ethernet); }
packet::Checksum verified(const Bytes& frame) { return packet::verify_checksum(frame, parsed(frame)); }
/// The frame with its transport checksum, `at` bytes into the transport header, changed to `value`.
Bytes with_checksum(Bytes frame, uint32_t at, uint16_t value) {
  store_be16(frame.data() + parsed(frame).l4_offset + at, value);
  return frame;
}
uint32_t twin_crc(const Bytes& bytes) {
  uint32_t crc = ~0U;
  for (size_t i = 0; i < bytes.size(); ++i) {
    crc ^= i >= 8 && i < 12 ? 0 : bytes[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
  }
  return ~crc;
}
Bytes tcp_frame(const Ends& ends, const Bytes& options, uint8_t flags = tcp_flag::ack, uint32_t ack = 100) {
  return ethernet(ip(ends, packet::protocol::tcp,
                     tcp(ends, {.src_port = 1,
                                .dst_port = 2,
                                .seq = 7,
                                .ack = ack,
                                .flags = flags,
                                .window = 9,
                                .options = options})));
}
packet::TcpFacts facts_of(const Bytes& frame) { return packet::tcp_facts(frame, parsed(frame)); }
Bytes sack_of(std::initializer_list<uint32_t> edges) {
  Bytes all{1, 1, 5, static_cast<uint8_t>(2 + 4 * edges.size())};
  for (uint32_t edge : edges)
    for (int shift = 24; shift >= 0; shift -= 8) all.push_back(static_cast<uint8_t>(edge >> shift));
  return all;
}

}  // namespace

BOOST_AUTO_TEST_CASE(sum_of_any_bytes_is_that_of_its_slow_twin) {
  Random random(1);
  for (size_t size = 0; size < 300; ++size) {
    Bytes bytes(size + 1);
    for (uint8_t& byte : bytes) byte = random.below(3) == 0 ? uint8_t{0xff} : static_cast<uint8_t>(random.next());
    for (size_t from : {0U, 1U})
      BOOST_TEST(packet::internet_sum({bytes.data() + from, size}) ==
                 static_cast<uint16_t>(~checksum(bytes.data() + from, size)));
  }
}

BOOST_AUTO_TEST_CASE(every_flipped_bit_of_a_packet_is_noticed) {
  for (const Ends& ends : {kFour, kSix}) {
    uint8_t const icmp = ends.src.l3 == 4 ? packet::protocol::icmp : packet::protocol::icmpv6;
    for (const Bytes& good :
         {ethernet(ip(ends, packet::protocol::udp, udp(ends, 5, 6, pattern(37)))), tcp_frame(ends, syn_options(1460)),
          ethernet(ip(ends, icmp, echo(ends, true, 1, 2, pattern(33))))}) {
      BOOST_TEST((verified(good) == packet::Checksum::good));
      uint32_t const l4 = parsed(good).l4_offset;
      for (size_t at = l4 + 18; at < good.size(); ++at) {
        Bytes bad = good;
        bad[at] ^= static_cast<uint8_t>(1U << (at % 8));
        BOOST_TEST((verified(bad) == packet::Checksum::bad), "byte " << at - l4);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_verified_passes) {
  Bytes const frame = ethernet(ip(kFour, packet::protocol::udp, udp(kFour, 5, 6, pattern(100))));
  BOOST_TEST((verified(with_checksum(frame, 6, 0)) == packet::Checksum::none));
  Bytes const cut(frame.begin(), frame.end() - 1);
  packet::Headers const headers = packet::parse(cut, static_cast<uint32_t>(frame.size()), packet::LinkType::ethernet);
  BOOST_TEST((packet::verify_checksum(cut, headers) == packet::Checksum::none));
  BOOST_TEST((verified(ethernet(ip(kFour, packet::protocol::esp, pattern(20)))) == packet::Checksum::none));
}

BOOST_AUTO_TEST_CASE(sum_of_the_pseudo_header_alone_is_a_card_that_had_not_summed_yet) {
  for (const Ends& ends : {kFour, kSix}) {
    Bytes const frame = ethernet(ip(ends, packet::protocol::udp, udp(ends, 5, 6, pattern(11))));
    Bytes pseudo(ends.src.bytes.begin(), ends.src.bytes.begin() + static_cast<ptrdiff_t>(ends.src.size()));
    pseudo.insert(pseudo.end(), ends.dst.bytes.begin(),
                  ends.dst.bytes.begin() + static_cast<ptrdiff_t>(ends.dst.size()));
    pseudo.insert(pseudo.end(), {0, packet::protocol::udp, 0, 19});
    auto const sum = static_cast<uint16_t>(~checksum(pseudo.data(), pseudo.size()));
    BOOST_TEST((verified(with_checksum(frame, 6, sum)) == packet::Checksum::partial));
    BOOST_TEST((verified(with_checksum(frame, 6, static_cast<uint16_t>(sum + 1))) == packet::Checksum::bad));
  }
}

BOOST_AUTO_TEST_CASE(udplite_covers_as_much_as_it_says) {
  for (const Ends& ends : {kFour, kSix})
    for (uint16_t const coverage : std::initializer_list<uint16_t>{8, 11, 12, 48}) {
      Bytes const frame = ethernet(ip(ends, packet::protocol::udplite, udplite(ends, 5, 6, coverage, pattern(40))));
      BOOST_TEST((verified(frame) == packet::Checksum::good));
      for (size_t at = 0, l4 = parsed(frame).l4_offset; at < 48; ++at) {
        if (at == 4 || at == 5) continue;
        Bytes changed = frame;
        changed[l4 + at] ^= 1;
        BOOST_TEST((verified(changed) == (at < coverage ? packet::Checksum::bad : packet::Checksum::good)), "byte " << at << " of " << coverage);
      }
      BOOST_TEST((verified(with_checksum(frame, 6, 0)) == packet::Checksum::bad));
    }
}

BOOST_AUTO_TEST_CASE(udplite_that_covers_all_says_0_or_its_length) {
  for (size_t size : {0U, 1U, 40U})
    for (size_t coverage : {size_t{0}, size + 8}) {
      Bytes const l4 = udplite(kSix, 5, 6, static_cast<uint16_t>(coverage), pattern(size));
      BOOST_TEST((verified(ethernet(ip(kSix, packet::protocol::udplite, l4))) == packet::Checksum::good));
    }
}

/// udplite_error() hands IPPROTO_UDP to nf_checksum_partial().
BOOST_AUTO_TEST_CASE(pseudo_header_of_udplite_is_taken_for_that_of_udp) {
  for (const Ends& ends : {kFour, kSix})
    for (uint16_t const coverage : std::initializer_list<uint16_t>{0, 8, 20}) {
      Bytes const rfc = udplite(ends, 5, 6, coverage, pattern(40), packet::protocol::udplite);
      BOOST_TEST((verified(ethernet(ip(ends, packet::protocol::udplite, rfc))) == packet::Checksum::bad));
    }
}

BOOST_AUTO_TEST_CASE(sum_of_the_pseudo_header_alone_is_no_sum_of_udplite) {
  for (uint8_t number : {packet::protocol::udp, packet::protocol::udplite}) {
    Bytes const frame = ethernet(ip(kFour, packet::protocol::udplite, udplite(kFour, 5, 6, 0, pattern(40))));
    Bytes const pseudo{10, 0, 0, 1, 192, 0, 2, 1, 0, number, 0, 48};
    auto const sum = static_cast<uint16_t>(~checksum(pseudo.data(), pseudo.size()));
    BOOST_TEST((verified(with_checksum(frame, 6, sum)) == packet::Checksum::bad));
  }
}

BOOST_AUTO_TEST_CASE(sctp_is_verified_by_its_crc) {
  Bytes const check{'1', '2', '3', '4', '5', '6', '7', '8', 0, 0, 0, 0, '9'};
  BOOST_TEST(packet::sctp_checksum(check) == twin_crc(check));
  for (size_t size : {12U, 13U, 19U, 20U, 28U, 100U}) {
    Bytes l4 = pattern(size, 3);
    uint32_t const crc = twin_crc(l4);
    for (int i = 0; i < 4; ++i) l4[8 + static_cast<size_t>(i)] = static_cast<uint8_t>(crc >> (8 * i));
    BOOST_TEST((verified(ethernet(ip(kFour, packet::protocol::sctp, l4))) == packet::Checksum::good));
    l4[0] ^= 1;
    BOOST_TEST((verified(ethernet(ip(kFour, packet::protocol::sctp, l4))) == packet::Checksum::bad));
  }
}

BOOST_AUTO_TEST_CASE(header_of_ipv4_is_summed_with_its_options) {
  IpFields fields;
  fields.extensions = {7, 3, 4, 0};
  for (const Bytes& frame : {ethernet(ip(kFour, packet::protocol::udp, udp(kFour, 5, 6, {}))),
                             ethernet(ip(kFour, packet::protocol::udp, udp(kFour, 5, 6, {}), fields))}) {
    BOOST_TEST(packet::ipv4_header_good(frame, parsed(frame)));
    for (size_t at = 15; at < parsed(frame).l4_offset; ++at) {
      Bytes bad = frame;
      bad[at] ^= 0x10;
      packet::Headers headers = parsed(frame);
      BOOST_TEST(!packet::ipv4_header_good(bad, headers), "byte " << at - 14);
    }
  }
}

BOOST_AUTO_TEST_CASE(facts_of_a_segment_are_what_its_options_say) {
  struct Row {
    const char* what;
    Bytes options;
    uint8_t flags, found;
    uint32_t sack;
  };
  constexpr uint8_t syn = tcp_flag::syn, ack = tcp_flag::ack;
  constexpr uint8_t scale = packet::TcpFacts::kHasScale, permitted = packet::TcpFacts::kSackPermitted;
  const Row rows[] = {{"nothing", {}, syn, 0, 100},
                      {"all", {2, 4, 5, 0xb4, 4, 2, 3, 3, 7, 0}, syn, scale | permitted | 7, 100},
                      {"a shift beyond 14", {3, 3, 15}, syn, scale | 14, 100},
                      {"twice: the last counts", {3, 3, 9, 3, 3, 2}, syn, scale | 2, 100},
                      {"behind the end", {0, 3, 3, 9}, syn, 0, 100},
                      {"a length of 1", {8, 1, 3, 3, 9}, syn, 0, 100},
                      {"a length beyond the header", {4, 2, 8, 40, 3, 3, 9}, syn, permitted, 100},
                      {"a kind without length at the very end", {4, 2, 1, 8}, syn, permitted, 100},
                      {"not in a segment without SYN", {3, 3, 9, 4, 2}, ack, 0, 100},
                      {"a block", sack_of({200, 300}), ack, 0, 300},
                      {"the highest of three", sack_of({200, 300, 400, 500, 350, 390}), ack, 0, 500},
                      {"below the acknowledgement", sack_of({10, 90}), ack, 0, 100},
                      {"half a block", {5, 6, 0, 0, 1, 200}, ack, 0, 100}};
  for (const Row& row : rows) {
    packet::TcpFacts const facts = facts_of(tcp_frame(kFour, row.options, row.flags));
    BOOST_TEST(int{facts.options} == int{row.found}, row.what);
    BOOST_TEST(facts.sack == row.sack, row.what);
    BOOST_TEST((facts.seq == 7 && facts.ack == 100 && facts.window == 9), row.what);
  }
  BOOST_TEST(facts_of(tcp_frame(kFour, sack_of({0xfffffff0, 5}), ack, 0xffffff00)).sack == 5U);
}

BOOST_AUTO_TEST_CASE(options_that_the_capture_cut_off_are_not_read) {
  Bytes const whole = tcp_frame(kFour, {2, 4, 5, 0xb4, 4, 2, 3, 3, 7, 0}, tcp_flag::syn);
  for (size_t size = 54; size <= whole.size(); ++size) {
    std::vector<uint8_t> const cut(whole.begin(),
                                   whole.begin() + static_cast<ptrdiff_t>(size));  // its end is the heap's
    packet::Headers const headers = packet::parse(cut, static_cast<uint32_t>(whole.size()), packet::LinkType::ethernet);
    BOOST_TEST((packet::tcp_facts(cut, headers).options & packet::TcpFacts::kHasScale) ==
               (size >= 54 + 9 ? packet::TcpFacts::kHasScale : 0));
  }
}
