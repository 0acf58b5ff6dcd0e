#include "services/keeper/watch.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <ctime>

#include "ipc/chain/chain.h"
#include "ipc/runtime/ending.h"
#include "ipc/runtime/logging.h"

namespace bulkhead::keeper {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;
constexpr unsigned kLooks = 4;           // within hang_ms
constexpr unsigned kStill = kLooks + 1;  // looks without a change: between hang_ms and 5/4 of it
constexpr uint64_t kStartMs = 1000;      // more, for a process that is still starting
constexpr uint64_t kUnreadyDeaths = 20;
constexpr uint64_t kOwnExit = 4;  // a process that gave up by itself counts as so many
constexpr uint64_t kCrashes = 50;
constexpr uint64_t kSoonNs = 1000 * kMillisecond;
constexpr uint64_t kEndMs = 700;

/// How long to wait before the next start.
uint64_t pause_ms(uint64_t unready_deaths, uint64_t crashes) {
  uint64_t const crash_ms = crashes > 8 ? 20 : 0;
  if (unready_deaths <= 2) return crash_ms;
  return std::min<uint64_t>(uint64_t{10} << std::min<uint64_t>(unready_deaths - 2, 7), 1000);
}

/// Reaps our own child; an earlier keeper's is the holder's to reap. False: nothing is known of its end.
bool reap(int pidfd, siginfo_t& how) {
  how = {};
  return ::waitid(P_PIDFD, static_cast<id_t>(pidfd), &how, WEXITED | WNOHANG) == 0 && how.si_pid != 0;
}

std::string describe(bool known, const siginfo_t& how) {
  return known ? runtime::describe_end(how.si_code, how.si_status) : "ended";
}

}  // namespace

struct Watch::Service {
  Service(Watch& watch, unsigned place, const char* service_name)
      : name(service_name),
        state(watch.state_.services[place]),
        user(watch.options_.first_user.value_or(0) + place),
        gone(watch.loop_, [this, &watch](int) { watch.died(*this); }),
        pause(watch.loop_, [this, &watch](int) { watch.start(*this); }) {}

  std::string name;
  state::KeeperState::Service& state;
  uid_t user;
  Phase phase = Phase::waiting;
  pid_t pid = 0;
  kj::AutoCloseFd pidfd;
  uint64_t heartbeat = 0;
  uint64_t still = 0;  // looks at which the heartbeat had not moved
  bool was_ready = false;
  runtime::Operation gone;
  runtime::Operation pause;
};

uint64_t boot_ns() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000 * kMillisecond + static_cast<uint64_t>(now.tv_nsec);
}

const char* name_of(Phase phase) {
  constexpr const char* names[] = {"waiting", "starting", "running", "ending", "failed"};
  return names[static_cast<size_t>(phase)];
}

Watch::Watch(runtime::Loop& loop, Registry& registry, HolderLink& holder, state::KeeperState& state, WatchOptions options,
             std::function<void()> ended)
    : loop_(loop),
      registry_(registry),
      holder_(holder),
      state_(state),
      options_(std::move(options)),
      ended_(std::move(ended)),
      ticks_(loop, [this](int) { tick(); }) {
  unsigned place = 0;
  for (const char* name : chain::kServices) services_.push_back(std::make_unique<Service>(*this, place++, name));
}

Watch::~Watch() = default;

void Watch::begin() {
  ticks_.every(options_.hang_ms * kMillisecond / kLooks);
  for (auto& service : services_) {
    int const pidfd = registry_.descriptor("process." + service->name);
    if (pidfd < 0) {
      start(*service);
    } else if (auto copy = memory::duplicate(service->name, pidfd)) {
      adopt(*service, kj::mv(*copy));
    } else {
      give_up(*service, copy.error().message);
    }
  }
}

pid_t Watch::expected(std::string_view name) const {
  for (const auto& service : services_)
    if (service->name == name && (service->phase == Phase::starting || service->phase == Phase::running))
      return runtime::has_ended(service->pidfd) ? 0 : service->pid;
  return 0;
}

Phase Watch::phase(size_t place) const {
  const Service& service = *services_[place];
  return service.phase == Phase::starting && ready(service) ? Phase::running : service.phase;
}

bool Watch::ready(const Service& service) const {
  auto desk = registry_.look<chain::Desk>(service.name + ".desk");
  return desk && service.pid != 0 && (*desk)->ready.load() == static_cast<uint64_t>(service.pid);
}

void Watch::adopt(Service& service, kj::AutoCloseFd pidfd) {
  pid_t const pid = runtime::pid_of(pidfd);
  if (pid != 0 && service.state.pid.load() != static_cast<uint64_t>(pid)) {
    service.state.starts.store(service.state.starts.load() + 1);
    service.state.started_ns.store(boot_ns());
    service.state.pid.store(static_cast<uint64_t>(pid));
  }
  spdlog::info("{} (pid {}) was here already", service.name, pid);
  run_as(service, pid != 0 ? pid : static_cast<pid_t>(service.state.pid.load()), kj::mv(pidfd));
}

