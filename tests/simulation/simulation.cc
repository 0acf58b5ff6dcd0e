#include "tests/simulation/simulation.h"

#include <algorithm>
#include <deque>

#include "ipc/control/outputs.h"
#include "ipc/state/bindings.h"
#include "ipc/state/flow_table.h"
#include "tests/simulation/fibre.h"
#include "tests/simulation/frames.h"
#include "tests/tools/packets.h"

namespace bulkhead::test {
namespace {

constexpr uint64_t kPointsMost = 20'000'000;

class Simulation;
Simulation* running = nullptr;

struct SimBell : chain::Bell {
  uint32_t rung = 0;
  void ring() noexcept override { ++rung; }
};

/// A process: its stage, the stack it runs on, and the I/O it has asked for.
struct Process {
  std::string name;
  std::unique_ptr<chain::Stage> stage;
  std::unique_ptr<Fibre> fibre;
  SimBell bell;
  std::deque<std::function<void()>> completions;  // run on its own stack
  bool asleep = false;
  bool recovering = false;
  bool dead = false;
  uint32_t reborn_in = 0;  // turns of the scheduler
};

class Simulation : public chain::Objects {
 public:
  Simulation(const control::Settings& settings, const Input& input, const Plan& plan);
  ~Simulation() override {
    running = nullptr;
    inside_ = nullptr;
  }
  Outcome run();

  void point(memory::simulate::Access access) noexcept;
  [[nodiscard]] memory::simulate::Mistake mistake() const { return plan_.mistake; }

  std::span<std::byte> memory(std::string_view name, memory::Right) override { return memory_.object(name); }
  chain::Bell& bell(std::string_view process) override;

  [[nodiscard]] const Input& input() const { return input_; }
  Random& random() { return random_; }
  void later(Process& process, std::function<void()> io, std::function<void()> done);
  Disk& disk() { return disk_; }

 private:
  struct Io {
    Process* process;
    std::function<void()> act;   // what the kernel does
    std::function<void()> done;  // what the process is told
  };

  void start(Process& process);
  void body(Process& process);
  void live(Process& process, chain::Stage& stage);
  Result<std::unique_ptr<chain::Stage>> make(Process& process);
  pktio::Files files(Process& process);
  void die(Process& process);
  void die_now(Process& process);
  bool turn();
  void advance_io();
  void observe();
  [[nodiscard]] std::string positions();
  Process* choose();
  void schedule_kill();
  void schedule_switch();

  const control::Settings& settings_;
  const Input& input_;
  Plan plan_;
  Memory memory_;
  Disk disk_;
  Random random_;
  std::vector<std::unique_ptr<Process>> processes_;
  std::vector<std::unique_ptr<Fibre>> undead_;  // of predecessors that nobody waited for
  SimBell holder_;
  std::deque<Io> io_;
  Process* inside_ = nullptr;  // whose fibre runs
  Fibre* inside_fibre_ = nullptr;
  uint64_t next_kill_ = 0, next_switch_ = 0;
  uint32_t kills_left_ = 0;
  bool kill_ = false;
  Outcome outcome_;
};

/// Now and then it says that it has to wait.
class SimSource : public FrameSource {
 public:
  SimSource(Simulation& simulation, Process& process, size_t interface, uint64_t from)
      : FrameSource(simulation.input()[interface], from), simulation_(simulation), process_(process) {}

  State peek(pktio::Arrival& arrival) override {
    if (waiting_) return State::waiting;
    State const state = FrameSource::peek(arrival);
    uint64_t const at = position().packets;
    if (state != State::ready || at == granted_ || simulation_.random().below(8) != 0) return state;
    waiting_ = true;
    simulation_.later(process_, [] {}, [this, at] {
      waiting_ = false;
      granted_ = at;
    });
    return State::waiting;
  }

 private:
  Simulation& simulation_;
  Process& process_;
  uint64_t granted_ = ~uint64_t{0};
  bool waiting_ = false;
};

class SimFile : public pktio::FileWriter {
 public:
  SimFile(Simulation& simulation, Process& process, size_t output)
      : simulation_(simulation), process_(process), output_(output) {}
  void write(std::span<const uint8_t> bytes, uint64_t offset, Completion done) override {
    // Some writes are short, as a disk's may be.
    size_t const part = 1 + simulation_.random().below(static_cast<uint32_t>(bytes.size()));
    auto& file = simulation_.disk()[output_];
    simulation_.later(process_, [&file, bytes, offset, part] { write_at(file, bytes.first(part), offset); },
                      [done = std::move(done), part] { done(static_cast<int64_t>(part)); });
  }

