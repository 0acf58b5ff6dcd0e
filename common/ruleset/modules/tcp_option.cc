// TCP's options, by name and field. RFC 9293 3.2, 7323, 2018, 8684.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/modules/all.h"
#include "common/ruleset/read/json_reader.h"
#include "common/ruleset/run/option.h"
#include "common/ruleset/write/json_tree.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kTcpOptionKeys[] = {
    {.name = "eol", .type = &boolean_type, .number = 0},
    {.name = "eol kind", .bits = 8, .number = 0},
    {.name = "nop", .type = &boolean_type, .number = 1},
    {.name = "nop kind", .bits = 8, .number = 1},
    {.name = "maxseg", .type = &boolean_type, .number = 2},
    {.name = "maxseg kind", .bits = 8, .number = 2},
    {.name = "maxseg length", .bits = 8, .offset_bits = 8, .number = 2},
    {.name = "maxseg size", .bits = 16, .offset_bits = 16, .settable = true, .number = 2},
    {.name = "window", .type = &boolean_type, .number = 3},
    {.name = "window kind", .bits = 8, .number = 3},
    {.name = "window length", .bits = 8, .offset_bits = 8, .number = 3},
    {.name = "window count", .bits = 8, .offset_bits = 16, .number = 3},  // the kernel sets whole words
    {.name = "sack-perm", .type = &boolean_type, .number = 4},
    {.name = "sack-perm kind", .bits = 8, .number = 4},
    {.name = "sack-perm length", .bits = 8, .offset_bits = 8, .number = 4},
    {.name = "sack", .type = &boolean_type, .number = 5},
    {.name = "sack kind", .bits = 8, .number = 5},
    {.name = "sack length", .bits = 8, .offset_bits = 8, .number = 5},
    {.name = "sack left", .bits = 32, .offset_bits = 16, .settable = true, .number = 5},
    {.name = "sack right", .bits = 32, .offset_bits = 48, .settable = true, .number = 5},
    {.name = "sack0", .type = &boolean_type, .number = 5},
    {.name = "sack0 kind", .bits = 8, .number = 5},
    {.name = "sack0 length", .bits = 8, .offset_bits = 8, .number = 5},
    {.name = "sack0 left", .bits = 32, .offset_bits = 16, .settable = true, .number = 5},
    {.name = "sack0 right", .bits = 32, .offset_bits = 48, .settable = true, .number = 5},
    {.name = "sack1", .type = &boolean_type, .number = 5},
    {.name = "sack1 kind", .bits = 8, .number = 5},
    {.name = "sack1 length", .bits = 8, .offset_bits = 8, .number = 5},
    {.name = "sack1 left", .bits = 32, .offset_bits = 80, .settable = true, .number = 5},
    {.name = "sack1 right", .bits = 32, .offset_bits = 112, .settable = true, .number = 5},
    {.name = "sack2", .type = &boolean_type, .number = 5},
    {.name = "sack2 kind", .bits = 8, .number = 5},
    {.name = "sack2 length", .bits = 8, .offset_bits = 8, .number = 5},
    {.name = "sack2 left", .bits = 32, .offset_bits = 144, .settable = true, .number = 5},
    {.name = "sack2 right", .bits = 32, .offset_bits = 176, .settable = true, .number = 5},
    {.name = "sack3", .type = &boolean_type, .number = 5},
    {.name = "sack3 kind", .bits = 8, .number = 5},
    {.name = "sack3 length", .bits = 8, .offset_bits = 8, .number = 5},
    {.name = "sack3 left", .bits = 32, .offset_bits = 208, .settable = true, .number = 5},
    {.name = "sack3 right", .bits = 32, .offset_bits = 240, .settable = true, .number = 5},
    {.name = "timestamp", .type = &boolean_type, .number = 8},
    {.name = "timestamp kind", .bits = 8, .number = 8},
    {.name = "timestamp length", .bits = 8, .offset_bits = 8, .number = 8},
    {.name = "timestamp tsval", .bits = 32, .offset_bits = 16, .settable = true, .number = 8},
    {.name = "timestamp tsecr", .bits = 32, .offset_bits = 48, .settable = true, .number = 8},
    {.name = "md5sig", .type = &boolean_type, .number = 19},
    {.name = "md5sig kind", .bits = 8, .number = 19},
    {.name = "md5sig length", .bits = 8, .offset_bits = 8, .number = 19},
    {.name = "mptcp", .type = &boolean_type, .number = 30},
    {.name = "mptcp kind", .bits = 8, .number = 30},
    {.name = "mptcp length", .bits = 8, .offset_bits = 8, .number = 30},
    {.name = "mptcp subtype", .bits = 4, .offset_bits = 16, .number = 30},
    {.name = "fastopen", .type = &boolean_type, .number = 34},
    {.name = "fastopen kind", .bits = 8, .number = 34},
    {.name = "fastopen length", .bits = 8, .offset_bits = 8, .number = 34},
};

