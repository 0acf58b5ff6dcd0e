// Track and confirm: tables of packets, each with the state that it must get.
#include <boost/test/unit_test.hpp>
#include <boost/test/unit_test_log.hpp>
#include <functional>

#include "tests/unit/table.h"

using namespace bulkhead;
using namespace bulkhead::test;
using namespace bulkhead::conntrack;

namespace {

Ends const kThere{address("10.0.0.1"), address("192.0.2.1")};
Ends const kThere6{address("2001:db8::1"), address("2001:db8:1::1")};

Bytes udp_packet(const Ends& ends, uint16_t from = 5000, uint16_t to = 53) {
  return ip(ends, packet::protocol::udp, udp(ends, from, to, pattern(10)));
}
Bytes ping(const Ends& ends, bool request, uint16_t id = 7) {
  return ip(ends, ends.src.l3 == 4 ? packet::protocol::icmp : packet::protocol::icmpv6, echo(ends, request, id, 1, pattern(8)));
}
Bytes error(const Ends& ends, uint8_t type, uint8_t code, const Bytes& quoted) {
  return ip(ends, ends.src.l3 == 4 ? packet::protocol::icmp : packet::protocol::icmpv6, icmp_error(ends, type, code, quoted));
}

constexpr auto kNew = chain::FlowState::fresh, kEstablished = chain::FlowState::established, kRelated = chain::FlowState::related,
               kInvalid = chain::FlowState::invalid, kUntracked = chain::FlowState::untracked;

}  // namespace

BOOST_AUTO_TEST_CASE(udp_is_established_once_answered_and_lives_longer_as_a_stream) {
  for (const Ends& ends : {kThere, kThere6}) {
    Bytes const out = udp_packet(ends), in = udp_packet(ends.back(), 53, 5000);
    Table().run({{"the first", out, 0, kNew, 1},
                 {"again, unanswered", out, 29 * tracking::kSecond, kNew, 1},
                 {"30 s after that one it has gone", out, 30 * tracking::kSecond, kNew, 1},
                 {"the answer", in, 1, kEstablished, 1},
                 {"after 29 s it is alive, and a stream from now on", out, 29 * tracking::kSecond, kEstablished, 1},
                 {"after 119 s too", in, 119 * tracking::kSecond, kEstablished, 1},
                 {"after 120 s it is another flow, begun by the other side", in, 120 * tracking::kSecond, kNew, 1},
                 {"whose answer this is", out, 1, kEstablished, 1}});
  }
}

BOOST_AUTO_TEST_CASE(udplite_is_a_stream_once_answered_however_young) {
  auto const packet = [](const Ends& ends, uint16_t from, uint16_t to) {
    return ethernet(ip(ends, packet::protocol::udplite, udplite(ends, from, to, 8, pattern(10))));
  };
  Bytes const out = packet(kThere, 5000, 53), in = packet(kThere.back(), 53, 5000);
  Table table;
  state::FlowEntry& flow = table.flow(table.passed(out));
  for (auto const& [frame, left_s] : {std::pair(&out, 30U), std::pair(&in, 30U), std::pair(&out, 120U)}) {
    table.passed(*frame);
    BOOST_TEST((flow.expires_ns.load() - table.now()) / tracking::kSecond == left_s);
    BOOST_TEST(((flow.status.load() & state::Status32::assured) != 0) == (left_s == 120));
  }
}

BOOST_AUTO_TEST_CASE(first_answer_leaves_the_short_time_out_however_late_it_comes) {
  Bytes const out = udp_packet(kThere), in = udp_packet(kThere.back(), 53, 5000);
  Table table;
  chain::Descriptor const first = table.passed(ethernet(out));
  state::FlowEntry& flow = table.flow(first);
  auto const left = [&] { return (flow.expires_ns.load() - table.now()) / tracking::kSecond; };
  auto const assured = [&] { return (flow.status.load() & state::Status32::assured) != 0; };
  table.passed(ethernet(in), 20 * tracking::kSecond);
  BOOST_TEST(left() == 30U);
  BOOST_TEST(!assured());
  table.passed(ethernet(out));
  BOOST_TEST(left() == 120U);
  BOOST_TEST(assured());
}

