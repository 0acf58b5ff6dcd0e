#include "tests/tools/instance_lab.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

namespace bulkhead::test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// Empty where there is none, or where it goes away meanwhile, as files under /proc do.
std::string read_all(const std::string& path) {
  int const file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  std::string all;
  std::array<char, 4096> some;
  for (ssize_t got; (got = ::read(file, some.data(), some.size())) > 0;)
    all.append(some.data(), static_cast<size_t>(got));
  ::close(file);
  return all;
}

int exit_status(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

bool is_zombie(const fs::path& process) {
  std::string const stat = read_all(process / "stat");
  size_t const behind_name = stat.rfind(')');
  return behind_name == std::string::npos || stat.compare(behind_name, 4, ") Z ") == 0 ||
         stat.compare(behind_name, 4, ") X ") == 0;
}

}  // namespace

bool until(const std::function<bool()>& holds, std::chrono::milliseconds deadline) {
  for (auto const end = Clock::now() + deadline; Clock::now() < end;) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
  }
  return holds();
}

void strike(pid_t pid, int signal) {
  if (pid <= 0)
    throw std::logic_error("there is no single process to be sent signal " + std::to_string(signal));
  ::kill(pid, signal);
}

InstanceLab::InstanceLab(const std::map<std::string, std::string>& programs) {
  char name[] = "/tmp/bulkhead_lab_XXXXXX";
  if (::mkdtemp(name) == nullptr) throw std::runtime_error("mkdtemp");
  folder_ = name;
  fs::permissions(folder_, fs::perms(0755));
  fs::create_directory(folder_ + "/bin");
  for (const auto& [program, file] : programs) fs::copy_file(file, folder_ + "/bin/" + program);
}

InstanceLab::~InstanceLab() {
  if (cli_ != 0) {
    strike(cli_, SIGKILL);
    ::waitpid(cli_, nullptr, 0);
  }
  (void)until([this] {
    auto const left = processes();
    for (const auto& [name, pid] : left) strike(pid, SIGKILL);
    return left.empty();
  });
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

pid_t InstanceLab::launch(const std::vector<std::string>& words, const std::vector<std::string>& environment,
                          const std::string& output) const {
  pid_t const child = ::fork();
  if (child != 0) return child;
  rlimit const no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  int const out = ::open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  ::setenv("XDG_RUNTIME_DIR", folder_.c_str(), 1);
  for (const auto& one : environment)
    ::setenv(one.substr(0, one.find('=')).c_str(), one.substr(one.find('=') + 1).c_str(), 1);
  std::string program = folder_ + "/bin/bulkhead";
  std::vector<std::string> copies{program};
  copies.insert(copies.end(), words.begin(), words.end());
  std::vector<char*> arguments;
  for (auto& word : copies) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execv(program.c_str(), arguments.data());
  ::_exit(127);
}

void InstanceLab::start(const std::vector<std::string>& words, const std::vector<std::string>& environment) {
  cli_ = launch(words, environment, folder_ + "/log");
}

InstanceLab::Ran InstanceLab::run(const std::vector<std::string>& words,
                                  const std::vector<std::string>& environment) const {
  std::string const output = folder_ + "/answer";
  pid_t const child = launch(words, environment, output);
  int status = 0;
  ::waitpid(child, &status, 0);
  return {exit_status(status), read_all(output)};
}

std::optional<int> InstanceLab::wait() {
  constexpr std::chrono::seconds a_busy_machine_needs(100);
  int status = 0;
  if (!until([&] { return ::waitpid(cli_, &status, WNOHANG) == cli_; }, a_busy_machine_needs)) return std::nullopt;
  cli_ = 0;
  return exit_status(status);
}

std::string InstanceLab::log() const { return read_all(folder_ + "/log"); }

std::multimap<std::string, pid_t> InstanceLab::processes() const {
  std::multimap<std::string, pid_t> found;
  std::error_code error;
  for (const auto& process : fs::directory_iterator("/proc", error)) {
    std::string const number = process.path().filename();
    if (number.find_first_not_of("0123456789") != std::string::npos) continue;
    std::string const line = read_all(process.path() / "cmdline");
    std::string const name = line.substr(0, line.find('\0'));
    if (!name.starts_with("bulkhead-") || line.find(folder_) == std::string::npos ||
        is_zombie(process.path()))
      continue;
    found.emplace(name.substr(sizeof "bulkhead-" - 1), std::stoi(number));
  }
  return found;
}

pid_t InstanceLab::pid(const std::string& name) const {
  auto const all = processes();
  return all.count(name) == 1 ? all.find(name)->second : 0;
}

std::optional<InstanceStatus> InstanceLab::status() const {
  auto const answer = run({"status", "--json", "--run", run_dir()});
  if (answer.status != 0) return std::nullopt;
  auto const json = nlohmann::json::parse(answer.text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  InstanceStatus status{.run = json["run"],
                        .keeper = json["keeper"]["pid"],
                        .keeper_restarts = json["keeper"]["restarts"],
                        .packets = json["progress"]["packets"],
                        .services = {},
                        .text = answer.text};
  for (const auto& service : json["services"])
    status.services.push_back({.name = service["name"],
                               .state = service["state"],
                               .pid = service["pid"],
                               .restarts = service["restarts"],
                               .batches = service["batches"]});
  return status;
}

std::map<std::string, ServiceStatus> InstanceLab::services() const {
  std::map<std::string, ServiceStatus> all;
  auto const answer = status();
  if (!answer) return all;
  for (const auto& service : answer->services) all[service.name] = service;
  return all;
}

bool InstanceLab::all_running() const {
  auto const all = services();
  for (const auto& [name, service] : all)
    if (service.state != "running") return false;
  return !all.empty();
}

}  // namespace bulkhead::test
