// services/cli/instance.h: one instance from start to end.
//
// Who     replay.cc; the benchmark's empty chain (tests/bench/empty_chain.cc).
// Ends    pktio says done; something failed; SIGINT, SIGTERM, SIGHUP; `stop` over RPC. Whatever it was, all processes are
//         gone when run_instance() returns, and what pktio had committed is in the files.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "ipc/runtime/holder_client.h"
#include "ipc/state/counters.h"
#include "ipc/state/flow_table.h"
#include "ipc/state/pktio_state.h"
#include "ipc/state/walk.h"

namespace bulkhead::cli {

/// Objects of an instance that are read at its end. The views are null where the keeper never made them.
struct Records {
  memory::Mapping pktio_memory, conntrack_memory, conntrack_commit_memory, rules_memory, walk_memory;
  const state::PktioState* pktio = nullptr;
  const state::ConntrackState* conntrack = nullptr;
  const memory::CommitArea* conntrack_commit = nullptr;
  const state::RulesState* rules = nullptr;
  const state::Walk* walk = nullptr;
};

/// What became of packets, as far as it was committed.
struct Counts {
  uint64_t packets = 0, bytes = 0, accepted = 0, dropped = 0;
  std::array<uint64_t, static_cast<size_t>(chain::DropReason::count)> drops{};
};
[[nodiscard]] Counts counts_of(const state::PktioState& state);

struct Outcome {
  enum class End : uint8_t { done, interrupted, failed };
  End end = End::failed;
  int signal = 0;       // that interrupted; 0: somebody asked over RPC
  std::string failure;  // for people, when failed
  double seconds = 0;   // from the first packet (as far as a look every millisecond can tell) to the end
  std::map<std::string, control::Usage> usage;
  Records records;
  Counts counts;
};

struct InstanceOptions {
  control::Settings settings;
  std::string run_dir;  // empty: base/NAME-PID
  std::string name;     // replay
  std::map<std::string, kj::AutoCloseFd> files;
  std::optional<uid_t> first_user;  // see default_first_user()
};

/// 61000 for root, so that each service has a user of its own; none for everybody else.
[[nodiscard]] std::optional<uid_t> default_first_user();

/// SIGINT, SIGTERM and SIGHUP wait from here on until run_instance() takes them. For whoever writes files before that: a
/// signal in between must still lead to an orderly end, which is what makes them readable.
void hold_signals();

/// `progress` is called five times a second with what is known so far; may be empty.
[[nodiscard]] Result<Outcome> run_instance(InstanceOptions options, const std::function<void(const state::PktioState&)>& progress);

}  // namespace bulkhead::cli
