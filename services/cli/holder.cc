#include "services/cli/holder.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "ipc/control/config_object.h"
#include "ipc/runtime/handover.h"
#include "ipc/runtime/logging.h"
#include "ipc/runtime/run_dir.h"

namespace bulkhead::cli {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;
constexpr unsigned kLooks = 4;          // within hang_ms
constexpr uint64_t kStartMs = 1000;     // more, for a keeper that is still starting
constexpr unsigned kGiveUp = 200;       // points in a row, of keepers that never came to their first heartbeat:
constexpr unsigned kOwnEnd = 10;        // points for one that ended by itself or hung; 1 for one that was killed
constexpr uint64_t kGraceMs = 400;      // from SIGTERM to SIGKILL
constexpr uint64_t kEndMs = 250;        // from SIGKILL to giving up
constexpr int kSendBuffer = 1 << 20;    // everything at once

uint64_t ns(const timeval& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_usec) * 1000;
}

void add(Usage& to, const rusage& from) {
  to.user_ns += ns(from.ru_utime);
  to.system_ns += ns(from.ru_stime);
  to.waits += static_cast<uint64_t>(from.ru_nvcsw);
  to.preemptions += static_cast<uint64_t>(from.ru_nivcsw);
  to.peak_kib = std::max(to.peak_kib, static_cast<uint64_t>(from.ru_maxrss));
  ++to.processes;
}

constexpr std::string_view kProcess = "process.";

}  // namespace

Holder::Holder(runtime::Loop& loop, HolderOptions options, std::function<void()> news)
    : loop_(loop),
      options_(std::move(options)),
      news_(std::move(news)),
      spoke_(loop, [this](int) { keeper_spoke(); }),
      gone_(loop, [this](int) { keeper_ended(); }),
      again_(loop, [this](int) { try_start(); }),
      looks_(loop, [this](int) { look(); }) {}

Holder::~Holder() { stop(); }

Result<std::unique_ptr<Holder>> Holder::start(runtime::Loop& loop, HolderOptions options, std::function<void()> news) {
  std::unique_ptr<Holder> holder(new Holder(loop, std::move(options), std::move(news)));  // the constructor is private
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) return fail_errno(errno, "PR_SET_CHILD_SUBREAPER");
  if (auto made = holder->make_objects(); !made) return tl::unexpected(made.error());
  if (auto started = holder->start_keeper(); !started) return tl::unexpected(started.error());
  holder->looks_.every(holder->options_.settings.hang_ms * kMillisecond / kLooks);
  return holder;
}

Status Holder::make_objects() {
  auto config = control::make_config(options_.settings);
  if (!config) return tl::unexpected(config.error());
  hold("config", control::ObjectKind::memory, kj::mv(*config));
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno(errno, "lifeline");
  lifeline_ = kj::AutoCloseFd(ends[1]);
  hold("lifeline", control::ObjectKind::file, kj::AutoCloseFd(ends[0]));
  kj::AutoCloseFd bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (bell.get() < 0) return fail_errno(errno, "bell.holder");
  bell_ = std::make_unique<runtime::Doorbell>(loop_, bell.get(), news_);
  if (auto started = bell_->start(); !started) return started;
  hold("bell.holder", control::ObjectKind::bell, kj::mv(bell));
  for (auto& [name, file] : options_.files) hold(name, control::ObjectKind::file, kj::mv(file));
  options_.files.clear();
  return {};
}

void Holder::hold(const std::string& name, control::ObjectKind kind, kj::AutoCloseFd descriptor) {
  if (kind == control::ObjectKind::process && name.starts_with(kProcess))
    names_[runtime::pid_of(descriptor)] = name.substr(kProcess.size());
  objects_.insert_or_assign(name, Object{kind, kj::mv(descriptor)});
}