// Of those that have no name here: `255`, `@255,8,8`. The expression's number: kind, offset, length, 16 bits each.
constexpr Key kByNumber{.name = "by number", .type = &boolean_type};
constexpr Key kBits{.name = "bits", .bits = 8};
constexpr Key kWords{.name = "words", .bits = 16, .settable = true};

uint8_t kind_of(const Expression& option) { return static_cast<uint8_t>(option.number >> 32); }
uint16_t offset_of(const Expression& option) { return static_cast<uint16_t>(option.number >> 16); }
uint16_t length_of(const Expression& option) { return static_cast<uint16_t>(option.number); }
bool is_numbered(const Expression& option) { return option.key == &kByNumber || option.key == &kBits || option.key == &kWords; }

/// What has a name is listed by it.
const Key* name_of(const Expression& option) {
  bool const whole = option.key == &kByNumber;
  auto const is = [&](const Key& key) {
    if (key.number != kind_of(option) || (key.type == &boolean_type) != whole) return false;
    return whole || (key.offset_bits == offset_of(option) && key.width() == length_of(option));
  };
  auto const found = std::ranges::find_if(kTcpOptionKeys, is);
  return found == std::end(kTcpOptionKeys) ? nullptr : &*found;
}

bool check_number(Expression& option, Checker& checker) {
  constexpr uint16_t kMostLength = 128, kMostOffset = 320;
  if (const Key* const named = name_of(option)) {
    option.key = named;
    option.number = 0;
    option.type = named->type;
    option.bits = named->width();
    return true;
  }
  if (option.key == &kByNumber) return true;
  uint16_t const length = length_of(option), offset = offset_of(option);
  if (length == 0) return checker.error(option.at, "payload length cannot be 0");
  if (length > kMostLength) return checker.error(option.at, "Could not process rule: Value too large for defined data type");
  if (offset > kMostOffset) return checker.error(option.at, fmt::format("offset and size {} exceeds max tcp headerlen ({})", offset, kMostOffset));
  option.key = offset % 8 == 0 && (length == 16 || length == 32) ? &kWords : &kBits;
  option.bits = length;
  return true;
}

bool check_tcp_option(Expression& option, Checker& checker) { return !is_numbered(option) || check_number(option, checker); }

void print_tcp_option(const Expression& option, Out& out) {
  if (!is_numbered(option)) out << "tcp option " << option.key->name;
  else if (option.key == &kByNumber) out << fmt::format("tcp option {}", kind_of(option));
  else out << fmt::format("tcp option @{},{},{}", kind_of(option), offset_of(option), length_of(option));
}

/// One that is only asked for is its first 8 bits, as nft has it.
Json tcp_option_to_json(const Expression& option, const Style&) {
  if (!is_numbered(option)) return option_json(tcp_option_module, option.key->name);
  unsigned const length = option.key == &kByNumber ? 8U : length_of(option);
  return Json::named("tcp option", Json::object({{"base", kind_of(option)}, {"offset", offset_of(option)}, {"len", length}}));
}

Expression tcp_option_from_json(const Module& module, const Json& json, json_in::Reader& reader) {
  if (!json.contains("base")) return reader.option(module, json);
  uint64_t const kind = json_in::number_of(json_in::member(json, "base")), offset = json_in::number_of(json_in::member(json, "offset"));
  uint64_t const length = json_in::number_of(json_in::member(json, "len"));
  if (kind > 0xff || offset > 0xffff || length > 0xffff) json_in::refuse("Invalid tcp option: value too large");
  bool const whole = offset == 0 && length == 8;
  Expression option = json_in::made(Kind::select);
  option.module = &module;
  option.key = whole ? &kByNumber : &kBits;
  option.number = Number{kind} << 32 | (whole ? 0 : offset << 16 | length);
  return option;
}

