// Track and confirm: tables of packets, each with the state that it must get.
#include <boost/test/unit_test.hpp>
#include <boost/test/unit_test_log.hpp>
#include <functional>
#include <vector>

#include "services/conntrack/tcp_state.h"
#include "services/conntrack/timeouts.h"
#include "tests/unit/table_world.h"

using namespace bulkhead;
using namespace bulkhead::test;
using namespace bulkhead::conntrack;
namespace flag = bulkhead::test::tcp_flag;

namespace {

constexpr uint64_t kBegin = 1'000'000 * kSecond;

Ends const kThere{address("10.0.0.1"), address("192.0.2.1")};
Ends const kThere6{address("2001:db8::1"), address("2001:db8:1::1")};

Bytes udp_packet(const Ends& ends, uint16_t from = 5000, uint16_t to = 53) {
  return ip(ends, protocol::udp, udp(ends, from, to, pattern(10)));
}
Bytes tcp_packet(const Ends& ends, uint8_t flags, bool back = false) {
  Segment segment;
  segment.src_port = back ? 80 : 1234;
  segment.dst_port = back ? 1234 : 80;
  segment.flags = flags;
  return ip(ends, protocol::tcp, tcp(ends, segment));
}
Bytes there(uint8_t flags) { return tcp_packet(kThere, flags); }
Bytes back(uint8_t flags) { return tcp_packet(kThere.back(), flags, true); }
Bytes ping(const Ends& ends, bool request, uint16_t id = 7) {
  return ip(ends, ends.src.l3 == 4 ? protocol::icmp : protocol::icmpv6, echo(ends, request, id, 1, pattern(8)));
}
Bytes error(const Ends& ends, uint8_t type, uint8_t code, const Bytes& quoted) {
  return ip(ends, ends.src.l3 == 4 ? protocol::icmp : protocol::icmpv6, icmp_error(ends, type, code, quoted));
}

/// A packet, so much later than the one before it, and what becomes of it.
struct Row {
  const char* what;
  Bytes packet;
  uint64_t later_ns;
  FlowState state;
  uint32_t flows;  // in the table afterwards
  DropReason reason = DropReason::none;
};

class Table : public TableWorld {
 public:
  explicit Table(uint32_t flows = 8) : TableWorld(flows) {}

  struct Sent {
    Descriptor descriptor;
    bool waits;
  };
  Sent tracked(const Bytes& frame, uint64_t later_ns = 0) {
    time_ns_ += later_ns;
    Sent sent{described(frame, number_ + 1, time_ns_), false};
    sent.waits = track->visit(sent.descriptor) == Track::Outcome::wait;
    if (!sent.waits) ++number_;
    commit();
    return sent;
  }
  /// Home it goes; `dropped`: by rules.
  void home(Descriptor descriptor, bool dropped = false) {
    if (dropped) descriptor.verdict = Verdict::drop;
    BOOST_TEST(confirm->visit(descriptor));
    commit();
  }
  Descriptor passed(const Bytes& frame, uint64_t later_ns = 0) {
    Sent const sent = tracked(frame, later_ns);
    BOOST_REQUIRE(!sent.waits);
    home(sent.descriptor);
    return sent.descriptor;
  }
  Descriptor tick(uint64_t later_ns) {
    time_ns_ += later_ns;
    Descriptor descriptor{};
    descriptor.kind = Kind::tick;
    descriptor.number = ++number_;
    descriptor.time_ns = time_ns_;
    BOOST_REQUIRE(track->visit(descriptor) == Track::Outcome::done);
    home(descriptor);
    return descriptor;
  }
  void run(const std::vector<Row>& rows) {
    for (const Row& row : rows) {
      Descriptor const seen = passed(ethernet(row.packet), row.later_ns);
      BOOST_TEST(name_of(seen.state) == name_of(row.state), row.what);
      BOOST_TEST(name_of(seen.reason) == name_of(row.reason), row.what);
      BOOST_TEST(state.used.load() == row.flows, row.what);
      BOOST_TEST(state.unconfirmed.load() == 0U, row.what);
    }
  }
  FlowEntry& flow(const Descriptor& descriptor) { return table->entry(descriptor.flow - 1); }

 private:
  uint64_t time_ns_ = kBegin;
  uint64_t number_ = 0;
};

constexpr auto kNew = FlowState::fresh, kEstablished = FlowState::established, kRelated = FlowState::related,
               kInvalid = FlowState::invalid, kUntracked = FlowState::untracked;

}  // namespace

