// tests/tools/instance_lab.h: an instance of real processes, to be killed and looked at.
//
// Who     tests of keeper and holder. The programs are put into a folder of the lab's own, so that dummies can stand
//         for services.
// Wait    until() looks every few milliseconds until a condition holds or kDeadline is over; nothing sleeps and hopes.
// End     the destructor kills what is left of this lab's processes (found by its folder in their command lines).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace bulkhead::test {

inline constexpr std::chrono::seconds kDeadline{20};

[[nodiscard]] bool until(const std::function<bool()>& holds, std::chrono::milliseconds deadline = kDeadline);

/// One process, never a group: throws where `pid` is 0 or negative, which kill(2) takes for whole groups, the
/// test runner's among them. A process that has ended is not an error.
void strike(pid_t pid, int signal);

/// What `bulkhead status` says.
struct ServiceStatus {
  std::string name, state;
  pid_t pid = 0;
  uint64_t restarts = 0, batches = 0;
};
struct InstanceStatus {
  std::string run;
  pid_t keeper = 0;
  uint64_t keeper_restarts = 0;
  uint64_t packets = 0;
  std::vector<ServiceStatus> services;
  std::string text;  // all of it, as JSON
};

class InstanceLab {
 public:
  /// `programs`: name -> file to copy.
  explicit InstanceLab(const std::map<std::string, std::string>& programs);
  ~InstanceLab();
  InstanceLab(const InstanceLab&) = delete;
  InstanceLab& operator=(const InstanceLab&) = delete;

  /// Runs bulkhead with these words. `environment`: NAME=VALUE. Its stdout and stderr go to the file log().
  void start(const std::vector<std::string>& words, const std::vector<std::string>& environment = {});
  /// The same to its end; gives stdout and stderr, and the exit status.
  struct Ran {
    int status;
    std::string text;
  };
  [[nodiscard]] Ran run(const std::vector<std::string>& words,
                        const std::vector<std::string>& environment = {}) const;

  /// Exit status of what start() started (128 + signal where one killed it); none if it does not end.
  [[nodiscard]] std::optional<int> wait();
  /// What start() started.
  [[nodiscard]] pid_t cli() const { return cli_; }
  [[nodiscard]] std::string log() const;

  /// Live processes of this lab but the CLI, by program name (pktio, keeper, holder...); zombies do not count.
  [[nodiscard]] std::multimap<std::string, pid_t> processes() const;
  /// pid of the only process of that name; 0: none or several.
  [[nodiscard]] pid_t pid(const std::string& name) const;
  [[nodiscard]] std::optional<InstanceStatus> status() const;
  /// By name; empty where there is no answer.
  [[nodiscard]] std::map<std::string, ServiceStatus> services() const;
  [[nodiscard]] bool all_running() const;

  [[nodiscard]] const std::string& folder() const { return folder_; }
  [[nodiscard]] std::string run_dir() const { return folder_ + "/run"; }

 private:
  [[nodiscard]] pid_t launch(const std::vector<std::string>& words,
                             const std::vector<std::string>& environment, const std::string& output) const;

  std::string folder_;
  pid_t cli_ = 0;
};

}  // namespace bulkhead::test
