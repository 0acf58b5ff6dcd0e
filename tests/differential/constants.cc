#include "tests/differential/constants.h"

#include <algorithm>

#include "common/ruleset/tree/module.h"

namespace bulkhead::test {
namespace {

using ruleset::Expression, ruleset::Kind, ruleset::Number;

class Collect {
 public:
  Collect(const ruleset::Table& table, Constants& into) : table_(table), into_(into) {}

  void statement(const ruleset::Statement& statement) {
    const Expression *left = statement.argument("left"), *right = statement.argument("right");
    const Expression *key = statement.argument("key"), *data = statement.argument("data");
    if (left != nullptr && right != nullptr) compared(*left, *right);
    if (key != nullptr && data != nullptr) compared(*key, *data);
    for (const auto& argument : statement.arguments) lookups(argument.value);
  }

 private:
  void lookups(const Expression& expression) {
    if (expression.is(Kind::lookup)) compared(expression.parts.at(0), expression.parts.at(1));
    for (const Expression& part : expression.parts) lookups(part);
  }

  void compared(const Expression& left, const Expression& right) {
    switch (right.kind) {
      case Kind::set:
        for (const Expression& element : right.parts) compared(left, element);
        return;
      case Kind::element: return compared(left, right.parts.at(0));
      case Kind::reference:
        if (const ruleset::Set* const set = ruleset::find_named(table_.sets, right.text))
          for (const Expression& element : set->elements) compared(left, element);
        return;
      default: break;
    }
    if (left.is(Kind::concat) && right.parts.size() == left.parts.size()) {
      for (size_t i = 0; i < left.parts.size(); ++i) compared(left.parts[i], right.parts[i]);
    } else if (left.is(Kind::binary)) {
      compared(left.parts.at(0), right);
    } else if (left.is(Kind::select)) {
      constant(key_of(left), right);
    }
  }

  static std::string key_of(const Expression& select) {
    std::string key(select.module->name);
    if (select.module->name == "@") return fmt::format("@{},{},{}", select.key->name, static_cast<uint64_t>(select.number), select.bits);
    return key.append(" ").append(select.key->name);
  }

  void constant(const std::string& key, const Expression& right) {
    const Expression& low = right.parts.empty() ? right : right.parts.front();
    if (right.is(Kind::value) && !right.text.empty()) {
      std::string name = right.text;
      if (name.ends_with('*')) name.pop_back();
      into_.names[key].push_back(name);
    } else if (right.is(Kind::value)) {
      into_.ranges[key].push_back({right.number, right.number});
    } else if (right.is(Kind::range)) {
      into_.ranges[key].push_back({low.number, right.parts.at(1).number});
    } else if (right.is(Kind::prefix)) {
      auto const rest = (Number{1} << (low.bits - static_cast<unsigned>(right.number))) - 1;
      into_.ranges[key].push_back({low.number & ~rest, low.number | rest});
    } else if (right.is(Kind::list) || right.is(Kind::binary)) {
      Number all = 0;
      for (const Expression& part : right.parts) all |= part.number;
      into_.ranges[key].push_back({all, all});
    }
  }

  const ruleset::Table& table_;
  Constants& into_;
};

}  // namespace

bool Constants::has(std::string_view module) const {
  std::string const beginning = std::string(module) + " ";
  return std::ranges::any_of(ranges, [&](const auto& one) { return one.first.starts_with(beginning); });
}

std::vector<Constants> constants_of(const ruleset::Ruleset& ruleset) {
  std::vector<Constants> all;
  for (const auto& table : ruleset.tables)
    for (const auto& chain : table.chains)
      for (const auto& rule : chain.rules) {
        Constants one;
        for (const auto& statement : rule.statements) Collect(table, one).statement(statement);
        if (!one.ranges.empty() || !one.names.empty()) all.push_back(std::move(one));
      }
  return all;
}

ruleset::Number Draw::value(std::initializer_list<const char*> keys, ruleset::Number otherwise) {
  for (const char* const key : keys) {
    auto const found = constants_.ranges.find(key);
    if (found == constants_.ranges.end()) continue;
    auto const& range = found->second[random_.below(static_cast<uint32_t>(found->second.size()))];
    switch (random_.below(8)) {
      case 0: return range.low - 1;
      case 1: return range.high + 1;
      case 2: case 3: return range.high;
      case 4: return range.low + (range.high - range.low) / 2;
      default: return range.low;
    }
  }
  return otherwise;
}

std::string Draw::name(std::initializer_list<const char*> keys) {
  for (const char* const key : keys)
    if (auto const found = constants_.names.find(key); found != constants_.names.end())
      return found->second[random_.below(static_cast<uint32_t>(found->second.size()))];
  return {};
}

}  // namespace bulkhead::test