BOOST_AUTO_TEST_CASE(other_protocols_have_the_kernels_time_outs) {
  struct Protocol {
    uint8_t number;
    uint64_t alone_s, answered_s;
    bool assured;
  };
  for (const Protocol& one : {Protocol{packet::protocol::gre, 30, 180, true}, Protocol{packet::protocol::esp, 600, 600, false},
                              Protocol{33, 600, 600, false}, Protocol{99, 600, 600, false}}) {
    Table table;
    Bytes const out = ethernet(ip(kThere, one.number, {0, 0, 8, 0, 1, 2, 3, 4}));
    Bytes const in = ethernet(ip(kThere.back(), one.number, {0, 0, 8, 0, 1, 2, 3, 4}));
    chain::Descriptor const first = table.passed(out);
    state::FlowEntry& flow = table.flow(first);
    auto const left = [&] { return (flow.expires_ns.load() - table.now()) / tracking::kSecond; };
    BOOST_TEST(left() == one.alone_s);
    table.passed(in);
    BOOST_TEST(left() == one.alone_s);
    table.passed(out);
    BOOST_TEST(left() == one.answered_s);
    BOOST_TEST(((flow.status.load() & state::Status32::assured) != 0) == one.assured);
  }
}

/// Since Linux 6.17.
BOOST_AUTO_TEST_CASE(dccp_has_one_flow_for_each_pair_of_hosts) {
  constexpr uint8_t kDccp = 33;
  Bytes const one{0x13, 0x88, 0, 80, 5, 0, 0, 0, 0, 0, 0, 1}, other{0x13, 0x89, 0, 81, 0, 0, 0, 0, 0xff};
  Bytes const about = error(kThere.back(), 3, 3, ip(kThere, kDccp, {}));
  Table().run({{"a request", ip(kThere, kDccp, one), 0, kNew, 1},
               {"with other ports, and a header of nothing", ip(kThere, kDccp, other), 0, kNew, 1},
               {"from other ports", ip(kThere.back(), kDccp, other), 0, kEstablished, 1},
               {"an error that quotes no byte of it", about, 0, kRelated, 1}});
}

BOOST_AUTO_TEST_CASE(packet_with_a_bad_checksum_is_invalid_and_changes_nothing) {
  Table table;
  chain::Descriptor const first = table.passed(ethernet(udp_packet(kThere)));
  uint64_t const expires = table.flow(first).expires_ns.load();
  std::vector<Bytes> bad{ethernet(udp_packet(kThere)), ethernet(ping(kThere, true)),
                         ethernet(error(kThere.back(), 3, 3, udp_packet(kThere))), ethernet(ping(kThere6, true)),
                         ethernet(ip(kThere6, packet::protocol::icmpv6, neighbour(kThere6, 135, kThere6.dst, Mac{2})))};
  for (Bytes& frame : bad) {
    frame.back() ^= 1;
    BOOST_TEST(chain::name_of(table.passed(frame, tracking::kSecond).state) == "invalid");
  }
  BOOST_TEST(table.flow(first).expires_ns.load() == expires);
  BOOST_TEST(table.flow(first).counters[0].packets.load() == 1U);
  BOOST_TEST(table.state.used.load() == 1U);
}

BOOST_AUTO_TEST_CASE(icmp_echo_is_one_flow_for_each_identifier) {
  for (const Ends& ends : {kThere, kThere6})
    Table().run({{"an answer to nothing", ping(ends.back(), false), 0, kInvalid, 0},
                 {"request", ping(ends, true), 1, kNew, 1},
                 {"its answer", ping(ends.back(), false), 1, kEstablished, 1},
                 {"another identifier", ping(ends, true, 8), 1, kNew, 2},
                 {"an answer to neither", ping(ends.back(), false, 9), 1, kInvalid, 2},
                 {"30 s later the answer is to nothing, and takes nobody's place", ping(ends.back(), false),
                  30 * tracking::kSecond, kInvalid, 1}});
}

