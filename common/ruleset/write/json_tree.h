// common/ruleset/write/json_tree.h: parts of the generic structure as JSON values; for json.cc and what modules make.
#pragma once

#include "common/ruleset/tree/json.h"
#include "common/ruleset/tree/module.h"

namespace bulkhead::ruleset {

Json to_json(const Expression& expression, const Style& style);
Json to_json(const Statement& statement, const Style& style);
/// `maxseg size` is the option and its field.
Json option_json(const Module& module, std::string_view key);
inline Json number_json(Number number) { return static_cast<uint64_t>(number); }
/// The argument's number, or 0; the argument's text, or none.
Json number_of(const Expression* argument);
Json text_of(const Expression* argument);
/// Those of the names that the statement has: one alone, or several in an array.
Json flags_json(const Statement& statement, std::initializer_list<const char*> names);
/// `ip` or `ip6`, if the statement says so.
void put_family(const Statement& statement, Json& object);

}  // namespace bulkhead::ruleset
