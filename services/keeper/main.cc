// services/keeper/main.cc: the keeper: makes every object, hands them out, and keeps the services alive.
//
// Start   bulkhead-keeper --run DIR --holder FD [--first-user UID], by the holder, as often as it takes. Each one
//         begins with what the holder has (ipc/runtime/holding.h), makes what is missing, adopts what runs.
// End     with the holder: when its socket hangs up, every service is killed and the run directory removed. The holder
//         kills the keeper when it ends the instance itself. SIGTERM asks the holder to end it.
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>

#include "common/base/command_line.h"
#include "ipc/control/config_object.h"
#include "ipc/runtime/handover.h"
#include "ipc/runtime/holding.h"
#include "ipc/runtime/logging.h"
#include "ipc/runtime/rpc.h"
#include "ipc/runtime/run_dir.h"
#include "services/keeper/grant.h"
#include "services/keeper/status.h"
#include "services/keeper/watch.h"

namespace bulkhead::keeper {
namespace {

struct Arguments {
  std::string run_dir;
  int holder = -1;
  std::optional<uid_t> first_user;
};

/// A listening socket that outlives keepers.
template <class Listen>
Result<kj::AutoCloseFd> listener(Registry& registry, const std::string& name, Listen listen) {
  auto const object = "socket." + name;
  if (!registry.has(object)) {
    auto socket = listen();
    if (!socket) return socket;
    if (auto kept = registry.keep(object, control::ObjectKind::socket, kj::mv(*socket)); !kept)
      return tl::unexpected(kept.error());
  }
  return memory::duplicate(object, registry.descriptor(object));
}

Status make_objects(Registry& registry, const control::Settings& settings) {
  for (const auto& spec : chain::catalog(settings))
    if (auto made = registry.make_memory(spec); !made) return made;
  for (const char* service : chain::kServices)
    if (auto made = registry.make_bell(fmt::format("bell.{}", service)); !made) return made;
  return {};
}

Result<memory::Mapping> make_state(Registry& registry) {
  constexpr size_t bytes = state::KeeperState::bytes_for(0);
  auto made = registry.make_memory(
      {"keeper.state", state::KeeperState::kLayout, state::KeeperState::kVersion, bytes, 0});
  if (!made) return tl::unexpected(made.error());
  return registry.writable("keeper.state");
}

void begin_state(state::KeeperState& state) {
  state.heartbeat.store(state.heartbeat.load() + 1);
  if (state.started_ns.load() == 0) state.started_ns.store(boot_ns());
  state.starts.store(state.starts.load() + 1);
  state.pid.store(static_cast<uint64_t>(::getpid()));
}

/// Until the holder is gone.
Status keep(const Arguments& arguments, runtime::ControlLoop& control, HolderLink& holder,
            Registry& registry) {
  auto settings = control::read_config(registry.memory("config"));
  if (!settings) return tl::unexpected(settings.error());
  auto memory = make_state(registry);
  if (!memory) return tl::unexpected(memory.error());
  auto state = memory::view<state::KeeperState>("keeper.state", memory->bytes());
  if (!state) return tl::unexpected(state.error());
  begin_state(**state);
  auto objects = listener(registry, "objects",
                          [&] { return runtime::listen_parcels(arguments.run_dir, "objects.sock", 0666); });
  if (!objects) return tl::unexpected(objects.error());
  auto questions = listener(registry, "keeper", [&]() -> Result<kj::AutoCloseFd> {
    auto place = runtime::shorten(arguments.run_dir);
    if (!place) return tl::unexpected(place.error());
    return runtime::listen_unix(place->path + "/keeper.sock", 0600);
  });
  if (!questions) return tl::unexpected(questions.error());
  if (auto made = make_objects(registry, *settings); !made) return made;

  bool ended = false;
  Watch watch(control.loop(), registry, holder, **state,
              {arguments.run_dir, runtime::program_directory(), settings->hang_ms, arguments.first_user},
              [&] { ended = true; });
  Granter granter(control.loop(), registry, watch, chain::grants(*settings), *objects);
  runtime::RpcServer server(control, kj::mv(*questions),
                   kj::heap<StatusServer>(registry, watch, holder, **state, *settings, arguments.run_dir));
  auto signals = runtime::Signals::create(control.loop(), {SIGTERM, SIGINT}, [&](const auto&) { holder.ask_stop(); });
  if (!signals) return tl::unexpected(signals.error());
  runtime::Operation holder_gone(control.loop(),
                                 [&](int) { ended = true; });  // it says nothing more unless asked
  holder_gone.poll(holder.socket(), POLLRDHUP);
  watch.begin();
  while (!ended) control.wait();
  watch.end_all();
  return {};
}

/// For a keeper that never came so far as to watch.
void end_processes(const Registry& registry) {
  registry.each([&](const std::string& name, control::ObjectKind kind) {
    if (kind == control::ObjectKind::process) runtime::send_signal(registry.descriptor(name), SIGKILL);
  });
}

int run(const Arguments& arguments) {
  ::fcntl(arguments.holder, F_SETFD, FD_CLOEXEC);
  HolderLink holder{kj::AutoCloseFd(arguments.holder)};
  Registry registry(holder);
  runtime::Holding holding;
  auto taken = runtime::take_over(holder.socket(), holding);
  for (auto& [name, object] : holding) registry.take(name, kj::mv(object));
  if (!arguments.first_user)
    spdlog::info("not root: services run as this user, who could open read-only objects anew for writing");
  auto kept = taken.and_then([&]() -> Status {
    auto control = runtime::ControlLoop::create();
    if (!control) return tl::unexpected(control.error());
    return keep(arguments, **control, holder, registry);
  });
  bool const holder_lives = !runtime::readable(holder.socket(), std::chrono::milliseconds(0));
  if (!holder_lives) {
    end_processes(registry);
    runtime::remove_run_dir(arguments.run_dir);
    return 0;
  }
  spdlog::error("{}", kept ? std::string("ended") : kept.error().message);
  if (!kept) holder.report_failure(fmt::format("keeper: {}", kept.error().message));
  return 1;
}

}  // namespace
}  // namespace bulkhead::keeper

int main(int argc, char** argv) {
  using namespace bulkhead;
  ::prctl(PR_SET_NAME, "bh-keeper");
  runtime::set_up_logging("keeper");
  keeper::Arguments arguments;
  CommandLine line("bulkhead-keeper", "Bulkhead's keeper; the holder starts it");
  line.add("--run", arguments.run_dir, "run directory", CommandLine::Need::required);
  line.add("--holder", arguments.holder, "descriptor of the socket to the holder", CommandLine::Need::required);
  line.add("--first-user", arguments.first_user, "services run as this user id and those behind it");
  if (auto const ended = line.read(std::span(argv, static_cast<size_t>(argc)).subspan(1))) return *ended;
  return keeper::run(arguments);
}
