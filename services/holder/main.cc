// services/holder/main.cc: the holder of one instance.
//
// Start   bulkhead-holder --run DIR --starter FD --hang-ms N [--first-user UID], by whoever wants an instance
//         (ipc/runtime/holder_client.h), which hands over what is to be held.
// End     the starter's word, its hang-up, SIGTERM (which the starter is told of): every process is ended, the run directory
//         removed, and the starter told what each used.
#include <fcntl.h>
#include <sys/prctl.h>

#include <csignal>

#include "common/base/command_line.h"
#include "ipc/runtime/handover.h"
#include "ipc/runtime/logging.h"
#include "ipc/runtime/run_dir.h"
#include "services/holder/holder.h"

namespace bulkhead::holder {
namespace {

constexpr unsigned kEntries = 64;  // of the loop's queue

/// Until the instance has ended. An Error: it could not begin.
Status hold(const Options& options, int socket) {
  runtime::Holding holding;
  if (auto taken = runtime::take_over(socket, holding); !taken) return taken;
  auto loop = runtime::Loop::create(kEntries);
  if (!loop) return tl::unexpected(loop.error());
  bool ended = false;
  Starter starter(**loop, socket, [&ended] { ended = true; });
  auto signals = runtime::Signals::create(**loop, {SIGTERM, SIGINT}, [&](const auto&) {
    starter.ask_stop();
    ended = true;
  });
  if (!signals) return tl::unexpected(signals.error());
  Holder holder(**loop, options, std::move(holding), starter);
  if (auto started = holder.start(); !started) return started;
  while (!ended) (*loop)->wait();
  holder.stop();
  for (const auto& [name, usage] : holder.usage()) starter.report_usage(name, usage);
  starter.finish();
  return {};
}

int run(const Options& options, int inherited) {
  ::fcntl(inherited, F_SETFD, FD_CLOEXEC);
  kj::AutoCloseFd const socket(inherited);
  auto const held = hold(options, socket);
  if (held) return 0;
  runtime::remove_run_dir(options.run_dir);
  control::HolderMessage const failed = control::Failed{fmt::format("holder: {}", held.error().message)};
  if (!runtime::send_parcel(socket, control::encode(failed), -1, runtime::Patience::none))
    spdlog::info("{}", held.error().message);  // nobody is there to be told
  return 1;
}

}  // namespace
}  // namespace bulkhead::holder

int main(int argc, char** argv) {
  using namespace bulkhead;
  ::prctl(PR_SET_NAME, "bh-holder");
  runtime::set_up_logging("holder");
  holder::Options options;
  int starter = -1;
  CommandLine line("bulkhead-holder", "Bulkhead's holder; `bulkhead` starts it");
  line.add("--run", options.run_dir, "run directory", CommandLine::Need::required);
  line.add("--starter", starter, "descriptor of the socket to whoever started it", CommandLine::Need::required);
  line.add("--hang-ms", options.hang_ms, "a keeper that stands still for so long is replaced", CommandLine::Need::required);
  line.add("--first-user", options.first_user, "services run as this user id and those behind it");
  if (auto const ended = line.read(std::span(argv, static_cast<size_t>(argc)).subspan(1))) return *ended;
  if (options.hang_ms != 0) return holder::run(options, starter);
  spdlog::error("--hang-ms: 0 would be no time at all");
  return 1;
}
