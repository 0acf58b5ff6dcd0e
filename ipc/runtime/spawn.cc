#include "ipc/runtime/spawn.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace bulkhead::runtime {
namespace {

// By number: sys/pidfd.h of glibc 2.36 declares these as C++ functions.
int open_pidfd(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

constexpr int kNoUser = 126, kNoProgram = 127;

void default_signals() {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGCHLD}) ::signal(signal, SIG_DFL);
}

void wait_at_gate(int gate) {
  char go = 0;
  ssize_t got = -1;
  do got = ::read(gate, &go, 1);
  while (got < 0 && errno == EINTR);
  if (got != 1) ::_exit(0);
}

bool become(uid_t user) {
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::setgroups(0, nullptr) == 0 &&
         ::setresgid(user, user, user) == 0 && ::setresuid(user, user, user) == 0;
}

/// In the child. `program` is a descriptor, so that its path need not be within the user's reach.
[[noreturn]] void run(const Program& what, int program, int gate, char* const* arguments) {
  default_signals();
  if (what.new_session) ::setsid();
  if (gate >= 0) wait_at_gate(gate);
  if (!what.directory.empty() && ::chdir(what.directory.c_str()) != 0) ::_exit(kNoUser);
  if (what.inherit == kInherited) ::fcntl(kInherited, F_SETFD, 0);
  if (what.inherit >= 0 && what.inherit != kInherited) ::dup2(what.inherit, kInherited);
  if (what.user && !become(*what.user)) ::_exit(kNoUser);
  ::syscall(SYS_execveat, program, "", arguments, environ, AT_EMPTY_PATH);
  ::_exit(kNoProgram);
}

}  // namespace

Result<Child> spawn(const Program& program) {
  kj::AutoCloseFd file(::open(program.path.c_str(), O_PATH | O_CLOEXEC));
  if (file.get() < 0) return fail_errno(errno, "{}: cannot start it", program.path);
  kj::AutoCloseFd high(::fcntl(file, F_DUPFD_CLOEXEC, 10));  // where kInherited does not overwrite it
  if (high.get() < 0) return fail_errno(errno, "{}: descriptors", program.path);
  std::array<int, 2> ends{-1, -1};
  if (program.gated && ::pipe2(ends.data(), O_CLOEXEC) != 0)
    return fail_errno(errno, "{}: pipe", program.path);
  kj::AutoCloseFd inner(ends[0]), outer(ends[1]);

  std::string name = std::filesystem::path(program.path).filename();
  std::vector<std::string> words{name};
  words.insert(words.end(), program.arguments.begin(), program.arguments.end());
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  pid_t const pid = ::fork();
  if (pid < 0) return fail_errno(errno, "{}: fork", program.path);
  if (pid == 0) {
    if (ends[1] >= 0) ::close(ends[1]);  // or it would hold its own gate open
    run(program, high, ends[0], arguments.data());
  }
  Child child{pid, kj::AutoCloseFd(open_pidfd(pid)), kj::mv(outer)};
  if (child.pidfd.get() < 0) {
    int const error = errno;
    ::kill(pid, SIGKILL);  // not reaped yet, so the number is still its
    return fail_errno(error, "{}: pidfd_open", program.path);
  }
  return child;
}

void open_gate(Child& child) {
  char const go = 1;
  if (::write(child.gate, &go, 1) != 1) send_signal(child.pidfd, SIGKILL);
  child.gate = nullptr;
}

std::string program_directory() { return std::filesystem::read_symlink("/proc/self/exe").parent_path(); }

bool send_signal(int pidfd, int signal) {
  return ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0;
}

bool has_ended(int pidfd, std::chrono::milliseconds patience) {
  pollfd what{pidfd, POLLIN, 0};
  return ::poll(&what, 1, static_cast<int>(patience.count())) > 0;
}

pid_t pid_of(int pidfd) {
  std::ifstream info(fmt::format("/proc/self/fdinfo/{}", pidfd));
  for (std::string line; std::getline(info, line);) {
    std::istringstream words(line);
    std::string key;
    pid_t pid = 0;
    if (words >> key >> pid && key == "Pid:") return pid > 0 ? pid : 0;
  }
  return 0;
}

}  // namespace bulkhead::runtime