 private:
  Simulation& simulation_;
  Process& process_;
  size_t output_;
};

Simulation::Simulation(const control::Settings& settings, const Input& input, const Plan& plan)
    : settings_(settings),
      input_(input),
      plan_(plan),
      memory_(settings),
      disk_(control::Outputs(settings).names.size()),
      random_(plan.seed * 2 + 1),
      kills_left_(plan.kills) {
  running = this;
  for (const char* name : chain::kServices) {
    processes_.push_back(std::make_unique<Process>());
    processes_.back()->name = name;
  }
  for (const auto& process : processes_) start(*process);
  schedule_kill();
  schedule_switch();
}

chain::Bell& Simulation::bell(std::string_view name) {
  for (const auto& process : processes_)
    if (process->name == name) return process->bell;
  return holder_;
}

void Simulation::later(Process& process, std::function<void()> act, std::function<void()> done) {
  io_.push_back({&process, std::move(act), std::move(done)});
}

Result<std::unique_ptr<chain::Stage>> Simulation::make(Process& process) {
  return make_any_stage(process.name, *this, settings_, plan_.drop_one_in,
                        [this, &process] { return files(process); });
}

pktio::Files Simulation::files(Process& process) {
  pktio::Files files;
  files.open = [this, &process](size_t interface,
                                const pktio::Position& from) -> Result<std::unique_ptr<pktio::Source>> {
    return std::make_unique<SimSource>(*this, process, interface, from.packets);
  };
  for (size_t output = 0; output < disk_.size(); ++output)
    files.outputs.push_back(std::make_unique<SimFile>(*this, process, output));
  return files;
}

void Simulation::start(Process& process) {
  process.dead = process.asleep = false;
  process.recovering = true;
  process.bell.rung = 0;
  auto made = make(process);
  if (!made) {
    outcome_.failure = made.error().message;
    return;
  }
  process.stage = std::move(*made);
  process.fibre = std::make_unique<Fibre>([this, &process] { body(process); });
}

void Simulation::body(Process& process) { live(process, *process.stage); }

void Simulation::live(Process& process, chain::Stage& stage) {
  stage.recover();
  process.recovering = false;
  Fibre& fibre = *inside_fibre_;
  for (;;) {
    while (!process.completions.empty()) {
      auto const done = std::move(process.completions.front());
      process.completions.pop_front();
      done();
    }
    if (stage.step()) continue;
    if (!stage.may_sleep()) continue;
    process.asleep = true;
    fibre.pause();
    process.asleep = false;
    process.bell.rung = 0;
    stage.wake();
  }
}

void Simulation::schedule_kill() {
  if (kills_left_ == 0) return void(next_kill_ = 0);
  // One in three soon after the last, so that it meets the successor in its recovery.
  uint64_t const within = random_.below(3) == 0 ? 300 : 2 * plan_.points_expected / plan_.kills;
  next_kill_ = outcome_.points + 1 + random_.next() % within;
}

void Simulation::schedule_switch() {
  next_switch_ = plan_.switch_every == 0 ? 0 : outcome_.points + 1 + random_.below(2 * plan_.switch_every);
}

void Simulation::point(memory::simulate::Access access) noexcept {
  if (inside_ == nullptr) return;
  ++outcome_.points;
  if (access == memory::simulate::Access::store) ++outcome_.stores;
  bool const store_kill = access == memory::simulate::Access::store && outcome_.stores == plan_.kill_at_store;
  if (outcome_.points == next_kill_ || store_kill) {
    kill_ = true;
    inside_fibre_->pause();  // for ever, but for a process that nobody waits for
  } else if (outcome_.points == next_switch_) {
    schedule_switch();
    inside_fibre_->pause();
  }
}

void Simulation::die(Process& process) {
  ++outcome_.kills;
  if (process.recovering) ++outcome_.kills_in_recovery;
  std::erase_if(io_, [&](Io& io) {
    if (io.process != &process) return false;
    if (random_.below(2) == 0) io.act();
    return true;
  });
  process.completions.clear();
  if (plan_.mistake == memory::simulate::Mistake::successor_does_not_wait) {
    process.stage.release();  // NOLINT: goes on living in the undead fibre
    undead_.push_back(std::move(process.fibre));
  } else {
    process.fibre.reset();
    process.stage.reset();
  }
  process.dead = true;
  process.asleep = false;
  process.reborn_in = random_.below(20);
}

void Simulation::die_now(Process& process) {
  kill_ = false;
  die(process);
  // Now and then others go with it, wherever they are.
  for (const auto& other : processes_)
    if (!other->dead && plan_.kills != 0 && random_.below(6) == 0) die(*other);
  if (kills_left_ != 0) --kills_left_;
  schedule_kill();
}

void Simulation::advance_io() {
  while (!io_.empty() && random_.below(3) == 0) {
    size_t const which = random_.below(static_cast<uint32_t>(io_.size()));
    Io io = std::move(io_[which]);
    io_.erase(io_.begin() + static_cast<ptrdiff_t>(which));
    io.act();
    io.process->completions.push_back(std::move(io.done));
  }
}

Process* Simulation::choose() {
  std::vector<Process*> ready;
  for (const auto& process : processes_) {
    if (process->dead) {
      if (process->reborn_in-- != 0) continue;
      start(*process);
    }
    bool const sleeps = process->asleep && process->bell.rung == 0 && process->completions.empty();
    if (!sleeps) ready.push_back(process.get());
  }
  if (ready.empty()) return nullptr;
  return plan_.switch_every == 0 ? ready.front() : ready[random_.below(static_cast<uint32_t>(ready.size()))];
}

/// Somebody else's look at the table: whatever it is told must be whole.
void Simulation::observe() {
  auto& state = memory_.as<state::ConntrackState>("conntrack.state");
  auto& area = memory_.as<memory::CommitArea>("conntrack.commit");
  uint64_t const capacity = state.header.capacity;
  uint32_t const index = random_.below(static_cast<uint32_t>(capacity));
  state::FlowSnapshot flow;
  if (state::look_at(state.entries(capacity)[index], area.generation, flow) != state::Look::flow) return;
  std::optional<packet::Tuple> back = packet::inverse(flow.tuples[0]);
  // A flow that can be seen is bound until its deletion has passed.
  auto& nat = memory_.as<state::NatState>("nat.state");
  if (index < nat.header.capacity) back = state::tuple_of(nat.bindings()[index].reply);
  if (back) back->zone = flow.tuples[1].zone;  // each direction may have its own
  if (!back || !(*back == flow.tuples[1]) || flow.packets[0] == 0 || flow.bytes[0] < flow.packets[0] * 20)
    outcome_.failure = fmt::format("an observer was shown a torn flow at {}", index);
}

/// Where everybody stands, for whoever reads a failure.
std::string Simulation::positions() {
  std::string text;
  for (const char* ring : {"track", "rules", "nat", "confirm", "home"})
    text += fmt::format(" {}:{}", ring, memory_.as<chain::Ring>(fmt::format("ring.{}", ring)).tail.load());
  for (const auto& process : processes_) {
    auto& desk = memory_.as<chain::Desk>(process->name + ".desk");
    text += fmt::format(" {}({} {} asleep {})", process->name, desk.heads[0].value.load(),
                        desk.heads[1].value.load(), desk.asleep.load());
  }
  return text;
}

bool Simulation::turn() {
  advance_io();
  if (random_.below(4) == 0) observe();
  if (!undead_.empty() && random_.below(2) == 0) {
    Process nobody;
    inside_ = &nobody;
    inside_fibre_ = undead_[random_.below(static_cast<uint32_t>(undead_.size()))].get();
    inside_fibre_->resume();
    inside_ = nullptr;
    kill_ = false;
    if (random_.below(8) == 0) undead_.clear();
  }
  Process* const process = choose();
  if (process == nullptr) {
    bool const under_way = !io_.empty() || std::any_of(processes_.begin(), processes_.end(),
                                                       [](const auto& p) { return p->dead; });
    if (!under_way) outcome_.failure = "everybody sleeps and nothing is under way" + positions();
    return under_way;
  }
  inside_ = process;
  inside_fibre_ = process->fibre.get();
  inside_fibre_->resume();
  inside_ = nullptr;
  if (kill_) die_now(*process);
  return true;
}

Outcome Simulation::run() {
  auto& state = memory_.as<state::PktioState>("pktio.state");
  while (outcome_.failure.empty() && turn()) {
    if (holder_.rung != 0 && state.done.load() != state::PktioState::Done::running) break;
    if (outcome_.points > kPointsMost) outcome_.failure = "it does not come to an end";
  }
  outcome_.image = image(memory_, disk_);
  if (outcome_.failure.empty()) outcome_.failure = unforeseen(memory_);
  outcome_.laned = state.lane_packets.load();
  return outcome_;
}

}  // namespace

Outcome simulate_run(const control::Settings& settings, const Input& input, const Plan& plan) {
  return Simulation(settings, input, plan).run();
}

}  // namespace bulkhead::test

namespace bulkhead::memory::simulate {

void point(Access access) noexcept {
  if (test::running != nullptr) test::running->point(access);
}

bool planted(Mistake mistake) noexcept { return test::running != nullptr && test::running->mistake() == mistake; }

}  // namespace bulkhead::memory::simulate
