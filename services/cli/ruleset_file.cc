#include "services/cli/ruleset_file.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "common/rules/print.h"
#include "ipc/ruleset.h"

namespace bulkhead::cli {
namespace {

Result<std::string> read_whole(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return fail_errno(errno, "{}: cannot open this ruleset", path);
  std::string text(std::istreambuf_iterator<char>(stream), {});
  if (stream.bad()) return fail_errno(errno, "{}: cannot read this ruleset", path);
  if (text.size() > rules::kMostBytes) return fail("{}: larger than {} bytes", path, rules::kMostBytes);
  return text;
}

void set_number(rules::Statement& statement, const char* name, uint64_t value) {
  rules::Expression number;
  number.kind = rules::Kind::value;
  number.number = value;
  statement.set(name, std::move(number));
}

}  // namespace

Result<std::unique_ptr<rules::Loaded>> read_ruleset_file(const std::string& path, Settings& settings) {
  auto text = read_whole(path);
  if (!text) return tl::unexpected(text.error());
  rules::ReadOptions options;
  options.include_paths.emplace_back("/etc");
  auto loaded = rules::load(path, *text, world_of(settings), options);
  if (!loaded) return tl::unexpected(loaded.error());
  set_ruleset(settings, **loaded);
  return loaded;
}

Status write_ruleset(const std::string& path, rules::Loaded& loaded, const RulesState& state) {
  for (const rules::Counted& counted : loaded.program.counted) {
    // The program points into the ruleset beside it, which is ours.
    auto& statement = *const_cast<rules::Statement*>(counted.statement);
    auto const value = [&](uint32_t i) {
      return state.words()[counted.word + i].load() + loaded.program.initial[counted.word + i];
    };
    std::string_view const name = statement.module->name;
    if (name == "counter") {
      set_number(statement, "packets", value(0));
      set_number(statement, "bytes", value(1));
    } else if (name == "quota" && value(0) != 0) {
      // What goes beyond is counted, and not shown.
      auto const most = static_cast<uint64_t>(statement.argument("bytes")->number);
      set_number(statement, "used", std::min(value(0), most));
    }
  }
  std::ofstream file(path);
  file << rules::list_ruleset(loaded.ruleset, {});
  if (file.flush()) return {};
  return fail("{}: cannot write the ruleset", path);
}

}  // namespace bulkhead::cli