BOOST_AUTO_TEST_CASE(udp_is_established_once_answered_and_lives_longer_as_a_stream) {
  for (const Ends& ends : {kThere, kThere6}) {
    Bytes const out = udp_packet(ends), in = udp_packet(ends.back(), 53, 5000);
    Table().run({{"the first", out, 0, kNew, 1},
                 {"again, unanswered", out, 29 * kSecond, kNew, 1},
                 {"30 s after that one it has gone", out, 30 * kSecond, kNew, 1},
                 {"the answer", in, 1, kEstablished, 1},
                 {"after 29 s it is alive, and a stream from now on", out, 29 * kSecond, kEstablished, 1},
                 {"after 119 s too", in, 119 * kSecond, kEstablished, 1},
                 {"after 120 s it is another flow, begun by the other side", in, 120 * kSecond, kNew, 1},
                 {"whose answer this is", out, 1, kEstablished, 1}});
  }
}

BOOST_AUTO_TEST_CASE(tcp_goes_through_its_states_with_their_time_outs) {
  Table().run({{"SYN", there(flag::syn), 0, kNew, 1},
               {"SYN again", there(flag::syn), kSecond, kNew, 1},
               {"an ACK before the SYN/ACK is none", there(flag::ack), 1, kInvalid, 1},
               {"SYN/ACK", back(flag::syn | flag::ack), 119 * kSecond, kEstablished, 1},
               {"ACK", there(flag::ack), 59 * kSecond, kEstablished, 1},
               {"no flags", there(0), 1, kInvalid, 1},
               {"a SYN in its middle passes", there(flag::syn), 1, kEstablished, 1},
               {"five days less a second", back(flag::ack), 431'999 * kSecond, kEstablished, 1},
               {"FIN", there(flag::fin | flag::ack), 1, kEstablished, 1},
               {"its ACK", back(flag::ack), 1, kEstablished, 1},
               {"FIN of the other", back(flag::fin | flag::ack), 59 * kSecond, kEstablished, 1},
               {"the last ACK", there(flag::ack), 29 * kSecond, kEstablished, 1},
               {"SYN: a new flow in its place", there(flag::syn), 1, kNew, 1},
               {"RST", back(flag::rst), 1, kEstablished, 1},
               {"10 s later it has gone; an ACK picks a flow up in its middle", there(flag::ack), 10 * kSecond,
                kNew, 1},
               {"a SYN/ACK begins none", tcp_packet(kThere6, flag::syn | flag::ack), 1, kInvalid, 1},
               {"nor does a RST", tcp_packet(kThere6, flag::rst), 1, kInvalid, 1},
               {"nor a FIN alone", tcp_packet(kThere6, flag::fin), 1, kInvalid, 1}});
}

BOOST_AUTO_TEST_CASE(icmp_echo_is_one_flow_for_each_identifier) {
  for (const Ends& ends : {kThere, kThere6})
    Table().run({{"an answer to nothing", ping(ends.back(), false), 0, kInvalid, 0},
                 {"request", ping(ends, true), 1, kNew, 1},
                 {"its answer", ping(ends.back(), false), 1, kEstablished, 1},
                 {"another identifier", ping(ends, true, 8), 1, kNew, 2},
                 {"an answer to neither", ping(ends.back(), false, 9), 1, kInvalid, 2},
                 {"30 s later the answer is to nothing, and takes nobody's place", ping(ends.back(), false),
                  30 * kSecond, kInvalid, 1}});
}

BOOST_AUTO_TEST_CASE(icmp_errors_are_related_to_what_they_quote) {
  Bytes const out = udp_packet(kThere), out6 = udp_packet(kThere6);
  Ends const router{address("198.51.100.1"), kThere.src};
  Table().run({{"quotes nothing known", error(kThere.back(), 3, 3, out), 0, kInvalid, 0},
               {"a flow", out, 1, kNew, 1},
               {"port unreachable", error(kThere.back(), 3, 3, out), 1, kRelated, 1},
               {"time exceeded, from a router", error(router, 11, 0, out), 1, kRelated, 1},
               {"about the flow's other direction", error(kThere, 3, 1, udp_packet(kThere.back(), 53, 5000)), 1,
                kRelated, 1},
               {"quotes another port", error(kThere.back(), 3, 3, udp_packet(kThere, 5001)), 1, kInvalid, 1},
               {"quotes too little", error(kThere.back(), 3, 3, Bytes(out.begin(), out.begin() + 20)), 1, kInvalid,
                1},
               {"an expired flow is nobody's", error(kThere.back(), 3, 3, out), 30 * kSecond, kInvalid, 1},
               {"IPv6", out6, 1, kNew, 2},
               {"packet too big", error(kThere6.back(), 2, 0, out6), 1, kRelated, 2},
               {"a type that is none", ip(kThere, protocol::icmp, icmp(kThere, 99, 0, pattern(8))), 1, kInvalid, 2},
               {"neighbour solicitation",
                ip(kThere6, protocol::icmpv6, neighbour(kThere6, 135, kThere6.dst, Mac{2, 0, 0, 0, 0, 1})), 1,
                kUntracked, 2}});
}

BOOST_AUTO_TEST_CASE(error_goes_against_the_packet_that_it_quotes_and_changes_nothing) {
  Table table;
  Bytes const out = udp_packet(kThere);
  Descriptor const first = table.passed(ethernet(out));
  uint64_t const expires = table.flow(first).expires_ns.load();
  Descriptor const about = table.passed(ethernet(error(kThere.back(), 3, 3, out)), kSecond);
  BOOST_TEST(about.flow == first.flow);
  BOOST_TEST((about.direction == Direction::reply));
  BOOST_TEST(table.flow(first).expires_ns.load() == expires);
  BOOST_TEST(table.flow(first).counters[1].packets.load() == 0U);
  Descriptor const other = table.passed(ethernet(error(kThere, 3, 3, udp_packet(kThere.back(), 53, 5000))));
  BOOST_TEST((other.direction == Direction::original));
}

BOOST_AUTO_TEST_CASE(what_has_no_tuple_is_not_tracked_and_what_is_malformed_is_dropped) {
  Bytes const whole = ip(kThere, protocol::udp, udp(kThere, 7, 8, pattern(60)));
  Table table;
  for (const Bytes& part : fragments(whole, 24, 77))
    BOOST_TEST(name_of(table.passed(ethernet(part)).state) == "untracked");
  BOOST_TEST(name_of(table.passed(arp(1, Mac{}, kThere.src, Mac{}, kThere.dst)).state) == "untracked");
  Bytes cut = ethernet(whole);
  cut.resize(14 + 12);
  Descriptor const malformed = table.passed(cut);
  BOOST_TEST(name_of(malformed.state) == "invalid");
  BOOST_TEST(name_of(malformed.reason) == name_of(Reason::short_ip));
  BOOST_TEST((malformed.verdict == Verdict::drop));
  Descriptor const none = table.passed(ethernet(ip(kThere6, protocol::no_next, {})));
  BOOST_TEST(name_of(none.state) == "invalid");
  BOOST_TEST((none.verdict == Verdict::accept));
  BOOST_TEST(table.state.used.load() == 0U);
}

BOOST_AUTO_TEST_CASE(table_that_is_full_drops_new_flows_and_knows_the_old_ones) {
  Table table(2);
  auto const packet = [](uint16_t port) { return udp_packet(kThere, port); };
  table.run({{"one", packet(1), 0, kNew, 1},
             {"two", packet(2), 0, kNew, 2},
             {"three is too many", packet(3), 0, kInvalid, 2, DropReason::table_full},
             {"one is known", packet(1), 20 * kSecond, kNew, 2},
             {"two has expired, and makes way for itself", packet(2), 10 * kSecond, kNew, 2},
             {"three is still too many", packet(3), 0, kInvalid, 2, DropReason::table_full}});
  table.tick(25 * kSecond);
  table.run({{"there is room after the sweep", packet(3), 0, kNew, 2}});
}

BOOST_AUTO_TEST_CASE(next_packet_of_a_flow_waits_until_the_first_ones_fate_is_known) {
  Table table;
  Bytes const out = ethernet(udp_packet(kThere)), in = ethernet(udp_packet(kThere.back(), 53, 5000));
  Bytes const about = ethernet(error(kThere.back(), 3, 3, udp_packet(kThere)));
  Descriptor const first = table.tracked(out).descriptor;
  for (const Bytes& packet : {out, in, about}) BOOST_TEST(table.tracked(packet).waits);
  BOOST_TEST(!table.tracked(ethernet(udp_packet(kThere, 9))).waits);
  table.home(first);
  for (const Bytes& packet : {out, in, about}) BOOST_TEST(!table.tracked(packet).waits);
}

BOOST_AUTO_TEST_CASE(dropped_first_packet_leaves_nothing_behind) {
  Table table;
  Bytes const out = ethernet(udp_packet(kThere));
  Descriptor const first = table.tracked(out).descriptor;
  table.home(first, true);
  BOOST_TEST(table.state.used.load() == 0U);
  BOOST_TEST(table.state.unconfirmed.load() == 0U);
  BOOST_TEST(table.state.gone_count.load() == 0U);
  Descriptor const second = table.tracked(out).descriptor;
  BOOST_TEST(name_of(second.state) == "new");
  BOOST_TEST(second.flow_generation != first.flow_generation);
}

BOOST_AUTO_TEST_CASE(full_table_waits_while_an_unconfirmed_flow_might_make_way) {
  Table table(1);
  Descriptor const first = table.tracked(ethernet(udp_packet(kThere, 1))).descriptor;
  Bytes const other = ethernet(udp_packet(kThere, 2));
  BOOST_TEST(table.tracked(other).waits);
  table.home(first, true);
  Table::Sent const second = table.tracked(other);
  BOOST_TEST(!second.waits);
  BOOST_TEST(name_of(second.descriptor.state) == "new");
}

BOOST_AUTO_TEST_CASE(sweep_ends_what_has_expired_and_waits_for_what_is_not_confirmed) {
  Table table;
  table.passed(ethernet(udp_packet(kThere, 1)));
  table.passed(ethernet(udp_packet(kThere, 2)), 15 * kSecond);
  Descriptor const tick = table.tick(15 * kSecond);
  BOOST_TEST(tick.gone_count == 1U);
  BOOST_TEST(table.state.expired.load() == 1U);
  BOOST_TEST(table.state.gone_passed.load() == 1U);
  Descriptor const open = table.tracked(ethernet(udp_packet(kThere, 3))).descriptor;
  Descriptor late{};
  late.kind = Kind::tick;
  late.time_ns = kBegin + 300 * kSecond;
  BOOST_TEST((table.track->visit(late) == Track::Outcome::wait));
  table.home(open);
  BOOST_TEST((table.track->visit(late) == Track::Outcome::done));
  BOOST_TEST(table.state.used.load() == 0U);
}

BOOST_AUTO_TEST_CASE(descriptor_of_a_flow_that_is_another_now_confirms_nothing) {
  Table table;
  Descriptor const first = table.tracked(ethernet(udp_packet(kThere))).descriptor;
  struct Forged {
    const char* what;
    std::function<void(Descriptor&)> how;
    bool possible;
  };
  const Forged forged[] = {
      {"another generation", [](Descriptor& d) { ++d.flow_generation; }, true},
      {"another number", [](Descriptor& d) { ++d.number; }, true},
      {"an entry beyond the table", [](Descriptor& d) { d.flow = 9; }, false},
      {"the last index there is", [](Descriptor& d) { d.flow = 0xffffffff; }, false},
      {"an entry that was never used", [](Descriptor& d) { d.flow = 5; }, true},
  };
  for (const Forged& one : forged) {
    Descriptor descriptor = first;
    one.how(descriptor);
    BOOST_TEST(table.confirm->visit(descriptor) == one.possible, one.what);
    BOOST_TEST(table.state.unconfirmed.load() == 1U, one.what);
  }
}

BOOST_AUTO_TEST_CASE(deletions_that_nobody_made_are_not_passed) {
  Table table;
  for (uint16_t port = 1; port <= 3; ++port) table.passed(ethernet(udp_packet(kThere, port)));
  Descriptor tick{};
  tick.kind = Kind::tick;
  tick.time_ns = kBegin + 60 * kSecond;
  BOOST_REQUIRE((table.track->visit(tick) == Track::Outcome::done));
  BOOST_REQUIRE(tick.gone_count == 3U);
  struct Forged {
    uint64_t first;
    uint16_t count;
  };
  for (const Forged& forged : {Forged{0, 4}, Forged{3, 1}, Forged{~uint64_t{0}, 1}, Forged{7, 0xffff}}) {
    Descriptor descriptor = tick;
    descriptor.gone_first = forged.first;
    descriptor.gone_count = forged.count;
    BOOST_TEST(!table.confirm->visit(descriptor));
    BOOST_TEST(table.state.gone_passed.load() == 0U);
  }
  BOOST_TEST(table.confirm->visit(tick));
  BOOST_TEST(table.state.gone_passed.load() == 3U);
}

BOOST_AUTO_TEST_CASE(counters_are_of_the_direction_that_a_packet_went) {
  Table table;
  Descriptor const first = table.passed(ethernet(udp_packet(kThere)));
  table.passed(ethernet(udp_packet(kThere.back(), 53, 5000)));
  table.passed(ethernet(udp_packet(kThere)));
  FlowEntry& entry = table.flow(first);
  BOOST_TEST(entry.counters[0].packets.load() == 2U);
  BOOST_TEST(entry.counters[0].bytes.load() == 2U * 38);
  BOOST_TEST(entry.counters[1].packets.load() == 1U);
  BOOST_TEST((entry.status.load() & Status32::seen_reply) != 0U);
}
