// What track need not wait for: fates that rules have said already, and refusals that are known beforehand.
#include <boost/test/unit_test.hpp>

#include "tests/unit/table.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

Ends const kThere{address("10.0.0.1"), address("192.0.2.1")};

Bytes datagram(const Ends& ends, uint16_t from = 5000, uint16_t to = 53) {
  return ethernet(ip(ends, packet::protocol::udp, udp(ends, from, to, pattern(10))));
}
Bytes segment(const Ends& ends, uint16_t from, uint16_t to, uint8_t flags) {
  Segment const one{.src_port = from, .dst_port = to, .seq = 1, .flags = flags};
  return ethernet(ip(ends, packet::protocol::tcp, tcp(ends, one)));
}
bool is_apart(Table& table, const chain::Descriptor& sent) { return (table.flow(sent).status.load() & state::Status32::apart) != 0; }

}  // namespace

BOOST_AUTO_TEST_CASE(an_answer_goes_on_once_rules_have_let_the_question_pass) {
  Table table;
  auto question = table.tracked(datagram(kThere));
  BOOST_TEST(table.tracked(datagram(kThere.back(), 53, 5000)).waits);
  table.decided(question.descriptor, false);
  auto const answer = table.tracked(datagram(kThere.back(), 53, 5000));
  BOOST_REQUIRE(!answer.waits);
  BOOST_TEST((answer.descriptor.state == chain::FlowState::established && answer.descriptor.flow == question.descriptor.flow));
  BOOST_TEST(table.state.unconfirmed.load() == 1U);
  table.home(question.descriptor);
  BOOST_TEST(table.state.unconfirmed.load() == 0U);
  BOOST_TEST((table.flow(question.descriptor).status.load() & state::Status32::foreseen) == 0U);
  table.home(answer.descriptor);
}

BOOST_AUTO_TEST_CASE(what_rules_have_dropped_is_found_no_more) {
  Table table;
  auto first = table.tracked(datagram(kThere));
  table.decided(first.descriptor, true);
  auto second = table.tracked(datagram(kThere));
  BOOST_REQUIRE(!second.waits);
  BOOST_TEST((second.descriptor.state == chain::FlowState::fresh && second.descriptor.flow != first.descriptor.flow));
  BOOST_TEST(table.state.used.load() == 2U);
  table.decided(second.descriptor, false);
  table.home(first.descriptor);
  BOOST_TEST(table.state.used.load() == 1U);
  table.home(second.descriptor);
  BOOST_TEST((table.passed(datagram(kThere.back(), 53, 5000)).flow == second.descriptor.flow));
}

BOOST_AUTO_TEST_CASE(a_flow_that_is_to_be_translated_or_leaves_only_half_is_waited_for) {
  for (auto const& [facts, orders] : {std::pair(uint16_t{0}, chain::Orders::translate), std::pair(chain::Facts::left, uint8_t{0})}) {
    Table table;
    auto question = table.tracked(datagram(kThere));
    table.decided(question.descriptor, facts != 0, facts, orders);
    BOOST_TEST(table.tracked(datagram(kThere.back(), 53, 5000)).waits);
  }
}

BOOST_AUTO_TEST_CASE(a_flow_that_ends_before_its_first_packet_is_home_is_counted_once) {
  Table table;
  auto first = table.tracked(segment(kThere, 1000, 80, tcp_flag::syn));
  table.decided(first.descriptor, false);
  // A reset answers it.
  auto const ending = table.tracked(segment(kThere.back(), 80, 1000, tcp_flag::rst | tcp_flag::ack));
  BOOST_REQUIRE(!ending.waits);
  uint32_t const unconfirmed = table.state.unconfirmed.load();
  table.home(first.descriptor);
  BOOST_TEST(table.state.unconfirmed.load() == 0U, unconfirmed);
}

