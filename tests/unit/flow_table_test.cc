// The flow table against a slow twin: what is in it is found, both ways, and nothing else.
#define BOOST_TEST_MODULE conntrack
#include <boost/test/unit_test.hpp>
#include <map>
#include <set>
#include <vector>

#include "tests/unit/table_world.h"

using namespace bulkhead;
using namespace bulkhead::test;
using bulkhead::conntrack::FlowTable;

namespace {

packet::Tuple tuple_of(uint32_t client, uint16_t port, uint8_t protocol = packet::protocol::udp) {
  packet::Tuple tuple;
  std::memcpy(tuple.src.data(), &client, 4);
  tuple.dst[0] = 192;
  tuple.src_port = to_network(port);
  tuple.dst_port = to_network(uint16_t{53});
  tuple.l3 = 4;
  tuple.protocol = protocol;
  return tuple;
}

/// The reply as it is behind a masquerade: to another address and port.
packet::Tuple translated(const packet::Tuple& tuple) {
  packet::Tuple reply = *packet::inverse(tuple);
  reply.dst[3] = 77;
  reply.dst_port = static_cast<uint16_t>(~reply.dst_port);
  return reply;
}

state::TupleWords key(const packet::Tuple& tuple) { return state::words_of(tuple); }

/// What a table of this size must hold: tuples of both directions, and to which flow they belong.
struct Twin {
  struct Flow {
    packet::Tuple original, reply;
    uint32_t generation;
  };
  std::map<uint32_t, Flow> flows;  // by index
  std::map<state::TupleWords, std::pair<uint32_t, chain::Direction>> tuples;

  void add(uint32_t index, const Flow& flow) {
    flows[index] = flow;
    tuples[key(flow.original)] = {index, chain::Direction::original};
    tuples[key(flow.reply)] = {index, chain::Direction::reply};
  }
  void remove(uint32_t index) {
    tuples.erase(key(flows[index].original));
    tuples.erase(key(flows[index].reply));
    flows.erase(index);
  }
};

class Trial {
 public:
  Trial(uint64_t seed, uint32_t flows) : world_(flows, seed), random_(seed), capacity_(flows) {}

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      uint32_t const choice = random_.below(10);
      if (choice < 5) add();
      else if (choice < 8) remove();
      else if (choice < 9) end_batch();
      check();
      if (world_.batch->room() < 2000) end_batch();
    }
  }

 private:
  packet::Tuple any() { return tuple_of(random_.below(6), static_cast<uint16_t>(random_.below(8))); }

  void add() {
    packet::Tuple const original = any();
    if (twin_.tuples.contains(key(original))) return;
    packet::Tuple const reply = random_.below(3) == 0 ? translated(original) : *packet::inverse(original);
    auto const index = world_.table->add(original, world_.table->hash(original), reply, ++number_);
    BOOST_REQUIRE(index.has_value() == (twin_.flows.size() < capacity_));
    if (!index) return;
    BOOST_REQUIRE(!twin_.flows.contains(*index));
    uint32_t const generation = world_.table->entry(*index).generation.load();
    BOOST_REQUIRE(generations_.insert(generation).second);
    twin_.add(*index, {original, reply, generation});
  }

  void remove() {
    if (twin_.flows.empty()) return;
    auto flow = twin_.flows.begin();
    std::advance(flow, random_.below(static_cast<uint32_t>(twin_.flows.size())));
    uint32_t const index = flow->first;
    if (random_.below(2) == 0) {
      world_.table->remove(index);
    } else {
      world_.table->remove_dropped(index);
    }
    twin_.remove(index);
  }

  /// Committed, or lost with its process.
  void end_batch() {
    if (random_.below(3) == 0) {
      world_.restart();
      twin_ = committed_;
    } else {
      world_.commit();
      committed_ = twin_;
    }
  }

  void check() {
    packet::Tuple const other = any();
    for (const packet::Tuple& tuple : {other, *packet::inverse(other), translated(other)}) {
      auto const hit = world_.table->find(tuple, world_.table->hash(tuple));
      auto const wanted = twin_.tuples.find(key(tuple));
      BOOST_REQUIRE(hit.has_value() == (wanted != twin_.tuples.end()));
      if (!hit) continue;
      BOOST_REQUIRE(hit->index == wanted->second.first);
      BOOST_REQUIRE(hit->direction == wanted->second.second);
      BOOST_REQUIRE(world_.table->entry(hit->index).generation.load() == twin_.flows[hit->index].generation);
    }
    BOOST_REQUIRE(world_.state.used.load() == twin_.flows.size());
  }

  TableWorld world_;
  Random random_;
  uint32_t capacity_;
  Twin twin_, committed_;
  std::set<uint32_t> generations_;
  uint64_t number_ = 0;
};

/// Tuples whose search begins in the same bucket.
std::vector<packet::Tuple> crowd(const TableWorld& world, size_t count) {
  uint64_t const mask = state::ConntrackState::buckets_for(world.table->capacity()) - 1;
  std::vector<packet::Tuple> tuples;
  for (uint32_t client = 1; tuples.size() < count; ++client) {
    packet::Tuple const tuple = tuple_of(client, 1);
    if ((world.table->hash(tuple) & mask) == 3) tuples.push_back(tuple);
  }
  return tuples;
}

std::optional<uint32_t> add(TableWorld& world, const packet::Tuple& tuple) {
  return world.table->add(tuple, world.table->hash(tuple), *packet::inverse(tuple), 1);
}

bool finds(const TableWorld& world, const packet::Tuple& tuple) {
  return world.table->find(tuple, world.table->hash(tuple)).has_value();
}

