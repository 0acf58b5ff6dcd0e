#include "ipc/runtime/arguments.h"

#include <algorithm>
#include <charconv>
#include <vector>

namespace bulkhead::runtime {
namespace {

template <class Number>
bool read(std::string_view word, Number& into) {
  const char* const end = word.data() + word.size();
  auto const [behind, error] = std::from_chars(word.data(), end, into);
  return error == std::errc() && behind == end && into >= 0;
}

struct Reader {
  std::string_view word;

  bool operator()(std::string* text) const { return text->assign(word), !word.empty(); }
  bool operator()(int* number) const { return read(word, *number); }
  bool operator()(uint64_t* number) const { return read(word, *number); }
  bool operator()(std::optional<uid_t>* user) const { return read(word, user->emplace()); }
};

}  // namespace

Status read_arguments(std::span<char* const> words, std::initializer_list<Argument> table) {
  std::vector<std::string_view> seen;
  for (size_t i = 1; i < words.size(); i += 2) {
    std::string_view const name = words[i];
    auto const* const found = std::ranges::find(table, name, &Argument::name);
    if (found == table.end()) return fail("{}: no such option", name);
    if (std::ranges::find(seen, name) != seen.end()) return fail("{}: is there twice", name);
    if (i + 1 == words.size()) return fail("{}: wants a value", name);
    if (!std::visit(Reader{words[i + 1]}, found->into))
      return fail("{}: '{}' is no value for it", name, words[i + 1]);
    seen.push_back(name);
  }
  for (const Argument& argument : table)
    if (!std::holds_alternative<std::optional<uid_t>*>(argument.into) &&
        std::ranges::find(seen, argument.name) == seen.end())
      return fail("{}: is missing", argument.name);
  return {};
}

}  // namespace bulkhead::runtime
