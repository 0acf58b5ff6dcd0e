#include "common/ruleset/read/text.h"

#include "common/ruleset/read/builder.h"
#include "common/ruleset/read/scanner.h"

namespace bulkhead::ruleset {

std::vector<Command> read_text(Sources& sources, uint32_t index, const Registry& registry, const ReadOptions& options,
                               Diagnostics& diagnostics) {
  Scanner scanner(preprocess(sources, index, options, diagnostics), registry);
  Builder builder(registry, diagnostics);
  Parser parser(scanner, builder);
  parser.parse();
  builder.finish();
  return builder.take();
}

}  // namespace bulkhead::ruleset