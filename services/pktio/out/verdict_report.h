// services/pktio/out/verdict_report.h: what verdicts.jsonl says about an input: names instead of numbers.
//
// Who     home, for each input that came home; the form is verdict_line.h's.
// Trust   interfaces, verdict and state of the descriptor have been checked; a rule that is none is not named.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "common/packet/nat_rewrite.h"
#include "ipc/chain/descriptor.h"
#include "ipc/control/settings.h"
#include "services/pktio/out/inputs.h"
#include "services/pktio/out/verdict_line.h"

namespace bulkhead::pktio {

class VerdictReport {
 public:
  explicit VerdictReport(const control::Settings& settings);

  /// Bytes of a line at most.
  [[nodiscard]] size_t most() const { return line_.size(); }
  /// `what`: how it is translated; null: not. Valid until the next call.
  [[nodiscard]] std::string_view line(const chain::Descriptor& descriptor, const Input& input, const packet::Rewriting* what);

 private:
  void name_fate(const chain::Descriptor& descriptor, VerdictLine& line) const;

  std::vector<std::string> interfaces_;
  std::vector<std::string> rules_;  // by number, in JSON
  std::vector<char> line_;          // room for the longest
  std::array<char, kEndpointMost> source_, destination_;
};

}  // namespace bulkhead::pktio
