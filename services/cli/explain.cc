#include "services/cli/explain.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/ruleset/write/print.h"
#include "services/cli/complain.h"

namespace bulkhead::cli {
namespace {

/// A folder that goes when we do.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "bulkhead-explain-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// The packet's line of verdicts.jsonl; empty: there is none.
std::string verdict_line(const std::string& directory, const control::Settings& settings) {
  std::ifstream lines(directory + "/verdicts.jsonl");
  const std::string& name = settings.interfaces[settings.explained.interface].name;
  std::string const start = fmt::format("{{\"n\":{},\"in\":\"{}\",", settings.explained.packet, name);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(start)) return line;
  return {};
}

std::string said(const nlohmann::json& verdict) {
  std::string text = fmt::format("verdict {}", verdict.value("verdict", ""));
  if (verdict.contains("reason")) text += fmt::format(" ({})", verdict["reason"].get<std::string>());
  if (verdict.contains("rule")) {
    auto const& rule = verdict["rule"];
    text += fmt::format(" by {} {} {} handle {}", rule.value("family", ""), rule.value("table", ""), rule.value("chain", ""),
                        rule.value("handle", 0));
  }
  if (verdict.contains("out")) text += fmt::format(", out {}", verdict["out"].get<std::string>());
  if (verdict.contains("nat"))
    for (auto const& [part, to] : verdict["nat"].items()) text += fmt::format(", {} becomes {}", part, to.get<std::string>());
  return text + "\n";
}

/// Prints a walk: a line for each step, with headings where hook or chain change.
class Story {
 public:
  explicit Story(const ruleset::Loaded& loaded) : program_(loaded.program) {
    for (const ruleset::Table& table : loaded.ruleset.tables)
      for (const ruleset::Chain& chain : table.chains) {
        chains_.push_back(&chain);
        for (const ruleset::Rule& rule : chain.rules) rules_.push_back(&rule);
      }
  }
  std::string tell(const state::Walk& walk) {
    uint64_t const all = walk.steps.load(), there = std::min(all, walk.header.capacity);
    for (uint64_t i = 0; i < there; ++i) {
      state::WalkStep step;
      memory::copy_out(&step, walk.at(i), sizeof step);
      add(step);
    }
    if (all > there) text_ += fmt::format("... {} more\n", all - there);
    return std::move(text_);
  }

 private:
  void add(const state::WalkStep& step) {
    bool const policy = step.what == state::WalkStep::What::policy;
    if (step.index >= (policy ? chains_.size() : rules_.size())) return;
    uint32_t const chain = policy ? step.index : program_.rules[step.index].chain;
    enter(step.hook, chain);
    if (policy) {
      text_ += fmt::format("    policy {}\n", program_.chains[chain].drops ? "drop" : "accept");
      chain_ = kNone;  // the next chain is another one, or this one again
      return;
    }
    std::string_view const matched = step.what == state::WalkStep::What::matched ? "yes" : "no";
    const ruleset::Rule& rule = *rules_[step.index];
    text_ += fmt::format("    {:<4} line {:<5} {}\n", matched, rule.at.line,
                         ruleset::rule_text(rule, program_.chains[chain].family, {.stateless = true}));
  }
  void enter(uint8_t hook, uint32_t chain) {
    if (hook != hook_) text_ += fmt::format("\n{}\n", hook < ruleset::kHookNames.size() ? ruleset::kHookNames[hook] : "?");
    if (hook != hook_ || chain != chain_) {
      const ruleset::CompiledChain& entered = program_.chains[chain];
      text_ += fmt::format("  chain {} {} {}{}\n", entered.family, entered.table, entered.name,
                           chains_[chain]->base ? fmt::format(" (priority {})", entered.priority) : "");
    }
    hook_ = hook;
    chain_ = chain;
  }

  static constexpr uint32_t kNone = ~0U;
  const ruleset::Program& program_;
  std::vector<const ruleset::Chain*> chains_;
  std::vector<const ruleset::Rule*> rules_;
  std::string text_;
  uint8_t hook_ = 0xff;
  uint32_t chain_ = kNone;
};

}  // namespace

int explain(ReplayOptions options) {
  Folder const folder;
  if (folder.path().empty()) return complain("no folder can be made in the one for temporary files");
  options.directory = folder.path();
  std::string const name = options.packet;
  auto replayed = run_replay(std::move(options));
  if (!replayed) return complain(replayed.error().message);
  if (!replayed->outcome.failure.empty()) return complain(replayed->outcome.failure);
  if (replayed->outcome.end != Outcome::End::done) return complain("interrupted");
  std::string const line = verdict_line(folder.path(), replayed->settings);
  auto const verdict = nlohmann::json::parse(line, nullptr, false);
  if (!verdict.is_object()) return complain(fmt::format("{}: the capture has no such packet", name));
  fmt::print("{}  time {}  state {}\n", name, verdict.value("time", ""), verdict.value("state", ""));
  const state::Walk* const walk = replayed->outcome.records.walk;
  if (replayed->ruleset && walk != nullptr) fmt::print("{}", Story(*replayed->ruleset).tell(*walk));
  fmt::print("\n{}", said(verdict));
  return 0;
}

}  // namespace bulkhead::cli
