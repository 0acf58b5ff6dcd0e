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
  if (checker.chain() == nullptr && counter.has("packets") != counter.has("bytes"))  // an object
    checker.error(counter.at, fmt::format("syntax error, expecting {}", counter.has("packets") ? "bytes" : "packets"));
}

void print_body_counter(const Statement& counter, Out& out) {
  if (out.style().stateless) return;
  (out << "packets ").number(counter.number("packets")) << " bytes ";
  out.number(counter.number("bytes"));
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

const Module counter_module{.name = "counter", .help = "count packets and bytes", .parameters = kCounterParameters, .object = true, .stateful = true,
    .object_name = "counter", .of_flowtables = true, .may_be_reset = true, .check = check_counter, .print = print_counter, .print_body = print_body_counter,
    .put_state = put_state_counter, .to_json = counter_as_json, .from_json = counter_from_json, .compile = compile_counter};

}  // namespace bulkhead::ruleset
