// common/ruleset/check/check.cc: rules and their statements. Headers: check_headers.cc; values: check_values.cc; sets: check_sets.cc.
#include <algorithm>

#include "common/base/near_miss.h"
#include "common/ruleset/check/checker.h"

namespace bulkhead::ruleset {
namespace {

/// `flags & mask != 0` is the plain match of flags, `== 0` the plain negation.
void flags_as_nft_lists_them(Statement& match) {
  Expression& left = *match.argument("left");
  Expression& right = *match.argument("right");
  std::string& sign = match.argument("op")->text;
  bool const masked = left.is(Kind::binary) && left.text == "&" && left.type != nullptr && left.type->bitmask &&
                      left.parts[0].is(Kind::select) && left.parts[1].is(Kind::value);
  if (!masked || !right.is(Kind::value) || right.number != 0 || (sign != "==" && sign != "!=")) return;
  sign = sign == "!=" ? "in" : "!";
  Expression mask = std::move(left.parts[1]), select = std::move(left.parts[0]);
  right = std::move(mask);
  left = std::move(select);
}

/// What the kernel says of it (nft_dynset_init); null: nothing. What rules fill are its hash tables, which know no intervals.
const char* refused_update(const Set& set, const Expression& element, bool data) {
  if (set.constant) return "Could not process rule: Device or resource busy";
  if (set.map != data) return "Could not process rule: Invalid argument";
  bool const timed = element.argument("timeout") != nullptr && !set.timeouts;
  return set.interval || !set.object.empty() || timed ? "Could not process rule: Operation not supported" : nullptr;
}

}  // namespace

bool Checker::error(const Location& at, std::string reason, const Location& also) {
  diagnostics_.error(at, std::move(reason), also);
  return false;
}

bool Checker::rule(Rule& rule, const Chain& chain) {
  chain_ = &chain;
  before_it_ = nullptr;
  begin();
  bool good = true, ended = false;
  std::vector<Statement> checked;
  for (Statement& one : rule.statements) {
    if (ended) {
      error(one.at, "Statement after terminal statement has no effect");
      good = false;
      break;
    }
    std::vector<Statement> needed;
    before_ = &needed;
    good = statement(one) && good;
    before_ = nullptr;
    before_it_ = one.module;
    auto const place = one.module->asks_first ? checked.begin() : checked.end();
    checked.insert(place, std::make_move_iterator(needed.begin()), std::make_move_iterator(needed.end()));
    ended = one.module->terminal;
    checked.push_back(std::move(one));
  }
  rule.statements = std::move(checked);
  if (good) remove_implied(rule.statements, family(), registry_);
  return good;
}

bool Checker::statement(Statement& statement) {
  if (statement.module == nullptr) return error(statement.at, "syntax error, unexpected string");
  size_t const errors = diagnostics_.count();
  const Module& module = *statement.module;
  if ((module.families & bit_of(family())) == 0)
    return error(statement.at, fmt::format("{}: not supported by family {}", module.name, family()));
  if (module.check != nullptr) module.check(statement, *this);
  return diagnostics_.count() == errors;
}

bool Checker::body(Statement& body) {
  size_t const errors = diagnostics_.count();
  if (body.module->check != nullptr) body.module->check(body, *this);
  return diagnostics_.count() == errors;
}

bool Checker::match(Statement& match) {
  Expression& left = *match.argument("left");
  Expression& right = *match.argument("right");
  std::string& sign = match.argument("op")->text;
  several_ = right.is(Kind::reference) || (right.is(Kind::set) && right.parts.size() > 1);
  bool const known_type = typed(left);
  several_ = false;
  if (!known_type) return false;
  if (left.is(Kind::select) && !left.key->object.empty() && left.type == &integer_type) return error(right.at, "Cannot be used with right hand side constant value");
  if (right.is(Kind::reference)) {
    if (!reference(right, left, false)) return false;
    if (sign.empty()) sign = "==";
    return sign == "==" || sign == "!=" || error(match.at, "invalid operator for a set");
  }
  bool const plain = sign.empty();
  bool const single = right.is(Kind::set) && right.parts.size() == 1;
  const DataType* type = left.type != nullptr ? left.type : &integer_type;
  bool const presence = right.is(Kind::text) && (right.text == "exists" || right.text == "missing");
  if (presence && left.is(Kind::select) && left.module->may_be_missing && type->symbols.empty()) {
    left.type = type = &boolean_type;
    left.bits = 1;
  }
  if (!match_value(right, left, *type, sign) || !within(left, right)) return false;
  bool const flags = type->bitmask && (right.is(Kind::value) || right.is(Kind::list));
  if (sign.empty()) sign = flags && !left.is(Kind::binary) ? "in" : "==";
  bool const ordered = sign == "<" || sign == ">" || sign == "<=" || sign == ">=";
  if (ordered && !right.is(Kind::value))
    return error(right.at, right.is(Kind::set) || right.is(Kind::list) ? "Right hand side of relation cannot be a set"
                                                                     : "Relational expression right hand side must be a value");
  if (sign == "!" && !flags) return error(match.at, "negation can only be used with singleton bitmask values");
  flags_as_nft_lists_them(match);
  // A set of one is that one, and what its element has besides is forgotten: nft, optimize_singleton_set.
  if (single && !left.is(Kind::concat) && !right.parts[0].parts[0].is(Kind::wildcard)) {
    Expression only = std::move(right.parts[0].parts[0]);
    right = std::move(only);
    if (plain && type->bitmask && right.is(Kind::value)) sign = "in";
  }
  learn(match);
  whole_bytes(left, right);
  return true;
}

bool Checker::match_value(Expression& right, const Expression& left, const DataType& type, std::string& sign) {
  const std::vector<Expression>* const fields = left.is(Kind::concat) ? &left.parts : nullptr;
  bool const good = right.is(Kind::set)    ? set_value(right, type, left.bits, fields)
                    : fields != nullptr ? concat_value(right, *fields)
                    : right.is(Kind::range) && type.circular ? circular_range(right, sign, type, left.bits)
                                           : value(right, type, left.bits);
  if (!good) return false;
  if (right.is(Kind::concat)) return error(left.at, "Use concatenations with sets and maps, not singleton values", right.at);
  bool const read = right.is(Kind::select) || right.is(Kind::lookup) || right.is(Kind::wildcard);
  return !read || error(right.at, "syntax error, unexpected expression");
}

/// What is made by a modulus is below it.
bool Checker::within(const Expression& left, const Expression& right) {
  if (!left.is(Kind::select) || left.module->most == nullptr) return true;
  Number const most = left.module->most(left);
  auto const below = [&](const Expression& one) {
    bool const constant = one.is(Kind::value) || one.is(Kind::range) || one.is(Kind::prefix);
    if (!constant || high_of(one) <= most) return true;
    return error(one.at, fmt::format("Value {} exceeds valid range 0-{}", print_decimal(high_of(one)), print_decimal(most)));
  };
  if (!right.is(Kind::set)) return below(right);
  return std::ranges::all_of(right.parts, [&](const Expression& element) { return element.parts.empty() || below(element.parts[0]); });
}

bool Checker::mangle(Statement& mangle) {
  Expression& key = *mangle.argument("key");
  Expression& value_set = *mangle.argument("value");
  // A field's name would bring the checksum that is not kept of raw payload.
  Expression const said = key;
  setting_ = true;
  bool const good = typed(key);
  setting_ = false;
  if (!good) return false;
  if (said.is(Kind::select) && said.module->role == Role::raw_payload) key = said;
  if (!key.is(Kind::select)) return error(key.at, "syntax error, unexpected expression");
  if (!key.key->settable) return error(key.at, fmt::format("{} {}: cannot be set", key.module->name, key.key->name));
  only_element(value_set);
  bool const number = key.key->bits != 0 && value_set.is(Kind::select);  // of another mark
  if (!key.key->object.empty() && !number) return object_reference(value_set, key.key->object);
  if (value_set.is(Kind::range) || value_set.is(Kind::prefix) || value_set.is(Kind::set))
    return error(value_set.at, "you cannot use a set here, unknown value to use");
  return value(value_set, *key.type, key.bits);
}

bool Checker::vmap(Statement& vmap) {
  Expression& key = *vmap.argument("key");
  Expression& data = *vmap.argument("data");
  if (!typed(key)) return false;
  if (data.is(Kind::reference)) {
    if (!reference(data, key, true)) return false;
    const Set* const set = find_named(table_.sets, data.text);
    bool const verdicts = set->data.size() == 1 && set->data[0].type == &verdict_type;
    return verdicts || error(data.at, "vmap: the map gives no verdicts");
  }
  data.type = &verdict_type;
  bool const good = set_value(data, key.type != nullptr ? *key.type : integer_type, key.bits, key.is(Kind::concat) ? &key.parts : nullptr);
  for (const Expression& element : data.parts)
    if (element.parts.size() < 2) return error(element.at, "syntax error, expecting a verdict for each element");
  whole_bytes(key, data);
  return good;
}

/// A statement that an element may have of its own.
bool Checker::stateful(Statement& one) {
  if (one.module != nullptr && !one.module->stateful) return error(one.at, "statement must be stateful");
  return statement(one);
}

/// The name is that of no set, and of no other meter.
bool Checker::new_meter(const Expression& name) {
  if (find_named(table_.sets, name.text) != nullptr) return error(name.at, "Could not process rule: File exists");
  for (const Chain& chain : table_.chains)
    for (const Rule& rule : chain.rules)
      for (const Statement& one : rule.statements)
        if (one.module->role == Role::meter && one.argument("name")->text == name.text)
          return error(name.at, "Could not process rule: Operation not supported");
  return true;
}

bool Checker::meter(Statement& meter) {
  Expression& element = *meter.argument("elem");
  if (!new_meter(*meter.argument("name"))) return false;
  if (element.statements.empty()) return error(element.at, "syntax error, unexpected '}', expecting a statement");
  bool good = typed(element.parts[0]);
  for (Statement& one : element.statements) good = stateful(one) && good;
  return good;
}

bool Checker::update(Statement& update) {
  Expression& set_reference = *update.argument("set");
  const Set* const set = find_named(table_.sets, set_reference.text);
  if (set == nullptr) return error(set_reference.at, fmt::format("No such file or directory"));
  Expression& element = *update.argument("elem");
  if (const char* const why = refused_update(*set, element, update.has("data"))) return error(update.at, why);
  if (!typed(element.parts[0]) || !fits(set->key, element.parts[0], set_reference.at)) return false;
  if (Expression* const data = update.argument("data")) {
    const DataType& type = set->data.empty() || set->data[0].type == nullptr ? integer_type : *set->data[0].type;
    if (!map_data(*data, set, type, set->data.empty() ? uint16_t{0} : set->data[0].bits)) return false;
  }
  for (Statement& one : element.statements)
    if (!stateful(one)) return false;
  if (!set->statements.empty()) element.statements.clear();  // the set's own apply
  return true;
}

bool Checker::has_chain(const Expression& target) {
  if (find_named(table_.chains, target.text) != nullptr) return true;
  std::vector<std::string_view> names;
  for (const Chain& chain : table_.chains) names.push_back(chain.name);
  return error(target.at, "Could not process rule: No such file or directory" + did_you_mean(target.text, names));
}

/// `name KEY map { KEY : "NAME", ... }`, or a map that gives objects: nft takes one to those of another kind as well, and the kernel does
/// what they do.
bool Checker::object_map(Expression& expression, std::string_view object) {
  Expression& key = expression.parts[0];
  Expression& map = expression.parts[1];
  if (!typed(key)) return false;
  expression.type = &string_type;
  if (map.is(Kind::reference)) {
    if (!reference(map, key, true)) return false;
    return !find_named(table_.sets, map.text)->object.empty() || error(map.at, "Expression is not a map with objects");
  }
  return object_elements(key, map, object) && arrange(map.parts, false, false, *this);
}

bool Checker::object_reference(Expression& expression, std::string_view object) {
  if (expression.is(Kind::lookup)) return object_map(expression, object);
  if (!expression.is(Kind::text)) return error(expression.at, fmt::format("syntax error, expecting the name of a {}", object));
  for (const Object& one : table_.objects)
    if (one.name == expression.text && one.body.module->object_name == object) {
      expression.kind = Kind::value;
      expression.type = &string_type;
      return true;
    }
  return error(expression.at, "No such file or directory");
}

}  // namespace bulkhead::ruleset
