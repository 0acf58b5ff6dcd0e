#include "tests/replay/torment.h"

#include <kj/io.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "ipc/runtime/spawn.h"

namespace bulkhead::test {
namespace {

constexpr unsigned kPauseUs = 4000;

const std::vector<std::string> kVictims{"conntrack", "keeper", "nat", "pktio", "rules"};

std::string of_proc(pid_t pid, const char* what) { return read_file("/proc/" + std::to_string(pid) + "/" + what); }

bool is_called(pid_t pid, const std::string& name, const std::string& folder) {
  std::string const line = of_proc(pid, "cmdline");
  return line.substr(0, line.find('\0')) == "bulkhead-" + name && line.find(folder) != std::string::npos;
}

bool is_stopped(pid_t pid) {
  std::string const stat = of_proc(pid, "stat");
  size_t const behind_name = stat.rfind(')');
  return behind_name != std::string::npos && stat.compare(behind_name, 4, ") T ") == 0;
}

std::vector<std::string> some_of(std::mt19937& engine, size_t count) {
  std::vector<std::string> all = kVictims;
  std::shuffle(all.begin(), all.end(), engine);
  all.resize(count);
  return all;
}

}  // namespace

struct Tormentor::Hit {
  std::string name;
  pid_t pid;
  int signal;
  kj::AutoCloseFd pidfd;

  /// False: it was gone, or is another's now.
  bool send(const std::string& folder) {
    pidfd = kj::AutoCloseFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    return pidfd.get() >= 0 && is_called(pid, name, folder) && !runtime::has_ended(pidfd) && runtime::send_signal(pidfd, signal);
  }
};

std::vector<Blow> plan_torment(unsigned seed, uint64_t packets) {
  std::mt19937 engine(seed);
  std::vector<Blow> plan;
  for (const auto& name : kVictims) {
    for (int i = 0; i < 2; ++i) plan.push_back({0, {name}, {}});
    plan.push_back({0, {}, {name}});
  }
  plan.push_back({0, some_of(engine, 2), {}});
  plan.push_back({0, some_of(engine, 2), {}});
  plan.push_back({0, some_of(engine, 3), {}});
  plan.push_back({0, kServiceNames, {}});
  plan.push_back({0, kVictims, {}});
  plan.push_back({0, {}, some_of(engine, 2)});
  auto both = some_of(engine, 3);
  plan.push_back({0, {both[0]}, {both[1], both[2]}});
  std::shuffle(plan.begin(), plan.end(), engine);
  std::vector<uint64_t> moments;
  std::uniform_int_distribution<uint64_t> moment(packets / 50, packets / 100 * 85);
  for (size_t i = 0; i < plan.size(); ++i) moments.push_back(moment(engine));
  std::ranges::sort(moments);
  for (size_t i = 0; i < plan.size(); ++i) plan[i].at = moments[i];
  return plan;
}

void Tormentor::pause(unsigned below_us) {
  std::this_thread::sleep_for(std::chrono::microseconds(std::uniform_int_distribution<unsigned>(0, below_us)(engine_)));
}

std::optional<InstanceStatus> Tormentor::look() {
  auto answer = lab_.status();
  if (answer) check(*answer);
  return answer;
}

void Tormentor::check(const InstanceStatus& answer) {
  ++suffered_.answers;
  std::set<std::string> names;
  std::set<pid_t> pids;
  for (const ServiceStatus& service : answer.services)
    if (!names.insert(service.name).second || (service.pid != 0 && !pids.insert(service.pid).second))
      suffered_.wrong = "status: " + answer.text;
  if (names != std::set<std::string>(kServiceNames.begin(), kServiceNames.end())) suffered_.wrong = answer.text;
  if (pids.size() == kServiceNames.size()) ++suffered_.full_answers;
  auto const there = lab_.processes();
  for (const auto& name : kServiceNames) {
    auto const [first, last] = there.equal_range(name);
    // They were not all seen at the same moment: what counts is who is still alive now.
    if (std::count_if(first, last, [&](const auto& one) { return is_called(one.second, name, lab_.folder()); }) > 1)
      suffered_.wrong = "two processes of " + name;
  }
}

bool Tormentor::wait_for(uint64_t packets) {
  Pids ignored;
  return wait_for(packets, {}, ignored);
}

bool Tormentor::wait_for(uint64_t packets, const std::vector<std::string>& names, Pids& pids) {
  while (!lab_.cli_ended()) {
    auto const answer = look();
    if (!answer || answer->packets < packets) continue;
    pids.clear();
    pids["keeper"] = answer->keeper;
    for (const ServiceStatus& service : answer->services) pids[service.name] = service.pid;
    if (std::ranges::all_of(names, [&](const auto& name) { return pids[name] != 0; })) return true;
  }
  return false;
}

bool Tormentor::strike(const Blow& blow) {
  std::vector<std::string> names = blow.killed;
  names.insert(names.end(), blow.stopped.begin(), blow.stopped.end());
  Pids pids;
  if (!wait_for(blow.at, names, pids)) return false;
  pause(kPauseUs);
  std::vector<Hit> hits;
  for (const auto& name : blow.killed) hits.push_back({name, pids[name], SIGKILL, {}});
  for (const auto& name : blow.stopped) hits.push_back({name, pids[name], SIGSTOP, {}});
  std::shuffle(hits.begin(), hits.end(), engine_);
  std::vector<bool> sent;
  for (Hit& hit : hits) sent.push_back(hit.send(lab_.folder()));
  for (size_t i = 0; i < hits.size(); ++i)
    if (sent[i]) count(hits[i]);
  return true;
}

void Tormentor::count(const Hit& hit) {
  bool const killed = hit.signal == SIGKILL;
  if (!until([&] { return runtime::has_ended(hit.pidfd) || (!killed && is_stopped(hit.pid)); })) {
    suffered_.wrong = hit.name + " lives on after a signal";
    return;
  }
  ++(killed ? suffered_.all_kills : suffered_.all_stops);
  ++(killed ? suffered_.kills : suffered_.stops)[hit.name];
}

void Tormentor::run(const std::vector<Blow>& plan) {
  for (const Blow& blow : plan)
    if (!strike(blow)) return;
}

void Tormentor::hunt(const std::string& name, unsigned times) {
  pid_t last = 0;
  for (unsigned i = 0; i < times; ++i) {
    Hit hit{name, 0, SIGKILL, {}};
    auto const another = [&] {
      hit.pid = lab_.pid(name);
      return (hit.pid != 0 && hit.pid != last) || lab_.cli_ended();
    };
    if (!until(another) || lab_.cli_ended()) return;
    last = hit.pid;
    if (hit.send(lab_.folder())) count(hit);
  }
}

}  // namespace bulkhead::test
