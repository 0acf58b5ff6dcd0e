// common/ruleset/check/check_values.cc: expressions: what is read gets a type, what is written a value of that type.
#include "common/base/near_miss.h"
#include "common/ruleset/check/checker.h"
#include "common/ruleset/read/keywords.h"

namespace bulkhead::ruleset {
namespace {

std::string exceeds(Number number, Number most) {
  return fmt::format("Value {} exceeds valid range 0-{}", print_decimal(number), print_decimal(most));
}

bool constant(const Expression& expression) {
  return expression.is(Kind::text) || expression.is(Kind::value) || expression.is(Kind::list) ||
         (expression.is(Kind::binary) && constant(expression.parts[0]) && constant(expression.parts[1]));
}

/// `& 0xff | 0x100` is one mask and one exclusive or in the kernel; back from there it is `& 0x1ff | 0x100`.
void settle_masks(Expression& expression) {
  Number mask = ~Number{0}, flip = 0;
  std::vector<const Expression*> steps;
  const Expression* inner = &expression;
  for (; inner->is(Kind::binary) && inner->text.size() == 1; inner = &inner->parts[0]) steps.push_back(inner);
  if (steps.size() < 2) return;
  for (size_t i = steps.size(); i-- > 0;) {
    Number const operand = steps[i]->parts[1].number;
    if (steps[i]->text == "&") mask &= operand, flip &= operand;
    else if (steps[i]->text == "|") mask &= ~operand, flip = (flip & ~operand) | operand;
    else flip ^= operand;
  }
  Number const all = all_ones(expression.bits);
  mask &= all;
  Number const either = flip & ~mask, exclusive = flip & mask, both = mask | either;
  Expression like = expression, made = *inner;
  auto const apply = [&](const char* sign, Number operand) {
    Expression step = like;
    step.text = sign;
    step.parts[1].number = operand;
    step.parts[0] = std::move(made);
    made = std::move(step);
  };
  if (both != all) apply("&", both);
  if (exclusive != 0) apply("^", exclusive);
  if (either != 0) apply("|", either);
  expression = std::move(made);
}

/// What is put into a field is of its type, or a plain number.
bool compatible(const DataType& want, uint16_t bits, const Expression& have) {
  const DataType& type = *have.type;
  if (&want == &type) return true;
  if (have.is(Kind::binary) && have.text.size() == 2) return true;  // shifted
  if (have.is(Kind::select) && have.module->form == Form::header) {
    bool const cut_out = have.bits % 8 != 0 || have.key->offset_bits % 8 != 0;
    return (&type == &integer_type || &type == &raw_integer) && (cut_out || have.bits == bits);
  }
  return &type == &integer_type || &type == &raw_integer;
}

}  // namespace

bool Checker::typed(Expression& expression) {
  switch (expression.kind) {
    case Kind::select: return select(expression);
    case Kind::concat: {
      bool good = true;
      bool const several = std::exchange(several_, true);
      for (Expression& part : expression.parts) good = typed(part) && good;
      several_ = several;
      return good;
    }
    case Kind::binary: {
      Expression& left = expression.parts[0];
      if (!typed(left)) return false;
      expression.type = left.type;
      expression.bits = left.bits;
      if (!binary(expression, *left.type, left.bits)) return false;
      settle_masks(expression);
      return true;
    }
    case Kind::lookup: return typed(expression.parts[0]) && lookup(expression, nullptr, 0);
    case Kind::element: return typed(expression.parts[0]);
    case Kind::text:
      return unknown(expression);
    default: return error(expression.at, "syntax error, unexpected expression");
  }
}

/// A word that begins no statement, and is no parameter of the one before it.
bool Checker::unknown(const Expression& word) {
  std::vector<std::string_view> words = registry_.beginnings();
  if (before_it_ != nullptr)
    for (const Parameter& one : before_it_->parameters) words.push_back(one.name);
  return error(word.at, "syntax error, unexpected string" + did_you_mean(word.text, words));
}

/// Ports by offset are listed as ports; so is a field that the bits are exactly.
bool Checker::name_raw(Expression& raw) {
  Layer const layer = raw.key->counted_from;
  const Module* header = layer == Layer::none ? nullptr : known(layer);
  if (header == nullptr && layer == Layer::transport) header = &registry_.role(Role::any_transport);
  if (header == nullptr || layer == Layer::link) return true;
  for (const Key& key : header->keys)
    if (key.offset_bits == raw.number && key.width() == raw.bits) {
      raw.module = header;
      raw.key = &key;
      raw.text.clear();
      raw.number = 0;
      raw.type = key.type;
      return true;
    }
  return true;
}

/// A port of whatever transport is one of the transport that is known.
void Checker::name_port(Expression& select) {
  const Module* const transport = known(Layer::transport);
  if (select.module->role != Role::any_transport || transport == nullptr || transport->role == Role::any_transport) return;
  const Key* const key = find_key(*transport, select.key->name);
  if (key == nullptr) return;
  select.module = transport;
  select.key = key;
}

/// An address of one family or the other.
bool Checker::address(Expression& select) {
  const Module* const network = known(Layer::network);
  uint8_t const protocol = network == nullptr ? uint8_t{0} : network->above.nf_protocol;
  bool const said_four = select.argument("ip") != nullptr, said_six = select.argument("ip6") != nullptr;
  bool const six = said_six || (!said_four && protocol == kNfIpv6), four = said_four || protocol == kNfIpv4;
  if (!six && !four)
    return error(select.at, fmt::format("cannot determine ip protocol version, use \"ip {0}\" or \"ip6 {0}\" instead", select.key->name));
  if (protocol != 0 && protocol != (six ? kNfIpv6 : kNfIpv4))
    return error(select.at, fmt::format("conflicting protocols specified: {} vs. {}", network->name, six ? "ip6" : "ip"));
  select.type = six ? &ipv6_address : &ipv4_address;
  select.bits = select.type->bits;
  if (said_four || said_six) return true;
  Expression told;  // by what the rule has said before, not by a word of its own
  told.kind = Kind::text;
  select.arguments.push_back({six ? "ip6" : "ip", select.at, std::move(told)});
  return true;
}

/// The table's family has it, and it can be read.
bool Checker::may_ask(const Expression& select) {
  const Module& module = *select.module;
  const Key& key = *select.key;
  uint8_t const own = bit_of(family());
  if ((module.families & own) == 0) {
    bool const header = module.form == Form::header;
    return error(select.at, header ? fmt::format("conflicting protocols specified: {} vs. {}", family(), module.name)
                                   : std::string("Could not process rule: Operation not supported"));
  }
  if ((key.families & own) != 0 && (!key.write_only || setting_)) return true;
  return error(select.at, key.elsewhere.empty() || (key.families & own) != 0 ? "Could not process rule: Operation not supported"
                                                                            : std::string(key.elsewhere));
}

bool Checker::select(Expression& expression) {
  if (expression.key == nullptr) return error(expression.at, "syntax error, unexpected key");
  const Module& module = *expression.module;
  if (!may_ask(expression)) return false;
  if (module.role == Role::raw_payload) return name_raw(expression);
  expression.type = expression.key->type;
  expression.bits = expression.key->width();
  if (module.form == Form::header && !implied(expression)) return false;
  if (!require_message(expression)) return false;
  name_port(expression);
  if (expression.type == &invalid_type && !address(expression)) return false;
  if (module.check_select != nullptr && !module.check_select(expression, *this)) return false;
  for (Expression& part : expression.parts)
    if (!typed(part)) return false;
  return true;
}

bool Checker::value(Expression& expression, const DataType& type, uint16_t bits) {
  switch (expression.kind) {
    case Kind::text: return leaf(expression, type, bits);
    case Kind::value:
      if (expression.type == &integer_type && &type != &integer_type) expression.type = &type;
      expression.bits = bits;
      return true;
    case Kind::prefix: return prefix_value(expression, type, bits);
    case Kind::range: return range_value(expression, type, bits);
    case Kind::list: return list_value(expression, type, bits);
    case Kind::set: return set_value(expression, type, bits, nullptr);
    case Kind::binary: return constant(expression) ? folded(expression, type, bits) : compatible_value(expression, type, bits);
    case Kind::select: return compatible_value(expression, type, bits);
    case Kind::lookup: return typed(expression.parts[0]) && lookup(expression, &type, bits);
    case Kind::verdict:
      return &type == &verdict_type || error(expression.at, "syntax error, unexpected verdict");
    case Kind::wildcard: return error(expression.at, "wildcard is only allowed in sets");
    case Kind::reference: return error(expression.at, "you cannot use a set here, unknown value to use");
    case Kind::concat: return error(expression.at, fmt::format("datatype mismatch, expected {}, expression has type concatenation", type.description));
    default: return error(expression.at, "syntax error, unexpected expression");
  }
}

bool Checker::prefix_value(Expression& prefix, const DataType& type, uint16_t bits) {
  Expression& address = prefix.parts[0];
  if (!value(address, type, bits)) return false;
  if (type.text) return error(prefix.at, fmt::format("Prefix expression is undefined for {}", type.description));
  if (prefix.number > bits)
    return error(prefix.at, fmt::format("Prefix length {} is invalid for type {}, exceeds {}", print_decimal(prefix.number), type.description, bits));
  auto const host = static_cast<unsigned>(bits - static_cast<unsigned>(prefix.number));
  address.number &= ~all_ones(host);
  prefix.type = &type;
  prefix.bits = bits;
  if (host != 0) return true;
  Expression only = std::move(address);
  prefix = std::move(only);
  return true;
}

bool Checker::range_value(Expression& range, const DataType& type, uint16_t bits) {
  if (!value(range.parts[0], type, bits) || !value(range.parts[1], type, bits)) return false;
  range.type = &type;
  range.bits = bits;
  if (type.text) return error(range.at, fmt::format("Range expression is undefined for {}", type.description));
  bool const reversed = range.parts[0].number > range.parts[1].number;
  return !reversed || error(range.at, "Range has zero or negative size");
}

/// One that ends before it begins is what the other way round is not, both ends excluded (nft's meta hour, over midnight).
bool Checker::circular_range(Expression& range, std::string& sign, const DataType& type, uint16_t bits) {
  if (!value(range.parts[0], type, bits) || !value(range.parts[1], type, bits)) return false;
  if (range.parts[0].number > range.parts[1].number) {
    std::swap(range.parts[0], range.parts[1]);
    sign = sign == "!=" ? "==" : "!=";
  }
  return range_value(range, type, bits);
}

/// An operation on constants is a constant.
bool Checker::folded(Expression& binary, const DataType& type, uint16_t bits) {
  bool const shift = binary.text.size() == 2;
  if (!value(binary.parts[0], type, bits) || !value(binary.parts[1], shift ? integer_type : type, bits)) return false;
  Number const left = binary.parts[0].number, right = binary.parts[1].number;
  if (shift && right >= bits)
    return error(binary.at, fmt::format("Bitwise operation ({}) is undefined for a shift of {}", binary.text, print_decimal(right)));
  Expression made = std::move(binary.parts[0]);
  if (binary.text == "&") made.number = left & right;
  else if (binary.text == "|") made.number = left | right;
  else if (binary.text == "^") made.number = left ^ right;
  else made.number = (binary.text == "<<" ? left << static_cast<unsigned>(right) : left >> static_cast<unsigned>(right)) & all_ones(bits);
  made.at = binary.at;
  binary = std::move(made);
  return true;
}

bool Checker::compatible_value(Expression& expression, const DataType& type, uint16_t bits) {
  if (!typed(expression)) return false;
  return compatible(type, bits, expression) ||
         error(expression.at, fmt::format("datatype mismatch: expected {}, expression has type {}", type.description, expression.type->description));
}

bool Checker::leaf(Expression& expression, const DataType& type, uint16_t bits) {
  expression.kind = Kind::value;
  expression.type = &type;
  expression.bits = bits;
  if (type.text) {
    bool const named = &type == &interface_name || &type == &interface_index;
    if (!named && type.base != &integer_type && bits != 0 && expression.text.size() >= bits / 8u)
      return error(expression.at, fmt::format("String exceeds maximum length of {}", bits / 8u));
    if (named && !expression.quoted && expression.at.known() && is_keyword(expression.text))
      return error(expression.at, fmt::format("syntax error, unexpected {}", expression.text));
    if (named && expression.text.size() > 15 + (expression.text.ends_with('*') ? 1u : 0u))
      return error(expression.at, "String exceeds maximum length of 16");
    if (expression.text.empty()) return error(expression.at, "String is empty");
    if (expression.text.size() > 255) return error(expression.at, "String too long");
    if (expression.text == "*" && &type == &interface_name) return error(expression.at, "String exceeds");
    return true;
  }
  auto const number = parse_word(type, expression.text);
  if (!number) return error(expression.at, number.error().message);
  expression.number = *number;
  if (bits != 0 && expression.number > all_ones(bits)) return error(expression.at, exceeds(*number, all_ones(bits)));
  expression.text.clear();
  return true;
}

/// Flags together are one value.
bool Checker::list_value(Expression& expression, const DataType& type, uint16_t bits) {
  bool good = true;
  Number together = 0;
  for (Expression& part : expression.parts) {
    good = value(part, type, bits) && good;
    if (good && !part.is(Kind::value)) good = error(part.at, "Basetype of type is not bitmask");
    together |= part.number;
  }
  if (!good) return false;
  if (!type.bitmask)
    return error(expression.at, fmt::format("Binary operation (|) is undefined for {} types", type.description));
  Expression one = std::move(expression.parts[0]);
  one.number = together;
  one.at = expression.at;
  expression = std::move(one);
  return true;
}

bool Checker::concat_value(Expression& expression, const std::vector<Expression>& fields) {
  if (!expression.is(Kind::concat) || expression.parts.size() != fields.size()) {
    if (expression.is(Kind::reference)) return true;
    return error(expression.at, expression.is(Kind::concat) && expression.parts.size() > fields.size()
                                    ? "too many concatenation components"
                                    : "datatype mismatch, expected concatenation");
  }
  bool good = true;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (expression.parts[i].is(Kind::wildcard)) continue;
    good = value(expression.parts[i], fields[i].type != nullptr ? *fields[i].type : integer_type, fields[i].bits) && good;
  }
  return good;
}

bool Checker::binary(Expression& expression, const DataType& type, uint16_t bits) {
  if (type.text) return error(expression.at, fmt::format("Bitwise operation ({}) is undefined for {} types", expression.text, type.description));
  Expression& right = expression.parts[1];
  bool const shift = expression.text.size() == 2;
  if (!constant(right)) return error(right.at, "Right hand side of bitwise operation must be constant");
  if (!value(right, shift ? integer_type : type, shift ? uint16_t{32} : bits)) return false;
  if (shift && right.number >= bits) return error(right.at, fmt::format("Bitshift of {} bits is undefined for values of {} bits width", print_decimal(right.number), bits));
  return true;
}

}  // namespace bulkhead::ruleset