BOOST_AUTO_TEST_CASE(icmp_errors_are_related_to_what_they_quote) {
  Bytes const out = udp_packet(kThere), out6 = udp_packet(kThere6);
  Ends const router{address("198.51.100.1"), kThere.src};
  Table().run({{"quotes nothing known", error(kThere.back(), 3, 3, out), 0, kInvalid, 0},
               {"a flow", out, 1, kNew, 1},
               {"port unreachable", error(kThere.back(), 3, 3, out), 1, kRelated, 1},
               {"time exceeded, from a router", error(router, 11, 0, out), 1, kRelated, 1},
               {"to another host than sent what it quotes", error({router.src, kThere.dst}, 3, 3, out), 1, kInvalid, 1},
               {"about the flow's other direction", error(kThere, 3, 1, udp_packet(kThere.back(), 53, 5000)), 1,
                kRelated, 1},
               {"quotes another port", error(kThere.back(), 3, 3, udp_packet(kThere, 5001)), 1, kInvalid, 1},
               {"quotes too little", error(kThere.back(), 3, 3, Bytes(out.begin(), out.begin() + 20)), 1, kInvalid,
                1},
               {"an expired flow is nobody's", error(kThere.back(), 3, 3, out), 30 * tracking::kSecond, kInvalid, 1},
               {"IPv6", out6, 1, kNew, 2},
               {"packet too big", error(kThere6.back(), 2, 0, out6), 1, kRelated, 2},
               {"a type that is none", ip(kThere, packet::protocol::icmp, icmp(kThere, 99, 0, pattern(8))), 1, kInvalid, 2},
               {"neighbour solicitation",
                ip(kThere6, packet::protocol::icmpv6, neighbour(kThere6, 135, kThere6.dst, Mac{2, 0, 0, 0, 0, 1})), 1,
                kUntracked, 2}});
}

BOOST_AUTO_TEST_CASE(error_goes_against_the_packet_that_it_quotes_and_changes_nothing) {
  Table table;
  Bytes const out = udp_packet(kThere);
  chain::Descriptor const first = table.passed(ethernet(out));
  uint64_t const expires = table.flow(first).expires_ns.load();
  chain::Descriptor const about = table.passed(ethernet(error(kThere.back(), 3, 3, out)), tracking::kSecond);
  BOOST_TEST(about.flow == first.flow);
  BOOST_TEST((about.direction == chain::Direction::reply));
  BOOST_TEST(table.flow(first).expires_ns.load() == expires);
  BOOST_TEST(table.flow(first).counters[1].packets.load() == 0U);
  chain::Descriptor const other = table.passed(ethernet(error(kThere, 3, 3, udp_packet(kThere.back(), 53, 5000))));
  BOOST_TEST((other.direction == chain::Direction::original));
}

BOOST_AUTO_TEST_CASE(what_has_no_tuple_is_not_tracked_and_what_is_malformed_is_dropped) {
  Bytes const whole = ip(kThere, packet::protocol::udp, udp(kThere, 7, 8, pattern(60)));
  Table table;
  for (const Bytes& part : fragments(whole, 24, 77))  // pktio lets none pass but such as no reassembly takes
    BOOST_TEST(chain::name_of(table.passed(ethernet(part)).state) == "invalid");
  BOOST_TEST(chain::name_of(table.passed(arp(1, Mac{}, kThere.src, Mac{}, kThere.dst)).state) == "untracked");
  Bytes cut = ethernet(whole);
  cut.resize(14 + 12);
  chain::Descriptor const malformed = table.passed(cut);
  BOOST_TEST(chain::name_of(malformed.state) == "invalid");
  BOOST_TEST(chain::name_of(malformed.reason) == packet::name_of(packet::Reason::short_ip));
  BOOST_TEST((malformed.verdict == chain::Verdict::drop));
  chain::Descriptor const none = table.passed(ethernet(ip(kThere6, packet::protocol::no_next, {})));
  BOOST_TEST(chain::name_of(none.state) == "invalid");
  BOOST_TEST((none.verdict == chain::Verdict::accept));
  BOOST_TEST(table.state.used.load() == 0U);
}

BOOST_AUTO_TEST_CASE(full_table_evicts_what_is_not_assured_and_goes_on_where_it_stopped) {
  Table table(2);
  auto const packet = [](uint16_t port) { return udp_packet(kThere, port); };
  table.run({{"one", packet(1), 0, kNew, 1},
             {"two", packet(2), 0, kNew, 2},
             {"three takes the place of one", packet(3), 0, kNew, 2},
             {"two is known", packet(2), 0, kNew, 2},
             {"one comes back for two", packet(1), 0, kNew, 2},
             {"three is known", packet(3), 0, kNew, 2}});
  BOOST_TEST(table.state.evicted.load() == 2U);
}

