// The fast lane: what goes by it, what does not, and that nobody can tell from what comes out.
#define BOOST_TEST_MODULE lanes
#include "ipc/state/pktio_state.h"
#include "tests/simulation/router.h"
#include "tests/simulation/workload.h"
#include "tests/unit/routed.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

constexpr uint64_t kSecond = 1000 * kMillisecond;
const Ends kOut{address("10.0.0.1"), address("192.0.2.1")};

constexpr const char* kRules = R"(
table ip nat { chain post { type nat hook postrouting priority srcnat; oifname "wan" ip saddr 10.0.0.9 masquerade; }; }
table inet fw {
  chain pre { type filter hook prerouting priority mangle; icmp type destination-unreachable ct mark set 0x7; }
  chain out { type filter hook output priority filter; policy accept; ct state related ct mark set 0x9; }
  chain forward { type filter hook forward priority filter; policy drop;
    ct mark 0x9 counter
    ct state established,related counter accept
    udp sport 2000 meta length > 60 counter accept
    udp sport 2001 limit rate 1000/second accept
    counter accept
  }
}
)";

control::Settings settings(bool fast_lane = true) {
  control::Settings made = with_rules(router_settings(16, 4, 1000), kRules);
  made.fast_lane = fast_lane;
  return made;
}

/// Packets, each at its time.
class Stream {
 public:
  Stream& add(size_t in, Bytes frame, uint64_t later_ns = kMillisecond) {
    time_ns_ += later_ns;
    input_[in].push_back({time_ns_, static_cast<uint32_t>(frame.size()), std::move(frame)});
    return *this;
  }
  Stream& udp(uint16_t from, size_t length = 20, IpFields fields = {}, const Ends& ends = kOut) {
    return add(0, ethernet(ip(ends, packet::protocol::udp, test::udp(ends, from, 53, pattern(length)), fields)));
  }
  Stream& answer(uint16_t to, const Ends& ends = kOut.back()) {
    return add(1, ethernet(ip(ends, packet::protocol::udp, test::udp(ends, 53, to, pattern(20)))));
  }
  Stream& tcp(bool back, uint32_t seq, uint32_t ack, uint8_t flags, size_t length = 0) {
    Ends const ends = back ? kOut.back() : kOut;
    Segment segment{.src_port = back ? uint16_t{80} : uint16_t{3000}, .dst_port = back ? uint16_t{3000} : uint16_t{80}, .seq = seq, .ack = ack, .flags = flags};
    segment.payload = pattern(length);
    if ((flags & tcp_flag::syn) != 0) segment.options = syn_options(1400);
    return add(back ? 1 : 0, ethernet(ip(ends, packet::protocol::tcp, test::tcp(ends, segment))));
  }
  Stream& pause(uint64_t ns) {
    time_ns_ += ns;
    return *this;
  }
  /// Packets that went by the lane; with it and without the same comes out.
  [[nodiscard]] uint64_t laned() const {
    std::array<std::string, 2> images;
    uint64_t went = 0;
    for (bool const fast_lane : {false, true}) {
      control::Settings const with = settings(fast_lane);
      Memory memory(with);
      Chain chain(memory, with, input_, 0);
      chain.start_all();
      BOOST_REQUIRE(chain.finish());
      images[fast_lane ? 1 : 0] = image(memory, chain.disk());
      went = memory.as<state::PktioState>("pktio.state").lane_packets.load();
    }
    BOOST_TEST(first_difference(images[0], images[1]) == "");
    return went;
  }

 private:
  Input input_{2};
  uint64_t time_ns_ = kStart;
};

/// A flow whose next packet would go by the lane: so many packets have missed it that pktio has let all come home.
Stream flowing(uint16_t from) {
  Stream stream;
  for (int i = 0; i < 40; ++i) stream.udp(from);
  return stream;
}

Stream opened() {
  Stream stream;
  stream.tcp(false, 0, 0, tcp_flag::syn).tcp(true, 0, 1, tcp_flag::syn | tcp_flag::ack).tcp(false, 1, 1, tcp_flag::ack);
  for (uint32_t i = 0; i < 40; ++i) stream.tcp(false, 1 + 10 * i, 1, tcp_flag::ack, 10);
  return stream;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_flow_that_is_judged_by_nothing_that_changes_has_a_lane) {
  uint64_t const before = flowing(1000).laned();
  BOOST_TEST(before > 0U);
  BOOST_TEST(flowing(1000).udp(1000).udp(1000, 200).laned() == before + 2);
}

BOOST_AUTO_TEST_CASE(a_flow_that_is_judged_by_its_packets_length_or_by_a_limit_has_none) {
  BOOST_TEST(flowing(2000).laned() == 0U);
  BOOST_TEST(flowing(2001).laned() == 0U);
}

