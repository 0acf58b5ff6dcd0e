// SCTP chunks that are not listed in a packet's facts: the packet does to its flow what it does with all of them.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <set>
#include <tuple>

#include "services/conntrack/sctp_track.h"
#include "tests/tools/packets.h"

using namespace bulkhead;
using namespace bulkhead::test;
using namespace bulkhead::conntrack;

namespace {

using Chunks = std::vector<packet::SctpChunk>;
using enum packet::SctpChunk;

constexpr uint32_t kTag = 0x11111111, kX = 0x22222222, kY = 0x33333333;
constexpr std::array kBehindOthers{packet::SctpChunk::abort, abort_t, shutdown, shutdown_ack, error, heartbeat, heartbeat_ack};
constexpr uint8_t kData = 0, kOther = 3;

uint8_t type_of(packet::SctpChunk chunk) {
  constexpr std::array<uint8_t, 14> types{kOther, 1, 2, 6, 7, 8, 9, 10, 11, 14, 4, 5, 6, 14};
  return types[static_cast<size_t>(chunk)];
}

/// Of a packet with these chunks, and with others behind some of them: `more`.
packet::SctpFacts facts_of(uint32_t tag, const Chunks& chunks, const std::vector<uint8_t>& more = {}) {
  Bytes l4(12);
  store_raw(l4.data() + 4, tag);
  auto const put = [&](uint8_t type, bool reflected) { l4.insert(l4.end(), {type, uint8_t{reflected}, 0, 4}); };
  for (size_t i = 0; i < chunks.size(); ++i) {
    put(type_of(chunks[i]), chunks[i] == abort_t || chunks[i] == shutdown_complete_t);
    if (i < more.size()) put(more[i], false);
  }
  Bytes const frame = ethernet(ip({address("10.0.0.1"), address("192.0.2.1")}, packet::protocol::sctp, l4));
  return packet::sctp_facts(frame, packet::parse(frame, static_cast<uint32_t>(frame.size()), packet::LinkType::ethernet));
}

Chunks listed(const packet::SctpFacts& facts) {
  Chunks chunks;
  for (size_t i = 0; facts.chunk(i) != none; ++i) chunks.push_back(facts.chunk(i));
  return chunks;
}

struct World {
  conntrack::SctpFlow flow;
  uint32_t tag;  // the packet's
  bool data;
  chain::Direction way;
};

/// Tags are only compared with the packet's and with 0, so these are all worlds.
std::vector<World> worlds() {
  std::vector<World> all;
  for (uint32_t tag : {0U, kTag})
    for (uint32_t own : std::set<uint32_t>{0, tag, kX})
      for (uint32_t other : std::set<uint32_t>{0, tag, kY})
        for (unsigned state = 0; state <= static_cast<unsigned>(conntrack::SctpState::invalid); ++state)
          for (unsigned bits = 0; bits < 16; ++bits) {
            chain::Direction const way = (bits & 1) != 0 ? chain::Direction::reply : chain::Direction::original;
            conntrack::SctpFlow flow{.tags = {own, other}, .init = {true, false}, .state = static_cast<conntrack::SctpState>(state),
                          .last_way = (bits & 2) != 0 ? chain::Direction::reply : chain::Direction::original, .other_tag = (bits & 4) != 0};
            if (way == chain::Direction::reply) std::swap(flow.tags[0], flow.tags[1]);
            all.push_back({flow, tag, (bits & 8) != 0, way});
          }
  return all;
}

/// All that a packet does.
using Done = std::tuple<conntrack::SctpFlow::Words, conntrack::SctpOutcome::Fate, uint64_t, bool>;
Done done(const conntrack::SctpFlow& flow, const conntrack::SctpOutcome& outcome) { return {conntrack::pack(flow), outcome.fate, outcome.timeout_ns, outcome.assured}; }
Done with_all(const World& world, const packet::SctpFacts& facts, const Chunks& chunks, bool known = true) {
  conntrack::SctpFlow flow = world.flow;
  conntrack::SctpOutcome const outcome = conntrack::track_sctp(flow, facts, chunks, world.way, known);
  return done(flow, outcome);
}
Done with_listed(const World& world, const packet::SctpFacts& facts, bool known) {
  conntrack::SctpFlow flow = world.flow;
  conntrack::SctpOutcome const outcome = conntrack::track_sctp(flow, facts, world.way, known);
  return done(flow, outcome);
}

/// All of `chunks` that what is listed further depends on.
uint32_t memory_of(const Chunks& chunks) {
  std::array<uint32_t, 14> count{};
  bool shutdown_since = false, ack_since = false;
  for (packet::SctpChunk chunk : chunks) {
    count[static_cast<size_t>(chunk)] = std::min(count[static_cast<size_t>(chunk)] + 1, 2U);
    shutdown_since = chunk == shutdown || (shutdown_since && chunk != shutdown_ack);
    ack_since = chunk == heartbeat_ack || (ack_since && chunk != abort_t);
  }
  uint32_t memory = shutdown_since ? 1 : 0;
  memory = memory * 2 + (ack_since ? 1 : 0);
  for (packet::SctpChunk chunk : kBehindOthers) memory = memory * 3 + count[static_cast<size_t>(chunk)];
  return memory;
}

/// The packet says by chunks which tags it may bear; of its data all chunks know.
packet::SctpFacts only_tag_of(const World& world) {
  return {.tag = world.tag, .init_tag = 0, .chunks = static_cast<uint64_t>(heartbeat) | uint64_t{world.data ? packet::SctpFacts::kData : 0} << 60};
}

}  // namespace