uint64_t passed(const TableWorld& world) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < state::ConntrackState::buckets_for(world.table->capacity()); ++i)
    sum += world.state.buckets()[i].passed.load();
  return sum;
}

}  // namespace

BOOST_AUTO_TEST_CASE(table_holds_what_its_slow_twin_holds) {
  for (uint64_t seed = 1; seed <= 20; ++seed) Trial(seed, 1 + static_cast<uint32_t>(seed * 3 % 17)).run(2000);
}

BOOST_AUTO_TEST_CASE(flows_of_one_bucket_overflow_into_the_next_ones_and_come_out_again) {
  TableWorld world(200);
  std::vector<packet::Tuple> const tuples = crowd(world, 40);
  std::vector<uint32_t> indexes;
  for (const packet::Tuple& tuple : tuples) indexes.push_back(*add(world, tuple));
  BOOST_TEST(passed(world) != 0U);
  for (const packet::Tuple& tuple : tuples) {
    BOOST_TEST(finds(world, tuple));
    BOOST_TEST(finds(world, *packet::inverse(tuple)));
  }
  world.commit();
  for (size_t i = 0; i < tuples.size(); i += 2) world.table->remove(indexes[i]);
  for (size_t i = 0; i < tuples.size(); ++i) BOOST_TEST(finds(world, tuples[i]) == (i % 2 == 1));
  for (size_t i = 1; i < tuples.size(); i += 2) world.table->remove(indexes[i]);
  BOOST_TEST(passed(world) == 0U);
}

BOOST_AUTO_TEST_CASE(flow_for_which_no_bucket_has_a_place_is_refused_and_nothing_is_lost) {
  TableWorld world(200);
  size_t const most = (FlowTable::kMaxPassed + 1) * state::FlowBucket::kPlaces / 2;  // two places a flow
  std::vector<packet::Tuple> const tuples = crowd(world, most + 3);
  std::vector<uint32_t> indexes;
  for (size_t i = 0; i < most; ++i) {
    indexes.push_back(*add(world, tuples[i]));
    world.commit();
  }
  uint64_t const before = passed(world);
  for (size_t i = most; i < tuples.size(); ++i) {
    BOOST_TEST(!add(world, tuples[i]));
    BOOST_TEST(!finds(world, tuples[i]));
  }
  BOOST_TEST(world.state.used.load() == most);
  BOOST_TEST(passed(world) == before);
  BOOST_TEST(add(world, tuple_of(9999, 2)).has_value());  // elsewhere there is room
  world.table->remove(indexes[0]);
  BOOST_TEST(add(world, tuples[most]).has_value());
}

BOOST_AUTO_TEST_CASE(entries_that_confirm_let_go_are_taken_only_when_all_others_are_used_up) {
  TableWorld world(4);
  std::vector<uint32_t> first;
  for (uint32_t i = 1; i <= 3; ++i) first.push_back(*add(world, tuple_of(i, 1)));
  world.table->remove_dropped(first[1]);
  world.table->remove_dropped(first[0]);
  BOOST_TEST(!world.table->used_up());
  BOOST_TEST(*add(world, tuple_of(4, 1)) == 3U);  // the one that was never used
  BOOST_TEST(world.table->used_up());
  BOOST_TEST(*add(world, tuple_of(5, 1)) == first[0]);  // then the last that was let go
  BOOST_TEST(*add(world, tuple_of(6, 1)) == first[1]);
  BOOST_TEST(!add(world, tuple_of(7, 1)));
}

BOOST_AUTO_TEST_CASE(generation_of_an_undone_flow_is_not_given_out_again) {
  TableWorld world(4);
  std::set<uint32_t> seen;
  for (uint32_t life = 0; life < 10; ++life) {
    uint32_t const index = *add(world, tuple_of(life + 1, 1));
    BOOST_TEST(seen.insert(world.table->entry(index).generation.load()).second);
    world.restart();
    BOOST_TEST(world.state.used.load() == 0U);
  }
}

BOOST_AUTO_TEST_CASE(what_adding_and_removing_journal_is_within_what_is_promised) {
  TableWorld world(200);
  std::vector<packet::Tuple> const tuples = crowd(world, (FlowTable::kMaxPassed + 1) * state::FlowBucket::kPlaces / 2);
  std::vector<uint32_t> indexes;
  for (const packet::Tuple& tuple : tuples) {
    size_t const before = world.batch->room();
    indexes.push_back(*add(world, tuple));
    BOOST_TEST(before - world.batch->room() <= FlowTable::kWordsToAdd);
    world.commit();
  }
  for (uint32_t index : indexes) {
    size_t const before = world.batch->room();
    world.table->remove(index);
    BOOST_TEST(before - world.batch->room() <= FlowTable::kWordsToRemove);
    world.commit();
  }
}

BOOST_AUTO_TEST_CASE(deletions_are_listed_in_order_until_they_have_been_passed) {
  TableWorld world(4);
  uint32_t const index = *add(world, tuple_of(1, 1));
  uint64_t const generation = world.table->entry(index).generation.load();
  BOOST_TEST(world.table->room_for_gone(state::ConntrackState::kGone));
  world.table->remove(index);
  BOOST_TEST(world.state.gone[0].load() == (generation << 32 | index));
  BOOST_TEST(!world.table->room_for_gone(state::ConntrackState::kGone));
  BOOST_TEST(world.table->room_for_gone(state::ConntrackState::kGone - 1));
  world.state.gone_passed.store(1);
  BOOST_TEST(world.table->room_for_gone(state::ConntrackState::kGone));
}