BOOST_AUTO_TEST_CASE(a_successor_waits_for_what_it_has_not_tracked_itself) {
  Table table;
  auto question = table.tracked(datagram(kThere));
  table.decided(question.descriptor, false);
  table.restart();
  BOOST_TEST(table.tracked(datagram(kThere.back(), 53, 5000)).waits);
  table.home(question.descriptor);
  BOOST_TEST(!table.tracked(datagram(kThere.back(), 53, 5000)).waits);
}

BOOST_AUTO_TEST_CASE(a_tuple_that_is_refused_for_good_makes_nobody_wait) {
  Table table(64);
  auto const refuse = [&](Table::Sent sent) {
    BOOST_REQUIRE(!sent.waits);
    table.decided(sent.descriptor, true, chain::Facts::refused);
    table.home(sent.descriptor);
  };
  refuse(table.tracked(datagram(kThere)));
  std::vector<chain::Descriptor> all;
  for (int i = 0; i < 5; ++i) {
    auto const sent = table.tracked(datagram(kThere));
    BOOST_REQUIRE(!sent.waits);
    BOOST_TEST((sent.descriptor.state == chain::FlowState::fresh && is_apart(table, sent.descriptor)));
    all.push_back(sent.descriptor);
  }
  // What would be the answer to one of them is nobody's.
  auto const other = table.tracked(datagram(kThere.back(), 53, 5000));
  BOOST_TEST((!other.waits && other.descriptor.state == chain::FlowState::fresh && other.descriptor.direction == chain::Direction::original));
  for (const chain::Descriptor& one : all) table.home(one, true);
  table.home(other.descriptor);
  BOOST_TEST((table.state.used.load() == 1U && table.state.unconfirmed.load() == 0U));
  // And it has become that one's answer.
  BOOST_TEST((table.passed(datagram(kThere)).state == chain::FlowState::established));
}

BOOST_AUTO_TEST_CASE(a_refusal_is_of_one_interface_one_set_of_flags_and_plain_packets) {
  Table table(64);
  auto const refused = [&](const Bytes& frame) {
    auto sent = table.tracked(frame);
    BOOST_REQUIRE(!sent.waits);
    table.decided(sent.descriptor, true, chain::Facts::refused);
    table.home(sent.descriptor);
    return is_apart(table, sent.descriptor);
  };
  auto const is_known = [&](const Bytes& frame) {
    auto sent = table.tracked(frame);
    BOOST_REQUIRE(!sent.waits);
    bool const apart = is_apart(table, sent.descriptor);
    table.home(sent.descriptor, true);
    return apart;
  };
  BOOST_TEST(!refused(segment(kThere, 1000, 80, tcp_flag::syn)));
  BOOST_TEST(is_known(segment(kThere, 1000, 80, tcp_flag::syn)));
  BOOST_TEST(!is_known(segment(kThere, 1000, 80, tcp_flag::ack)));
  BOOST_TEST(!refused(segment(kThere, 1000, 80, tcp_flag::ack)));
  BOOST_TEST(is_known(segment(kThere, 1000, 80, tcp_flag::ack | tcp_flag::psh)));
  BOOST_TEST(!is_known(segment(kThere, 1000, 80, tcp_flag::syn)));
  Bytes const echoed = ethernet(ip(kThere, packet::protocol::icmp, echo(kThere, true, 7, 1, pattern(8))));
  BOOST_TEST(!refused(echoed));
  BOOST_TEST(!is_known(echoed));
}

BOOST_AUTO_TEST_CASE(what_passes_though_it_was_refused_for_good_is_dropped_and_counted) {
  Table table;
  auto first = table.tracked(datagram(kThere));
  table.decided(first.descriptor, true, chain::Facts::refused);
  table.home(first.descriptor);
  chain::Descriptor second = table.tracked(datagram(kThere)).descriptor;
  BOOST_TEST(!table.confirm->visit(second));
  BOOST_TEST((second.verdict == chain::Verdict::drop && second.reason == chain::DropReason::bad_descriptor));
  BOOST_TEST((table.state.used.load() == 0U && table.state.unconfirmed.load() == 0U));
}
