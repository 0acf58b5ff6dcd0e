// The plain types: numbers, flags, strings, yes and no, verdicts; and how any number is written and read.
#include <algorithm>

#include "common/base/near_miss.h"
#include "common/ruleset/tree/data_type.h"

namespace bulkhead::ruleset {
namespace {

constexpr Symbol kBoolean[] = {{"exists", 1}, {"missing", 0}};

void print_hexadecimal(const Expression& value, const Style&, std::string& out) {
  out += fmt::format("0x{:x}", value.number);
}

const Symbol* symbol_of(const DataType& type, Number number) {
  for (const Symbol& symbol : type.symbols)
    if (symbol.value == number) return &symbol;
  return nullptr;
}

/// All flags that are set, lowest bit first; what has no symbol as a number.
void print_flags(const Expression& value, const Style& style, std::string& out) {
  Number rest = value.number;
  std::string_view separator;
  std::vector<Symbol> symbols(value.type->symbols.begin(), value.type->symbols.end());
  std::ranges::stable_sort(symbols, {}, [](const Symbol& one) { return one.value; });
  for (const Symbol& symbol : symbols) {
    if ((rest & symbol.value) != symbol.value || symbol.value == 0) continue;
    if (style.*(value.type->numeric)) out += fmt::format("{}0x{:x}", separator, static_cast<uint64_t>(symbol.value));
    else out += fmt::format("{}{}", separator, symbol.name);
    separator = ",";
    rest &= ~symbol.value;
  }
  if (rest != 0 || value.number == 0) out += fmt::format("{}0x{:x}", separator, static_cast<uint64_t>(rest));
}

}  // namespace

const DataType integer_type{.name = "integer", .description = "integer"};
const DataType invalid_type{.name = "invalid", .description = "invalid"};
const DataType bitmask_type{.name = "bitmask", .description = "bitmask", .base = &integer_type, .bitmask = true,
                            .print = print_hexadecimal};
const DataType raw_integer{.name = "", .description = "integer", .base = &integer_type, .print = print_hexadecimal};
const DataType string_type{.name = "string", .description = "string", .order = ByteOrder::host, .text = true};
const DataType boolean_type{.name = "boolean", .description = "boolean type", .bits = 1, .base = &integer_type,
                            .symbols = kBoolean};
const DataType verdict_type{.name = "verdict", .description = "netfilter verdict"};

Result<Number> parse_number(std::string_view word) {
  unsigned base = 10;
  std::string_view digits = word;
  if (digits.starts_with("0x") || digits.starts_with("0X")) {
    base = 16;
    digits.remove_prefix(2);
  } else if (digits.size() > 1 && digits[0] == '0') {
    base = 8;
  }
  if (digits.empty()) return fail("Could not parse integer");
  Number number = 0;
  for (char const c : digits) {
    unsigned const digit = c >= '0' && c <= '9'   ? static_cast<unsigned>(c - '0')
                           : c >= 'a' && c <= 'f' ? static_cast<unsigned>(c - 'a' + 10)
                           : c >= 'A' && c <= 'F' ? static_cast<unsigned>(c - 'A' + 10)
                                                  : 99;
    if (digit >= base || number > (~Number{0} - digit) / base) return fail("Could not parse integer");
    number = number * base + digit;
  }
  return number;
}

Result<Number> parse_word(const DataType& type, std::string_view word) {
  for (const Symbol& symbol : type.symbols)
    if (symbol.name == word) return symbol.value;
  auto number = type.parse != nullptr ? type.parse(word) : parse_number(word);
  if (number) return number;
  std::vector<std::string_view> names;
  for (const Symbol& symbol : type.symbols) names.push_back(symbol.name);
  std::string const reason = type.parse != nullptr ? number.error().message : fmt::format("Could not parse {}", type.description);
  return fail("{}{}", reason, did_you_mean(word, names));
}

std::string print_decimal(Number number) {
  if (number == 0) return "0";
  std::string digits;
  for (; number != 0; number /= 10) digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(number % 10)));
  return digits;
}

void print_value(const Expression& value, const Style& style, std::string& out) {
  const DataType& type = value.type != nullptr ? *value.type : integer_type;
  if (type.print != nullptr) return type.print(value, style, out);
  if (type.text) {
    out += fmt::format("\"{}\"", value.text);
    return;
  }
  if (type.bitmask && !type.symbols.empty()) return print_flags(value, style, out);
  const Symbol* const symbol = style.*(type.numeric) ? nullptr : symbol_of(type, value.number);
  if (symbol != nullptr) out += symbol->name;
  else out += print_decimal(value.number);
}

}  // namespace bulkhead::ruleset