// tests/replay/torment.h: kills and stops the processes of a running replay, by a plan that a seed chooses.
//
// Plan    each of the five alone, twice killed and once stopped; pairs and triples; all services; all services and the
//         keeper; a stop and a kill at the same time. The moment of a blow is a number of packets taken in, and some
//         microseconds more.
// Count   a kill counts if the process was alive and of that name when it was sent, and has ended since. A stop counts
//         if the process was then seen stopped, or ended (who hangs is killed).
// Looks   `bulkhead status` is asked all the time; each answer must name each service once, no two with the same pid,
//         and no service may be there twice in /proc.
#pragma once

#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/replay/replay_lab.h"

namespace bulkhead::test {

struct Blow {
  uint64_t at = 0;  // packets
  std::vector<std::string> killed, stopped;
};

[[nodiscard]] std::vector<Blow> plan_torment(unsigned seed, uint64_t packets);

struct Suffered {
  std::map<std::string, unsigned> kills, stops;
  unsigned all_kills = 0, all_stops = 0;
  unsigned answers = 0;         // of status
  unsigned full_answers = 0;    // in which every service ran
  std::string wrong;            // what a look found; empty: nothing
};

class Tormentor {
 public:
  Tormentor(ReplayLab& lab, unsigned seed) : lab_(lab), engine_(seed) {}

  /// Until the plan is done or the replay has ended.
  void run(const std::vector<Blow>& plan);
  /// Kills it, and each successor as soon as it is seen: `times` in all.
  void hunt(const std::string& name, unsigned times);
  /// False: the replay ended before.
  bool wait_for(uint64_t packets);
  [[nodiscard]] const Suffered& suffered() const { return suffered_; }

 private:
  using Pids = std::map<std::string, pid_t>;
  struct Hit;

  std::optional<InstanceStatus> look();
  /// And all `names` have a process.
  bool wait_for(uint64_t packets, const std::vector<std::string>& names, Pids& pids);
  /// False: the replay ended before.
  bool strike(const Blow& blow);
  void count(const Hit& hit);
  void check(const InstanceStatus& answer);
  void pause(unsigned below_us);

  ReplayLab& lab_;
  std::mt19937 engine_;
  Suffered suffered_;
};

}  // namespace bulkhead::test
