// What comes home to pktio is a neighbour's: what it cannot be is dropped and counted.
#define BOOST_TEST_MODULE home
#include <boost/test/unit_test.hpp>
#include <functional>

#include "ipc/chain/ring.h"
#include "tests/simulation/chain.h"
#include "tests/tools/packets.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

Input packets(size_t count) {
  Input input(2);
  Ends const there{address("10.0.0.1"), address("192.0.2.1")};
  for (size_t i = 0; i < count; ++i) {
    Bytes frame = ethernet(ip(there, packet::protocol::udp, udp(there, static_cast<uint16_t>(i + 1), 53, pattern(20))));
    input[0].push_back({1'700'000'000'000'000'000 + i, static_cast<uint32_t>(frame.size()), std::move(frame)});
  }
  return input;
}

/// pktio alone; the test is everybody else.
struct Alone {
  explicit Alone(size_t count) : input(packets(count)) {
    chain.replace(0);
    chain.recover(0);
    run();
  }
  void run() {
    while (chain.step(0)) {
    }
  }
  /// Passes on what pktio has sent, with `change` done to each packet.
  void pass(const std::function<void(chain::Descriptor&)>& change) {
    chain::Descriptor descriptor;
    for (; from.available() != 0; from.advance()) {
      from.get(descriptor);
      if (descriptor.kind == chain::Kind::packet) change(descriptor);
      to.put(descriptor);
    }
    from.publish();
    to.publish();
    run();
  }

  control::Settings settings = small_settings(16, 8, 8);
  Input input;
  Memory memory{settings};
  Chain chain{memory, settings, input, 0};
  state::PktioState& state = memory.as<state::PktioState>("pktio.state");
  chain::Desk& desk = memory.as<chain::Desk>("pktio.desk");
  chain::Inlet from{memory.as<chain::Ring>("ring.track"), memory.as<chain::Desk>("conntrack.desk").heads[0].value};
  chain::Outlet to{memory.as<chain::Ring>("ring.home"), desk.heads[0].value};
};

uint64_t bad(const state::PktioState& state) {
  return state.drops[static_cast<size_t>(chain::DropReason::bad_descriptor)].load();
}

}  // namespace

BOOST_AUTO_TEST_CASE(descriptors_that_cannot_be_are_dropped_and_counted) {
  struct Row {
    const char* what;
    std::function<void(chain::Descriptor&)> change;
    uint64_t accepted, bad;
  };
  constexpr uint64_t count = 5;
  const Row rows[] = {
      {"as it should be", [](chain::Descriptor&) {}, count, 0},
      {"number of another", [](chain::Descriptor& d) { ++d.number; }, 0, count},
      {"no number", [](chain::Descriptor& d) { d.number = ~uint64_t{0}; }, 0, count},
      {"an interface that is none", [](chain::Descriptor& d) { d.out = 2; }, 0, count},
      {"the last interface there could be", [](chain::Descriptor& d) { d.out = 255; }, 0, count},
      {"a verdict that is none", [](chain::Descriptor& d) { d.verdict = static_cast<chain::Verdict>(2); }, 0, count},
      {"a reason that is none", [](chain::Descriptor& d) { d.reason = chain::DropReason::count; }, 0, count},
      {"a reason far off", [](chain::Descriptor& d) { d.reason = static_cast<chain::DropReason>(255); }, 0, count},
      {"a state that is none", [](chain::Descriptor& d) { d.state = static_cast<chain::FlowState>(5); }, 0, count},
      {"another frame: pktio knows its own", [](chain::Descriptor& d) { d.frame = 0xffffffff; }, count, 0},
      {"another length", [](chain::Descriptor& d) { d.captured = d.l3_length = 0xffffffff; }, count, 0},
      {"called a tick", [](chain::Descriptor& d) { d.kind = chain::Kind::tick; }, count, 0},
      {"a kind that is none", [](chain::Descriptor& d) { d.kind = static_cast<chain::Kind>(99); }, count, 0},
      {"a flow that is none", [](chain::Descriptor& d) { d.flow = 0xffffffff; }, count, 0},
  };
  for (const Row& row : rows) {
    Alone alone(count);
    alone.pass(row.change);
    BOOST_TEST(alone.state.accepted.load() == row.accepted, row.what);
    BOOST_TEST(alone.state.dropped.load() == row.bad, row.what);
    BOOST_TEST(bad(alone.state) == row.bad, row.what);
    BOOST_TEST((alone.desk.corrupt.load() != 0) == (row.bad != 0), row.what);
    BOOST_TEST(alone.chain.done(), row.what);
  }
}

BOOST_AUTO_TEST_CASE(descriptors_sent_home_twice_bring_home_nothing_that_is_not_out) {
  Alone alone(5);
  chain::Descriptor again{};
  alone.pass([&](chain::Descriptor& descriptor) { again = descriptor; });
  BOOST_TEST(alone.state.home_number.load() == 6U);  // and a tick
  for (int i = 0; i < 10; ++i) alone.to.put(again);
  alone.to.publish();
  alone.run();
  BOOST_TEST(alone.state.home_number.load() == 6U);
  BOOST_TEST(alone.state.accepted.load() == 5U);
}

BOOST_AUTO_TEST_CASE(homecoming_before_its_time_drops_what_is_out_and_no_more) {
  Alone alone(40);
  uint64_t const out = alone.state.next_number.load();
  for (int i = 0; i < 16; ++i) alone.to.put({});
  alone.to.publish();
  alone.run();
  BOOST_TEST(alone.state.home_number.load() <= alone.state.next_number.load());
  BOOST_TEST(alone.state.home_number.load() >= out);
  BOOST_TEST(alone.state.accepted.load() == 0U);
  BOOST_TEST(bad(alone.state) + 1 >= out);
}

BOOST_AUTO_TEST_CASE(tail_of_home_that_cannot_be_stops_nothing_else) {
  Alone alone(5);
  alone.memory.as<chain::Ring>("ring.home").tail.store(1'000'000);
  alone.run();
  BOOST_TEST(alone.state.home_number.load() == 0U);
  alone.memory.as<chain::Ring>("ring.home").tail.store(0);
  alone.pass([](chain::Descriptor&) {});
  BOOST_TEST(alone.state.accepted.load() == 5U);
}
