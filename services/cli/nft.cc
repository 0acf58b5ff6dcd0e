#include "services/cli/nft.h"

#include <cstdio>

#include "common/base/whole_file.h"
#include "common/ruleset/check/apply.h"
#include "common/ruleset/compile/compile.h"
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

  /// What a replay does not carry out yet is valid all the same, and said.
  void warn() {
    ruleset::Compiler::World world;
    world.any_interface = true;
    ruleset::Remarks remarks;
    static_cast<void>(ruleset::compile(ruleset_, world, {}, remarks));
    for (const ruleset::Remark& one : remarks.errors)
      std::fputs(ruleset::to_text({one.at, {}, one.text, true}, sources_).c_str(), stderr);
  }

  void list() {
    ruleset::Style const style = style_of(options_);
    for (const ruleset::Command& command : applied_.listings) {
      std::string const text = options_.json ? ruleset::list_json(ruleset_, command, style) + "\n" : ruleset::list_text(ruleset_, command, style);
      std::fputs(text.c_str(), stdout);
    }
  }

 private:
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
    auto text = read_whole_file(options.file, ruleset::kMostBytes);
    if (!text) {
      std::fputs(fmt::format("Error: Could not open file \"{}\": {}\n", options.file, text.error().message).c_str(), stderr);
      return 1;
    }
    if (!session.run(options.file == "-" ? "/dev/stdin" : options.file, std::move(*text))) return 1;
  }
  if (!options.words.empty() && !session.run("", fmt::format("{}", fmt::join(options.words, " ")))) return 1;
  if (options.check) session.warn();
  else session.list();
  return 0;
}

}  // namespace bulkhead::cli
