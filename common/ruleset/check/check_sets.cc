// common/ruleset/check/check_sets.cc: sets, maps and their elements. Their order: arrange.cc.
#include <algorithm>

#include "common/base/near_miss.h"
#include "common/ruleset/check/checker.h"

namespace bulkhead::ruleset {
namespace {

bool wide(const Expression& key) { return key.is(Kind::range) || key.is(Kind::prefix); }

bool wildcard_text(const Expression& key) { return key.is(Kind::value) && key.type->text && key.text.ends_with('*'); }

bool any_wide(const Expression& key) {
  return key.is(Kind::concat) ? std::ranges::any_of(key.parts, wide) : wide(key);
}

}  // namespace

/// An anonymous set or map.
bool Checker::set_value(Expression& expression, const DataType& type, uint16_t bits, const std::vector<Expression>* fields) {
  bool good = true;
  if (expression.parts.empty()) return error(expression.at, "syntax error, unexpected '}'");
  bool const map = expression.type == &verdict_type;
  for (Expression& element : expression.parts) {
    if (!element.is(Kind::element)) return error(element.at, "syntax error, unexpected expression");
    if (!map && element.parts.size() > 1) return error(element.parts[0].at, "mapping outside of map context");
    good = element_key(element.parts[0], type, bits, fields) && good;
    for (Statement& one : element.statements) good = statement(one) && good;
    if (element.parts.size() > 1) good = map_data(element.parts[1], nullptr, verdict_type, 0) && good;
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

bool Checker::object_elements(const Expression& key, Expression& map, std::string_view object) {
  const std::vector<Expression>* const fields = key.is(Kind::concat) ? &key.parts : nullptr;
  bool good = true;
  for (Expression& element : map.parts) {
    if (!element.is(Kind::element) || element.parts.size() < 2) return error(element.at, "syntax error, expecting a mapping");
    good = element_key(element.parts[0], key.type != nullptr ? *key.type : integer_type, key.bits, fields) && good;
    good = object_reference(element.parts[1], object) && good;
  }
  return good;
}

bool Checker::map_data(Expression& data, const Set* set, const DataType& type, uint16_t bits) {
  if (set != nullptr && !set->object.empty()) return object_reference(data, set->object);
  if (&type == &verdict_type) {
    if (!data.is(Kind::verdict)) return error(data.at, "datatype mismatch, expected netfilter verdict");
    return data.parts.empty() || has_chain(data.parts[0]);
  }
  bool const ranges = set == nullptr || set->interval_data;
  if (!ranges && any_wide(data)) return error(data.at, "Value must be a singleton");
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
    if (!set->object.empty()) return error(map.at, "Expression is not a map");
    if (wanted != nullptr && !fits_map(*set, *wanted, expression)) return false;
    if (set->data.size() == 1) {
      expression.type = set->data[0].type;
      expression.bits = set->data[0].bits;
    }
    return true;
  }
  const std::vector<Expression>* const fields = key.is(Kind::concat) ? &key.parts : nullptr;
  bool good = !map.parts.empty() || error(map.at, "syntax error, unexpected '}'");
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

/// What the map gives is what is wanted, or a plain number.
bool Checker::fits_map(const Set& map, const DataType& type, const Expression& lookup) {
  if (map.object.empty() && map.data.size() == 1) {
    const DataType* const have = map.data[0].type;
    if (have == nullptr || have == &type || have == &integer_type || &type == &integer_type) return true;
    return error(lookup.at, fmt::format("datatype mismatch: expected {}, expression has type {}", type.description, have->description));
  }
  return error(lookup.at, fmt::format("datatype mismatch: expected {}, expression has type concatenation", type.description));
}

/// Addresses of that type, alone or each with a port.
bool Checker::target_map(Expression& expression, const DataType& type, bool pairs) {
  if (!pairs) {
    if (!value(expression, type, type.bits)) return false;
    for (Expression& element : expression.parts[1].parts)
      if (element.parts.size() > 1 && element.parts[1].is(Kind::range)) shorten(element.parts[1]);
    return true;
  }
  Expression& key = expression.parts[0];
  Expression& map = expression.parts[1];
  bool const several = std::exchange(several_, true);
  bool good = typed(key);
  several_ = several;
  if (!good) return false;
  expression.type = &type;
  expression.bits = 0;
  if (map.is(Kind::reference)) {
    if (!reference(map, key, true)) return false;
    const Set& set = *find_named(table_.sets, map.text);
    bool const fit = set.data.size() == 2 && set.data[0].type == &type && set.data[1].type == &inet_service;
    return fit || error(expression.at, fmt::format("datatype mismatch: expected concatenation of ({}, internet network service)", type.description));
  }
  const std::vector<Expression>* const fields = key.is(Kind::concat) ? &key.parts : nullptr;
  for (Expression& element : map.parts) {
    if (!element.is(Kind::element) || element.parts.size() < 2) return error(element.at, "syntax error, expecting a mapping");
    Expression& data = element.parts[1];
    if (!data.is(Kind::concat) || data.parts.size() != 2)
      return error(data.at, "invalid data type, expected a concatenation of address and port");
    good = element_key(element.parts[0], key.type != nullptr ? *key.type : integer_type, key.bits, fields) && good;
    good = value(data.parts[0], type, type.bits) && value(data.parts[1], inet_service, 16) && good;
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
  if (set == nullptr) {
    std::vector<std::string_view> names;
    for (const Set& one : table_.sets) names.push_back(one.name);
    return error(expression.at, "No such file or directory" + did_you_mean(expression.text, names));
  }
  if (set->map != map) return error(expression.at, map ? "Expression is not a map" : "No such file or directory");
  return fits(set->key, left, expression.at);
}

/// Key and expression are of the same types, field by field.
bool Checker::fits(const std::vector<Expression>& want, const Expression& key, const Location& also) {
  auto const plain = [](const DataType* type) { return type == &raw_integer ? &integer_type : type; };
  std::vector<Expression> const single{key};
  const std::vector<Expression>& fields = key.is(Kind::concat) ? key.parts : single;
  bool good = fields.size() == want.size();
  for (size_t i = 0; good && i < fields.size(); ++i) {
    const DataType* const type = plain(want[i].type);
    const DataType* const have = plain(fields[i].type);
    good = type == have || type == nullptr || have == nullptr;
  }
  return good || error(key.at, "datatype mismatch: type of the set differs from the expression's", also);
}

bool Checker::set(Set& set) {
  begin();
  if (set.key.empty()) return error(set.at, fmt::format("{} definition does not specify key", set.map ? "map" : "set"));
  bool good = true;
  for (auto* const list : {&set.key, &set.data})
    for (Expression& field : *list) {
      bool const expression = field.is(Kind::select) || field.is(Kind::value) || field.is(Kind::binary);
      if (!expression) return error(field.at, "primary expression lacks typeof serialization");
      if (field.is(Kind::select)) {
        begin();
        good = typed(field) && good;
      } else if (field.type == &invalid_type || (field.type != nullptr && field.type->bits == 0 && (field.type != &verdict_type || list == &set.key))) {
        good = error(field.at, "unqualified type " + std::string(field.type->name) + " specified in set definition. Try \"typeof expression\" instead of \"type datatype\".");
      }
    }
  if (set.map && set.data.empty() && set.object.empty()) return error(set.at, "map definition does not specify mapping data type");
  if (set.timeout_ms != 0) set.timeouts = true;
  if (set.auto_merge && !set.interval) good = error(set.at, "auto-merge only works with interval sets");
  if (set.key.size() > 1 && set.auto_merge) set.auto_merge = false;
  if (set.gc_interval_ms != 0 && !set.timeouts) good = error(set.at, "Could not process rule: Invalid argument");
  // What rules fill are the kernel's hash tables, which have no intervals and no objects.
  if (set.dynamic && (set.interval || !set.object.empty())) good = error(set.at, "Could not process rule: Operation not supported");
  for (Statement& one : set.statements) good = statement(one) && good;
  return good && room_for_key(set);
}

/// The kernel keeps 64 bytes of a key, each field in words of four.
bool Checker::room_for_key(const Set& set) {
  size_t bytes = 0;
  for (const Expression& field : set.key) bytes += size_t{field.bits + 31u} / 32 * 4;
  return bytes <= 64 || error(set.at, "Could not process rule: Invalid argument");
}

/// An element's statements are those of its set, if that has any.
bool Checker::own_statements(const Set& set, Expression& element) {
  if (element.statements.empty()) return true;
  if (set.statements.empty() && !set.dynamic)
    return error(element.statements[0].at, fmt::format("missing statement in {} declaration", set.map ? "map" : "set"));
  if (!set.statements.empty() && set.statements.size() != element.statements.size())
    return error(element.at, fmt::format("number of statements mismatch, set expects {} but element has {}", set.statements.size(), element.statements.size()));
  for (size_t i = 0; i < set.statements.size(); ++i)
    if (set.statements[i].module != element.statements[i].module)
      return error(element.statements[i].at, fmt::format("statement mismatch, element expects {}, but {} has type {}",
                                                         element.statements[i].module->name, set.map ? "map" : "set", set.statements[i].module->name));
  return true;
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
    good = own_statements(set, element) && good;
    const Expression* const timeout = element.argument("timeout");
    const Expression* const expires = element.argument("expires");
    if (expires != nullptr && expires->number > (timeout != nullptr ? timeout->number : Number{set.timeout_ms}))
      good = error(element.at, "Could not process rule: Numerical result out of range");
    if (set.map && element.parts.size() < 2) good = error(element.at, "Could not process rule: Invalid argument");
    if (timeout != nullptr && !set.timeouts) good = error(element.at, "Could not process rule: Invalid argument");
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