BOOST_AUTO_TEST_CASE(what_is_no_plain_packet_of_it_goes_through_the_chain) {
  uint64_t const before = flowing(1000).laned();
  BOOST_TEST(flowing(1000).udp(1000, 20, {.hop_limit = 1}).laned() == before);
  BOOST_TEST(flowing(1000).udp(1000, 1400).laned() == before);                                  // wan's MTU is 1300
  BOOST_TEST(flowing(1000).udp(1000, 20, {.extensions = {148, 4, 0, 0}}).laned() == before);  // router alert
  Bytes const packet = ip(kOut, packet::protocol::udp, udp(kOut, 1000, 53, pattern(20)));
  Bytes wrong = ethernet(packet), to_group = ethernet(packet, {.dst = {1, 0, 0x5e, 0, 0, 1}, .vlans = {}});
  wrong.back() ^= 1;
  BOOST_TEST(flowing(1000).add(0, wrong).laned() == before);
  BOOST_TEST(flowing(1000).add(0, to_group).laned() == before);
  BOOST_TEST(flowing(1000).add(1, ethernet(packet)).laned() == before);  // by the other interface
  Stream in_pieces = flowing(1000);
  for (const Bytes& piece : fragments(packet, 16, 7)) in_pieces.add(0, ethernet(piece));
  BOOST_TEST(in_pieces.laned() == before);
}

BOOST_AUTO_TEST_CASE(a_flow_that_has_expired_begins_anew) {
  uint64_t const before = flowing(1000).laned();
  BOOST_TEST(flowing(1000).pause(29 * kSecond).udp(1000).laned() == before + 1);
  BOOST_TEST(flowing(1000).pause(31 * kSecond).udp(1000).laned() == before);
  // Its lane kept it alive, though conntrack was not told.
  Stream kept = flowing(1000);
  for (int i = 0; i < 10; ++i) kept.pause(20 * kSecond).udp(1000);
  BOOST_TEST(kept.laned() == before + 10);
}

BOOST_AUTO_TEST_CASE(an_answer_and_a_stream_change_the_flows_state) {
  Stream stream = flowing(1000);
  for (int i = 0; i < 40; ++i) stream.answer(1000).udp(1000);
  stream.pause(3 * kSecond);
  for (int i = 0; i < 40; ++i) stream.answer(1000).udp(1000);
  stream.pause(119 * kSecond).udp(1000);
  BOOST_TEST(stream.laned() > flowing(1000).laned() + 40);
}

BOOST_AUTO_TEST_CASE(a_translated_flow_has_a_lane_both_ways) {
  Ends const out{address("10.0.0.9"), address("192.0.2.1")}, back{address("192.0.2.1"), address("192.0.2.254")};
  Stream stream;
  for (int i = 0; i < 40; ++i) stream.udp(1000, 20, {}, out).answer(1000, back);
  BOOST_TEST(stream.laned() > 40U);
}

BOOST_AUTO_TEST_CASE(an_icmp_error_about_it_brings_it_back_and_its_mark_is_seen) {
  uint64_t const before = flowing(1000).laned();
  Bytes const packet = ip(kOut, packet::protocol::udp, udp(kOut, 1000, 53, pattern(20)));
  Bytes const error = ethernet(ip(kOut.back(), packet::protocol::icmp, icmp_error(kOut.back(), 3, 1, packet)));
  Stream stream = flowing(1000).add(1, error);
  for (int i = 0; i < 16; ++i) stream.udp(1000);
  BOOST_TEST(stream.laned() > before);
}

/// Wrong checksums, no hop left: of no flow, but what the router says is of the flow that it quotes, and marks that.
BOOST_AUTO_TEST_CASE(an_answer_about_a_packet_that_is_not_of_it_brings_it_back_too) {
  Ends const translated{address("10.0.0.9"), address("192.0.2.1")};
  for (const Ends& ends : {kOut, translated}) {
    Stream stream;
    for (int i = 0; i < 40; ++i) stream.udp(1000, 20, {}, ends);
    uint64_t const before = stream.laned();
    BOOST_TEST(before > 0U);
    Bytes wrong = ethernet(ip(ends.back(), packet::protocol::udp, udp(ends.back(), 53, 1000, pattern(20)), {.hop_limit = 1}));
    wrong.back() ^= 1;
    stream.add(1, wrong, 0).add(1, wrong, 0);
    for (int i = 0; i < 3; ++i) stream.add(0, ethernet(ip(ends, packet::protocol::udp, udp(ends, 1000, 53, pattern(20)))), 0);
    for (int i = 0; i < 40; ++i) stream.udp(1000, 20, {}, ends);
    BOOST_TEST(stream.laned() > before);
  }
}

