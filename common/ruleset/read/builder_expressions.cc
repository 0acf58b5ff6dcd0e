// common/ruleset/read/builder_expressions.cc: statements and expressions as they were read.
#include <charconv>

#include "common/ruleset/read/builder.h"

namespace bulkhead::ruleset {
namespace {

Expression of(Kind kind, const Location& at) {
  Expression made;
  made.kind = kind;
  made.at = at;
  return made;
}

Expression plain(std::string text, const Location& at) {
  Expression made = of(Kind::text, at);
  made.text = std::move(text);
  return made;
}

Expression numeric(uint64_t number, const Location& at) {
  Expression made = of(Kind::value, at);
  made.type = &integer_type;
  made.bits = 64;
  made.number = number;
  return made;
}

/// `left` may be one of its kind already, and grows, or is the first part of a new one.
Expression append(Kind kind, Expression left, Expression right, const Location& at) {
  if (!left.is(kind)) {
    Expression made = of(kind, at);
    made.parts.push_back(std::move(left));
    left = std::move(made);
  }
  left.parts.push_back(std::move(right));
  left.at = at;
  return left;
}

}  // namespace

Expression Builder::text(const std::string& text, const Location& at, bool quoted) {
  Expression made = plain(text, at);
  made.quoted = quoted;
  return made;
}

Expression Builder::wildcard(const Location& at) { return of(Kind::wildcard, at); }
Expression Builder::time(uint64_t milliseconds, const Location& at) {
  Expression made = numeric(milliseconds, at);
  made.type = &relative_time;
  return made;
}

/// `@th,16,32`: text is the base, number the offset, bits the length.
Expression Builder::raw(const std::string& text, const Location& at) {
  Expression made = of(Kind::select, at);
  made.module = &registry_.role(Role::raw_payload);
  made.key = find_key(*made.module, std::string_view(text).substr(1, 2));
  auto const comma = text.find(','), second = text.find(',', comma + 1);
  auto const offset = number(text.substr(text.find_first_of("0123456789", comma), second - text.find_first_of("0123456789", comma)), at, 0xffff);
  auto const length = number(text.substr(text.find_first_of("0123456789", second)), at, 0xffff);
  made.text = text.substr(1, 2);
  made.number = offset;
  made.bits = static_cast<uint16_t>(length);
  if (length == 0) diagnostics_.error(at, "payload length cannot be 0");
  if (length > 128) diagnostics_.error(at, fmt::format("payload length {} is not supported, 128 bits at most", length));
  made.type = &raw_integer;
  return made;
}

/// `255`, or `255,8,8`, of an option: number is its own, offset, length, 16 bits each.
Expression Builder::numbered(const Named& module, const std::string& text, const Location& at, const Location& number_at) {
  Expression made = of(Kind::select, at);
  made.module = module.module;
  auto const comma = std::min(text.find(','), text.size());
  made.number = Number{number(text.substr(0, comma), number_at, 255)} << 32;
  made.key = comma == text.size() ? module.module->numbered : module.module->raw;
  if (comma == text.size()) return made;
  auto const second = text.rfind(',');
  made.number |= number(text.substr(comma + 1, second - comma - 1), number_at, 0xffff) << 16 | number(text.substr(second + 1), number_at, 0xffff);
  return made;
}

Expression Builder::reference(const Name& name, const Location& at) {
  Expression made = of(Kind::reference, at);
  made.text = name.text;
  return made;
}

Expression Builder::verdict_value(const std::string& word, const Name& chain, const Location& at) {
  Expression made = of(Kind::verdict, at);
  made.type = &verdict_type;
  made.text = word;
  if (!chain.text.empty()) made.parts.push_back(plain(chain.text, chain.at));
  return made;
}

Expression Builder::binary(const char* sign, Expression left, Expression right, const Location& at) {
  Expression made = of(Kind::binary, at);
  made.text = sign;
  made.parts.push_back(std::move(left));
  made.parts.push_back(std::move(right));
  return made;
}

Expression Builder::range(Expression low, Expression high, const Location& at) {
  Expression made = of(Kind::range, at);
  made.parts.push_back(std::move(low));
  made.parts.push_back(std::move(high));
  return made;
}

Expression Builder::prefix(Expression address, const std::string& length, const Location& at) {
  Expression made = of(Kind::prefix, at);
  made.number = number(length, at, 255);
  made.parts.push_back(std::move(address));
  return made;
}

Expression Builder::concat(Expression left, Expression right, const Location& at) {
  return append(Kind::concat, std::move(left), std::move(right), at);
}

Expression Builder::list(Expression left, Expression right, const Location& at) {
  return append(Kind::list, std::move(left), std::move(right), at);
}

Expression Builder::lookup(Expression key, Expression set, const Location& at) {
  Expression made = of(Kind::lookup, at);
  made.parts.push_back(std::move(key));
  made.parts.push_back(std::move(set));
  return made;
}

Expression Builder::empty_set(const Location& at) { return of(Kind::set, at); }

Expression Builder::first_element(Expression element, const Location& at) {
  Expression made = of(Kind::set, at);
  more_elements(made, std::move(element));
  return made;
}

/// A set within a set, as variables make it, is poured into it.
void Builder::more_elements(Expression& set, Expression element) {
  bool const nested = element.is(Kind::element) && element.parts[0].is(Kind::set);
  if (!nested) return set.parts.push_back(std::move(element));
  for (Expression& inner : element.parts[0].parts) set.parts.push_back(std::move(inner));
}

Expression Builder::mapping(Expression key, Expression data, const Location& at) {
  key.parts.push_back(std::move(data));
  key.at = at;
  return key;
}

Expression Builder::element(Expression key, const Location& at) {
  Expression made = of(Kind::element, at);
  made.parts.push_back(std::move(key));
  return made;
}

Expression Builder::with_statement(Expression element, Statement statement) {
  element.statements.push_back(std::move(statement));
  return element;
}

Expression Builder::option(Expression element, const char* name, uint64_t milliseconds, const Location& at) {
  element.arguments.push_back({name, at, time(milliseconds, at)});
  return element;
}

Expression Builder::element_comment(Expression element, const std::string& comment, const Location& at) {
  element.arguments.push_back({"comment", at, plain(checked_comment(comment, at), at)});
  return element;
}

Expression Builder::field(const Named& module, const Named& key, const Location& at) {
  Expression made = of(Kind::select, at);
  made.module = module.module;
  made.key = key.key;
  return made;
}

Expression Builder::selecting(const Named& module, const Location& at) {
  Expression made = of(Kind::select, at);
  made.module = module.module;
  return made;
}

void Builder::modifier(Expression& select, const Named& word, const Location& at) {
  select.arguments.push_back({word.text, at, {}});
}

Expression Builder::select(Expression start, const Named& key, Expression parameters, const Location& at) {
  start.key = key.key;
  start.at = at;
  for (Argument& one : parameters.arguments) start.arguments.push_back(std::move(one));
  return start;
}

Expression Builder::hash(const Named& module, Expression of_what, Expression parameters, const Location& at) {
  Expression made = field(module, module, at);
  if (!of_what.is(Kind::none)) made.parts.push_back(std::move(of_what));
  made.arguments = std::move(parameters.arguments);
  return made;
}

Statement Builder::verdict(const std::string& word, const Name& chain, const Location& at) {
  Statement made{registry_.statement(word), false, at, {}, {}};
  if (!chain.text.empty()) made.set("target", plain(chain.text, chain.at));
  return made;
}

/// Parameters that have a rank stand in that order.
void Builder::in_order(const Module& module, const std::vector<Argument>& arguments) {
  uint8_t last = 0;
  for (const Argument& one : arguments) {
    const Parameter* const parameter = find_parameter(module, one.name);
    if (parameter == nullptr || parameter->rank == 0) continue;
    bool const again = parameter->rank == last && last < kAtTheEnd;
    if (parameter->rank < last || again)
      return diagnostics_.error(one.at, fmt::format("syntax error, unexpected {}", one.name.empty() ? "string" : one.name));
    last = parameter->rank;
  }
}

Statement Builder::stateful(const Named& what, Statement arguments, const Location& at, const Location& word_at) {
  if (!what.module->stateful) diagnostics_.error(word_at, fmt::format("syntax error, unexpected {}", what.module->name));
  return statement(what, std::move(arguments), at, word_at);
}

Statement Builder::statement(const Named& what, Statement arguments, const Location& at, const Location& word_at) {
  in_order(*what.module, arguments.arguments);
  arguments.word_at = word_at;
  arguments.module = what.module;
  arguments.at = at;
  return arguments;
}

Statement Builder::match(std::string sign, Expression left, Expression right, const Location& at) {
  Statement made{&registry_.role(Role::match), false, at, {}, {}};
  made.set("op", plain(std::move(sign), at));
  made.set("left", std::move(left));
  made.set("right", std::move(right));
  return made;
}

/// `tcp flags syn / syn,ack` is `tcp flags & (syn | ack) == syn`.
Statement Builder::masked(std::string sign, Expression left, Expression value, Expression mask, const Location& at) {
  Location const both = join(left.at, mask.at);
  if (!sign.empty() && sign != "==" && sign != "!=") diagnostics_.error(at, "either == or != is allowed");
  return match(std::move(sign), binary("&", std::move(left), std::move(mask), both), std::move(value), at);
}

Statement Builder::set_value(Expression key, Expression value, const Location& at) {
  Statement made{&registry_.role(Role::mangle), false, at, {}, {}};
  single(value);
  made.set("key", std::move(key));
  made.set("value", std::move(value));
  return made;
}

Statement Builder::vmap(Expression key, Expression data, const Location& at) {
  Statement made{&registry_.role(Role::vmap), false, at, {}, {}};
  made.set("key", std::move(key));
  made.set("data", std::move(data));
  return made;
}

Statement Builder::update(const std::string& operation, const Name& set, Expression element, Expression data,
                          const Location& at, const Location& set_at) {
  Statement made{&registry_.role(Role::update), false, at, {}, {}};
  made.set("op", plain(operation, at));
  made.set("set", reference(set, set_at));
  made.set("elem", std::move(element));
  if (!data.is(Kind::none)) made.set("data", std::move(data));
  return made;
}

Statement Builder::meter(const Name& name, Expression element, uint64_t size, const Location& at) {
  Statement made{&registry_.role(Role::meter), false, at, {}, {}};
  made.set("name", plain(name.text, name.at));
  made.set("elem", std::move(element));
  made.set("size", numeric(size != 0 ? size : 65535, at));  // as the kernel's listing says
  return made;
}

uint64_t Builder::number(const std::string& text, const Location& at, uint64_t most) {
  auto const value = parse_number(text);
  if (value && *value <= most) return static_cast<uint64_t>(*value);
  diagnostics_.error(at, value ? fmt::format("Value {} exceeds valid range 0-{}", text, most) : value.error().message);
  return 0;
}

int64_t Builder::small(const std::string& text, const Location& at) {
  return static_cast<int64_t>(number(text, at, 0x7fffffff));
}

uint64_t Builder::duration(const std::string& text, const Location& at) {
  auto const value = parse_duration(text);
  if (value) return *value;
  diagnostics_.error(at, "Could not parse relative time");
  return 0;
}

Expression Builder::parameter_number(const Named& parameter, const std::string& text, const Location& at) {
  auto const most = static_cast<uint64_t>(parameter.parameter->most);
  return numeric(number(text, at, most), at);
}

/// Bytes, or packets: text keeps the unit.
Expression Builder::sized(const std::string& text, const std::string& unit, const Location& at) {
  uint64_t const factor = unit == "kbytes" ? 1024 : unit == "mbytes" ? 1024 * 1024 : 1;
  Expression made = numeric(number(text, at, ~uint64_t{0} / factor) * factor, at);
  made.text = unit;
  return made;
}

/// number: a second, minute...; text: that unit; arguments: `over`, unit of what is counted.
Expression Builder::rate(const std::string& text, const std::string& unit, const std::string& per, const Named& sign,
                         const Location& at) {
  Expression made = unit.empty() ? numeric(number(text, at, ~uint64_t{0}), at) : sized(text, unit, at);
  made.text = per;
  if (per != "second" && per != "minute" && per != "hour" && per != "day" && per != "week")
    diagnostics_.error(at, "Wrong rate format, expecting bytes/second, kbytes/second or mbytes/second");
  if (sign.parameter != nullptr) made.arguments.push_back({sign.text, at, {}});
  if (!unit.empty()) made.arguments.push_back({"unit", at, plain(unit, at)});
  return made;
}

/// Where one value stands, a variable may bring a set of one; none is written there.
void Builder::single(Expression& value) {
  if (value.is(Kind::set) && !value.defined) {
    Location bracket = value.at;
    bracket.last = bracket.first;
    return diagnostics_.error(bracket, "syntax error, unexpected '{'");
  }
  only_element(value);
  if (value.is(Kind::set)) diagnostics_.error(value.at, "you cannot use a set here, unknown value to use");
}

/// parts: address, port; Kind::none stands for what is not there.
Expression Builder::target(Expression address, Expression port, const Location& at) {
  Expression made = of(Kind::list, at);
  for (Expression* const part : {&address, &port}) single(*part);
  made.parts.push_back(std::move(address));
  made.parts.push_back(std::move(port));
  return made;
}

void Builder::block_entry(Expression& block, const Name& name, uint64_t milliseconds) {
  block.kind = Kind::set;
  block.arguments.push_back({name.text, name.at, time(milliseconds, name.at)});
}

Expression Builder::words(const Name& name) {
  Expression made = of(Kind::list, name.at);
  more_words(made, name);
  return made;
}

void Builder::more_words(Expression& words, const Name& name) {
  words.parts.push_back(plain(name.text, name.at));
  words.at = join(words.at, name.at);
}

}  // namespace bulkhead::ruleset
