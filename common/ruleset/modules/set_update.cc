// `add @set { ... }`, `update @set { ... }`, `delete @set { ... }`, `meter NAME { ... }`: sets that rules fill.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/modules/all.h"
#include "common/ruleset/read/json_reader.h"
#include "common/ruleset/write/json_tree.h"

namespace bulkhead::ruleset {
namespace {

/// Unlike a set's own elements: the time-out first, and nothing of what changes.
void print_element(const Expression& element, Out& out) {
  out << element.parts[0];
  if (const Expression* const timeout = element.argument("timeout"))
    out << " timeout " << print_duration(static_cast<uint64_t>(timeout->number), out.style());
  for (const Statement& one : element.statements) {
    out << " ";
    out.stateless(one);
  }
}

void print_update(const Statement& update, Out& out) {
  out << update.argument("op")->text << " @" << update.argument("set")->text << " { ";
  print_element(*update.argument("elem"), out);
  if (const Expression* const data = update.argument("data")) out << " : " << *data;
  out << " }";
}

void print_meter(const Statement& meter, Out& out) {
  out << "meter " << meter.argument("name")->text;
  if (const Expression* const size = meter.argument("size")) (out << " size ").number(size->number);
  out << " { ";
  print_element(*meter.argument("elem"), out);
  out << " }";
}

void check_set_update(Statement& update, Checker& checker) { checker.update(update); }

Json stateless_json(const Statement& statement, Style style) {
  style.stateless = true;
  return to_json(statement, style);
}

/// nft has no JSON for what changes a map: the statement stands there as it is written.
Json set_update_as_json(const Statement& update, const Style& style) {
  if (update.has("data")) {
    std::string text;
    Out out(text, style, "");
    print_update(update, out);
    return text;
  }
  Expression element = *update.argument("elem");
  Json list = Json::array();
  for (const Statement& one : element.statements) list.push_back(stateless_json(one, style));
  element.statements.clear();
  Json inner = Json::object({{"op", update.argument("op")->text}, {"elem", to_json(element, style)}, {"set", "@" + update.argument("set")->text}});
  if (!list.empty()) inner["stmt"] = std::move(list);
  return Json::named("set", std::move(inner));
}

Json meter_as_json(const Statement& meter, const Style& style) {
  Expression key = *meter.argument("elem");
  std::vector<Statement> const statements = std::move(key.statements);
  key.statements.clear();
  Json inner = Json::named("key", to_json(key, style));
  inner["stmt"] = statements.empty() ? Json() : stateless_json(statements.front(), style);
  inner["size"] = number_of(meter.argument("size"));
  inner["name"] = meter.argument("name")->text;
  return Json::named("meter", std::move(inner));
}

void set_update_from_json(Statement& update, const Json& json, json_in::Reader& reader) {
  std::string const kind = reader.said();  // `set` or `map`
  update.set("op", json_in::word(json_in::text_of(json_in::member(json, "op"))));
  update.set("set", json_in::Reader::reference(json_in::text_of(json_in::member(json, kind))));
  Expression element = reader.element(json_in::member(json, "elem"));
  if (const Json* const list = json.find("stmt"); list != nullptr && list->is(Json::Type::array))
    for (const Json& one : list->values()) element.statements.push_back(reader.statement(one));
  update.set("elem", std::move(element));
  if (const Json* const data = json.find("data")) update.set("data", reader.expression(*data));
}

void meter_from_json(Statement& meter, const Json& json, json_in::Reader& reader) {
  meter.set("name", json_in::word(json_in::text_of(json_in::member(json, "name"))));
  Expression element = reader.element(json_in::member(json, "key"));
  element.statements.push_back(reader.statement(json_in::member(json, "stmt")));
  meter.set("elem", std::move(element));
  const Json* const size = json.find("size");
  uint64_t const said = size == nullptr ? 0 : json_in::number_of(*size);
  meter.set("size", json_in::numeric(said != 0 ? said : 65535));  // as the kernel's listing says
}

}  // namespace

const Module set_update_module{.name = "set", .form = Form::special, .role = Role::update,
    .help = "add, update or delete an element", .json_also = "map", .check = check_set_update, .print = print_update,
    .to_json = set_update_as_json, .from_json = set_update_from_json,
    .compile = [](const Statement& update, Compiler& compiler) { compiler.update(update); }};
const Module meter_module{.name = "meter", .form = Form::special, .role = Role::meter, .help = "a statement for each key",
    .check = [](Statement& meter, Checker& checker) { checker.meter(meter); }, .print = print_meter,
    .to_json = meter_as_json, .from_json = meter_from_json,
    .compile = [](const Statement& meter, Compiler& compiler) { compiler.meter(meter); }};

}  // namespace bulkhead::ruleset