/// To the inner address of a translated flow, from its server: another flow, whose answers leave by another port.
BOOST_AUTO_TEST_CASE(two_flows_each_of_which_looks_like_the_others_answer_are_kept_apart) {
  Ends const out{address("10.0.0.9"), address("192.0.2.1")};
  for (int const first : {0, 1}) {
    Stream stream;
    for (int i = first * 40; i < 160; ++i) {
      bool const back = i < 40 ? false : i < 80 ? true : i % 7 < 3;
      if (!back) stream.udp(1000, 20, {}, out);
      else stream.answer(1000, out.back());
    }
    BOOST_TEST(stream.laned() > 20U);
  }
}

BOOST_AUTO_TEST_CASE(tcp_goes_by_it_while_nothing_but_data_comes) {
  uint64_t const before = opened().laned();
  BOOST_TEST(before > 0U);
  auto const next = [](uint8_t flags, uint32_t seq = 401, size_t length = 10) { return opened().tcp(false, seq, 1, flags, length); };
  BOOST_TEST(next(tcp_flag::ack).laned() == before + 1);
  BOOST_TEST(next(tcp_flag::ack | tcp_flag::psh).laned() == before + 1);
  BOOST_TEST(next(tcp_flag::ack | tcp_flag::fin).laned() == before);
  BOOST_TEST(next(tcp_flag::ack | tcp_flag::urg).laned() == before);
  BOOST_TEST(next(tcp_flag::rst | tcp_flag::ack).laned() == before);
  BOOST_TEST(next(tcp_flag::syn).laned() == before);
  BOOST_TEST(next(tcp_flag::ack, 20'000'000).laned() == before);  // beyond the window
  BOOST_TEST(next(0).laned() == before);
  // The window moves on in the lane: what follows is judged by it.
  Stream far = opened();
  for (uint32_t i = 0; i < 200; ++i) far.tcp(false, 401 + 1000 * i, 1, tcp_flag::ack, 1000).tcp(true, 1, 1401 + 1000 * i, tcp_flag::ack);
  uint64_t const along = far.laned();
  BOOST_TEST(along > before + 300);
  BOOST_TEST(far.tcp(false, 401, 1, tcp_flag::fin | tcp_flag::ack).laned() == along);
}

BOOST_AUTO_TEST_CASE(data_that_nobody_acknowledges_shortens_a_flows_life_in_the_lane_too) {
  Stream stream = opened();
  stream.tcp(true, 1, 401, tcp_flag::ack);
  for (uint32_t i = 0; i < 20; ++i) stream.tcp(false, 401 + 10 * i, 1, tcp_flag::ack, 10).tcp(true, 1, 411 + 10 * i, tcp_flag::ack);
  // What conntrack has seen last acknowledges all, with a flag that goes through the chain: the flow has five days.
  stream.tcp(true, 1, 601, tcp_flag::ack | tcp_flag::urg);
  for (int i = 0; i < 20; ++i) stream.udp(8);
  uint64_t const before = stream.laned();
  stream.tcp(false, 601, 1, tcp_flag::ack, 10);  // this one is not acknowledged: 300 s
  BOOST_TEST(stream.laned() == before + 1);
  stream.pause(302 * kSecond);
  for (int i = 0; i < 4; ++i) stream.udp(7, 20, {}, {address("10.0.0.2"), address("192.0.2.1")}).pause(2 * kSecond);
  BOOST_TEST(stream.laned() >= before + 1);  // and the sweep finds it as it does without a lane
}

BOOST_AUTO_TEST_CASE(a_flow_table_that_may_fill_up_keeps_flows_that_it_may_evict_out_of_the_lane) {
  control::Settings few = with_rules(router_settings(64, 4, 100), kRules);  // fewer than two windows
  Input input(2);
  for (uint64_t i = 0; i < 64; ++i) {
    Bytes frame = ethernet(ip(kOut, packet::protocol::udp, udp(kOut, 1000, 53, pattern(20))));
    input[0].push_back({kStart + i * kMillisecond, static_cast<uint32_t>(frame.size()), std::move(frame)});
  }
  Memory memory(few);
  Chain chain(memory, few, input, 0);
  chain.start_all();
  BOOST_REQUIRE(chain.finish());
  BOOST_TEST(memory.as<state::PktioState>("pktio.state").lane_packets.load() == 0U);
}

BOOST_AUTO_TEST_CASE(long_streams_come_out_the_same) {
  uint64_t went = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Input const input = streams(seed, 3000);
    std::array<std::string, 2> images;
    for (bool const fast_lane : {false, true}) {
      control::Settings with = lane_settings(64, 8, 200 + 100 * static_cast<uint32_t>(seed % 2));
      with.fast_lane = fast_lane;
      Memory memory(with);
      Chain chain(memory, with, input, 0);
      chain.start_all();
      BOOST_REQUIRE(chain.finish());
      images[fast_lane ? 1 : 0] = image(memory, chain.disk());
      went += memory.as<state::PktioState>("pktio.state").lane_packets.load();
    }
    BOOST_TEST_CONTEXT("seed " << seed) BOOST_TEST(first_difference(images[0], images[1]) == "");
  }
  BOOST_TEST(went > 10'000U);
}
