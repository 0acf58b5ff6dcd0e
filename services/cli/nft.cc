#include "services/cli/nft.h"

#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

#include "common/ruleset/check/apply.h"
#include "common/ruleset/read/text.h"
#include "common/ruleset/write/json.h"
#include "common/ruleset/write/print.h"

namespace bulkhead::cli {
namespace {

using namespace bulkhead::ruleset;

ruleset::Style style_of(const NftOptions& options) {
  ruleset::Style style;
  if (options.numeric) style.all_numeric();
  style.handles = options.handles;
  style.stateless = options.stateless;
  style.terse = options.terse;
  style.numeric_priority |= options.numeric_priority;
  style.numeric_protocol |= options.numeric_protocol;
  style.numeric_time |= options.numeric_time;
  style.service = options.service;
  style.guid = options.guid;
  return style;
}

Result<std::string> read_whole(const std::string& file) {
  if (file == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream stream(file, std::ios::binary);
  std::string text;
  if (stream) text.assign(std::istreambuf_iterator<char>(stream), {});
  if (!stream || stream.bad()) return fail_errno(errno, "Error: Could not open file \"{}\"", file);
  if (text.size() > ruleset::kMostBytes) return fail("Error: file \"{}\" is larger than {} bytes", file, ruleset::kMostBytes);
  return text;
}

/// One source read and carried out; false, and the errors printed, if it cannot be.
class Session {
 public:
  explicit Session(const NftOptions& options) : options_(options), registry_(ruleset::all_modules()) {
    read_.include_paths = options.include_paths;
    read_.include_paths.emplace_back("/etc");
    for (const std::string& define : options.defines)
      if (auto const at = define.find('='); at != std::string::npos) read_.defines.emplace_back(define.substr(0, at), define.substr(at + 1));
  }

  bool run(std::string name, std::string text) {
    ruleset::Diagnostics diagnostics;
    bool const json = options_.json && text.find_first_not_of(" \t\r\n") != std::string::npos && text[text.find_first_not_of(" \t\r\n")] == '{';
    auto const index = sources_.add(std::move(name), std::move(text));
    std::vector<ruleset::Command> commands = json ? ruleset::read_json(sources_.at(index).text, registry_, diagnostics)
                                         : ruleset::read_text(sources_, index, registry_, read_, diagnostics);
    bool const good = ruleset::apply(ruleset_, std::move(commands), registry_, diagnostics, &applied_);
    for (const ruleset::Diagnostic& one : diagnostics.all()) std::fputs(ruleset::to_text(one, sources_).c_str(), stderr);
    return good;
  }

  void list() {
    ruleset::Style const style = style_of(options_);
    for (const ruleset::Command& command : applied_.listings) {
      ruleset::Ruleset shown;
      for (const ruleset::Table& table : ruleset_.tables)
        if (wanted(command, table)) shown.tables.push_back(table);
      if (options_.json) std::fputs((ruleset::json_text(shown, style) + "\n").c_str(), stdout);
      else if (command.thing == ruleset::Thing::tables)
        for (const ruleset::Table& table : shown.tables) std::fputs(fmt::format("table {} {}\n", table.family, table.name).c_str(), stdout);
      else std::fputs(ruleset::list_ruleset(shown, style).c_str(), stdout);
    }
  }

 private:
  static bool wanted(const ruleset::Command& command, const ruleset::Table& table) {
    if (command.thing == ruleset::Thing::ruleset || command.thing == ruleset::Thing::tables) return command.family.empty() || command.family == table.family;
    return command.thing == ruleset::Thing::table && command.family == table.family && command.table.text == table.name;
  }

  const NftOptions& options_;
  ruleset::Registry registry_;
  ruleset::ReadOptions read_;
  ruleset::Sources sources_;
  ruleset::Ruleset ruleset_;
  ruleset::Applied applied_;
};

}  // namespace

int nft(const NftOptions& options) {
  if (!options.check && !options.offline) {
    std::fputs("Error: without a running firewall use --offline, or -c to check a file\n", stderr);
    return 1;
  }
  Session session(options);
  if (!options.file.empty()) {
    auto text = read_whole(options.file);
    if (!text) {
      std::fputs((text.error().message + "\n").c_str(), stderr);
      return 1;
    }
    if (!session.run(options.file == "-" ? "/dev/stdin" : options.file, std::move(*text))) return 1;
  }
  if (!options.words.empty() && !session.run("", fmt::format("{}", fmt::join(options.words, " ")))) return 1;
  if (!options.check) session.list();
  return 0;
}

}  // namespace bulkhead::cli
