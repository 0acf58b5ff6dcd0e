// Bindings, and the tuple that a flow gets; against a slow twin where that is possible.
#define BOOST_TEST_MODULE nat
#include <boost/test/unit_test.hpp>
#include <map>

#include "ipc/state/bind_flows.h"
#include "ipc/state/other_flows.h"
#include "tests/simulation/world.h"
#include "tests/tools/packets.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

constexpr uint32_t kFlows = 1024;

control::Settings translating() {
  control::Settings settings = small_settings(64, 8, kFlows);
  settings.ruleset.translates = true;
  return settings;
}

struct Table {
  Table() { batch.recover(); }
  void commit() { batch.commit({}); }

  control::Settings settings = translating();
  Memory memory{settings};
  state::NatState& state = memory.as<state::NatState>("nat.state");
  memory::Batch batch{memory.as<memory::CommitArea>("nat.commit"), memory.as<memory::Journal>("nat.journal"), memory.object("nat.state")};
  state::TupleHashes hash{7};
  Chance chance{7};
  state::PortSearches searches;
  state::Bindings bindings{state::BindingTable(state), batch, hash, searches};

  packet::Tuple choose(const packet::Tuple& original, const packet::NatRange& range, packet::Part part, uint32_t index, uint64_t number) {
    return packet::tuple_in(original, range, part, state::BoundOthers(bindings, index), chance, number);
  }
  /// By what searches have learnt, where they may.
  packet::Tuple choose_by_searches(const packet::Tuple& original, const packet::NatRange& range, packet::Part part, uint32_t index, uint16_t reply_zone,
                                   uint64_t number, state::PortSearches* by) {
    return packet::tuple_in(original, range, part, state::BoundOthers(bindings, index, reply_zone, by), chance, number);
  }
  bool used(const packet::Tuple& tuple, uint32_t index) { return state::BoundOthers(bindings, index).used(tuple); }
};

packet::Tuple tuple(const char* src, uint16_t sport, const char* dst, uint16_t dport, uint8_t protocol = packet::protocol::udp) {
  packet::Tuple made;
  made.src = address(src).bytes;
  made.dst = address(dst).bytes;
  made.l3 = address(src).l3;
  made.src_port = to_network(sport);
  made.dst_port = to_network(dport);
  made.protocol = protocol;
  return made;
}

packet::NatRange to(const char* low, const char* high = nullptr) {
  packet::NatRange range;
  range.flags = packet::NatRange::map_ips;
  range.min_address = parse_address(low).value();
  range.max_address = parse_address(high == nullptr ? low : high).value();
  return range;
}

/// A flow with that original tuple, its source translated.
packet::Tuple bind(Table& table, uint32_t index, const packet::Tuple& original, const packet::NatRange& range, uint64_t number = 1) {
  packet::Tuple const out = table.choose(original, range, packet::Part::source, index, number);
  table.bindings.add(index, 1, state::Binding::source, original, packet::inverse(out).value());
  return out;
}

IpAddress address_for(const packet::Tuple& from, const packet::NatRange& range) {
  return {packet::tuple_in(from, range, packet::Part::source, packet::NoFlows(), Chance(7), 1).src, from.l3};
}

/// Few hosts and ports, so that tables of them are nearly full, and more kinds of tuples than searches are remembered.
struct Crowded {
  static constexpr uint16_t kLow = 2000, kPorts = 12;
  Random random;

