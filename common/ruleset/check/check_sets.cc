// common/ruleset/check/check_sets.cc: sets, maps and their elements.
//
// Order   as nft lists: intervals by where they begin; single values by value, host-order ones as little-endian numbers;
//         concatenations by their bytes, last byte first; concatenations with ranges as they were added.
#include <algorithm>

#include "common/ruleset/check/checker.h"

namespace bulkhead::ruleset {
namespace {

bool wide(const Expression& key) { return key.is(Kind::range) || key.is(Kind::prefix); }

bool wildcard_text(const Expression& key) { return key.is(Kind::value) && key.type->text && key.text.ends_with('*'); }

/// The bytes that the kernel keeps of a value, as nft compares them: least significant first.
void append_bytes(const Expression& value, std::string& bytes) {
  if (value.type != nullptr && value.type->text) {
    std::string text = value.text;
    text.resize(16, '\0');
    bytes += text;
    return;
  }
  size_t const count = (value.bits + 7u) / 8;
  std::string own;
  Number number = low_of(value);
  for (size_t i = 0; i < count; ++i, number >>= 8) own += static_cast<char>(number & 0xff);
  if (value.type == nullptr || value.type->order != ByteOrder::host) std::ranges::reverse(own);
  bytes += own;
  bytes.resize((bytes.size() + 3) / 4 * 4, '\0');
}

std::string sort_bytes(const Expression& key) {
  std::string bytes;
  if (key.is(Kind::concat))
    for (const Expression& part : key.parts) append_bytes(part, bytes);
  else append_bytes(key, bytes);
  std::ranges::reverse(bytes);
  return bytes;
}

/// By value; several flags together come before all others, as nft sorts them.
std::string number_bytes(const Expression& key) {
  std::string bytes;
  Number number = low_of(key);
  if (key.type != nullptr && key.type->bitmask && (number & (number - 1)) != 0) number = 0;
  for (int i = 0; i < 16; ++i, number >>= 8) bytes.insert(bytes.begin(), static_cast<char>(number & 0xff));
  return key.is(Kind::wildcard) ? std::string(64, '\xff') : bytes;
}

bool same_key(const Expression& left, const Expression& right) {
  if (left.is(Kind::concat) != right.is(Kind::concat)) return false;
  if (!left.is(Kind::concat)) return same(left, right);
  if (left.parts.size() != right.parts.size()) return false;
  for (size_t i = 0; i < left.parts.size(); ++i)
    if (!same(left.parts[i], right.parts[i])) return false;
  return true;
}

bool any_wide(const Expression& key) {
  return key.is(Kind::concat) ? std::ranges::any_of(key.parts, wide) : wide(key);
}

Expression network_or_range(Expression low, Number high) {
  Expression made = low;
  unsigned host = 0;
  while (host < low.bits && low.number + all_ones(host) < high) ++host;
  if (low.type->prefixes && low.number + all_ones(host) == high && (low.number & all_ones(host)) == 0) {
    made.kind = Kind::prefix;
    made.number = low.bits - host;
    made.parts = {std::move(low)};
    return made;
  }
  Expression end = low;
  end.number = high;
  made.kind = Kind::range;
  made.parts = {std::move(low), std::move(end)};
  return made;
}

bool plain_element(const Expression& element) { return element.arguments.empty() && element.statements.empty(); }

bool arrange_intervals(std::vector<Expression>& elements, bool merge, Checker& checker) {
  std::ranges::stable_sort(elements, [](const Expression& left, const Expression& right) {
    bool const any_left = left.parts[0].is(Kind::wildcard), any_right = right.parts[0].is(Kind::wildcard);
    if (any_left || any_right) return !any_left && any_right;
    return low_of(left.parts[0]) < low_of(right.parts[0]);
  });
  std::vector<Expression> arranged;
  for (Expression& element : elements) {
    if (arranged.empty() || element.parts[0].is(Kind::wildcard)) {
      arranged.push_back(std::move(element));
      continue;
    }
    Expression& last = arranged.back();
    Number const low = low_of(element.parts[0]), high = high_of(element.parts[0]);
    Number const last_low = low_of(last.parts[0]), last_high = high_of(last.parts[0]);
    bool const overlaps = low <= last_high;
    bool const touches = last_high != ~Number{0} && low == last_high + 1;
    if (overlaps && low == last_low && high == last_high && element.parts.size() == 1) continue;
    if (merge && element.parts.size() == 1 && (overlaps || touches) && plain_element(element) && plain_element(last)) {
      last.parts[0] = interval(last.parts[0], last_low, std::max(high, last_high));
      continue;
    }
    if (overlaps) return checker.error(element.at, "conflicting intervals specified", last.at);
    arranged.push_back(std::move(element));
  }
  for (Expression& element : arranged)
    if (!element.parts[0].is(Kind::wildcard))
      element.parts[0] = interval(element.parts[0], low_of(element.parts[0]), high_of(element.parts[0]));
  elements = std::move(arranged);
  return true;
}

}  // namespace

Number low_of(const Expression& value) {
  return wide(value) ? low_of(value.parts[0]) : value.number;
}

Number high_of(const Expression& value) {
  if (value.is(Kind::range)) return value.parts[1].number;
  if (value.is(Kind::prefix)) return value.parts[0].number | all_ones(value.bits - static_cast<unsigned>(value.number));
  return value.number;
}

Expression interval(const Expression& like, Number low, Number high) {
  Expression value = like;
  value.kind = Kind::value;
  value.parts.clear();
  value.number = low;
  return low == high ? value : network_or_range(std::move(value), high);
}

void shorten(Expression& addresses) {
  Number const high = high_of(addresses);
  addresses = network_or_range(wide(addresses) ? Expression(addresses.parts[0]) : addresses, high);
}

bool same(const Expression& left, const Expression& right) {
  if (left.is(Kind::wildcard) || right.is(Kind::wildcard)) return left.kind == right.kind;
  return low_of(left) == low_of(right) && high_of(left) == high_of(right) && left.text == right.text;
}

bool arrange(std::vector<Expression>& elements, bool is_interval, bool merge, Checker& checker) {
  if (elements.empty()) return true;
  const Expression& first = elements[0].parts[0];
  bool const ranges = std::ranges::any_of(elements, [](const Expression& one) { return any_wide(one.parts[0]); });
  bool const text = std::ranges::any_of(elements, [](const Expression& one) { return one.parts[0].is(Kind::value) && one.parts[0].type->text; });
  if (text && (is_interval || std::ranges::any_of(elements, [](const Expression& one) { return wildcard_text(one.parts[0]); }))) {
    std::ranges::stable_sort(elements, {}, [](const Expression& one) { return one.parts[0].text; });
    return true;
  }
  if (!first.is(Kind::concat) && !text && (is_interval || ranges)) return arrange_intervals(elements, merge, checker);
  bool const sorted = !(first.is(Kind::concat) && (ranges || is_interval));
  if (sorted) {
    std::vector<std::pair<std::string, size_t>> order;
    for (size_t i = 0; i < elements.size(); ++i)
      if (!first.is(Kind::concat) && !text) order.emplace_back(number_bytes(elements[i].parts[0]), i);
      else order.emplace_back(elements[i].parts[0].is(Kind::wildcard) ? std::string(64, '\xff') : sort_bytes(elements[i].parts[0]), i);
    std::ranges::stable_sort(order, [](auto const& left, auto const& right) {
      auto const bytes = [](const std::string& text_of) { return std::basic_string_view<unsigned char>(reinterpret_cast<const unsigned char*>(text_of.data()), text_of.size()); };
      return bytes(left.first) < bytes(right.first);
    });
    std::vector<Expression> arranged;
    for (auto const& [bytes, index] : order) {
      if (!arranged.empty() && same_key(arranged.back().parts[0], elements[index].parts[0])) {
        if (arranged.back().parts.size() > 1 && arranged.back().parts[1].text != elements[index].parts[1].text)
          return checker.error(elements[index].at, "Could not process rule: File exists");
        continue;
      }
      arranged.push_back(std::move(elements[index]));
    }
    elements = std::move(arranged);
  }
  return true;
}

/// An anonymous set or map.
bool Checker::set_value(Expression& expression, const DataType& type, uint16_t bits, const std::vector<Expression>* fields) {
  bool good = true;
  if (expression.parts.empty()) return error(expression.at, "syntax error, unexpected '}'");
  for (Expression& element : expression.parts) {
    if (!element.is(Kind::element)) return error(element.at, "syntax error, unexpected expression");
    good = element_key(element.parts[0], type, bits, fields) && good;
    for (Statement& one : element.statements) good = statement(one) && good;
    if (element.parts.size() > 1 && expression.type == &verdict_type) good = map_data(element.parts[1], nullptr, verdict_type, 0) && good;
  }
  return good && arrange(expression.parts, false, expression.type == nullptr, *this);
}

bool Checker::element_key(Expression& key, const DataType& type, uint16_t bits, const std::vector<Expression>* fields) {
  if (key.is(Kind::wildcard)) return true;
  if (fields != nullptr) return concat_value(key, *fields);
  if (!value(key, type, bits)) return false;
  if (key.is(Kind::select) || key.is(Kind::lookup)) return error(key.at, "syntax error, unexpected expression");
  return true;
}

bool Checker::map_data(Expression& data, const Set* set, const DataType& type, uint16_t bits) {
  if (set != nullptr && !set->object.empty()) return object_reference(data, set->object);
  if (&type == &verdict_type) {
    if (!data.is(Kind::verdict)) return error(data.at, "datatype mismatch, expected netfilter verdict");
    return data.parts.empty() || has_chain(data.parts[0]);
  }
  if (set != nullptr && set->data.size() > 1) return concat_value(data, set->data);
  return value(data, type, bits);
}

/// `KEY map { ... }` or `KEY map @NAME`; the type of what it gives, or the one that is wanted.
bool Checker::lookup(Expression& expression, const DataType* wanted, uint16_t bits) {
  Expression& key = expression.parts[0];
  Expression& map = expression.parts[1];
  if (map.is(Kind::reference)) {
    if (!reference(map, key, true)) return false;
    const Set* const set = find_named(table_.sets, map.text);
    if (set->data.size() == 1) {
      expression.type = set->data[0].type;
      expression.bits = set->data[0].bits;
    }
    return true;
  }
  const std::vector<Expression>* const fields = key.is(Kind::concat) ? &key.parts : nullptr;
  bool good = true;
  for (Expression& element : map.parts) {
    if (!element.is(Kind::element) || element.parts.size() < 2) return error(element.at, "syntax error, expecting a mapping");
    good = element_key(element.parts[0], key.type != nullptr ? *key.type : integer_type, key.bits, fields) && good;
    Expression& data = element.parts[1];
    if (wanted != nullptr) {
      good = value(data, *wanted, bits) && good;
      expression.type = wanted;
      expression.bits = bits;
    } else {
      good = guess_data(data, expression) && good;
    }
  }
  return good && arrange(map.parts, false, false, *this);
}

/// NAT's targets: an address by its looks, with a port or without.
bool Checker::guess_data(Expression& data, Expression& whole) {
  if (data.is(Kind::concat) && data.parts.size() == 2) {
    bool const six = data.parts[0].text.find(':') != std::string::npos;
    const DataType& type = six ? ipv6_address : ipv4_address;
    whole.type = &type;
    whole.bits = 0;
    return value(data.parts[0], type, type.bits) && value(data.parts[1], inet_service, 16);
  }
  const Expression* leaf_of = &data;
  while (!leaf_of->parts.empty() && (wide(*leaf_of))) leaf_of = &leaf_of->parts[0];
  bool const six = leaf_of->text.find(':') != std::string::npos, four = leaf_of->text.find('.') != std::string::npos;
  const DataType& type = six ? ipv6_address : four ? ipv4_address : inet_service;
  if (leaf_of->quoted && leaf_of->text.find_first_not_of("0123456789abcdefABCDEF.:") != std::string::npos) {
    data.kind = Kind::value;
    data.type = &string_type;
    return true;
  }
  whole.type = &type;
  whole.bits = type.bits;
  bool const good = value(data, type, type.bits);
  if (good && data.is(Kind::range)) shorten(data);
  return good;
}

bool Checker::reference(Expression& expression, const Expression& left, bool map) {
  const Set* const set = find_named(table_.sets, expression.text);
  if (set == nullptr) return error(expression.at, fmt::format("No such file or directory"));
  if (set->map != map) return error(expression.at, map ? "Expression is not a map" : "No such file or directory");
  std::vector<Expression> const single{left};
  const std::vector<Expression>& fields = left.is(Kind::concat) ? left.parts : single;
  bool fits = fields.size() == set->key.size();
  for (size_t i = 0; fits && i < fields.size(); ++i) {
    const DataType* const want = set->key[i].type;
    const DataType* const have = fields[i].type;
    fits = want == have || want == &integer_type || have == &integer_type || want == nullptr || have == nullptr ||
           want->base == have || have->base == want;
  }
  if (!fits) return error(left.at, "datatype mismatch: type of the set differs from the expression's", expression.at);
  return true;
}

bool Checker::set(Set& set) {
  begin();
  if (set.key.empty()) return error(set.at, fmt::format("{} definition does not specify key", set.map ? "map" : "set"));
  bool good = true;
  for (auto* const list : {&set.key, &set.data})
    for (Expression& field : *list) {
      if (field.is(Kind::select)) {
        begin();
        good = typed(field) && good;
      } else if (field.type == &invalid_type || (field.type != nullptr && field.type->bits == 0 && field.type != &verdict_type && field.type != &string_type)) {
        good = error(field.at, "unqualified type " + std::string(field.type->name) + " specified in set definition. Try \"typeof expression\" instead of \"type datatype\".");
      }
    }
  if (set.map && set.data.empty() && set.object.empty()) return error(set.at, "map definition does not specify mapping data type");
  if (set.timeout_ms != 0) set.timeouts = true;
  if (set.key.size() > 1 && set.auto_merge) set.auto_merge = false;
  for (Statement& one : set.statements) good = statement(one) && good;
  return good;
}

bool Checker::elements(const Set& set, std::vector<Expression>& elements) {
  begin();
  bool good = true;
  const std::vector<Expression>* const fields = set.key.size() > 1 ? &set.key : nullptr;
  for (Expression& element : elements) {
    if (!element.is(Kind::element)) return error(element.at, "syntax error, unexpected expression");
    Expression& key = element.parts[0];
    good = element_key(key, *set.key[0].type, set.key[0].bits, fields) && good;
    if (good && !set.interval && any_wide(key)) good = error(key.at, "You must add 'flags interval' to your set declaration if you want to add range elements");
    if (good && !set.interval && wildcard_text(key)) good = error(key.at, "You must add 'flags interval' to your set declaration if you want to add prefix elements");
    if (element.argument("timeout") != nullptr && !set.timeouts) good = error(element.at, "Could not process rule: Invalid argument");
    for (Statement& one : element.statements) good = statement(one) && good;
    if (!set.map && element.parts.size() > 1) good = error(element.at, "Could not process rule: Invalid argument");
    else if (set.map && element.parts.size() > 1)
      good = map_data(element.parts[1], &set, set.data.empty() ? integer_type : *set.data[0].type, set.data.empty() ? uint16_t{0} : set.data[0].bits) && good;
    for (const Statement& one : set.statements)
      if (element.statements.empty()) element.statements.push_back(one);
  }
  return good;
}

}  // namespace bulkhead::ruleset