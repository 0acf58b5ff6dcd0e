// tests/simulation/single_step.cc: dies after each instruction of a batch of each stage, as the release build has it,
// and lets a successor go on: the end must be that of the run in which nobody died.
//
//   single-step                 single-step --points 12 --recover-again-every 20      single-step mistakes
//   single-step --lane          the same of a firewall with the fast lane, and a workload for that
//
// Images  what a stage's batch leaves in shared memory after each instruction (stepper.h). For each that differs
//         from the one before, a successor recovers and all four stages go on to the end of the workload, in a
//         process of their own: the survivors with the heap that they had; for each fourth image all die at once.
// Again   for one image in so many the recovery itself is stepped, and each of its images recovered.
// Cover   conntrack's batches together must meet each kind of change to the flow table, pktio's must take fragments in and let
//         them go, or the run fails. With the fast lane: packets go by it, lanes are made, flows go back into the chain and are taken over.
// Skip    77: ptrace is refused.

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <deque>

#include "common/base/command_line.h"
#include "ipc/state/flow_table.h"
#include "ipc/state/pktio_state.h"
#include "tests/simulation/chain.h"
#include "tests/simulation/cover.h"
#include "tests/simulation/router.h"
#include "tests/simulation/spoil.h"
#include "tests/simulation/stepper.h"
#include "tests/simulation/workload.h"

namespace bulkhead::test {
namespace {

constexpr int kSkip = 77;
constexpr unsigned kHangs = 600;  // seconds; a recovery of a sanitizer's build is over a million steps of ptrace, of which some machines do 20,000 a second
constexpr uint64_t kImagesLeast = 20;  // of a batch; fewer means that nothing was looked at

struct Options {
  uint32_t points = 4;              // batches of each stage, spread over the workload
  uint32_t every = 1;               // of the images, one in so many is recovered
  uint32_t again_every = 150;       // of those, one in so many dies in its recovery too; 0: none
  uint64_t seed = 7;
  size_t packets = 120;
  bool lane = false;
};

/// What processes add to together.
struct Counts {
  std::atomic<uint64_t> recovered, failed, again, again_images, again_instructions;
};

struct Case {
  control::Settings settings;
  Input input;
  uint32_t drop_one_in;
  uint64_t rounds = 0;  // to its end, undisturbed
  std::string wanted;

  explicit Case(const Options& options)
      : settings(options.lane ? lane_settings(32, 8, 100) : small_settings(32, 8, 12)),
        input(options.lane ? streams(options.seed, options.packets) : hazards(options.seed, options.packets)),
        drop_one_in(options.lane ? 0 : 5) {
    settings.fast_lane = options.lane;
    Memory const memory(settings);
    Chain chain(memory, settings, input, drop_one_in);
    chain.start_all();
    for (; !chain.done() && chain.round(); ++rounds) {
    }
    if (chain.done()) wanted = chain.image();
  }
};

/// Forked work, two at a time.
class Children {
 public:
  explicit Children(Counts& counts) : counts_(counts) {}
  template <class Work>
  void run(Work work) {
    if (pids_.size() == 2) reap();
    std::fflush(stdout);
    pid_t const child = fork();
    if (child == 0) {
      alarm(kHangs);
      bool const good = work();
      std::fflush(stdout);  // what it has said, which _exit() would lose
      _exit(good ? 0 : 1);
    }
    pids_.push_back(child);
  }
  void wait_all() {
    while (!pids_.empty()) reap();
  }

 private:
  void reap() {
    int status = 0;
    waitpid(pids_.front(), &status, 0);
    pids_.pop_front();
    if (status != 0) ++counts_.failed;
  }
  Counts& counts_;
  std::deque<pid_t> pids_;
};

class Batches {
 public:
  Batches(const Options& options, const Case& one, size_t victim, Spoil spoil, Counts& counts)
      : options_(options), case_(one), victim_(victim), spoil_(spoil), counts_(counts), children_(counts) {}