void Watch::run_as(Service& service, pid_t pid, kj::AutoCloseFd pidfd) {
  service.pid = pid;
  service.pidfd = kj::mv(pidfd);
  service.still = 0;
  service.was_ready = ready(service);
  service.phase = service.was_ready ? Phase::running : Phase::starting;
  service.gone.poll(service.pidfd, POLLIN);
}

void Watch::start(Service& service) {
  if (auto launched = launch(service); !launched) {
    spdlog::error("{}: {}", service.name, launched.error().message);
    service.state.unready_deaths.store(service.state.unready_deaths.load() + kOwnExit);
    if (service.state.unready_deaths.load() >= kUnreadyDeaths) {
      give_up(service, launched.error().message);
    } else {
      start_later(service);
    }
  }
}

Status Watch::launch(Service& service) {
  runtime::Program program;
  program.path = options_.program_dir + "/bulkhead-" + service.name;
  program.arguments = {"--run", options_.run_dir};
  program.directory = options_.run_dir;
  if (options_.first_user) program.user = service.user;
  program.gated = true;
  auto child = runtime::spawn(program);
  if (!child) return tl::unexpected(child.error());
  auto copy = memory::duplicate(service.name, child->pidfd);
  if (!copy) return tl::unexpected(copy.error());
  if (auto kept = registry_.keep("process." + service.name, control::ObjectKind::process, kj::mv(*copy)); !kept) {
    spdlog::info("{}", kept.error().message);
    ended_();
    return {};
  }
  service.state.started_ns.store(boot_ns());
  service.state.starts.store(service.state.starts.load() + 1);
  service.state.pid.store(static_cast<uint64_t>(child->pid));
  run_as(service, child->pid, kj::mv(child->pidfd));
  runtime::open_gate(*child);
  spdlog::info("{} runs as pid {}", service.name, child->pid);
  return {};
}

void Watch::died(Service& service) {
  siginfo_t how;
  bool const known = reap(service.pidfd, how);
  bool const was_ready = service.was_ready || ready(service);
  bool const killed = known && how.si_code != CLD_EXITED && how.si_status == SIGKILL;
  spdlog::warn("{} (pid {}) {}", service.name, service.pid, describe(known, how));
  uint64_t const lived_ns = boot_ns() - service.state.started_ns.load();
  state::KeeperState::Service& state = service.state;
  if (was_ready) {
    bool const crash = known && !killed && lived_ns < kSoonNs;
    state.unready_deaths.store(0);
    state.crashes.store(crash ? state.crashes.load() + 1 : 0);
  } else {
    bool const own = known && how.si_code == CLD_EXITED;
    state.unready_deaths.store(state.unready_deaths.load() + (own ? kOwnExit : 1));
  }
  service.phase = Phase::waiting;
  service.pid = 0;
  if (state.unready_deaths.load() >= kUnreadyDeaths)
    return give_up(service, fmt::format("does not become ready; the last process {}", describe(known, how)));
  if (state.crashes.load() >= kCrashes)
    return give_up(service,
                   fmt::format("crashes again and again; the last process {}", describe(known, how)));
  start_later(service);
}

void Watch::start_later(Service& service) {
  uint64_t const ms = pause_ms(service.state.unready_deaths.load(), service.state.crashes.load());
  if (ms == 0) return start(service);
  service.phase = Phase::waiting;
  service.pause.after(ms * kMillisecond);
}

void Watch::give_up(Service& service, const std::string& reason) {
  service.phase = Phase::failed;
  holder_.report_failure(fmt::format("{}: {}", service.name, reason));
}

void Watch::tick() {
  state_.heartbeat.store(state_.heartbeat.load() + 1);
  for (auto& service : services_)
    if (service->phase == Phase::starting || service->phase == Phase::running) look(*service);
}

void Watch::look(Service& service) {
  auto desk = registry_.look<chain::Desk>(service.name + ".desk");
  if (!desk) return;
  if (!service.was_ready && ready(service)) {
    service.was_ready = true;
    service.phase = Phase::running;
    service.state.unready_deaths.store(0);
  }
  uint64_t const heartbeat = (*desk)->heartbeat.load();
  service.still = heartbeat == service.heartbeat ? service.still + 1 : 0;
  service.heartbeat = heartbeat;
  uint64_t const more = service.was_ready ? 0 : kStartMs * kLooks / options_.hang_ms;
  if (service.still < kStill + more) return;
  spdlog::warn("{} (pid {}) hangs", service.name, service.pid);
  service.phase = Phase::ending;
  runtime::send_signal(service.pidfd, SIGKILL);
}

void Watch::end_all() {
  for (auto& service : services_)
    if (service->pidfd.get() >= 0) runtime::send_signal(service->pidfd, SIGKILL);
  uint64_t const end = runtime::Loop::now_ns() + kEndMs * kMillisecond;
  for (auto& service : services_) {
    while (service->pidfd.get() >= 0 && !runtime::has_ended(service->pidfd) && runtime::Loop::now_ns() < end) ::usleep(1000);
    siginfo_t how;
    if (service->pidfd.get() >= 0) reap(service->pidfd, how);
  }
}

}  // namespace bulkhead::keeper
