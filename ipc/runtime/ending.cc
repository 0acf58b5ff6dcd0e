#include "ipc/runtime/ending.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "ipc/runtime/loop.h"
#include "ipc/runtime/spawn.h"

namespace bulkhead::runtime {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;
constexpr uint64_t kGraceMs = 400;  // from SIGTERM to SIGKILL
constexpr uint64_t kEndMs = 250;    // from SIGKILL to giving up

bool wait_until(const std::function<bool()>& gone, uint64_t milliseconds) {
  uint64_t const deadline_ns = Loop::now_ns() + milliseconds * kMillisecond;
  while (!gone()) {
    if (Loop::now_ns() >= deadline_ns) return false;
    ::usleep(1000);
  }
  return true;
}

}  // namespace

void end_processes(int keeper, const Holding& holding, const std::function<bool()>& gone) {
  if (keeper >= 0) {
    send_signal(keeper, SIGKILL);
    (void)has_ended(keeper, std::chrono::milliseconds(kEndMs));
  }
  for (const auto& [name, held] : holding) {
    if (held.kind != control::ObjectKind::process) continue;
    send_signal(held.descriptor, SIGTERM);
    send_signal(held.descriptor, SIGCONT);  // one that is stopped would not hear
  }
  if (wait_until(gone, kGraceMs)) return;
  for (const auto& [name, held] : holding)
    if (held.kind == control::ObjectKind::process) send_signal(held.descriptor, SIGKILL);
  wait_until(gone, kEndMs);
}

std::string describe_end(int code, int status) {
  if (code == CLD_EXITED) return fmt::format("ended with status {}", status);
  const char* const name = ::sigabbrev_np(status);
  const char* const meaning = ::sigdescr_np(status);
  if (name == nullptr || meaning == nullptr) return fmt::format("was ended by signal {}", status);
  return fmt::format("was ended by signal {} (SIG{}: {})", status, name, meaning);
}

}  // namespace bulkhead::runtime