  /// After how many rounds of the workload to look: spread evenly, and where batches of conntrack and pktio are of every kind.
  [[nodiscard]] std::vector<uint64_t> points() const {
    std::vector<uint64_t> chosen;
    if (case_.settings.fast_lane) return of_lanes();
    for (uint32_t i = 1; i <= options_.points; ++i) chosen.push_back(case_.rounds * i / (options_.points + 1));
    FragmentCover of_fragments;
    if (victim_ == kPktioStage)
      for (uint64_t rounds = 0; rounds < case_.rounds && !of_fragments.complete(); ++rounds)
        if (add(of_fragments, rounds)) chosen.push_back(rounds);
    if (victim_ != kConntrackStage) return chosen;
    Cover covered;
    for (uint64_t rounds : chosen) add(covered, rounds);
    for (uint64_t rounds = 0; rounds < case_.rounds && !covered.complete(); ++rounds)
      if (add(covered, rounds)) chosen.push_back(rounds);
    return chosen;
  }

  /// One batch, after so many rounds. False: not all was as it must be.
  bool at(uint64_t rounds, Cover& cover) {
    rounds_ = rounds;
    Memory const mirror(case_.settings);
    Chain chain(mirror, case_.settings, case_.input, case_.drop_one_in);
    run_up_to(rounds, chain);
    TableBefore const before(mirror.as<state::ConntrackState>("conntrack.state"));
    FragmentsBefore const fragments_before(pktio::links_in(mirror.as<state::PktioState>("pktio.state")));
    LanesBefore const lanes_before(mirror.as<state::PktioState>("pktio.state"), mirror.as<state::ConntrackState>("conntrack.state"));
    uint64_t images = 0;
    Stepped const stepped = step_through(case_.settings, mirror, batch(), [&] {
      if (images++ % options_.every == 0 && counts_.failed < 5) image(mirror, chain, images);
    });
    children_.wait_all();
    before.compare(mirror.as<state::ConntrackState>("conntrack.state"), cover);
    fragments_before.compare(pktio::links_in(mirror.as<state::PktioState>("pktio.state")), fragments);
    lanes_before.compare(mirror.as<state::PktioState>("pktio.state"), mirror.as<state::ConntrackState>("conntrack.state"), lanes);
    total.instructions += stepped.instructions;
    total.images += images;
    total.refused = stepped.refused;
    if (stepped.refused) return false;
    if (!stepped.failure.empty()) fmt::print("{}, round {}: {}\n", chain::kServices[victim_], rounds, stepped.failure);
    if (images < kImagesLeast) fmt::print("{}, round {}: {} images only\n", chain::kServices[victim_], rounds, images);
    return stepped.failure.empty() && images >= kImagesLeast;
  }

  Stepped total;
  FragmentCover fragments;
  LaneCover lanes;

 private:
  using Steps = std::function<void()>;

  /// So many rounds; then all but the victim, until it has the most to do.
  void run_up_to(uint64_t rounds, Chain& chain) const {
    chain.start_all();
    for (uint64_t i = 0; i < rounds; ++i) chain.round();
    while (chain.round(victim_)) {
    }
  }
  /// What conntrack's batch there would do. True: a kind that was missing.
  bool add(Cover& covered, uint64_t rounds) const {
    Memory const memory(case_.settings);
    Chain chain(memory, case_.settings, case_.input, case_.drop_one_in);
    run_up_to(rounds, chain);
    auto& state = memory.as<state::ConntrackState>("conntrack.state");
    TableBefore const before(state);
    static_cast<void>(chain.bare_step(kConntrackStage));
    Cover here;
    before.compare(state, here);
    bool const news = here.adds_to(covered);
    before.compare(state, covered);
    return news;
  }

  bool add(FragmentCover& covered, uint64_t rounds) const {
    Memory const memory(case_.settings);
    Chain chain(memory, case_.settings, case_.input, case_.drop_one_in);
    run_up_to(rounds, chain);
    auto& links = pktio::links_in(memory.as<state::PktioState>("pktio.state"));
    FragmentsBefore const before(links);
    static_cast<void>(chain.bare_step(kPktioStage));
    FragmentCover here;
    before.compare(links, here);
    bool const news = (here.changed != 0 && covered.changed == 0) || (here.given_back != 0 && covered.given_back == 0);
    before.compare(links, covered);
    return news;
  }

