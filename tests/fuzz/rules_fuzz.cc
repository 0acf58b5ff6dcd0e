// tests/fuzz/rules_fuzz.cc: any bytes as a ruleset, text or JSON: an error, or a ruleset that can be listed.
#include <netdb.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "common/ruleset/check/apply.h"
#include "common/ruleset/read/text.h"
#include "common/ruleset/write/json.h"
#include "common/ruleset/write/print.h"

namespace {

using namespace bulkhead::ruleset;

bool read(const Registry& registry, Ruleset& ruleset, std::string text, bool json) {
  Sources sources;
  Diagnostics diagnostics;
  auto const index = sources.add("in", std::move(text));
  auto commands = json ? read_json(sources.at(index).text, registry, diagnostics)
                       : read_text(sources, index, registry, {}, diagnostics);
  bool const good = apply(ruleset, std::move(commands), registry, diagnostics);
  for (const Diagnostic& one : diagnostics.all()) static_cast<void>(to_text(one, sources));
  return good;
}

}  // namespace

// Names of hosts would be asked of the network.
extern "C" int getaddrinfo(const char*, const char*, const addrinfo*, addrinfo**) { return EAI_NONAME; }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Registry registry(all_modules());
  if (size == 0) return 0;
  std::string text(reinterpret_cast<const char*>(data), size);
  // The host's files and resolver are not what is tested here.
  if (text.find("include") != std::string::npos) return 0;
  Ruleset first;
  if (!read(registry, first, text, text[0] == '{')) return 0;
  static_cast<void>(json_text(first, {}));
  static_cast<void>(list_ruleset(first, {}));
  return 0;
}
