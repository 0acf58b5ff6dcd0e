// common/base/command_line.h: the command line of a program that has a handful of options.
//
// Who     keeper, and the programs that tests run. `bulkhead` itself, whose commands share many options, has CLI11, which
//         costs a compiler more than all of a service.
// Form    --name VALUE or --name=VALUE; a flag has no value. What is added without dashes is the next word that is no option.
// Errors  for people: the word, and what was wanted. The last of several values counts.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.h"

namespace bulkhead {

class CommandLine {
 public:
  enum class Need { optional, required };

  /// `program`: how it is called, with the command if it has several; `what`: what it does.
  CommandLine(std::string program, std::string what) : program_(std::move(program)), what_(std::move(what)) {}

  void add(std::string name, uint32_t& into, std::string help, Need need = Need::optional);
  /// Stays nullopt unless said.
  void add(std::string name, std::optional<uint32_t>& into, std::string help, Need need = Need::optional);
  void add(std::string name, uint64_t& into, std::string help, Need need = Need::optional);
  void add(std::string name, int& into, std::string help, Need need = Need::optional);
  void add(std::string name, std::string& into, std::string help, Need need = Need::optional);
  void add_flag(std::string name, bool& into, std::string help);
  /// One of some words, each of which stands for a value.
  template <class Value>
  void add(std::string name, Value& into, std::string help, std::initializer_list<std::pair<const char*, Value>> words,
           Need need = Need::optional) {
    std::vector<std::pair<std::string, Value>> const all(words.begin(), words.end());
    std::string wanted;
    for (const auto& [word, value] : all) wanted += (wanted.empty() ? "" : "|") + word;
    add(std::move(name), std::move(help), std::move(wanted), need, [&into, all](const std::string& text) {
      for (const auto& [word, value] : all)
        if (word == text) return into = value, true;
      return false;
    });
  }

  [[nodiscard]] Status parse(std::span<char* const> words);
  /// The same for main(): an exit status once there is nothing more to do: errors and --help are printed.
  [[nodiscard]] std::optional<int> read(std::span<char* const> words);
  [[nodiscard]] std::string help() const;

 private:
  /// False: no such value.
  using Set = std::function<bool(const std::string&)>;
  struct Option {
    std::string name, help, wanted;  // wanted: of the value; empty: a flag
    Need need;
    Set set;
    bool seen = false;
    [[nodiscard]] bool is_word() const { return !name.starts_with('-'); }
  };

  void add(std::string name, std::string help, std::string wanted, Need need, Set set);
  [[nodiscard]] Option* find(std::string_view name);
  [[nodiscard]] Option* next_word();

  std::string program_, what_;
  std::vector<Option> options_;
};

}  // namespace bulkhead
