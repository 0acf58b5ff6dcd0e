// common/ruleset/run/select.h: steps that load what a select names.
#pragma once

#include "common/ruleset/run/program.h"

namespace bulkhead::ruleset::run {

/// The step's function for `meta KEY`, `ct KEY`; null: not supported. For ct the step's offset is the direction: 0 original,
/// 1 reply, 2 none named.
[[nodiscard]] Step::Run meta(std::string_view key);
[[nodiscard]] Step::Run flow(std::string_view key);

/// A text as registers hold it: sixteen bytes, zeros behind.
[[nodiscard]] Number text_number(std::string_view text);

}  // namespace bulkhead::ruleset::run