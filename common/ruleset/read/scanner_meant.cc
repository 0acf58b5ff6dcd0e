// common/ruleset/read/scanner_meant.cc: what was meant by a word that may not stand where it does.
#include "common/base/near_miss.h"
#include "common/ruleset/read/scanner.h"

namespace bulkhead::ruleset {
namespace {

constexpr std::string_view kAtTop[] = {"add", "create", "insert", "replace", "delete", "destroy", "flush", "list", "reset", "rename", "table",
  "chain", "rule", "set", "map", "element", "flowtable", "ruleset", "tables", "chains", "sets", "maps", "include", "define"};
constexpr std::string_view kInTable[] = {"chain", "set", "map", "flowtable", "flags", "comment", "include", "define"};
constexpr std::string_view kInChain[] = {"type", "hook", "device", "devices", "priority", "policy", "comment"};
constexpr std::string_view kInSet[] = {"type", "typeof", "flags", "timeout", "gc-interval", "size", "policy", "auto-merge", "elements", "comment"};
constexpr std::string_view kInFlowtable[] = {"hook", "priority", "devices", "flags", "counter"};

/// `saddr ether` begins with `saddr`.
std::string_view first_of(std::string_view name) { return name.substr(0, name.find(' ')); }

void add_parameters(const Module& module, std::vector<std::string_view>& words) {
  for (const Parameter& one : module.parameters) {
    words.push_back(one.name);
    words.insert(words.end(), one.words.begin(), one.words.end());
  }
}

void add_keys(const Module& module, std::vector<std::string_view>& words) {
  for (const Key& key : module.keys) words.push_back(first_of(key.name));
  words.insert(words.end(), module.modifiers.begin(), module.modifiers.end());
}

}  // namespace

/// A stray word is noticed at the next one: it could have begun an expression.
std::string Scanner::meant(bool is_word) const {
  const Token& last = tokens_[std::min(at_, tokens_.size()) - 1];
  bool const stray = stray_ != 0 && tokens_[stray_].at.source == last.at.source && tokens_[stray_].at.line == last.at.line;
  if (!is_word && !stray) return {};
  std::string_view const word = stray ? tokens_[stray_].text : last_;
  std::vector<std::string_view> words;
  auto const add = [&](std::span<const std::string_view> list) { words.insert(words.end(), list.begin(), list.end()); };
  if (asked_ != nullptr && !stray) {
    add_keys(*asked_, words);
    return did_you_mean(last_, words);
  }
  Block const block = blocks_.back();
  if (block == Block::top) add(kAtTop);
  if (block == Block::table) add(kInTable);
  if (block == Block::chain) add(kInChain);
  if (block == Block::set) add(kInSet);
  if (block == Block::flowtable) add(kInFlowtable);
  bool const objects = block == Block::top || block == Block::table;
  bool const rule = line_ == Line::rule || block == Block::values || block == Block::chain;
  for (const Module* const module : registry_.all())
    if (objects && module->object) words.push_back(first_of(module->object_name));
  if (rule) add(registry_.beginnings());
  for (const Module* const module : {statement_, left_, object_})
    if (module != nullptr) add_parameters(*module, words);
  return did_you_mean(word, words);
}

}  // namespace bulkhead::ruleset
