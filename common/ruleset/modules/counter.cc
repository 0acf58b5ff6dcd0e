// `counter`, `counter packets 5 bytes 300`, `counter name "web"`.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/modules/all.h"
#include "common/ruleset/read/json_reader.h"
#include "common/ruleset/run/run.h"
#include "common/ruleset/write/json_tree.h"

namespace bulkhead::ruleset {
namespace {

constexpr Parameter kCounterParameters[] = {
    {.name = "packets", .takes = Takes::number, .unit = "packets", .help = "so many so far", .initial = "0"},
    {.name = "bytes", .takes = Takes::number, .unit = "bytes", .help = "so many so far", .initial = "0"},
    {.name = "name", .takes = Takes::value, .help = "a named counter instead"}};

void check_counter(Statement& counter, Checker& checker) {
  if (Expression* const name = counter.argument("name")) checker.object_reference(*name, "counter");
}

Number number_counter(const Statement& counter, std::string_view name) {
  const Expression* const said = counter.argument(name);
  return said == nullptr ? 0 : said->number;
}

void print_body_counter(const Statement& counter, Out& out) {
  if (out.style().stateless) return;
  (out << "packets ").number(number_counter(counter, "packets")) << " bytes ";
  out.number(number_counter(counter, "bytes"));
}

void print_counter(const Statement& counter, Out& out) {
  out << "counter";
  if (const Expression* const name = counter.argument("name")) {
    out << " name " << *name;
  } else if (!out.style().stateless) {
    out << " ";
    print_body_counter(counter, out);
  }
}

void put_state_counter(Statement& counter, const StateWord& word) {
  counter.set("packets", json_in::numeric(word(0)));
  counter.set("bytes", json_in::numeric(word(1)));
}

Json counter_as_json(const Statement& counter, const Style& style) {
  if (const Expression* const name = counter.argument("name")) return Json::named("counter", to_json(*name, style));
  if (style.stateless) return Json::named("counter", {});
  return Json::named("counter", Json::object({{"packets", number_of(counter.argument("packets"))}, {"bytes", number_of(counter.argument("bytes"))}}));
}

void counter_from_json(Statement& counter, const Json& json, json_in::Reader& reader) {
  if (reader.has_members(counter, json)) json_in::take_numbers(counter, json, {"packets", "bytes"});
}

void compile_counter(const Statement& counter, Compiler& compiler) {
  Compiler::Stateful const made = compiler.stateful(counter, 2);
  if (made.body == nullptr) return;
  compiler.begin(made.word, made.body->number("packets"));
  compiler.begin(made.word + 1, made.body->number("bytes"));
  compiler.emit(run::counter, {.word = made.word});
}

}  // namespace

const Module counter_module{.name = "counter", .help = "count packets and bytes", .parameters = kCounterParameters, .object = true,
    .object_name = "counter", .of_flowtables = true, .check = check_counter, .print = print_counter, .print_body = print_body_counter,
    .put_state = put_state_counter, .to_json = counter_as_json, .from_json = counter_from_json, .compile = compile_counter};

}  // namespace bulkhead::ruleset
