// services/cli/summary.h: what people and the benchmark are told about a run.
#pragma once

#include <string>
#include <vector>

#include "services/cli/instance.h"

namespace bulkhead::cli {

/// Lines for people. `directory` is where the outputs are; empty: there are none. `flows`: as many as conntrack.txt lists.
[[nodiscard]] std::string summary(const Outcome& outcome, const std::string& directory, std::optional<uint64_t> flows);

/// One line of JSON: packets, seconds, pps; of each service user and system time, context switches, batches,
/// sleeps, bells, memory. Complete if no service was restarted.
[[nodiscard]] std::string figures(const Outcome& outcome);

/// Inputs that could not be read to their end: the error, file and packet number in it.
[[nodiscard]] std::vector<std::string> input_errors(const Outcome& outcome,
                                                    const std::vector<control::Settings::Interface>& interfaces);

/// As much of it as a line of so many columns holds: the bar goes first, then the pace, then the packets.
[[nodiscard]] std::string progress_line(double part, uint64_t packets, double each_second, size_t columns);

/// A bar on stderr; nothing if stderr is no terminal.
class ProgressBar {
 public:
  explicit ProgressBar(uint64_t input_bytes);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void show(const state::PktioState& state);

 private:
  uint64_t input_bytes_;
  uint64_t begin_ns_;
  bool terminal_;
  bool shown_ = false;
};

}  // namespace bulkhead::cli