  /// Where its batches do something new about lanes; for rules and nat, some batches.
  [[nodiscard]] std::vector<uint64_t> of_lanes() const {
    std::vector<uint64_t> chosen;
    if (victim_ != kPktioStage && victim_ != kConntrackStage) return {case_.rounds / 4, case_.rounds / 2};
    LaneCover covered;
    for (uint64_t rounds = 1; rounds < case_.rounds; ++rounds) {
      Memory const memory(case_.settings);
      Chain chain(memory, case_.settings, case_.input, case_.drop_one_in);
      run_up_to(rounds, chain);
      auto const& pktio = memory.as<state::PktioState>("pktio.state");
      auto const& conntrack = memory.as<state::ConntrackState>("conntrack.state");
      LanesBefore const before(pktio, conntrack);
      static_cast<void>(chain.bare_step(victim_));
      LaneCover here;
      before.compare(pktio, conntrack, here);
      if (here.adds_to(covered)) chosen.push_back(rounds);
      before.compare(pktio, conntrack, covered);
    }
    return chosen;
  }

  [[nodiscard]] std::shared_ptr<Chain> alone(const Memory& memory) const {
    auto chain = std::make_shared<Chain>(memory, case_.settings, case_.input, case_.drop_one_in);
    chain->replace(victim_);
    return chain;
  }
  [[nodiscard]] Prepare batch() const {
    return [this](const Memory& memory) -> Steps {
      auto chain = alone(memory);
      chain->recover(victim_);
      return [chain, this] { static_cast<void>(chain->bare_step(victim_)); };
    };
  }
  [[nodiscard]] Prepare recovery() const {
    return [this](const Memory& memory) -> Steps {
      auto chain = alone(memory);
      return [chain, this] { chain->recover(victim_); };
    };
  }

  void image(const Memory& mirror, Chain& chain, uint64_t which) {
    uint64_t const count = ++counts_.recovered;
    children_.run([&] {
      spoil(mirror, chain::kServices[victim_], spoil_);
      return ends_well(chain, which % 4 == 0, fmt::format("round {}, image {}", rounds_, which));
    });
    uint64_t const again = victim_ < 2 ? options_.again_every : options_.again_every / 10;  // batches are small
    if (again == 0 || count % again != again / 2) return;
    children_.run([&] { return die_again(mirror, chain, which); });
  }

  bool die_again(const Memory& mirror, Chain& chain, uint64_t which) {
    Children successors(counts_);
    uint64_t images = 0;
    Stepped const stepped = step_through(case_.settings, mirror, recovery(), [&] {
      std::string const name = fmt::format("round {}, image {}, and {} of its recovery", rounds_, which, ++images);
      successors.run([&] { return ends_well(chain, images % 4 == 0, name); });
    });
    successors.wait_all();
    ++counts_.again;
    counts_.again_images += images;
    counts_.again_instructions += stepped.instructions;
    if (!stepped.failure.empty()) fmt::print("recovery of image {}: {}\n", which, stepped.failure);
    return stepped.failure.empty() && images >= 2;
  }

  /// In a process of its own, over its own copy of the mirror.
  bool ends_well(Chain& chain, bool all_die, const std::string& name) const {
    for (size_t which = 0; which < kStages; ++which)
      if (which == victim_ || all_die) chain.replace(which);
    for (size_t which = 0; which < kStages; ++which)
      if (which == victim_ || all_die) chain.recover(which);
    bool const ended = chain.finish();
    std::string const found = chain.image();
    if (ended && found == case_.wanted) return true;
    if (spoil_ == Spoil::none)
      fmt::print("{}: {}: {}\n{}\n", chain::kServices[victim_], name, ended ? "it ends differently" : "it does not end",
                 first_difference(case_.wanted, found));
    return false;
  }

