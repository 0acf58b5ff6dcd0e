// common/ruleset/write/out.cc: expressions and statements as text.
#include "common/ruleset/write/out.h"

#include <algorithm>
#include <array>

namespace bulkhead::ruleset {
namespace {

/// How many elements of a named set stand in a line.
size_t in_a_line(const Expression& key) {
  if (key.type == nullptr || key.is(Kind::concat)) return 1;
  constexpr std::array narrow = {&inet_protocol, &inet_service, &nf_protocol, &mark, &ct_state, &ct_status, &ct_direction,
                                 &tcp_flag, &packet_type,
                                 &user_id, &group_id, &interface_type, &interface_index, &class_id};
  if (std::ranges::find(narrow, key.type) != narrow.end()) return 5;
  return key.type == &ipv4_address ? 2 : 1;
}

/// By the first that is no wildcard, unless all are.
size_t elements_in_a_line(const std::vector<Expression>& elements) {
  if (elements.empty()) return 0;
  bool const skip = elements[0].parts[0].is(Kind::wildcard) && elements.size() > 1;
  return in_a_line(elements[skip ? 1 : 0].parts[0]);
}

bool needs_parentheses(const Expression& outer, const Expression& inner) {
  auto const rank = [](const std::string& sign) { return sign.size() == 2 ? 4 : sign == "&" ? 3 : sign == "^" ? 2 : 1; };
  return inner.is(Kind::binary) && rank(inner.text) < rank(outer.text);
}

}  // namespace

Out& Out::number(Number number) {
  text_ += print_decimal(number);
  return *this;
}

std::pair<uint64_t, std::string_view> largest_unit(uint64_t bytes) {
  if (bytes != 0 && bytes % (uint64_t{1024} * 1024) == 0) return {bytes / (uint64_t{1024} * 1024), "mbytes"};
  if (bytes != 0 && bytes % 1024 == 0) return {bytes / 1024, "kbytes"};
  return {bytes, "bytes"};
}

void Out::bytes(uint64_t count) {
  auto const [number, unit] = largest_unit(count);
  text_ += fmt::format("{} {}", number, unit);
}

void Out::separated(const std::vector<Expression>& parts, std::string_view separator) {
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i != 0) text_ += separator;
    print(parts[i]);
  }
}

void Out::print(const Expression& expression) {
  switch (expression.kind) {
    case Kind::none: return;
    case Kind::text:
      text_ += expression.quoted ? fmt::format("\"{}\"", expression.text) : expression.text;
      return;
    case Kind::value: return print_value(expression, style_, text_);
    case Kind::select: return select(expression);
    case Kind::prefix:
      print(expression.parts[0]);
      text_ += fmt::format("/{}", static_cast<unsigned>(expression.number));
      return;
    case Kind::range: {
      Style const outer = style_;
      style_.all_numeric();  // as nft does within a range
      separated(expression.parts, "-");
      style_ = outer;
      return;
    }
    case Kind::list: return separated(expression.parts, ",");
    case Kind::concat: return separated(expression.parts, " . ");
    case Kind::set: return set(expression);
    case Kind::element: return element(expression);
    case Kind::mapping: return separated(expression.parts, " : ");
    case Kind::binary: return binary(expression);
    case Kind::lookup: return separated(expression.parts, " map ");
    case Kind::reference: *this << "@" << expression.text; return;
    case Kind::wildcard: text_ += "*"; return;
    case Kind::verdict:
      text_ += expression.text;
      if (!expression.parts.empty()) *this << " " << expression.parts[0].text;
      return;
  }
}

/// `syn | ack`
void Out::joined_flags(const Expression& flags, bool parentheses) {
  std::string list;
  print_value(flags, style_, list);
  bool const several = list.find(',') != std::string::npos;
  for (size_t at = 0; (at = list.find(',', at)) != std::string::npos; at += 3) list.replace(at, 1, " | ");
  text_ += several && parentheses ? fmt::format("({})", list) : list;
}

