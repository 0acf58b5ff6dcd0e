#include "ipc/runtime/service_main.h"

#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <string_view>

#include "ipc/chain/desk.h"
#include "ipc/control/config_object.h"
#include "ipc/runtime/logging.h"

namespace bulkhead::runtime {
namespace {

constexpr uint64_t kMicrosecond = 1000;
constexpr uint64_t kMillisecond = 1000 * kMicrosecond;
constexpr uint64_t kYieldNs = 7 * kMicrosecond;  // of looking between two yields
constexpr unsigned kTicks = 8;                   // of the sleeper's heartbeat within hang_ms

inline void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

Result<std::string> run_directory(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--run") return std::string(argv[2]);
  return fail("usage: {} --run DIR (the keeper starts it)", argv[0]);
}

/// Everything of a service but what it is for.
class Service {
 public:
  Service(ControlLoop& control, Grants& grants, const control::Settings& settings, chain::Desk& desk)
      : control_(control),
        settings_(settings),
        desk_(desk),
        lifeline_(control.loop(), [this](int) { stop_ = true; }),
        tick_(control.loop(), [this](int) { beat(); }),
        lifeline_fd_(grants.descriptor("lifeline")) {}

  Status start(int bell) {
    auto signals = Signals::create(control_.loop(), {SIGTERM, SIGINT},
                                   [this](const signalfd_siginfo&) { stop_ = true; });
    if (!signals) return tl::unexpected(signals.error());
    signals_ = std::move(*signals);
    bell_ = std::make_unique<Doorbell>(control_.loop(), bell, [] {});  // to wake us is all it does
    if (auto started = bell_->start(); !started) return started;
    lifeline_.poll(lifeline_fd_, 0);
    tick_.every(settings_.hang_ms * kMillisecond / kTicks);
    return {};
  }

  void run(Runnable& work) {
    beat();
    work.recover();
    desk_.ready.store(static_cast<uint64_t>(::getpid()));
    while (!stop_) turn(work);
  }

 private:
  void beat() { desk_.heartbeat.store(desk_.heartbeat.load() + 1); }

  void turn(Runnable& work) {
    beat();
    bool const done = work.step();
    control_.run_ready();
    if (done || stop_ || found_by_looking(work)) return;
    if (work.prepare_sleep()) control_.wait();
    work.wake();
  }

  /// Looks for spin_us. A look is a step() that finds nothing.
  bool found_by_looking(Runnable& work) {
    if (settings_.spin_us == 0 || !work.expects_more()) return false;
    uint64_t now = Loop::now_ns();
    uint64_t const end = now + settings_.spin_us * kMicrosecond;
    for (uint64_t yield = now + kYieldNs; now < end && !stop_; now = Loop::now_ns()) {
      if (work.step()) return true;
      control_.run_ready();
      if (now < yield) {
        pause_cpu();
      } else {
        ::sched_yield();  // processes outnumber cores: who we wait for may need this one
        yield = Loop::now_ns() + kYieldNs;
      }
    }
    return stop_;
  }

  ControlLoop& control_;
  const control::Settings& settings_;
  chain::Desk& desk_;
  Operation lifeline_;
  Operation tick_;
  std::unique_ptr<Signals> signals_;
  std::unique_ptr<Doorbell> bell_;
  int lifeline_fd_;
  bool stop_ = false;
};

Status serve(const std::string& run_dir, const std::string& name, const MakeRunnable& make) {
  auto grants = attach(run_dir, name);
  if (!grants) return tl::unexpected(grants.error());
  auto settings = control::read_config(grants->memory("config"));
  if (!settings) return tl::unexpected(settings.error());
  auto desk = grants->object<chain::Desk>(name + ".desk");
  if (!desk) return tl::unexpected(desk.error());
  auto control = ControlLoop::create();
  if (!control) return tl::unexpected(control.error());
  Service service(**control, *grants, *settings, **desk);
  if (auto started = service.start(grants->descriptor("bell." + name)); !started) return started;
  auto work = make(*grants, *settings, **control);
  if (!work) return tl::unexpected(work.error());
  service.run(**work);
  return {};
}

}  // namespace

int service_main(int argc, char** argv, const char* service, const MakeRunnable& make) {
  ::prctl(PR_SET_NAME, fmt::format("bh-{}", service).c_str());
  set_up_logging(service);
  auto const run_dir = run_directory(argc, argv);
  auto const served = run_dir.and_then([&](const std::string& dir) { return serve(dir, service, make); });
  if (served) return 0;
  spdlog::error("{}", served.error().message);
  return 1;
}

}  // namespace bulkhead::runtime