uint8_t load_tcp_option(const Expression& select, uint8_t to, Compiler& compiler) {
  Step step = step_of_option(*select.key, to, select.key->number);
  if (is_numbered(select)) {
    step.a = kind_of(select);
    step.bits = select.bits;
    step.offset = offset_of(select);
  }
  compiler.emit(run::tcp_option, step);
  return 1;
}

/// Whole words of 16 bits, as the kernel has it.
const StepOperation* store(const Expression& select, Step& step) {
  const Key& key = *select.key;
  if (&key == &kWords) {
    step.offset = offset_of(select);
    step.bits = select.bits;
    step.a = kind_of(select);
    return &run::set_tcp_option;
  }
  if (key.width() != 16 && key.width() != 32) return nullptr;
  step.offset = key.offset_bits;
  step.a = key.number;
  return &run::set_tcp_option;
}

constexpr Parameter kResetParameters[] = {{.name = "option", .takes = Takes::word, .help = "name or kind of a TCP option"}};

/// The option's kind by its name, or as a number; 0 to 255.
std::optional<uint8_t> kind_of_option(std::string_view said) {
  for (const Key& key : kTcpOptionKeys)
    if (key.type == &boolean_type && key.name == said) return key.number;
  auto const number = parse_number(said);
  return number && *number <= 255 ? std::optional(static_cast<uint8_t>(*number)) : std::nullopt;
}

const Key* option_of(Number kind) {
  for (const Key& key : kTcpOptionKeys)
    if (key.type == &boolean_type && key.number == kind) return &key;
  return nullptr;
}

void check_reset(Statement& reset, Checker& checker) {
  Expression* const option = reset.argument("option");
  if (option == nullptr) {
    checker.error(reset.at, "syntax error, expecting option");
    return;
  }
  auto const kind = kind_of_option(option->text);
  if (!kind) {
    checker.error(option->at, fmt::format("syntax error, unexpected {}, expecting a TCP option", option->text));
    return;
  }
  option->number = *kind;
  const Key* const known = option_of(*kind);
  option->text = known != nullptr ? std::string(known->name) : print_decimal(*kind);
}

void print_reset(const Statement& reset, Out& out) { out << "reset tcp option " << reset.argument("option")->text; }

Json reset_as_json(const Statement& reset, const Style&) {
  const Expression& option = *reset.argument("option");
  Json said = option_of(option.number) != nullptr ? Json::named("name", option.text)
                                                  : Json::object({{"base", number_json(option.number)}, {"offset", 0U}, {"len", 0U}});
  return Json::named("reset", Json::named("tcp option", std::move(said)));
}

void reset_from_json(Statement& reset, const Json& json, json_in::Reader&) {
  const Json& option = json_in::member(json, "tcp option");
  bool const named = option.contains("name");
  std::string const said = named ? json_in::text_of(json_in::member(option, "name"))
                                 : print_decimal(json_in::number_of(json_in::member(option, "base")));
  reset.set("option", json_in::word(said));
}

void compile_reset(const Statement& reset, Compiler& compiler) {
  compiler.emit(run::strip_tcp_option, {.a = reset.argument("option")->number});
}

}  // namespace

const Module reset_tcp_module{.name = "reset tcp", .help = "no-operations instead of a TCP option", .families = kInetFamilies | 16 | 32,
    .parameters = kResetParameters, .json_also = "reset",
    .check = check_reset, .print = print_reset, .to_json = reset_as_json, .from_json = reset_from_json, .compile = compile_reset};
const Module tcp_option_module{.name = "tcp option", .form = Form::option, .help = "TCP option", .keys = kTcpOptionKeys,
    .numbered = &kByNumber, .raw = &kBits, .within = &tcp_module, .check_select = check_tcp_option, .print_select = print_tcp_option,
    .select_to_json = tcp_option_to_json, .select_from_json = tcp_option_from_json, .load = load_tcp_option, .store = store};

}  // namespace bulkhead::ruleset
