// common/ruleset/check/check.cc: rules and their statements. Values: check_values.cc; sets: check_sets.cc.
#include <algorithm>

#include "common/ruleset/check/checker.h"

namespace bulkhead::ruleset {
namespace {

const Module* protocol_module(const Registry& registry, Number protocol) {
  for (const Module* const module : registry.all())
    if (module->form == Form::header && module->layer == Layer::transport &&
        module->above.protocol == static_cast<int16_t>(protocol))
      return module;
  return nullptr;
}

const Module* network_module(const Registry& registry, Number nf_protocol, Number ether_type) {
  for (const Module* const module : registry.all()) {
    if (module->form != Form::header || module->layer != Layer::network) continue;
    if (nf_protocol != 0 && module->above.nf_protocol == nf_protocol) return module;
    if (ether_type != 0 && module->above.ether_type == ether_type) return module;
  }
  return nullptr;
}

uint8_t family_bit(std::string_view family) {
  constexpr std::string_view kNames[] = {"ip", "ip6", "inet", "arp", "bridge", "netdev"};
  for (unsigned i = 0; i < 6; ++i)
    if (kNames[i] == family) return static_cast<uint8_t>(1u << i);
  return 0;
}

bool is_select(const Expression& expression, std::string_view module, std::string_view key) {
  return expression.is(Kind::select) && expression.module->name == module && expression.key->name == key;
}

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

}  // namespace

bool Checker::error(const Location& at, std::string reason, const Location& also) {
  diagnostics_.error(at, std::move(reason), also);
  return false;
}

void Checker::begin() {
  known_ = {};
  message_.reset();
  if (family() == "ip") know(Layer::network, *registry_.find("ip", Form::header));
  if (family() == "ip6") know(Layer::network, *registry_.find("ip6", Form::header));
  if (family() == "arp") know(Layer::network, *registry_.find("arp", Form::header));
  if (family() == "bridge" || family() == "netdev") know(Layer::link, *registry_.find("ether", Form::header));
}

bool Checker::rule(Rule& rule, const Chain& chain) {
  chain_ = &chain;
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
    bool const first = one.module->name == "reject";  // nft asks for its protocol before all else
    checked.insert(first ? checked.begin() : checked.end(), std::make_move_iterator(needed.begin()), std::make_move_iterator(needed.end()));
    bool const terminal = one.module->form == Form::verdict || one.module->form == Form::target ||
                          one.module->name == "reject" || one.module->name == "snat" || one.module->name == "dnat" ||
                          one.module->name == "masquerade" || one.module->name == "redirect" || one.module->name == "queue";
    ended = terminal;
    checked.push_back(std::move(one));
  }
  rule.statements = std::move(checked);
  if (good) remove_implied(rule.statements, family());
  return good;
}

bool Checker::statement(Statement& statement) {
  if (statement.module == nullptr) return error(statement.at, "syntax error, unexpected string");
  size_t const errors = diagnostics_.count();
  const Module& module = *statement.module;
  if ((module.families & family_bit(family())) == 0)
    return error(statement.at, fmt::format("{}: not supported by family {}", module.name, family()));
  if (module.form == Form::special) {
    if (module.name == "match") return match(statement);
    if (module.name == "mangle") return mangle(statement);
    if (module.name == "vmap") return vmap(statement);
    if (module.name == "set" || module.name == "meter") return update(statement);
  }
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
  if (!typed(left)) return false;
  if (right.is(Kind::reference)) {
    if (!reference(right, left, false)) return false;
    if (sign.empty()) sign = "==";
    return sign == "==" || sign == "!=" || error(match.at, "invalid operator for a set");
  }
  bool const plain = sign.empty();
  bool const single = right.is(Kind::set) && right.parts.size() == 1;
  const DataType* type = left.type != nullptr ? left.type : &integer_type;
  bool const presence = right.is(Kind::text) && (right.text == "exists" || right.text == "missing");
  if (presence && left.is(Kind::select) && left.module->name == "fib") {
    left.type = type = &boolean_type;
    left.bits = 1;
  }
  bool const good = left.is(Kind::concat) && !right.is(Kind::set) ? concat_value(right, left.parts)
                    : right.is(Kind::set) ? set_value(right, *type, left.bits, left.is(Kind::concat) ? &left.parts : nullptr)
                                          : value(right, *type, left.bits);
  if (!good) return false;
  if (right.is(Kind::select) || right.is(Kind::lookup) || right.is(Kind::wildcard))
    return error(right.at, "syntax error, unexpected expression");
  bool const flags = type->bitmask && (right.is(Kind::value) || right.is(Kind::list));
  if (sign.empty()) sign = flags && !left.is(Kind::binary) ? "in" : "==";
  bool const ordered = sign == "<" || sign == ">" || sign == "<=" || sign == ">=";
  if (ordered && !right.is(Kind::value))
    return error(right.at, right.is(Kind::set) || right.is(Kind::list) ? "Right hand side of relation cannot be a set"
                                                                     : "Relational expression right hand side must be a value");
  if (sign == "!" && !flags) return error(match.at, "negation can only be used with singleton bitmask values");
  flags_as_nft_lists_them(match);
  if (single && right.parts[0].arguments.empty() && right.parts[0].statements.empty() &&
      !left.is(Kind::concat) && !right.parts[0].parts[0].is(Kind::wildcard)) {
    Expression only = std::move(right.parts[0].parts[0]);
    right = std::move(only);
    if (plain && type->bitmask && right.is(Kind::value)) sign = "in";
  }
  learn(match);
  return true;
}