/// As the kernel, which makes room before it looks.
BOOST_AUTO_TEST_CASE(full_table_makes_room_for_what_begins_no_flow_too) {
  Table table(2);
  auto const packet = [](uint16_t port) { return udp_packet(kThere, port); };
  auto const answer = [](uint16_t port) { return udp_packet(kThere.back(), 53, port); };
  Bytes const lone = ip(kThere, packet::protocol::tcp, tcp(kThere, {.src_port = 1, .dst_port = 80, .flags = tcp_flag::syn | tcp_flag::ack}));
  table.run({{"one", packet(1), 0, kNew, 1},
             {"two", packet(2), 0, kNew, 2},
             {"a lone answer takes the place of one", lone, 0, kInvalid, 1},
             {"another finds room", lone, 0, kInvalid, 1},
             {"three", packet(3), 0, kNew, 2},
             {"two is answered", answer(2), 0, kEstablished, 2},
             {"and three", answer(3), 0, kEstablished, 2},
             {"two is assured", packet(2), 3 * tracking::kSecond, kEstablished, 2},
             {"and three", packet(3), 0, kEstablished, 2},
             {"there is no room", lone, 0, kInvalid, 2, chain::DropReason::table_full}});
  BOOST_TEST(table.state.evicted.load() == 1U);
}

BOOST_AUTO_TEST_CASE(full_table_of_assured_flows_drops_new_ones_until_some_expire) {
  Table table(2);
  auto const packet = [](uint16_t port) { return udp_packet(kThere, port); };
  auto const answer = [](uint16_t port) { return udp_packet(kThere.back(), 53, port); };
  table.run({{"one", packet(1), 0, kNew, 1},
             {"two", packet(2), 0, kNew, 2},
             {"answered", answer(1), 0, kEstablished, 2},
             {"both", answer(2), 0, kEstablished, 2},
             {"one is assured", packet(1), 3 * tracking::kSecond, kEstablished, 2},
             {"two is assured", packet(2), 0, kEstablished, 2},
             {"three is too many", packet(3), 0, kInvalid, 2, chain::DropReason::table_full},
             {"one is known", packet(1), 20 * tracking::kSecond, kEstablished, 2},
             {"two has expired, and makes way", packet(3), 100 * tracking::kSecond, kNew, 2},
             {"one is known still", packet(1), 0, kEstablished, 2}});
  BOOST_TEST(table.state.evicted.load() == 1U);
}

BOOST_AUTO_TEST_CASE(next_packet_of_a_flow_waits_until_the_first_ones_fate_is_known) {
  Table table;
  Bytes const out = ethernet(udp_packet(kThere)), in = ethernet(udp_packet(kThere.back(), 53, 5000));
  Bytes const about = ethernet(error(kThere.back(), 3, 3, udp_packet(kThere)));
  chain::Descriptor const first = table.tracked(out).descriptor;
  for (const Bytes& packet : {out, in, about}) BOOST_TEST(table.tracked(packet).waits);
  BOOST_TEST(!table.tracked(ethernet(udp_packet(kThere, 9))).waits);
  table.home(first);
  for (const Bytes& packet : {out, in, about}) BOOST_TEST(!table.tracked(packet).waits);
}

BOOST_AUTO_TEST_CASE(dropped_first_packet_leaves_nothing_behind) {
  Table table;
  Bytes const out = ethernet(udp_packet(kThere));
  chain::Descriptor const first = table.tracked(out).descriptor;
  table.home(first, true);
  BOOST_TEST(table.state.used.load() == 0U);
  BOOST_TEST(table.state.unconfirmed.load() == 0U);
  BOOST_TEST(table.state.gone_count.load() == 0U);
  chain::Descriptor const second = table.tracked(out).descriptor;
  BOOST_TEST(chain::name_of(second.state) == "new");
  BOOST_TEST(second.flow_generation != first.flow_generation);
}

BOOST_AUTO_TEST_CASE(full_table_waits_while_an_unconfirmed_flow_might_make_way) {
  Table table(1);
  chain::Descriptor const first = table.tracked(ethernet(udp_packet(kThere, 1))).descriptor;
  Bytes const other = ethernet(udp_packet(kThere, 2));
  BOOST_TEST(table.tracked(other).waits);
  table.home(first, true);
  Table::Sent const second = table.tracked(other);
  BOOST_TEST(!second.waits);
  BOOST_TEST(chain::name_of(second.descriptor.state) == "new");
}