  uint16_t port() { return static_cast<uint16_t>(kLow + random.below(kPorts)); }
  packet::Tuple tuple() {
    bool const six = random.below(4) == 0;
    packet::Tuple made = ::tuple(six ? "2001:db8::1" : "203.0.113.1", port(), six ? "2001:db8::9" : "192.0.2.1", port());
    made.protocol = random.below(2) == 0 ? packet::protocol::udp : packet::protocol::tcp;
    if (random.below(4) == 0) {
      made.protocol = six ? packet::protocol::icmpv6 : packet::protocol::icmp;
      made.dst_port = to_network(static_cast<uint16_t>((six ? 128 : 8) << 8));
    } else if (random.below(3) != 0) {  // towards few ports, or from few: many share all but the other one
      (random.below(2) == 0 ? made.src_port : made.dst_port) = to_network(kLow);
    }
    if (random.below(4) == 0) made.zone = static_cast<uint16_t>(random.below(2));
    return made;
  }
  packet::Tuple either_way() { return random.below(2) == 0 ? tuple() : packet::inverse(tuple()).value(); }
  packet::NatRange range(const packet::Tuple& of, packet::Part part) {
    packet::NatRange made;
    made.flags = static_cast<uint16_t>(packet::NatRange::map_ips | packet::NatRange::proto_specified);
    made.min_address = made.max_address = {part == packet::Part::source ? of.src : of.dst, of.l3};
    made.min_port = kLow;
    made.max_port = kLow + kPorts - 1;
    if (random.below(3) == 0) made.flags |= packet::NatRange::proto_random;
    if (random.below(4) == 0) {
      made.flags |= packet::NatRange::proto_offset;
      made.base_port = port();
    }
    return made;
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_free_port_is_kept) {
  Table table;
  packet::Tuple const out = bind(table, 0, tuple("10.0.0.1", 4000, "192.0.2.1", 53), to("203.0.113.1"));
  BOOST_TEST((out == tuple("203.0.113.1", 4000, "192.0.2.1", 53)));
}

BOOST_AUTO_TEST_CASE(a_taken_port_moves_within_its_class) {
  for (auto [port, low, high] : {std::tuple{40000, 1024, 65535}, {100, 1, 511}, {700, 600, 1023}, {550, 600, 1023}}) {
    Table table;
    auto const sport = static_cast<uint16_t>(port);
    bind(table, 0, tuple("10.0.0.1", sport, "192.0.2.1", 53), to("203.0.113.1"));
    packet::Tuple const out = bind(table, 1, tuple("10.0.0.2", sport, "192.0.2.1", 53), to("203.0.113.1"), 2);
    BOOST_TEST((out.src == address("203.0.113.1").bytes));
    BOOST_TEST(out.source_port() != sport);
    BOOST_TEST((out.source_port() >= low && out.source_port() <= high), out.source_port());
    // The same number gets the same port, however often it is asked.
    table.bindings.remove(1);
    BOOST_TEST((bind(table, 1, tuple("10.0.0.2", sport, "192.0.2.1", 53), to("203.0.113.1"), 2) == out));
  }
}

BOOST_AUTO_TEST_CASE(a_port_that_is_taken_towards_one_server_is_free_towards_another) {
  Table table;
  bind(table, 0, tuple("10.0.0.1", 4000, "192.0.2.1", 53), to("203.0.113.1"));
  packet::Tuple const out = bind(table, 1, tuple("10.0.0.2", 4000, "192.0.2.2", 53), to("203.0.113.1"));
  BOOST_TEST(out.source_port() == 4000);
}

BOOST_AUTO_TEST_CASE(a_source_keeps_its_mapping_towards_other_servers) {
  Table table;
  bind(table, 0, tuple("10.0.0.1", 4000, "192.0.2.1", 53), to("203.0.113.1"));
  packet::Tuple const moved = bind(table, 1, tuple("10.0.0.2", 4000, "192.0.2.1", 53), to("203.0.113.1"), 2);
  packet::Tuple const again = bind(table, 2, tuple("10.0.0.2", 4000, "192.0.2.9", 53), to("203.0.113.1"), 3);
  BOOST_TEST(again.source_port() == moved.source_port());
}

BOOST_AUTO_TEST_CASE(a_single_port_can_be_used_up) {
  Table table;
  packet::NatRange range = to("203.0.113.1");
  range.flags |= packet::NatRange::proto_specified;
  range.min_port = range.max_port = 5000;
  bind(table, 0, tuple("10.0.0.1", 4000, "192.0.2.1", 53), range);
  packet::Tuple const second = table.choose(tuple("10.0.0.2", 4000, "192.0.2.1", 53), range, packet::Part::source, 1, 2);
  BOOST_TEST(second.source_port() == 5000);
  BOOST_TEST(table.used(second, 1));
  table.bindings.remove(0);
  BOOST_TEST(!table.used(second, 1));
}

BOOST_AUTO_TEST_CASE(a_direct_flow_whose_reply_would_be_anothers_is_noticed) {
  Table table;
  packet::Tuple const out = bind(table, 0, tuple("10.0.0.1", 4000, "192.0.2.1", 53), to("203.0.113.1"));
  BOOST_TEST(table.used(out, 1));   // the router itself, from the same address and port
  BOOST_TEST(!table.used(out, 0));  // its own
}

BOOST_AUTO_TEST_CASE(addresses_of_a_range_are_within_it_and_persistent_ones_do_not_depend_on_the_destination) {
  packet::NatRange range = to("203.0.113.8", "203.0.113.15"), persistent = range;
  persistent.flags |= packet::NatRange::persistent;
  std::map<std::array<uint8_t, 16>, int> seen;
  for (uint32_t client = 0; client < 200; ++client) {
    packet::Tuple const from = [&] {
      packet::Tuple made = tuple("10.0.0.1", 4000, "192.0.2.1", 53);
      made.src = address("10.0.0.1").plus(client).bytes;
      return made;
    }();
    IpAddress const chosen = address_for(from, range);
    BOOST_TEST((chosen.bytes >= range.min_address.bytes && chosen.bytes <= range.max_address.bytes));
    ++seen[chosen.bytes];
    packet::Tuple other = from;
    other.dst = address("198.51.100.77").bytes;
    BOOST_TEST((address_for(from, persistent) == address_for(other, persistent)));
  }
  BOOST_TEST(seen.size() == 8U);
}

BOOST_AUTO_TEST_CASE(the_table_says_what_a_list_of_all_flows_says) {
  Table table;
  Random random(3);
  std::map<uint32_t, std::pair<packet::Tuple, packet::Tuple>> twin;
  auto const any = [&] {
    packet::Tuple made = tuple("10.0.0.1", static_cast<uint16_t>(1 + random.below(6)), "192.0.2.1",
                       static_cast<uint16_t>(1 + random.below(3)));
    made.src = address("10.0.0.1").plus(random.below(4)).bytes;
    return made;
  };
  for (int round = 0; round < 20000; ++round) {
    uint32_t const index = random.below(40);
    if (random.below(3) == 0) {
      table.bindings.remove(index);
      twin.erase(index);
    } else if (random.below(2) == 0) {
      std::pair const tuples{any(), packet::inverse(any()).value()};
      table.bindings.add(index, 1, 0, tuples.first, tuples.second);
      twin[index] = tuples;
    }
    packet::Tuple const asked = random.below(2) == 0 ? any() : packet::inverse(any()).value();
    uint32_t const besides = random.below(40);
    bool want = false;
    for (const auto& [flow, tuples] : twin)
      want |= flow != besides && (tuples.first == asked || tuples.second == asked);
    BOOST_REQUIRE(table.bindings.taken(asked, [&](uint32_t other) { return other != besides; }) == want);
    table.commit();
  }
}

/// Whatever is bound, let go, given up, of whatever zone and kind, and whose own flow it is.
BOOST_AUTO_TEST_CASE(what_long_searches_have_learnt_is_what_the_table_says) {
  Table table;
  Crowded crowd{Random(11)};
  Random& random = crowd.random;
  uint64_t learnt = 0, taken = 0, moved = 0;
  for (uint64_t round = 1; round < 40000; ++round) {
    uint32_t const index = random.below(kFlows);
    if (random.below(5) == 0) table.bindings.remove(index);
    else if (random.below(2) == 0) table.bindings.add(index, 1, 0, crowd.either_way(), crowd.either_way());
    if (random.below(2000) == 0) table.searches = {};  // a successor
    table.commit();

    packet::Tuple const from = crowd.tuple();
    auto const part = random.below(2) == 0 ? packet::Part::source : packet::Part::destination;
    auto const reply_zone = static_cast<uint16_t>(random.below(8) == 0 ? 1 : from.zone);
    uint32_t const besides = random.below(kFlows);
    packet::NatRange const range = crowd.range(from, part);
    auto const choose = [&](state::PortSearches* by) { return table.choose_by_searches(from, range, part, besides, reply_zone, round, by); };
    packet::Tuple const plain = choose(nullptr);
    BOOST_REQUIRE((choose(&table.searches) == plain));
    if (plain != from) ++moved;

    state::BoundOthers const others(table.bindings, kFlows, reply_zone), with(table.bindings, kFlows, reply_zone, &table.searches);
    packet::KnownPorts* const known = with.known_ports(from, part, packet::OtherFlows::Search::begins);
    for (uint16_t port = Crowded::kLow; known != nullptr && port < Crowded::kLow + Crowded::kPorts; ++port) {
      if (!known->knows(port)) continue;
      packet::Tuple asked = from;
      (part == packet::Part::source || from.is_icmp() ? asked.src_port : asked.dst_port) = to_network(port);
      BOOST_REQUIRE(known->used(port) == others.used(asked));
      ++learnt;
      taken += known->used(port) ? 1 : 0;
    }
  }
  BOOST_TEST(learnt > 10000U);
  BOOST_TEST((taken > learnt / 4 && taken < learnt));
  BOOST_TEST(moved > 1000U);
}

BOOST_AUTO_TEST_CASE(of_all_ports_of_an_address_the_last_ones_are_found_and_then_none_whether_searches_are_remembered_or_not) {
  constexpr uint32_t kMany = 70000;
  control::Settings settings = translating();
  settings.flows = kMany;
  Memory memory{settings};
  auto& state = memory.as<state::NatState>("nat.state");
  memory::Batch batch{memory.as<memory::CommitArea>("nat.commit"), memory.as<memory::Journal>("nat.journal"), memory.object("nat.state")};
  batch.recover();
  state::TupleHashes hash{7};
  Chance const chance{7};
  auto const searches = std::make_unique<state::PortSearches>();
  state::Bindings bindings{state::BindingTable(state), batch, hash, *searches};
  packet::NatRange const range = to("203.0.113.1");
  uint32_t clashes = 0;
  for (uint32_t flow = 0; flow < kMany; ++flow) {
    packet::Tuple from = tuple("10.0.0.1", static_cast<uint16_t>(1024 + flow % 64512), "192.0.2.1", 53);
    from.src = address("10.0.0.1").plus(flow / 64512 + flow % 3).bytes;
    state::BoundOthers const others(bindings, flow, 0, searches.get());
    packet::Tuple const out = packet::tuple_in(from, range, packet::Part::source, others, chance, flow);
    if (flow % 97 == 0 || flow > 64400) {
      state::BoundOthers const plain(bindings, flow);
      BOOST_REQUIRE((packet::tuple_in(from, range, packet::Part::source, plain, chance, flow) == out));
    }
    if (others.used(out)) ++clashes;
    else bindings.add(flow, 1, state::Binding::source, from, packet::inverse(out).value());
    batch.commit({});
  }
  BOOST_TEST((clashes >= kMany - 64512U && clashes < kMany - 64000U), clashes);
}
