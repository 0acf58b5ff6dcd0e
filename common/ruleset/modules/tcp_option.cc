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

uint8_t load_tcp_option(const Expression& select, uint8_t to, Compiler& compiler) {
  compiler.emit(run::tcp_option, step_of_option(*select.key, to, select.key->number));
  return 1;
}

/// Whole words of 16 bits, as the kernel has it.
const StepOperation* store(const Expression& select, Step& step) {
  const Key& key = *select.key;
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
    .within = &tcp_module,
    .check_select = [](Expression& option, Checker& checker) { return checker.inside(tcp_module, option.at); }, .load = load_tcp_option,
    .store = store};

}  // namespace bulkhead::ruleset
