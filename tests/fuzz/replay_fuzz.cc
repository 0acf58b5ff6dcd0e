// tests/fuzz/replay_fuzz.cc: a capture that has been spoilt, through the whole chain, under a ruleset by seed: it comes to its end,
// every packet has one fate, and what comes out is the same with the fast lane and without.
//
// Input   byte 0: the ruleset; 1: bridge or router, and which capture; then changes: which packet, what is done to it, where,
//         with what.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>

#include "common/ruleset/compile/facts.h"
#include "ipc/state/pktio_state.h"
#include "tests/differential/made_ruleset.h"
#include "tests/fuzz/long_inputs.h"
#include "tests/simulation/chain.h"
#include "tests/simulation/router.h"
#include "tests/simulation/workload.h"

namespace {

using namespace bulkhead;
using namespace bulkhead::test;

constexpr uint64_t kCaptures = 12, kPackets = 40;

void want(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

/// Rulesets of many kinds, read once each.
const control::Settings& settings_of(uint8_t ruleset, bool router) {
  static std::map<std::pair<uint8_t, bool>, control::Settings> known;
  auto const [at, fresh] = known.try_emplace({ruleset, router});
  if (!fresh) return at->second;
  uint32_t const flows = ruleset % 2 == 0 ? 16 : 100;  // too few, or enough for lanes
  control::Settings made = router ? router_settings(16, 4, flows) : small_settings(16, 4, flows);
  if (ruleset == 0) return at->second = made;
  if (ruleset == 1) return at->second = with_rules(made, kStatefulRules);
  if (ruleset == 3) return at->second = with_rules(made, kEarlyRules);
  if (ruleset == 4) return at->second = with_rules(made, kEarlySharingRules);
  if (ruleset == 2 && router) return at->second = with_rules(made, translating_rules().c_str());
  if (ruleset == 5 && router) return at->second = with_rules(made, kLaneRules);
  auto loaded = ruleset::load("made", made_ruleset(ruleset), ruleset::world_of(made.interface_names(), made.topology, made.seed));
  if (loaded) made.ruleset = ruleset::facts_of(**loaded, made.topology);  // a bridge has not all that a router's rules may ask
  return at->second = made;
}

const Input& capture(size_t which) {
  static const auto all = [] {
    std::array<Input, kCaptures> made;
    for (size_t i = 0; i < kCaptures; ++i) made[i] = i % 3 == 0 ? hazards(i, kPackets) : i % 3 == 1 ? translations(i, kPackets) : streams(i, 2 * kPackets);
    return made;
  }();
  return all[which % kCaptures];
}

class Changes {
 public:
  Changes(const uint8_t* data, size_t size) : rest_(data, size) {}
  [[nodiscard]] bool any() const { return !rest_.empty(); }
  uint8_t byte() {
    uint8_t const value = rest_.empty() ? uint8_t{0} : rest_.front();
    rest_ = rest_.subspan(rest_.empty() ? 0 : 1);
    return value;
  }

 private:
  std::span<const uint8_t> rest_;
};

void change(Changes& changes, std::vector<Frame>& frames) {
  if (frames.empty()) return;
  Frame& frame = frames[changes.byte() % frames.size()];
  uint8_t const what = changes.byte(), at = changes.byte(), value = changes.byte();
  if (frame.bytes.empty()) return;
  switch (what % 8) {
    case 0: frame.bytes.resize(at % frame.bytes.size()); break;
    case 1: frame.bytes.resize(frame.bytes.size() + at, value); break;
    case 2: frame.wire = static_cast<uint32_t>(frame.bytes.size()) + at; break;
    case 3: frame.stamp_ns += (uint64_t{at} << 8 | value) * 100'000'000; break;
    case 4: std::swap(frame, frames[at % frames.size()]); break;
    case 5: frame.bytes[at % frame.bytes.size()] ^= static_cast<uint8_t>(1U << value % 8); break;
    default: frame.bytes[at % frame.bytes.size()] = value; break;
  }
  frame.wire = std::max(frame.wire, static_cast<uint32_t>(frame.bytes.size()));
}

uint64_t dropped(const state::PktioState& state) {
  uint64_t all = 0;
  for (const auto& word : state.drops) all += word.load();
  return all;
}

/// What comes out, and what is left in memory.
std::string replayed(const control::Settings& settings, const Input& input) {
  Memory const memory(settings);
  Chain chain(memory, settings, input, 0);
  chain.start_all();
  want(chain.finish(), "it comes to no end");
  const state::PktioState& state = memory.as<state::PktioState>("pktio.state");
  uint64_t const came = input[0].size() + input[1].size();
  want(state.done.load() == state::PktioState::Done::finished, "it failed");
  want(state.packets.load() == came, "not every packet was taken in");
  want(state.accepted.load() + state.dropped.load() == came, "a packet has no fate, or two");
  want(dropped(state) == state.dropped.load(), "a drop has no reason");
  want(state.drops[static_cast<size_t>(chain::DropReason::bad_descriptor)].load() == 0, "a descriptor is no good");
  for (const char* service : chain::kServices) want(memory.as<chain::Desk>(fmt::format("{}.desk", service)).corrupt.load() == 0, "a service calls another's work corrupt");
  return image(memory, chain.disk());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  control::Settings settings = settings_of(data[0], (data[1] & 1) != 0);
  Input input = capture(data[1] >> 1);
  Changes changes(data + 2, size - 2);
  while (changes.any()) change(changes, input[changes.byte() % 2]);
  std::string const with = replayed(settings, input);
  settings.fast_lane = false;
  std::string const difference = first_difference(replayed(settings, input), with);
  if (!difference.empty()) std::fprintf(stderr, "%s\n", difference.c_str());
  want(difference.empty(), "the fast lane makes a difference");
  return 0;
}

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  make_inputs_long(argc, argv, 200);
  return 0;
}
