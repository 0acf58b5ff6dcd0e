// common/ruleset/write/print.h: a ruleset as `nft list ruleset` prints it.
#pragma once

#include "common/ruleset/tree/command.h"
#include "common/ruleset/tree/module.h"

namespace bulkhead::ruleset {

std::string list_ruleset(const Ruleset& ruleset, const Style& style);
/// What a `list` command asks for.
std::string list_text(const Ruleset& ruleset, const Command& list, const Style& style);
/// `filter - 5`, or the number.
std::string priority_text(std::string_view family, std::string_view hook, int32_t priority, const Style& style);
/// The number that a priority's name stands for there, or nothing.
std::optional<int32_t> priority_number(std::string_view family, std::string_view hook, std::string_view name);
std::string rule_text(const Rule& rule, std::string_view family, const Style& style);

}  // namespace bulkhead::ruleset