Status Holder::start_keeper() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return fail_errno(errno, "socketpair");
  channel_ = kj::AutoCloseFd(ends[0]);
  kj::AutoCloseFd const theirs(ends[1]);
  ::setsockopt(channel_, SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer);
  runtime::Program program;
  program.path = options_.program_dir + "/bulkhead-keeper";
  program.arguments = {"--run", options_.run_dir, "--holder", std::to_string(runtime::kInherited)};
  if (options_.first_user) {
    program.arguments.emplace_back("--first-user");
    program.arguments.push_back(std::to_string(*options_.first_user));
  }
  program.inherit = theirs;
  program.new_session = true;
  auto child = runtime::spawn(program);
  if (!child) return tl::unexpected(child.error());
  keeper_ = std::move(*child);
  names_[keeper_.pid] = "keeper";
  still_ = 0;
  keeper_was_ready_ = false;
  keeper_hung_ = false;
  gone_.poll(keeper_.pidfd, POLLIN);
  if (auto given = hand_over(); !given) {
    spdlog::warn("keeper (pid {}): {}", keeper_.pid, given.error().message);
    runtime::send_signal(keeper_.pidfd, SIGKILL);
    return {};
  }
  spoke_.poll_many(channel_, POLLIN);
  return {};
}

Status Holder::hand_over() {
  for (const auto& [name, object] : objects_) {
    auto const message = control::encode(control::HolderMessage{control::Held{name, object.kind}});
    if (auto sent = runtime::send_parcel(channel_, message, object.descriptor, runtime::Patience::none); !sent) return sent;
  }
  return runtime::send_parcel(channel_, control::encode(control::HolderMessage{control::AllHeld{static_cast<uint32_t>(objects_.size())}}), -1,
                     runtime::Patience::none);
}

void Holder::try_start() {
  if (auto started = start_keeper(); !started) fail_with(started.error().message);
}

void Holder::keeper_spoke() {
  while (runtime::readable(channel_, std::chrono::milliseconds(0))) {
    auto parcel = runtime::receive_parcel(channel_, runtime::Patience::none);
    if (parcel && !*parcel) return;  // it has hung up: gone_ follows
    auto heard = parcel ? hear((*parcel)->bytes, kj::mv((*parcel)->descriptor)) : tl::unexpected(parcel.error());
    if (heard) continue;
    spdlog::warn("keeper (pid {}): {}", keeper_.pid, heard.error().message);
    runtime::send_signal(keeper_.pidfd, SIGKILL);
    return;
  }
}

Status Holder::hear(std::span<const std::byte> bytes, kj::AutoCloseFd descriptor) {
  auto message = control::decode_holder_message(bytes);
  if (!message) return tl::unexpected(message.error());
  if (auto* deposit = std::get_if<control::Deposit>(&*message)) {
    if (descriptor.get() < 0) return fail("{}: deposited without a descriptor", deposit->name);
    hold(deposit->name, deposit->kind, kj::mv(descriptor));
    return runtime::send_parcel(channel_, control::encode(control::HolderMessage{control::Deposited{deposit->name}}), -1, runtime::Patience::none);
  }
  if (const auto* failed = std::get_if<control::Failed>(&*message)) return fail_with(failed->reason), Status{};
  if (!std::holds_alternative<control::StopAll>(*message)) return fail("says what only a holder says");
  stop_asked_ = true;
  news_();
  return {};
}

/// Its socket is closed unread: what was not acknowledged does not exist.
void Holder::keeper_ended() {
  spoke_.cancel();
  channel_ = nullptr;
  reap();
  if (failure_) return;
  if (const state::KeeperState* state = keeper_state();
      state != nullptr && state->pid.load() == static_cast<uint64_t>(keeper_.pid))
    keeper_was_ready_ = true;
  spdlog::warn("keeper (pid {}) ended", keeper_.pid);
  bool const killed = WIFSIGNALED(keeper_status_) && WTERMSIG(keeper_status_) == SIGKILL && !keeper_hung_;
  unready_ = keeper_was_ready_ ? 0 : unready_ + (killed ? 1 : kOwnEnd);
  if (unready_ >= kGiveUp) return fail_with("the keeper does not start");
  if (unready_ <= 2 * kOwnEnd) return try_start();
  again_.after((10 * kMillisecond) << std::min(unready_ / (2 * kOwnEnd), 6U));
}