  const Options& options_;
  const Case& case_;
  size_t victim_;
  uint64_t rounds_ = 0;
  Spoil spoil_;
  Counts& counts_;
  Children children_;
};

Counts& shared_counts() {
  static auto* const counts = new (mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE,
                                        MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Counts{};
  counts->recovered = counts->failed = counts->again = counts->again_images = counts->again_instructions = 0;
  return *counts;
}

/// 0: all is well, 1: not, 77: cannot be tried.
int run_stage(const Options& options, const Case& one, size_t victim, Cover& cover) {
  Counts& counts = shared_counts();
  Batches batches(options, one, victim, Spoil::none, counts);
  bool fine = true;
  Cover other;  // of no interest
  std::vector<uint64_t> const points = batches.points();
  for (uint64_t rounds : points) fine = fine && batches.at(rounds, victim == kConntrackStage ? cover : other);
  if (batches.total.refused) return kSkip;
  fmt::print("{}: {} batches, {} instructions, {} images, {} recovered; {} recoveries stepped, {} instructions, "
             "{} images: {} failed\n",
             chain::kServices[victim], points.size(), batches.total.instructions, batches.total.images,
             counts.recovered.load(), counts.again.load(), counts.again_instructions.load(),
             counts.again_images.load(), counts.failed.load());
  if (one.settings.fast_lane) {
    const LaneCover& lanes = batches.lanes;
    fmt::print("{} packets went by the lane, {} batches made lanes, {} sent flows back, {} took some over\n", lanes.went, lanes.made, lanes.left, lanes.taken_over);
    fine = fine && (victim != kPktioStage || lanes.complete_for_pktio()) && (victim != kConntrackStage || lanes.taken_over != 0);
    return fine && counts.failed == 0 ? 0 : 1;
  }
  if (victim != kPktioStage) return fine && counts.failed == 0 ? 0 : 1;
  fmt::print("pktio's batches: {} took fragments in or let them go, {} gave cells back\n", batches.fragments.changed, batches.fragments.given_back);
  if (!batches.fragments.complete()) fmt::print("FAILED: no fragments\n");
  return fine && counts.failed == 0 && batches.fragments.complete() ? 0 : 1;
}

int run_stages(const Options& options, const Case& one) {
  Cover cover;
  int worst = 0;
  for (size_t victim = 0; victim < kStages; ++victim) {
    int const result = run_stage(options, one, victim, cover);
    if (result == kSkip) return fmt::print("skipped: ptrace is refused here\n"), kSkip;
    worst |= result;
  }
  if (one.settings.fast_lane) return worst;
  fmt::print("conntrack's batches: {}\n", cover.text());
  if (!cover.complete()) fmt::print("FAILED: a kind of change was not met\n");
  return cover.complete() ? worst : 1;
}

/// What recovery needs is taken from it: that must be noticed.
int run_mistakes(Options options, const Case& one) {
  options.again_every = 0;
  int missed = 0;
  for (const SpoilName& name : kSpoils) {
    for (size_t victim = 0; victim < kStages; ++victim) {
      if (name.only_conntrack && victim != kConntrackStage) continue;
      Counts& counts = shared_counts();
      Cover cover;
      Batches batches(options, one, victim, name.spoil, counts);
      for (uint64_t rounds : batches.points())
        if (counts.failed == 0) static_cast<void>(batches.at(rounds, cover));
      if (batches.total.refused) return fmt::print("skipped: ptrace is refused here\n"), kSkip;
      bool const noticed = counts.failed != 0;
      fmt::print("{}, {}: {}\n", chain::kServices[victim], name.text,
                 noticed ? fmt::format("noticed, {} images recovered", counts.recovered.load()) : "NOT NOTICED");
      missed += !noticed;
    }
  }
  return missed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace bulkhead::test

int main(int argc, char** argv) {
  using namespace bulkhead::test;
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // nothing is left to be printed again by what is forked
  Options options;
  bool mistakes = false;
  bulkhead::CommandLine line("single-step", "Bulkhead's stages, killed after each instruction");
  line.add("--points", options.points, "batches of each stage");
  line.add("--every", options.every, "recover one image in so many");
  line.add("--recover-again-every", options.again_every, "step the recovery of one in so many; 0: none");
  line.add("--seed", options.seed, "of the workload");
  line.add("--packets", options.packets, "of the workload");
  line.add_flag("--lane", options.lane, "with the fast lane");
  line.add("WHAT", mistakes, "spoil what recovery needs; it must be noticed", {{"mistakes", true}});
  if (auto const ended = line.read(std::span(argv, static_cast<size_t>(argc)).subspan(1))) return *ended;
  Case const one(options);
  if (one.wanted.empty()) return fmt::print("the undisturbed run does not end\n"), 1;
  return mistakes ? run_mistakes(options, one) : run_stages(options, one);
}
