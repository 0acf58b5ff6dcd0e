#include "services/cli/instance.h"

#include <unistd.h>

#include <csignal>
#include <initializer_list>

#include "ipc/control/outputs.h"
#include "ipc/runtime/rpc.h"
#include "ipc/runtime/run_dir.h"
#include "services/cli/drain.h"

namespace bulkhead::cli {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;
constexpr uint64_t kProgressNs = 200 * kMillisecond;
constexpr uid_t kFirstUser = 61000;
constexpr std::initializer_list<int> kEnding{SIGINT, SIGTERM, SIGHUP};

template <class T>
const T* look(const runtime::HolderClient& holder, const std::string& name, memory::Mapping& memory) {
  if (memory.bytes().empty()) {
    auto mapped = holder.map(name);
    if (!mapped) return nullptr;
    memory = std::move(*mapped);
  }
  auto object = memory::view<T>(name, memory.bytes());
  return object ? *object : nullptr;
}

class Run {
 public:
  Run(runtime::ControlLoop& control, const std::function<void(const state::PktioState&)>& progress)
      : control_(control),
        progress_(progress),
        first_(control.loop(), [this](int) { wait_for_first(); }),
        shown_(control.loop(), [this](int) { show(); }) {}

  Result<Outcome> go(InstanceOptions options) {
    auto signals = runtime::Signals::create(control_.loop(), kEnding,
                                   [this](const signalfd_siginfo& info) { signal_ = static_cast<int>(info.ssi_signo); });
    if (!signals) return tl::unexpected(signals.error());
    auto const run_dir =
        runtime::make_run_dir(options.run_dir.empty() ? fmt::format("{}/{}-{}", runtime::run_base(), options.name, ::getpid())
                                             : options.run_dir);
    if (!run_dir) return tl::unexpected(run_dir.error());
    outputs_ = control::Outputs(options.settings).names;
    runtime::HolderOptions held;
    held.settings = std::move(options.settings);
    held.run_dir = *run_dir;
    held.files = std::move(options.files);
    held.first_user = options.first_user;
    begin_ns_ = runtime::Loop::now_ns();
    auto holder = runtime::HolderClient::start(control_.loop(), std::move(held));
    if (!holder) return tl::unexpected(holder.error());
    holder_ = std::move(*holder);
    first_.after(kMillisecond);
    if (progress_) shown_.every(kProgressNs);
    while (!over()) control_.wait();
    return end();
  }

 private:
  const state::PktioState* state() { return look<state::PktioState>(*holder_, "pktio.state", outcome_.records.pktio_memory); }

  bool over() {
    const state::PktioState* const pktio = state();
    return signal_ != 0 || holder_->stop_asked() || holder_->failure() ||
           (pktio != nullptr && pktio->done.acquire() != state::PktioState::Done::running);
  }

  void wait_for_first() {
    const state::PktioState* const pktio = state();
    if (pktio == nullptr || pktio->packets.load() == 0) return first_.after(kMillisecond);
    begin_ns_ = runtime::Loop::now_ns();
  }

  void show() {
    if (const state::PktioState* const pktio = state()) progress_(*pktio);
  }

  Outcome end() {
    outcome_.seconds = static_cast<double>(runtime::Loop::now_ns() - begin_ns_) / 1e9;
    first_.cancel();
    shown_.cancel();
    holder_->stop();
    Records& records = outcome_.records;
    records.pktio = state();
    records.conntrack = look<state::ConntrackState>(*holder_, "conntrack.state", records.conntrack_memory);
    records.conntrack_commit = look<memory::CommitArea>(*holder_, "conntrack.commit", records.conntrack_commit_memory);
    records.rules = look<state::RulesState>(*holder_, "rules.state", records.rules_memory);
    records.walk = look<state::Walk>(*holder_, "rules.walk", records.walk_memory);
    outcome_.usage = holder_->usage();
    outcome_.signal = signal_;
    auto const done = records.pktio == nullptr ? state::PktioState::Done::running : records.pktio->done.acquire();
    if (done == state::PktioState::Done::finished) {
      outcome_.end = Outcome::End::done;
    } else if (done == state::PktioState::Done::failed) {
      const auto& text = records.pktio->error;
      outcome_.failure = std::string(text.data(), strnlen(text.data(), text.size()));
    } else if (holder_->failure()) {
      outcome_.failure = *holder_->failure();
    } else {
      outcome_.end = Outcome::End::interrupted;
    }
    if (records.pktio != nullptr) outcome_.counts = counts_of(*records.pktio);
    auto const drained = done == state::PktioState::Done::finished ? Status{} : drain(*holder_, outputs_, outcome_.counts);
    if (!drained && outcome_.failure.empty()) outcome_.failure = drained.error().message;
    return std::move(outcome_);
  }

  runtime::ControlLoop& control_;
  const std::function<void(const state::PktioState&)>& progress_;
  runtime::Operation first_;
  runtime::Operation shown_;
  std::unique_ptr<runtime::HolderClient> holder_;
  std::vector<std::string> outputs_;
  uint64_t begin_ns_ = 0;
  int signal_ = 0;
  Outcome outcome_;
};

}  // namespace

Counts counts_of(const state::PktioState& state) {
  Counts counts{.packets = state.packets.load(), .bytes = state.bytes.load(), .accepted = state.accepted.load(), .dropped = state.dropped.load(), .drops = {}};
  for (size_t reason = 0; reason < counts.drops.size(); ++reason) counts.drops[reason] = state.drops[reason].load();
  return counts;
}

std::optional<uid_t> default_first_user() {
  return ::geteuid() == 0 ? std::optional<uid_t>(kFirstUser) : std::nullopt;
}

void hold_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int const signal : kEnding) sigaddset(&set, signal);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

Result<Outcome> run_instance(InstanceOptions options, const std::function<void(const state::PktioState&)>& progress) {
  auto control = runtime::ControlLoop::create();
  if (!control) return tl::unexpected(control.error());
  return Run(**control, progress).go(std::move(options));
}

}  // namespace bulkhead::cli