namespace {
/// The value, or the last of a set's: by that one nft goes.
std::optional<Number> last_of(const Expression& right) {
  if (right.is(Kind::value)) return right.number;
  if (!right.is(Kind::set) || right.parts.empty()) return std::nullopt;
  const Expression& last = right.parts.back();
  return last.parts.empty() || !last.parts[0].is(Kind::value) ? std::nullopt : std::optional(last.parts[0].number);
}
}  // namespace

/// What a match says of the headers behind.
void Checker::learn(const Statement& match) {
  const Expression& left = *match.argument("left");
  const Expression& right = *match.argument("right");
  if (match.argument("op")->text != "==" || !left.is(Kind::select)) return;
  if (is_select(left, "icmp", "type") || is_select(left, "icmpv6", "type")) message_ = last_of(right);
  bool const transport = is_select(left, "meta", "l4proto") || is_select(left, "ip", "protocol") || is_select(left, "ip6", "nexthdr");
  if (transport && right.is(Kind::set) && known(Layer::transport) == nullptr)
    know(Layer::transport, *registry_.find("th", Form::header));
  if (!right.is(Kind::value)) return;
  const Module* found = nullptr;
  if (transport) found = protocol_module(registry_, right.number);
  else if (is_select(left, "meta", "nfproto")) found = network_module(registry_, right.number, 0);
  else if (is_select(left, "meta", "protocol") || is_select(left, "ether", "type") || is_select(left, "vlan", "type"))
    found = network_module(registry_, 0, right.number);
  if (found != nullptr) know(found->layer, *found);
}

/// Fields of ICMP that only some messages have: the message's type is asked first.
bool Checker::require_message(const Expression& select) {
  struct Message {
    std::string_view module, key;
    std::array<int, 2> types;  // the second may be -1
  };
  constexpr Message kMessages[] = {{"icmp", "id", {0, 8}}, {"icmp", "sequence", {0, 8}}, {"icmp", "gateway", {5, -1}},
    {"icmp", "mtu", {3, -1}}, {"icmpv6", "id", {128, 129}}, {"icmpv6", "sequence", {128, 129}}, {"icmpv6", "mtu", {2, -1}},
    {"icmpv6", "param-problem", {4, -1}}, {"icmpv6", "max-delay", {130, -1}}};
  for (const Message& message : kMessages) {
    if (message.module != select.module->name || message.key != select.key->name || before_ == nullptr) continue;
    auto const asks = static_cast<Number>(message.module == "icmp" && message.types[1] == 8 ? 8 : message.types[0]);
    if (message_) {
      if (std::ranges::find(message.types, static_cast<int>(*message_)) != message.types.end()) return true;
      return error(select.at, fmt::format("incompatible icmp match: rule has {}, need {}", static_cast<int>(*message_), static_cast<int>(asks)));
    }
    message_ = asks;
    Expression left = select, right;
    left.key = find_key(*select.module, "type");
    left.type = left.key->type;
    left.bits = 8;
    Expression value;
    value.kind = Kind::value;
    value.type = left.type;
    value.bits = 8;
    value.number = static_cast<Number>(message.types[0]);
    right = value;
    if (message.types[1] >= 0) {
      right = {};
      right.kind = Kind::set;
      for (int const type : message.types) {
        value.number = static_cast<Number>(type);
        Expression element;
        element.kind = Kind::element;
        element.parts = {value};
        right.parts.push_back(element);
      }
    }
    Statement match = equal(std::move(left), std::move(right), select.at);
    match.hidden = message.types[1] < 0;
    before_->push_back(std::move(match));
  }
  return true;
}

