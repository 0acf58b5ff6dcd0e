#include "services/holder/holder.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "ipc/runtime/ending.h"
#include "ipc/runtime/handover.h"
#include "ipc/runtime/logging.h"
#include "ipc/runtime/run_dir.h"

namespace bulkhead::holder {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;
constexpr unsigned kLooks = 4;       // within hang_ms
constexpr uint64_t kStartMs = 1000;  // more, for a keeper that is still starting
constexpr unsigned kGiveUp = 200;    // points in a row, of keepers that never came to their first heartbeat:
constexpr unsigned kOwnEnd = 10;     // points for one that ended by itself or hung; 1 for one that was killed

constexpr unsigned kCrashes = 20;    // in a row, each within kSoonNs of its start: of a limit that every keeper runs into
constexpr uint64_t kSoonNs = 5000 * kMillisecond;

constexpr std::string_view kProcess = "process.";

uint64_t ns(const timeval& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_usec) * 1000;
}

void add(control::Usage& to, const rusage& from) {
  to.user_ns += ns(from.ru_utime);
  to.system_ns += ns(from.ru_stime);
  to.waits += static_cast<uint64_t>(from.ru_nvcsw);
  to.preemptions += static_cast<uint64_t>(from.ru_nivcsw);
  to.peak_kib = std::max(to.peak_kib, static_cast<uint64_t>(from.ru_maxrss));
  ++to.processes;
}

}  // namespace

Holder::Holder(runtime::Loop& loop, Options options, runtime::Holding holding, Starter& starter)
    : loop_(loop),
      options_(std::move(options)),
      holding_(std::move(holding)),
      starter_(starter),
      spoke_(loop_, [this](int) { keeper_spoke(); }),
      gone_(loop_, [this](int) { keeper_ended(); }),
      again_(loop_, [this](int) { try_start(); }),
      looks_(loop_, [this](int) { look(); }) {}

Holder::~Holder() { stop(); }

Status Holder::start() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) return fail_errno(errno, "PR_SET_CHILD_SUBREAPER");
  if (auto made = make_lifeline(); !made) return made;
  if (auto started = start_keeper(); !started) return started;
  looks_.every(options_.hang_ms * kMillisecond / kLooks);
  return {};
}

Status Holder::make_lifeline() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno(errno, "lifeline");
  lifeline_ = kj::AutoCloseFd(ends[1]);
  holding_["lifeline"] = {control::ObjectKind::file, kj::AutoCloseFd(ends[0])};
  return {};
}

void Holder::hold(const std::string& name, control::ObjectKind kind, kj::AutoCloseFd descriptor) {
  if (kind == control::ObjectKind::process && name.starts_with(kProcess))
    names_[runtime::pid_of(descriptor)] = name.substr(kProcess.size());
  starter_.forward(name, kind, descriptor);
  holding_.insert_or_assign(name, runtime::HeldObject{kind, kj::mv(descriptor)});
}

Status Holder::start_keeper() {
  auto channel = runtime::make_channel();
  if (!channel) return tl::unexpected(channel.error());
  channel_ = kj::mv(channel->ours);
  if (auto launched = launch(channel->theirs); !launched) return launched;
  still_ = 0;
  keeper_was_ready_ = false;
  keeper_hung_ = false;
  keeper_started_ns_ = runtime::Loop::now_ns();
  gone_.poll(keeper_.pidfd, POLLIN);
  if (auto given = runtime::hand_over(channel_, holding_); !given) {
    spdlog::warn("keeper (pid {}): {}", keeper_.pid, given.error().message);
    runtime::send_signal(keeper_.pidfd, SIGKILL);
    return {};
  }
  spoke_.poll_many(channel_, POLLIN);
  return {};
}

Status Holder::launch(int channel) {
  runtime::Program program;
  program.path = runtime::program_directory() + "/bulkhead-keeper";
  program.arguments = {"--run", options_.run_dir, "--holder", std::to_string(runtime::kInherited)};
  if (options_.first_user) {
    program.arguments.emplace_back("--first-user");
    program.arguments.push_back(std::to_string(*options_.first_user));
  }
  program.inherit = channel;
  auto child = runtime::spawn(program);
  if (!child) return tl::unexpected(child.error());
  keeper_ = std::move(*child);
  names_[keeper_.pid] = "keeper";
  starter_.forward("process.keeper", control::ObjectKind::process, keeper_.pidfd);
  return {};
}

void Holder::try_start() {
  if (auto started = start_keeper(); !started) fail_with(started.error().message);
}

void Holder::keeper_spoke() {
  while (runtime::readable(channel_, std::chrono::milliseconds(0))) {
    auto parcel = runtime::receive_parcel(channel_, runtime::Patience::none);
    if (parcel && !*parcel) return;  // it has hung up: gone_ follows
    auto heard =
        parcel ? hear((*parcel)->bytes, kj::mv((*parcel)->descriptor)) : tl::unexpected(parcel.error());
    if (heard) continue;
    spdlog::warn("keeper (pid {}): {}", keeper_.pid, heard.error().message);
    runtime::send_signal(keeper_.pidfd, SIGKILL);
    return;
  }
}

