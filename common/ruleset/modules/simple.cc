// Statements of a word or two: `notrack`, `flow add @t`, `ct count`, `queue`.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/modules/all.h"
#include "common/ruleset/read/json_reader.h"
#include "common/ruleset/run/connections.h"
#include "common/ruleset/run/run.h"
#include "common/ruleset/write/json_tree.h"

namespace bulkhead::ruleset {
namespace {

constexpr Parameter kFlowParameters[] = {{.name = "add", .takes = Takes::value, .help = "a flowtable"},
                                         {.name = "offload", .takes = Takes::value, .help = "a flowtable"}};
constexpr Parameter kCountParameters[] = {{.name = "over", .help = "match when there are more"},
                                          {.name = "until", .help = "match up to so many"}};
constexpr std::string_view kQueueFlags[] = {"bypass", "fanout"};
constexpr Parameter kQueueParameters[] = {{.name = "num", .takes = Takes::value, .help = "queue or range of queues"},
                                          {.name = "to", .takes = Takes::target, .help = "queue, range, or an expression"},
                                          {.name = "flags", .takes = Takes::words, .help = "how", .words = kQueueFlags},
                                          {.name = "bypass", .help = "pass when nobody listens"},
                                          {.name = "fanout", .help = "spread by processor"}};

void check_flow(Statement& flow, Checker& checker) {
  Expression* table = flow.argument("add");
  if (table == nullptr) table = flow.argument("offload");
  if (table == nullptr || !table->is(Kind::reference)) {
    checker.error(flow.at, "syntax error, expecting a flowtable");
    return;
  }
  if (find_named(checker.table().flowtables, table->text) == nullptr)
    checker.error(table->at, "No such file or directory");
  Expression copy = *table;
  flow.arguments.clear();
  flow.set("add", std::move(copy));
}

void print_flow(const Statement& flow, Out& out) { out << "flow add @" << flow.argument("add")->text; }

void check_count(Statement& count, Checker& checker) {
  Expression* const many = count.argument("");
  if (many == nullptr) {
    checker.error(count.at, "syntax error, unexpected newline, expecting number");
    return;
  }
  Expression value = *many;
  if (!checker.value(value, integer_type, 32)) return;
  count.erase("");
  count.erase("until");
  count.set("val", std::move(value));
}

void print_count(const Statement& count, Out& out) {
  (out << "ct count " << (count.has("over") ? "over " : "")).number(count.argument("val")->number);
}

void compile_count(const Statement& count, Compiler& compiler) {
  uint32_t const list = compiler.words(std::vector<uint64_t>(ConnectionLists::kListWords));
  compiler.emit(run::count_connections, {.word = list, .a = count.number("val"), .b = count.has("over") ? 1U : 0U});
}

void check_queue(Statement& queue, Checker& checker) {
  Expression number;
  if (const Expression* const given = queue.argument("num")) {
    number = *given;
    bool const constant = number.is(Kind::text) || number.is(Kind::range) || number.is(Kind::value);
    if (!constant && number.at.known()) {
      checker.error(number.at, "syntax error, unexpected expression, expecting number");
      return;
    }
  }
  if (const Expression* const given = queue.argument("to")) number = given->parts[0];
  bool bypass = queue.has("bypass"), fanout = queue.has("fanout");
  if (const Expression* const flags = queue.argument("flags"))
    for (const Expression& word : flags->parts) (word.text == "bypass" ? bypass : fanout) = true;
  queue.arguments.clear();
  if (number.is(Kind::none)) {
    number.kind = Kind::value;
    number.type = &integer_type;
    number.bits = 16;
  } else if (number.is(Kind::select) || number.is(Kind::lookup)) {
    if (!checker.typed(number)) return;
    if (number.is(Kind::select) && number.type != &integer_type) checker.error(number.at, "invalid type of queue expression");
    if (number.is(Kind::select) && number.module->most != nullptr && number.module->most(number) > 0xffff)
      checker.error(number.at, "queue expression max value exceeds 65535");
  } else if (!checker.value(number, integer_type, 16)) {
    return;
  }
  if (fanout && !number.is(Kind::range)) checker.error(queue.at, "fanout requires a range to be specified");
  queue.set("num", std::move(number));
  if (bypass) queue.arguments.push_back({"bypass", queue.at, {}});
  if (fanout) queue.arguments.push_back({"fanout", queue.at, {}});
}

void print_queue(const Statement& queue, Out& out) {
  out << "queue";
  bool const bypass = queue.has("bypass"), fanout = queue.has("fanout");
  if (bypass || fanout) out << " flags " << (bypass ? "bypass" : "") << (bypass && fanout ? "," : "") << (fanout ? "fanout" : "");
  out << " to " << *queue.argument("num");
}

Json flow_to_json(const Statement& flow, const Style&) {
  return Json::named("flow", Json::object({{"op", "add"}, {"flowtable", "@" + flow.argument("add")->text}}));
}

void flow_from_json(Statement& flow, const Json& json, json_in::Reader& reader) {
  if (reader.has_members(flow, json)) flow.set("add", reader.expression(json_in::member(json, "flowtable")));
}

Json count_to_json(const Statement& count, const Style&) {
  Json inner = Json::named("val", number_json(count.argument("val")->number));
  if (count.has("over")) inner["inv"] = true;
  return Json::named("ct count", std::move(inner));
}

void count_from_json(Statement& count, const Json& json, json_in::Reader& reader) {
  if (!reader.has_members(count, json)) return;
  count.set("", json_in::word(json_in::text_of(json_in::member(json, "val"))));
  if (json_in::is_true(json, "inv")) count.arguments.push_back({"over", {}, {}});
}

Json queue_to_json(const Statement& queue, const Style& style) {
  Json inner = Json::named("num", to_json(*queue.argument("num"), style));
  if (Json flags = flags_json(queue, {"bypass", "fanout"}); flags.is(Json::Type::text) || !flags.empty()) inner["flags"] = std::move(flags);
  return Json::named("queue", std::move(inner));
}

void queue_from_json(Statement& queue, const Json& json, json_in::Reader& reader) {
  if (!reader.has_members(queue, json)) return;
  if (const Json* const number = json.find("num")) queue.set("num", reader.expression(*number));
  json_in::flags_of(queue, json);
}

void print_word(const Statement& statement, Out& out) { out << statement.module->name; }

void compile_flow(const Statement&, Compiler& compiler) { compiler.emit(run::flow_add); }

/// What says which queue is asked even so: where it has no answer the rule is left.
void compile_queue(const Statement& queue, Compiler& compiler) {
  const Expression& number = *queue.argument("num");
  if ((number.is(Kind::select) || number.is(Kind::lookup)) && compiler.load(number, 0) == 0) return;
  bool const bypass = queue.has("bypass");
  compiler.emit(bypass ? run::accept : run::queue_to_nobody);
  compiler.note(queue.at, bypass ? "queue: nobody listens, packets pass" : "queue: nobody listens, packets are dropped");
}

void compile_notrack(const Statement&, Compiler& compiler) { compiler.emit(run::untrack); }

}  // namespace

const Module notrack_module{.name = "notrack", .help = "do not track this packet's flow",
    .print = print_word, .compile = compile_notrack};
const Module flow_module{.name = "flow", .help = "let a flowtable forward the flow", .families = kInetFamilies, .hooks = Hook::forward,
                         .parameters = kFlowParameters, .tracks = true, .check = check_flow, .print = print_flow,
                         .to_json = flow_to_json, .from_json = flow_from_json, .compile = compile_flow};
const Module ct_count_module{.name = "ct count", .help = "match by the number of flows", .families = kInetFamilies,
                             .parameters = kCountParameters, .positional = true, .stateful = true, .tracks = true, .check = check_count, .print = print_count,
                             .to_json = count_to_json, .from_json = count_from_json, .compile = compile_count};
const Module queue_module{.name = "queue", .help = "ask a program", .parameters = kQueueParameters, .terminal = true,
                          .check = check_queue, .print = print_queue, .to_json = queue_to_json, .from_json = queue_from_json, .compile = compile_queue};

}  // namespace bulkhead::ruleset
