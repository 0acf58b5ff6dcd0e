// common/ruleset/write/json_tree.h: parts of the generic structure as JSON values; for json*.cc only, which alone compile nlohmann's.
#pragma once

#include <nlohmann/json.hpp>

#include "common/ruleset/tree/module.h"

namespace bulkhead::ruleset {

nlohmann::ordered_json to_json(const Expression& expression, const Style& style);
nlohmann::ordered_json to_json(const Statement& statement, const Style& style);
/// A statement whose module has no form of its own.
nlohmann::ordered_json general_json(const Statement& statement, const Style& style);
/// With a space after each colon and comma, as jansson writes.
std::string spaced(const nlohmann::ordered_json& json);

}  // namespace bulkhead::ruleset