Status Holder::hear(std::span<const std::byte> bytes, kj::AutoCloseFd descriptor) {
  auto message = control::decode_holder_message(bytes);
  if (!message) return tl::unexpected(message.error());
  if (const auto* deposit = std::get_if<control::Deposit>(&*message)) {
    if (descriptor.get() < 0) return fail("{}: deposited without a descriptor", deposit->name);
    hold(deposit->name, deposit->kind, kj::mv(descriptor));
    return runtime::send_parcel(channel_,
                                control::encode(control::HolderMessage{control::Deposited{deposit->name}}),
                                -1, runtime::Patience::none);
  }
  if (const auto* failed = std::get_if<control::Failed>(&*message))
    return fail_with(failed->reason), Status{};
  if (!std::holds_alternative<control::StopAll>(*message)) return fail("says what only a holder says");
  starter_.ask_stop();
  return {};
}

/// Its socket is closed unread: what was not acknowledged does not exist.
void Holder::keeper_ended() {
  spoke_.cancel();
  channel_ = nullptr;
  reap();
  if (failed_) return;
  keeper_was_ready_ = keeper_was_ready_ || runs_now(keeper_state());
  bool const by_signal = WIFSIGNALED(keeper_status_);
  std::string const how = runtime::describe_end(by_signal ? CLD_KILLED : CLD_EXITED, by_signal ? WTERMSIG(keeper_status_) : WEXITSTATUS(keeper_status_));
  spdlog::warn("keeper (pid {}) {}", keeper_.pid, how);
  bool const sigkill = by_signal && WTERMSIG(keeper_status_) == SIGKILL;
  bool const crashed = keeper_was_ready_ && !sigkill && runtime::Loop::now_ns() - keeper_started_ns_ < kSoonNs;
  crashes_ = crashed ? crashes_ + 1 : 0;
  unready_ = keeper_was_ready_ ? 0 : unready_ + (sigkill && !keeper_hung_ ? 1 : kOwnEnd);
  if (unready_ >= kGiveUp) return fail_with(fmt::format("the keeper does not start; the last process {}", how));
  if (crashes_ >= kCrashes) return fail_with(fmt::format("the keeper crashes again and again; the last process {}", how));
  if (unready_ <= 2 * kOwnEnd) return try_start();
  again_.after((10 * kMillisecond) << std::min(unready_ / (2 * kOwnEnd), 6U));
}

const state::KeeperState* Holder::keeper_state() {
  if (state_.bytes().empty()) {
    auto const found = holding_.find("keeper.state");
    if (found == holding_.end()) return nullptr;
    auto mapping = memory::Mapping::make(found->first, found->second.descriptor,
                                         state::KeeperState::bytes_for(0), memory::Right::read);
    if (!mapping) return nullptr;
    state_ = std::move(*mapping);
  }
  auto state = memory::view<state::KeeperState>("keeper.state", state_.bytes());
  return state ? *state : nullptr;
}

bool Holder::runs_now(const state::KeeperState* state) const {
  return state != nullptr && state->pid.load() == static_cast<uint64_t>(keeper_.pid);
}

void Holder::look() {
  reap();
  const state::KeeperState* const state = keeper_state();
  uint64_t const heartbeat = state == nullptr ? 0 : state->heartbeat.load();
  keeper_was_ready_ = keeper_was_ready_ || runs_now(state);
  still_ = heartbeat == heartbeat_ ? still_ + 1 : 0;
  heartbeat_ = heartbeat;
  uint64_t const more = keeper_was_ready_ ? 0 : kStartMs * kLooks / options_.hang_ms;
  if (still_ <= kLooks + more || !gone_.busy()) return;
  spdlog::warn("keeper (pid {}) hangs", keeper_.pid);
  still_ = 0;
  keeper_hung_ = true;
  runtime::send_signal(keeper_.pidfd, SIGKILL);
}

void Holder::fail_with(const std::string& reason) {
  if (!std::exchange(failed_, true)) starter_.report_failure(reason);
}

void Holder::reap() {
  int status = 0;
  rusage used{};
  for (pid_t pid = 0; (pid = ::wait4(-1, &status, WNOHANG, &used)) > 0;) {
    auto const found = names_.find(pid);
    if (pid == keeper_.pid) keeper_status_ = status;
    if (found == names_.end()) continue;
    add(usage_[found->second], used);
    names_.erase(found);
  }
}

/// All descendants are our children once the keeper has ended, those too that nobody deposited.
bool Holder::childless() {
  reap();
  siginfo_t none{};
  return ::waitid(P_ALL, 0, &none, WEXITED | WNOHANG | WNOWAIT) != 0;
}

void Holder::stop() {
  if (std::exchange(stopped_, true)) return;
  for (runtime::Operation* operation : {&spoke_, &gone_, &again_, &looks_}) operation->cancel();
  runtime::end_processes(keeper_.pidfd, holding_, [this] { return childless(); });
  channel_ = nullptr;  // not before: a keeper that sees its holder gone kills the services
  lifeline_ = nullptr;
  runtime::remove_run_dir(options_.run_dir);
}

}  // namespace bulkhead::holder