/// Step by step through everything that can be met: what a chunk does depends on the flow and on what the packet has done so
/// far, whether it is listed on memory_of(). A COOKIE, which stands first, leads from one of the worlds to another.
BOOST_AUTO_TEST_CASE(a_chunk_that_is_not_listed_changes_nothing_in_any_state) {
  struct Met {
    World begin;
    Chunks chunks;  // listed ones
    Done done;
  };
  std::vector<Met> open;
  std::set<std::tuple<uint32_t, bool, chain::Direction, Done, uint32_t>> seen;
  auto const meet = [&](Met met) {
    if (std::get<conntrack::SctpOutcome::Fate>(met.done) == conntrack::SctpOutcome::Fate::invalid) return;  // and stays so
    if (seen.emplace(met.begin.tag, met.begin.data, met.begin.way, met.done, memory_of(met.chunks)).second) open.push_back(std::move(met));
  };
  for (const World& world : worlds()) meet({world, {}, with_all(world, only_tag_of(world), {})});
  size_t left_out = 0, most = 0;
  while (!open.empty()) {
    Met const met = std::move(open.back());
    open.pop_back();
    for (packet::SctpChunk chunk : kBehindOthers) {
      Chunks longer = met.chunks;
      longer.push_back(chunk);
      Done const after = with_all(met.begin, only_tag_of(met.begin), longer);
      Chunks const kept = listed(facts_of(met.begin.tag, longer));
      most = std::max(most, kept.size());
      if (kept == met.chunks) {
        ++left_out;
        if (after != met.done) BOOST_FAIL("chunk " << static_cast<int>(chunk) << " in state " << static_cast<int>(met.begin.flow.state));
      } else {
        if (kept != longer) BOOST_FAIL("another one is gone");
        meet({met.begin, std::move(longer), after});
      }
    }
  }
  BOOST_TEST(left_out > seen.size());
  BOOST_TEST(most < packet::SctpFacts::kMostChunks);  // and a COOKIE
}

BOOST_AUTO_TEST_CASE(a_packet_of_many_chunks_does_what_all_of_them_do) {
  Random random(5);
  std::vector<World> const all = worlds();
  size_t longest = 0, valid = 0;
  for (size_t round = 0; round < 300'000; ++round) {
    const World& world = all[random.below(static_cast<uint32_t>(all.size()))];
    bool const known = random.below(4) != 0;
    Chunks chunks;
    if (random.below(3) == 0) chunks.push_back(static_cast<packet::SctpChunk>(1 + random.below(13)));
    uint32_t const kinds = 1 + random.below(kBehindOthers.size()), from = random.below(kBehindOthers.size());
    for (uint32_t count = random.below(40); count > 0; --count) chunks.push_back(kBehindOthers[(from + random.below(kinds)) % kBehindOthers.size()]);
    std::vector<uint8_t> more;
    if (world.data && !chunks.empty()) more.resize(random.below(static_cast<uint32_t>(chunks.size())), random.below(2) == 0 ? kData : kOther);
    packet::SctpFacts const facts = facts_of(world.tag, chunks, more);
    World const here{world.flow, world.tag, world.data, known ? world.way : chain::Direction::original};
    Done const want = with_all(here, facts, chunks, known);
    if (with_listed(here, facts, known) != want) BOOST_FAIL("round " << round);
    if (facts.is(packet::SctpFacts::kBad)) continue;
    for (size_t one = 1; one < 14; ++one)
      if (facts.has(static_cast<packet::SctpChunk>(one)) != (std::ranges::count(chunks, static_cast<packet::SctpChunk>(one)) > 0)) BOOST_FAIL("round " << round);
    longest = std::max(longest, listed(facts).size());
    if (std::get<conntrack::SctpOutcome::Fate>(want) != conntrack::SctpOutcome::Fate::invalid) ++valid;
  }
  BOOST_TEST(valid > 10'000U);
  BOOST_TEST(longest > 9U);
}

BOOST_AUTO_TEST_CASE(thirteen_chunks_are_the_most_that_matter) {
  Chunks const most{cookie_echo, shutdown_ack, shutdown, shutdown_ack, error, packet::SctpChunk::abort, abort_t, heartbeat_ack, abort_t,
                    heartbeat_ack, abort_t, heartbeat, heartbeat};
  Chunks longer = most;
  for (int round = 0; round < 50; ++round) longer.insert(longer.end(), kBehindOthers.begin(), kBehindOthers.end());
  packet::SctpFacts const facts = facts_of(kTag, longer);
  BOOST_TEST(!facts.is(packet::SctpFacts::kBad));
  BOOST_TEST((listed(facts) == most));
}
