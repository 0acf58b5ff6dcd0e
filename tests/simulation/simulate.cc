// tests/simulation/simulate.cc: runs seeds, every single store, or planted mistakes; prints what failed and how to
// run it again.
//
//   simulate seeds --first 1 --count 10000      simulate seed 4711
//   simulate stores                             simulate mistakes

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <thread>

#include "common/base/command_line.h"
#include "tests/simulation/router.h"
#include "tests/simulation/simulation.h"
#include "tests/simulation/workload.h"

namespace bulkhead::test {
namespace {

using memory::simulate::Mistake;

constexpr uint32_t kFlows = 24, kRoomyFlows = 200, kCrowdedFlows = 56;  // of a table that is crowded now and then
constexpr std::array<uint32_t, 3> kRings{16, 64, 256};
constexpr std::array<uint32_t, 5> kBatches{1, 2, 7, 32, 128};

/// A workload with what it must come to, made without kills, switches and fast lane.
struct Case {
  Input input;
  uint32_t drop_one_in;
  enum Wiring { bridge, router, firewall, early, early_sharing, changing, translating, lane, roomy_lane, edges, bridge_rules, no_tracking, copies, echoes } wiring;
  std::string wanted;
};

control::Settings settings_of(const Case& one, uint32_t ring, uint32_t batch, uint32_t flows = kFlows) {
  switch (one.wiring) {
    case Case::bridge: return small_settings(ring, batch, flows);
    case Case::router: return router_settings(ring, batch, flows);
    case Case::firewall: return firewall_settings(ring, batch, flows);
    case Case::early: return early_settings(ring, batch, flows, kEarlyRules);
    case Case::early_sharing: return early_settings(ring, batch, flows, kEarlySharingRules);
    case Case::changing: return early_settings(ring, batch, flows, kChangingRules);
    case Case::edges: return early_settings(ring, batch, flows, kEdgeRules);
    case Case::bridge_rules: return with_rules(small_settings(ring, batch, flows), kBridgeRules);
    case Case::no_tracking: return early_settings(ring, batch, flows, kUntrackedRules);
    case Case::copies: return early_settings(ring, batch, flows, kCopyRules);
    case Case::echoes: return with_rules(router_settings(ring, batch, flows), kTranslatingRules);
    case Case::lane: return lane_settings(ring, batch, std::max(flows, kCrowdedFlows));
    case Case::roomy_lane: return lane_settings(ring, batch, std::max(flows, kRoomyFlows));
    default: return translating_settings(ring, batch, flows);
  }
}

constexpr std::array<Case::Wiring, 27> kWirings{Case::edges, Case::bridge_rules, Case::edges, Case::no_tracking,
                                                Case::lane, Case::roomy_lane, Case::lane, Case::roomy_lane,
                                                Case::early,    Case::early_sharing, Case::early,
                                                Case::bridge,   Case::bridge,   Case::bridge,      Case::router,
                                                Case::firewall, Case::firewall, Case::firewall,    Case::translating,
                                                Case::translating, Case::translating, Case::changing,    Case::changing,    Case::copies, Case::copies,
                                                Case::echoes,   Case::echoes};

/// The clock jumps while a flow is in the chain whose time-outs rules are about to set.
constexpr uint32_t kJumping = 17, kJumpingSeed = 20;

/// Dropping one in so many is what no rule does, and no lane knows.
bool is_lane(Case::Wiring wiring) { return wiring == Case::lane || wiring == Case::roomy_lane; }

Input input_of(Case::Wiring wiring, uint64_t seed, size_t packets) {
  switch (wiring) {
    case Case::translating:
    case Case::echoes: return translations(seed, packets);
    case Case::changing: return changes(seed, packets);
    case Case::lane:
    case Case::roomy_lane: return streams(seed, packets);
    default: return hazards(seed, packets);
  }
}

const Case& case_of(uint64_t seed) {
  static std::vector<Case> const cases = [] {
    std::vector<Case> made;
    for (uint32_t i = 0; i < kWirings.size(); ++i) {
      Case one{input_of(kWirings[i], i == kJumping ? kJumpingSeed : i + 1, is_lane(kWirings[i]) ? 400 : 120), i % 2 == 0 && !is_lane(kWirings[i]) ? 5U : 0U, kWirings[i], {}};
      control::Settings settings = settings_of(one, 64, 32);
      settings.fast_lane = false;
      Outcome const plain = simulate_run(settings, one.input,
                                         {.switch_every = 0, .drop_one_in = one.drop_one_in});
      if (!plain.failure.empty()) fmt::print(stderr, "undisturbed run {}: {}\n", i, plain.failure);
      one.wanted = plain.image;
      made.push_back(std::move(one));
    }
    return made;
  }();
  return cases[seed % cases.size()];
}

struct Totals {
  uint64_t runs = 0, failures = 0, kills = 0, kills_in_recovery = 0, points = 0, laned = 0;
};

bool run_seed(uint64_t seed, Mistake mistake, bool loud, Totals& totals) {
  const Case& one = case_of(seed);
  control::Settings const settings =
      settings_of(one, kRings[seed / 3 % kRings.size()], kBatches[seed / 7 % kBatches.size()]);
  Plan plan;
  plan.seed = seed;
  plan.kills = static_cast<uint32_t>(seed % 13);
  plan.points_expected = is_lane(one.wiring) ? 120000 : 60000;
  plan.switch_every = static_cast<uint32_t>(5 + seed * 7 % 400);
  plan.drop_one_in = one.drop_one_in;
  plan.mistake = mistake;
  Outcome const outcome = simulate_run(settings, one.input, plan);
  ++totals.runs;
  totals.kills += outcome.kills;
  totals.kills_in_recovery += outcome.kills_in_recovery;
  totals.points += outcome.points;
  totals.laned += outcome.laned;
  if (outcome.failure.empty() && outcome.image == one.wanted) return true;
  ++totals.failures;
  if (loud)
    fmt::print("seed {} fails: {}\n{}\nagain: simulate seed {}\n", seed,
               outcome.failure.empty() ? "the outcome differs" : outcome.failure,
               first_difference(one.wanted, outcome.image), seed);
  return false;
}

int run_seeds(uint64_t first, uint64_t count) {
  Totals totals;
  for (uint64_t seed = first; seed < first + count && totals.failures < 5; ++seed)
    run_seed(seed, Mistake::none, true, totals);
  fmt::print("{} seeds, {} kills ({} in recovery), {} points of shared memory, {} packets by the fast lane: {} failed\n", totals.runs,
             totals.kills, totals.kills_in_recovery, totals.points, totals.laned, totals.failures);
  bool const met = totals.kills != 0 && (totals.laned != 0 || count < kWirings.size());
  return totals.failures == 0 && met ? 0 : 1;
}

/// Dies after each single store of a small workload, one run for each.
int run_stores(uint32_t batch, size_t packets, Case::Wiring wiring) {
  static constexpr std::array<const char*, 14> names{"bridge", "router", "firewall", "early chains", "early chains that share", "tuples set by rules", "translating", "lane", "roomy lane", "edges", "a bridge's rules", "nothing tracks", "copies", "echoes seen"};
  Input const input = input_of(wiring, 3, packets);
  control::Settings const settings = settings_of({.input = {}, .drop_one_in = 0, .wiring = wiring, .wanted = {}}, 64, batch, 8);
  Plan plan{.switch_every = 0, .drop_one_in = is_lane(wiring) ? 0U : 5U};
  Outcome const plain = simulate_run(settings, input, plan);
  uint64_t failures = 0;
  for (uint64_t store = 1; store <= plain.stores && failures < 5; ++store) {
    plan.kill_at_store = store;
    Outcome const outcome = simulate_run(settings, input, plan);
    if (outcome.failure.empty() && outcome.image == plain.image && outcome.kills == 1) continue;
    ++failures;
    fmt::print("dying before store {} of {}: {}\n{}\n", store, plain.stores, outcome.failure,
               first_difference(plain.image, outcome.image));
  }
  fmt::print("{}, batch {}: died at each of {} stores: {} failed\n", names[wiring], batch, plain.stores, failures);
  return failures == 0 && plain.failure.empty() ? 0 : 1;
}

/// Does some seed notice the mistake? In a child, since a mistake may well crash.
bool noticed(Mistake mistake, uint64_t seeds, uint64_t& by) {
  for (by = 1; by <= seeds; ++by) {
    pid_t const child = fork();
    if (child == 0) {
      Totals totals;
      alarm(20);
      _exit(run_seed(by, mistake, false, totals) ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return true;
  }
  return false;
}

int run_mistakes(uint64_t seeds) {
  static_cast<void>(case_of(0));
  constexpr std::array<std::pair<Mistake, const char*>, 8> planted{{
      {Mistake::store_before_journal, "a word changes before its old value is in the journal"},
      {Mistake::commit_before_journal, "a commit before its journal"},
      {Mistake::tail_published_early, "a tail published early"},
      {Mistake::hazard_left_out, "a hazard left out"},
      {Mistake::frame_reused_early, "a cell used again before the homecoming is committed"},
      {Mistake::lane_out_of_turn, "a flow in the fast lane and in the chain at once"},
      {Mistake::sleep_without_look, "asleep without looking again"},
      {Mistake::successor_does_not_wait, "a successor that does not wait for its predecessor's end"},
  }};
  int missed = 0;
  uint64_t none = 0;
  if (noticed(Mistake::none, 50, none)) {
    fmt::print("seed {} fails without any mistake\n", none);
    ++missed;
  }
  for (const auto& [mistake, text] : planted) {
    uint64_t by = 0;
    bool const caught = noticed(mistake, seeds, by);
    fmt::print("{}: {}\n", text, caught ? fmt::format("caught by seed {}", by) : "NOT CAUGHT");
    missed += !caught;
  }
  return missed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace bulkhead::test

int main(int argc, char** argv) {
  using namespace bulkhead::test;
  using bulkhead::CommandLine;
  enum class Command { seeds, seed, stores, mistakes } command{};
  auto const words = std::span(argv, static_cast<size_t>(argc)).subspan(1);
  CommandLine commands("simulate", "Bulkhead's stages under a seed's control: COMMAND --help");
  commands.add("COMMAND", command, "seeds, one seed again, dying at each store, planted mistakes",
               {{"seeds", Command::seeds}, {"seed", Command::seed}, {"stores", Command::stores}, {"mistakes", Command::mistakes}},
               CommandLine::Need::required);
  if (auto const ended = commands.read(words.first(std::min<size_t>(words.size(), 1)))) return *ended;

  uint64_t first = 1, count = 500, seed = 1, most = 400;
  size_t packets = 24;
  CommandLine line(fmt::format("simulate {}", words[0]), "");
  switch (command) {
    case Command::seeds:
      line.add("--first", first, "seed");
      line.add("--count", count, "of seeds");
      break;
    case Command::seed: line.add("NUMBER", seed, "run one seed again", CommandLine::Need::required); break;
    case Command::stores: line.add("--packets", packets, "of a small workload, which dies at each single store"); break;
    case Command::mistakes: line.add("--seeds", most, "tried for each planted mistake, which must be noticed"); break;
  }
  if (auto const ended = line.read(words.subspan(1))) return *ended;
  switch (command) {
    case Command::seeds: return run_seeds(first, count);
    case Command::seed: return run_seeds(seed, 1);
    case Command::mistakes: return run_mistakes(most);
    case Command::stores: break;
  }
  int failed = 0;
  for (auto wiring : {Case::bridge, Case::firewall, Case::early_sharing, Case::changing, Case::translating, Case::roomy_lane})
    failed |= run_stores(1, packets, wiring) | run_stores(8, packets, wiring);
  return failed;
}