BOOST_AUTO_TEST_CASE(sweep_ends_what_has_expired_and_waits_for_what_is_not_confirmed) {
  Table table;
  table.passed(ethernet(udp_packet(kThere, 1)));
  table.passed(ethernet(udp_packet(kThere, 2)), 15 * tracking::kSecond);
  chain::Descriptor const tick = table.tick(15 * tracking::kSecond);
  BOOST_TEST(tick.gone_count == 1U);
  BOOST_TEST(table.state.expired.load() == 1U);
  BOOST_TEST(table.state.gone_passed.load() == 1U);
  chain::Descriptor const open = table.tracked(ethernet(udp_packet(kThere, 3))).descriptor;
  chain::Descriptor late{};
  late.kind = chain::Kind::tick;
  late.time_ns = kBegin + 300 * tracking::kSecond;
  BOOST_TEST((table.track->visit(late) == conntrack::Track::Outcome::wait));
  table.home(open);
  BOOST_TEST((table.track->visit(late) == conntrack::Track::Outcome::done));
  BOOST_TEST(table.state.used.load() == 0U);
}

BOOST_AUTO_TEST_CASE(descriptor_of_a_flow_that_is_another_now_confirms_nothing) {
  Table table;
  chain::Descriptor const first = table.tracked(ethernet(udp_packet(kThere))).descriptor;
  struct Forged {
    const char* what;
    std::function<void(chain::Descriptor&)> how;
    bool possible;
  };
  const Forged forged[] = {
      {"another generation", [](chain::Descriptor& d) { ++d.flow_generation; }, true},
      {"another number", [](chain::Descriptor& d) { ++d.number; }, true},
      {"an entry beyond the table", [](chain::Descriptor& d) { d.flow = 9; }, false},
      {"the last index there is", [](chain::Descriptor& d) { d.flow = 0xffffffff; }, false},
      {"an entry that was never used", [](chain::Descriptor& d) { d.flow = 5; }, true},
  };
  for (const Forged& one : forged) {
    chain::Descriptor descriptor = first;
    one.how(descriptor);
    BOOST_TEST(table.confirm->visit(descriptor) == one.possible, one.what);
    BOOST_TEST(table.state.unconfirmed.load() == 1U, one.what);
  }
}

