#include "common/base/command_line.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace bulkhead {
namespace {

template <class Number>
auto number(auto& into) {
  return [&into](const std::string& text) {
    Number value{};
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return false;
    into = value;
    return true;
  };
}

}  // namespace

void CommandLine::add(std::string name, std::string help, std::string wanted, Need need, Set set) {
  options_.push_back({std::move(name), std::move(help), std::move(wanted), need, std::move(set)});
}
void CommandLine::add(std::string name, uint32_t& into, std::string help, Need need) {
  add(std::move(name), std::move(help), "NUMBER", need, number<uint32_t>(into));
}
void CommandLine::add(std::string name, std::optional<uint32_t>& into, std::string help, Need need) {
  add(std::move(name), std::move(help), "NUMBER", need, number<uint32_t>(into));
}
void CommandLine::add(std::string name, uint64_t& into, std::string help, Need need) {
  add(std::move(name), std::move(help), "NUMBER", need, number<uint64_t>(into));
}
void CommandLine::add(std::string name, int& into, std::string help, Need need) {
  add(std::move(name), std::move(help), "NUMBER", need, number<int>(into));
}
void CommandLine::add(std::string name, std::string& into, std::string help, Need need) {
  add(std::move(name), std::move(help), "TEXT", need, [&into](const std::string& text) { return into = text, true; });
}
void CommandLine::add_flag(std::string name, bool& into, std::string help) {
  add(std::move(name), std::move(help), "", Need::optional, [&into](const std::string&) { return into = true, true; });
}

CommandLine::Option* CommandLine::find(std::string_view name) {
  auto const found = std::ranges::find_if(options_, [&](const Option& one) { return !one.is_word() && one.name == name; });
  return found == options_.end() ? nullptr : &*found;
}

CommandLine::Option* CommandLine::next_word() {
  auto const found = std::ranges::find_if(options_, [](const Option& one) { return one.is_word() && !one.seen; });
  return found == options_.end() ? nullptr : &*found;
}

Status CommandLine::parse(std::span<char* const> words) {
  for (size_t i = 0; i < words.size(); ++i) {
    std::string const word = words[i];
    bool const dashed = word.size() > 1 && word[0] == '-';
    size_t const equals = dashed ? word.find('=') : std::string::npos;
    Option* const option = dashed ? find(std::string_view(word).substr(0, equals)) : next_word();
    if (option == nullptr) return fail("'{}' is not known here", word);
    std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
    if (option->wanted.empty() && equals != std::string::npos) return fail("{} has no value", option->name);
    if (!option->wanted.empty() && equals == std::string::npos) {
      if (dashed && ++i == words.size()) return fail("{}: wanted: {}", option->name, option->wanted);
      value = words[i];
    }
    if (!option->set(value)) return fail("{} {}: wanted: {}", option->name, value, option->wanted);
    option->seen = true;
  }
  for (const Option& option : options_)
    if (option.need == Need::required && !option.seen) return fail("{} is missing", option.name);
  return {};
}

std::optional<int> CommandLine::read(std::span<char* const> words) {
  for (std::string_view const word : words)
    if (word == "--help" || word == "-h") return std::fputs(help().c_str(), stdout), 0;
  auto const parsed = parse(words);
  if (parsed) return std::nullopt;
  std::fputs(fmt::format("{}: {}\nRun with --help for more information.\n", program_, parsed.error().message).c_str(), stderr);
  return 1;
}

std::string CommandLine::help() const {
  std::string text = fmt::format("{}: {}\n", program_, what_);
  for (const Option& one : options_)
    text += fmt::format("  {:<36} {}{}\n", one.wanted.empty() ? one.name : one.name + " " + one.wanted, one.help,
                        one.need == Need::required ? " (needed)" : "");
  return text;
}

}  // namespace bulkhead