void Out::binary(const Expression& expression) {
  for (size_t i = 0; i < 2; ++i) {
    bool const wrapped = needs_parentheses(expression, expression.parts[i]);
    const Expression& part = expression.parts[i];
    // Flags that a mask is made of are joined by | here.
    bool const flags = i == 1 && part.is(Kind::value) && part.type != nullptr && part.type->bitmask && !part.type->symbols.empty();
    if (i == 1) *this << " " << expression.text << " ";
    if (flags) {
      joined_flags(part, true);
      continue;
    }
    *this << (wrapped ? "(" : "") << part << (wrapped ? ")" : "");
  }
}

void Out::select(const Expression& expression) {
  const Module& module = *expression.module;
  if (module.print_select != nullptr) return module.print_select(expression, *this);
  if (module.form == Form::hash) {
    *this << module.name << " " << expression.parts[0];
  } else if (expression.key->bare_print) {
    text_ += expression.key->name;
  } else {
    text_ += module.name;
    modifiers(expression);
    if (!expression.key->name.empty()) *this << " " << expression.key->name;
  }
  for (const Argument& one : expression.arguments)
    if (const Parameter* const parameter = find_parameter(module, one.name)) this->parameter(*parameter, one.value.number);
}

void Out::modifiers(const Expression& select) {
  std::string_view separator = " ";
  for (const Argument& one : select.arguments) {
    if (std::ranges::find(select.module->modifiers, one.name) == select.module->modifiers.end()) continue;
    *this << separator << one.name;
    separator = select.module->between;
  }
}

void Out::parameter(const Parameter& parameter, Number value) {
  if (!parameter.initial.empty() && parameter.initial == print_decimal(value)) return;
  *this << " " << parameter.name << " ";
  if (parameter.hexadecimal) text_ += fmt::format("0x{:x}", static_cast<uint64_t>(value));
  else number(value);
}

void Out::element(const Expression& expression) {
  const Expression& key = expression.parts[0];
  bool const flags = key.is(Kind::value) && key.type != nullptr && key.type->bitmask && !key.type->symbols.empty();
  if (flags) joined_flags(key, false);
  else print(key);
  Style const outer = style_;
  for (const Statement& one : expression.statements) {
    *this << " ";
    statement(one);
  }
  if (const Expression* const timeout = expression.argument("timeout"))
    *this << " timeout " << print_duration(static_cast<uint64_t>(timeout->number), style_);
  if (const Expression* const expires = expression.argument("expires"); expires != nullptr && !style_.stateless)
    *this << " expires " << print_duration(static_cast<uint64_t>(expires->number), style_);
  if (const Expression* const comment = expression.argument("comment")) *this << " comment \"" << comment->text << "\"";
  if (expression.parts.size() > 1) *this << " : " << expression.parts[1];
  style_ = outer;
}

void Out::set(const Expression& expression) {
  text_ += "{ ";
  bool const named = expression.text == "named";
  size_t in_line = 0;
  size_t const most = named ? elements_in_a_line(expression.parts) : 0;
  for (size_t i = 0; i < expression.parts.size(); ++i) {
    if (i != 0) {
      if (named && ++in_line == most) {
        text_ += ",\n\t\t\t     ";
        in_line = 0;
      } else {
        text_ += ", ";
      }
    }
    print(expression.parts[i]);
  }
  text_ += " }";
}

void Out::statement(const Statement& statement) {
  const Module& module = *statement.module;
  if (module.print != nullptr) return module.print(statement, *this);
  text_ += module.name;
  for (const Argument& one : statement.arguments) {
    if (!one.name.empty()) *this << " " << one.name;
    if (!one.value.is(Kind::none)) *this << " " << one.value;
  }
}

void Out::stateless(const Statement& one) {
  Style const outer = style_;
  style_.stateless = true;
  statement(one);
  style_ = outer;
}

}  // namespace bulkhead::ruleset