const state::KeeperState* Holder::keeper_state() {
  if (state_.bytes().empty()) {
    auto mapping = map("keeper.state");
    if (!mapping) return nullptr;
    state_ = std::move(*mapping);
  }
  auto state = memory::view<state::KeeperState>("keeper.state", state_.bytes());
  return state ? *state : nullptr;
}

void Holder::look() {
  reap();
  const state::KeeperState* const state = keeper_state();
  uint64_t const heartbeat = state == nullptr ? 0 : state->heartbeat.load();
  keeper_was_ready_ =
      keeper_was_ready_ || (state != nullptr && state->pid.load() == static_cast<uint64_t>(keeper_.pid));
  still_ = heartbeat == heartbeat_ ? still_ + 1 : 0;
  heartbeat_ = heartbeat;
  uint64_t const more = keeper_was_ready_ ? 0 : kStartMs * kLooks / options_.settings.hang_ms;
  if (still_ <= kLooks + more || !gone_.busy()) return;
  spdlog::warn("keeper (pid {}) hangs", keeper_.pid);
  still_ = 0;
  keeper_hung_ = true;
  runtime::send_signal(keeper_.pidfd, SIGKILL);
}

Result<memory::Mapping> Holder::map(const std::string& name) const {
  auto const found = objects_.find(name);
  if (found == objects_.end() || found->second.kind != control::ObjectKind::memory) return fail("{}: no such object", name);
  auto const bytes = memory::memory_size(name, found->second.descriptor);
  if (!bytes) return tl::unexpected(bytes.error());
  return memory::Mapping::make(name, found->second.descriptor, *bytes, memory::Right::read);
}

int Holder::descriptor(const std::string& name) const {
  auto const found = objects_.find(name);
  return found == objects_.end() ? -1 : found->second.descriptor.get();
}

void Holder::fail_with(const std::string& reason) {
  if (!failure_) failure_ = reason;
  news_();
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

void Holder::end_processes() {
  for (const auto& [name, object] : objects_) {
    if (object.kind != control::ObjectKind::process) continue;
    runtime::send_signal(object.descriptor, SIGTERM);
    runtime::send_signal(object.descriptor, SIGCONT);  // one that is stopped would not hear
  }
  wait_for_processes(runtime::Loop::now_ns() + kGraceMs * kMillisecond);
  for (const auto& [name, object] : objects_)
    if (object.kind == control::ObjectKind::process && !runtime::has_ended(object.descriptor)) runtime::send_signal(object.descriptor, SIGKILL);
  wait_for_processes(runtime::Loop::now_ns() + kEndMs * kMillisecond);
}

/// All descendants are our children once the keeper has ended, those too that nobody deposited.
void Holder::wait_for_processes(uint64_t deadline_ns) {
  for (;;) {
    reap();
    siginfo_t none{};
    bool const childless = ::waitid(P_ALL, 0, &none, WEXITED | WNOHANG | WNOWAIT) != 0;
    if (childless || runtime::Loop::now_ns() >= deadline_ns) return;
    ::usleep(1000);
  }
}

void Holder::stop() {
  if (std::exchange(stopped_, true)) return;
  for (runtime::Operation* operation : {&spoke_, &gone_, &again_, &looks_}) operation->cancel();
  bell_ = nullptr;
  if (keeper_.pidfd.get() >= 0) {
    runtime::send_signal(keeper_.pidfd, SIGKILL);
    pollfd ended{keeper_.pidfd, POLLIN, 0};
    ::poll(&ended, 1, static_cast<int>(kEndMs));
  }
  channel_ = nullptr;
  end_processes();
  lifeline_ = nullptr;
  runtime::remove_run_dir(options_.run_dir);
}

}  // namespace bulkhead::cli