Statement Checker::equal(Expression left, Expression right, const Location& at) {
  Statement match{registry_.find("match", Form::special), false, at, {}, {}};
  Expression sign;
  sign.kind = Kind::text;
  sign.text = "==";
  match.set("op", std::move(sign));
  match.set("left", std::move(left));
  match.set("right", std::move(right));
  return match;
}

/// The protocol of a header that is looked at: known, or known from here on.
bool Checker::implied(const Expression& select) {
  const Module& header = *select.module;
  if (header.name == "th" || header.layer == Layer::none) return true;
  const Module* const there = known(header.layer);
  if (header.layer == Layer::link || there == &header) {
    if (there == nullptr) know(header.layer, header);
    return true;
  }
  if (there == nullptr || there->name == "th") {
    know(header.layer, header);
    // ICMP is of one family.
    bool const of_family = header.layer == Layer::transport && header.above.nf_protocol != 0 && known(Layer::network) == nullptr;
    if (of_family) know(Layer::network, *network_module(registry_, header.above.nf_protocol, 0));
    return true;
  }
  return error(select.at, fmt::format("conflicting protocols specified: {} vs. {}", there->name, header.name));
}

bool Checker::require(const Module& header, const Location& at) {
  if (known(header.layer) != nullptr) return known(header.layer) == &header;
  know(header.layer, header);
  if (before_ == nullptr) return true;
  Expression left, right;
  left.kind = Kind::select;
  left.module = registry_.find("meta", Form::select);
  left.key = find_key(*left.module, header.layer == Layer::transport ? "l4proto" : "nfproto");
  left.type = left.key->type;
  left.bits = 8;
  right.kind = Kind::value;
  right.type = left.type;
  right.bits = 8;
  right.number = header.layer == Layer::transport ? static_cast<Number>(header.above.protocol) : header.above.nf_protocol;
  before_->push_back(equal(std::move(left), std::move(right), at));
  return true;
}

bool Checker::mangle(Statement& mangle) {
  Expression& key = *mangle.argument("key");
  Expression& value_set = *mangle.argument("value");
  if (!typed(key)) return false;
  if (!key.is(Kind::select)) return error(key.at, "syntax error, unexpected expression");
  if (!key.key->settable) return error(key.at, fmt::format("{} {}: cannot be set", key.module->name, key.key->name));
  if (key.module->name == "ct" && (key.key->name == "helper" || key.key->name == "timeout" || key.key->name == "expectation"))
    return object_reference(value_set, fmt::format("ct {}", key.key->name));
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
  return good;
}

bool Checker::update(Statement& update) {
  if (Expression* const set_reference = update.argument("set")) {
    const Set* const set = find_named(table_.sets, set_reference->text);
    if (set == nullptr) return error(set_reference->at, fmt::format("No such file or directory"));
    Expression& element = *update.argument("elem");
    if (!typed(element.parts[0])) return false;
    if (Expression* const data = update.argument("data")) {
      const DataType& type = set->data.empty() || set->data[0].type == nullptr ? integer_type : *set->data[0].type;
      if (!map_data(*data, set, type, set->data.empty() ? 0 : set->data[0].bits)) return false;
    }
    for (Statement& one : element.statements)
      if (!statement(one)) return false;
    if (!set->statements.empty()) element.statements.clear();  // the set's own apply
    return true;
  }
  Expression& element = *update.argument("elem");
  bool good = typed(element.parts[0]);
  for (Statement& one : element.statements) good = statement(one) && good;
  return good;
}

bool Checker::has_chain(const Expression& target) {
  if (find_named(table_.chains, target.text) != nullptr) return true;
  return error(target.at, "Could not process rule: No such file or directory");
}

bool Checker::object_reference(Expression& expression, std::string_view object) {
  if (expression.is(Kind::lookup)) return typed(expression.parts[0]) && lookup(expression, nullptr, 0);
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