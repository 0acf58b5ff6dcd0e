// common/ruleset/write/json.h: rulesets as libnftables' JSON, out and in.
#pragma once

#include "common/ruleset/tree/command.h"
#include "common/ruleset/tree/module.h"
#include "common/ruleset/tree/source.h"

namespace bulkhead::ruleset {

/// One line, as `nft -j list ruleset` prints it, without the line's end.
std::string json_text(const Ruleset& ruleset, const Style& style);

/// What a `list` command asks for.
std::string list_json(const Ruleset& ruleset, const Command& list, const Style& style);

/// As `nft -j -f` takes it.
std::vector<Command> read_json(const std::string& text, const Registry& registry, Diagnostics& diagnostics);

}  // namespace bulkhead::ruleset