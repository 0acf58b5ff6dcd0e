// common/ruleset/read/text.h: text in nft's language into commands.
#pragma once

#include "common/ruleset/read/token.h"
#include "common/ruleset/tree/command.h"
#include "common/ruleset/tree/module.h"

namespace bulkhead::ruleset {

/// Every error of the source goes to diagnostics; with any, the commands are not to be carried out.
std::vector<Command> read_text(Sources& sources, uint32_t index, const Registry& registry, const ReadOptions& options,
                               Diagnostics& diagnostics);

}  // namespace bulkhead::ruleset