#include "tests/simulation/stepper.h"

#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <vector>

namespace bulkhead::test {
namespace {

constexpr size_t kPage = 4096;
constexpr uint64_t kInstructionsMost = 50'000'000;

// --- which pages it stores to: all are made read-only, and each fault is noted ---

std::byte* watched = nullptr;
size_t watched_bytes = 0;
uint8_t* stored_to = nullptr;  // by page, MAP_SHARED

void note_page(int, siginfo_t* about, void*) {
  auto* const at = static_cast<std::byte*>(about->si_addr);
  if (at < watched || at >= watched + watched_bytes) _exit(3);
  size_t const page = static_cast<size_t>(at - watched) / kPage;
  stored_to[page] = 1;
  mprotect(watched + page * kPage, kPage, PROT_READ | PROT_WRITE);
}

[[noreturn]] void probe(const Memory& memory, const Prepare& prepare) {
  auto const action = prepare(memory);
  watched = memory.all().data();
  watched_bytes = memory.all().size();
  struct sigaction fault {};
  fault.sa_sigaction = note_page;
  fault.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &fault, nullptr);
  mprotect(watched, watched_bytes, PROT_READ);
  action();
  _exit(0);
}

/// Offsets of pages. Empty: it did not come to its end, or stored nothing.
std::vector<size_t> pages_stored_to(const Memory& memory, const Prepare& prepare) {
  size_t const pages = memory.all().size() / kPage;
  stored_to = static_cast<uint8_t*>(
      mmap(nullptr, pages, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  pid_t const child = fork();
  if (child == 0) probe(memory, prepare);
  int status = 0;
  waitpid(child, &status, 0);
  std::vector<size_t> found;
  for (size_t page = 0; page < pages; ++page)
    if (stored_to[page] != 0) found.push_back(page * kPage);
  munmap(stored_to, pages);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) found.clear();
  return found;
}

// --- the tracee ---

[[noreturn]] void be_stepped(const std::function<void()>& action) {
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(77);
  raise(SIGSTOP);
  action();
  raise(SIGSTOP);
  _exit(0);
}

void copy_changed(const Memory& from, const Memory& into) {
  for (size_t at = 0; at < from.all().size(); at += kPage)
    if (std::memcmp(from.all().data() + at, into.all().data() + at, kPage) != 0)
      std::memcpy(into.all().data() + at, from.all().data() + at, kPage);
}

class Stepper {
 public:
  Stepper(const Memory& shared, const Memory& mirror, std::vector<size_t> pages)
      : shared_(shared.all().data()), mirror_(mirror.all().data()), pages_(std::move(pages)) {}

  void run(pid_t child, const std::function<void()>& seen) {
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) return void(result.refused = true);
    while (advance(child, status)) {
      ++result.instructions;
      if (!follow()) continue;
      ++result.images;
      seen();
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
  }

  Stepped result;

 private:
  /// False: it is done, or result.failure says what happened.
  bool advance(pid_t child, int& status) {
    if (ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) != 0 || waitpid(child, &status, 0) != child) {
      result.failure = fmt::format("cannot step further: {}", std::strerror(errno));
    } else if (!WIFSTOPPED(status)) {
      result.failure = fmt::format("it died, wait status {:#x}", status);
    } else if (WSTOPSIG(status) != SIGTRAP && WSTOPSIG(status) != SIGSTOP) {
      result.failure = fmt::format("stopped by signal {}", WSTOPSIG(status));
    } else if (result.instructions == kInstructionsMost) {
      result.failure = "it does not come to an end";
    }
    return result.failure.empty() && WSTOPSIG(status) == SIGTRAP;
  }

  /// Brings the mirror up to date. False: nothing has changed.
  bool follow() {
    bool changed = false;
    for (size_t page : pages_) {
      if (std::memcmp(mirror_ + page, shared_ + page, kPage) == 0) continue;
      std::memcpy(mirror_ + page, shared_ + page, kPage);
      changed = true;
    }
    return changed;
  }

  const std::byte* shared_;
  std::byte* mirror_;
  std::vector<size_t> pages_;
};

}  // namespace

Stepped step_through(const control::Settings& settings, const Memory& mirror, const Prepare& prepare,
                     const std::function<void()>& seen) {
  Memory const shared(settings, true);
  std::vector<size_t> pages = pages_stored_to(mirror, prepare);
  copy_changed(mirror, shared);
  auto const action = prepare(shared);
  copy_changed(shared, mirror);
  Stepper stepper(shared, mirror, std::move(pages));
  pid_t const child = fork();
  if (child == 0) be_stepped(action);
  stepper.run(child, seen);
  if (stepper.result.failure.empty() && !stepper.result.refused &&
      std::memcmp(shared.all().data(), mirror.all().data(), shared.all().size()) != 0)
    stepper.result.failure = "it stored to a page that the first run had not stored to";
  return stepper.result;
}

}  // namespace bulkhead::test