BOOST_AUTO_TEST_CASE(deletions_that_nobody_made_are_not_passed) {
  Table table;
  for (uint16_t port = 1; port <= 3; ++port) table.passed(ethernet(udp_packet(kThere, port)));
  chain::Descriptor tick{};
  tick.kind = chain::Kind::tick;
  tick.time_ns = kBegin + 60 * tracking::kSecond;
  BOOST_REQUIRE((table.track->visit(tick) == conntrack::Track::Outcome::done));
  BOOST_REQUIRE(tick.gone_count == 3U);
  struct Forged {
    uint64_t first;
    uint16_t count;
  };
  for (const Forged& forged : {Forged{0, 4}, Forged{3, 1}, Forged{~uint64_t{0}, 1}, Forged{7, 0xffff}}) {
    chain::Descriptor descriptor = tick;
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
  chain::Descriptor const first = table.passed(ethernet(udp_packet(kThere)));
  table.passed(ethernet(udp_packet(kThere.back(), 53, 5000)));
  table.passed(ethernet(udp_packet(kThere)));
  state::FlowEntry& entry = table.flow(first);
  BOOST_TEST(entry.counters[0].packets.load() == 2U);
  BOOST_TEST(entry.counters[0].bytes.load() == 2U * 38);
  BOOST_TEST(entry.counters[1].packets.load() == 1U);
  BOOST_TEST((entry.status.load() & state::Status32::seen_reply) != 0U);
}

/// One whose flow has expired, and which begins none: whom it would be quoted to may hang on what nat makes of another in the chain.
BOOST_AUTO_TEST_CASE(what_waits_has_changed_nothing_not_even_ended_its_expired_flow) {
  Table table;
  table.settings.ruleset.translates = true;
  table.become_router();
  auto const segment = [](uint8_t flags) {
    return ethernet(ip(kThere, packet::protocol::tcp, tcp(kThere, {.src_port = 1000, .dst_port = 80, .seq = 1, .ack = 1, .flags = flags})));
  };
  static_cast<void>(table.passed(segment(tcp_flag::syn)));
  Table::Sent const other = table.tracked(ethernet(udp_packet(kThere)), 500 * tracking::kSecond);
  BOOST_REQUIRE(!other.waits);
  Bytes const reset = segment(tcp_flag::rst);
  Table::Sent const waiting = table.tracked(reset);
  BOOST_TEST(waiting.waits);
  BOOST_TEST(waiting.descriptor.gone_count == 0U);
  BOOST_TEST(table.state.used.load() == 2U);
  table.home(other.descriptor);
  Table::Sent const then = table.tracked(reset);
  BOOST_TEST(!then.waits);
  BOOST_TEST(then.descriptor.gone_count == 1U);
  BOOST_TEST(chain::name_of(then.descriptor.state) == chain::name_of(kInvalid));
  BOOST_TEST(table.state.used.load() == 1U);
}

/// A reset about a packet that is not of it may end a flow at once: whether a sweep finds it is not known before.
BOOST_AUTO_TEST_CASE(a_sweep_waits_for_a_reset_that_may_end_a_flow) {
  Table table;
  table.become_router();
  auto const segment = [](uint8_t flags) {
    return ethernet(ip(kThere, packet::protocol::tcp, tcp(kThere, {.src_port = 1000, .dst_port = 80, .seq = 1, .ack = 0, .flags = flags})));
  };
  static_cast<void>(table.passed(segment(tcp_flag::syn)));
  Table::Sent refused = table.tracked(segment(tcp_flag::syn | tcp_flag::fin), tracking::kSecond);
  BOOST_REQUIRE(!refused.waits);
  BOOST_TEST(chain::name_of(refused.descriptor.state) == chain::name_of(kInvalid));
  chain::Descriptor tick{};
  tick.kind = chain::Kind::tick;
  tick.number = refused.descriptor.number + 1;
  tick.time_ns = table.now();
  BOOST_TEST((table.track->visit(tick) == conntrack::Track::Outcome::wait));
  table.commit();
  refused.descriptor.verdict = chain::Verdict::drop;
  refused.descriptor.facts |= chain::Facts::reset;
  BOOST_TEST(table.confirm->visit(refused.descriptor));
  table.commit();
  table.track->confirmed(refused.descriptor.number, tick);
  BOOST_TEST((table.track->visit(tick) == conntrack::Track::Outcome::done));
  BOOST_TEST(tick.gone_count == 1U);
}

/// What rules make of it may be any flow's tuple: they look that up, in a table that keeps still.
BOOST_AUTO_TEST_CASE(where_rules_set_tuples_packets_without_a_flow_and_those_that_change_the_table_wait_for_each_other) {
  Table table;
  table.settings.ruleset.sets_tuples = true;
  table.become_router();
  auto const segment = [](uint8_t flags) {
    return ethernet(ip(kThere, packet::protocol::tcp, tcp(kThere, {.src_port = 1000, .dst_port = 80, .seq = 1, .ack = 1, .flags = flags})));
  };
  Bytes const impossible = segment(tcp_flag::syn | tcp_flag::fin);
  Table::Sent const before = table.tracked(ethernet(udp_packet(kThere)));
  BOOST_REQUIRE(!before.waits);
  BOOST_TEST(table.tracked(impossible).waits);
  table.home(before.descriptor);
  table.track->confirmed(before.descriptor.number, before.descriptor);
  Table::Sent const alone = table.tracked(impossible);
  BOOST_REQUIRE(!alone.waits);
  BOOST_TEST(table.tracked(ethernet(udp_packet(kThere))).waits);
  table.restart();  // a successor knows too
  table.track->confirmed(before.descriptor.number, before.descriptor);
  chain::Descriptor tick{};
  tick.kind = chain::Kind::tick;
  tick.number = alone.descriptor.number + 1;
  tick.time_ns = table.now() + 300 * tracking::kSecond;  // the first flow expires
  BOOST_TEST((table.track->visit(tick) == conntrack::Track::Outcome::wait));
  table.home(alone.descriptor, true);
  table.track->confirmed(alone.descriptor.number, alone.descriptor);
  // A reset would have changed the table too. What gets none does not wait for its like.
  Bytes wrong = ethernet(udp_packet(kThere));
  wrong.back() ^= 1;
  Table::Sent const one = table.tracked(wrong), other = table.tracked(wrong);
  BOOST_TEST((!one.waits && !other.waits));
  BOOST_TEST(chain::name_of(other.descriptor.state) == chain::name_of(kInvalid));
  BOOST_TEST(table.tracked(impossible).waits);
  BOOST_TEST(table.tracked(ethernet(udp_packet(kThere))).waits);
  table.home(one.descriptor);
  table.home(other.descriptor);
  table.track->confirmed(other.descriptor.number, other.descriptor);
  BOOST_TEST(!table.tracked(ethernet(udp_packet(kThere))).waits);
}
