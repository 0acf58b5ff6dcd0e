// `EXPRESSION [OPERATOR] VALUE`, `EXPRESSION set VALUE`, `EXPRESSION vmap SET`: the grammar's own statements.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/modules/all.h"
#include "common/ruleset/read/json_reader.h"
#include "common/ruleset/run/run.h"
#include "common/ruleset/write/json_tree.h"

namespace bulkhead::ruleset {
namespace {

void print_match(const Statement& match, Out& out) {
  const std::string& sign = match.argument("op")->text;
  const Expression& left = *match.argument("left");
  const Expression& right = *match.argument("right");
  bool const flags = left.is(Kind::binary) && left.text == "&" && left.type != nullptr && left.type->bitmask &&
                     left.parts[1].number != 0 && !left.type->symbols.empty() && (sign == "==" || sign == "!=") &&
                     right.is(Kind::value) && left.parts[0].is(Kind::select);
  Number const mask = flags ? left.parts[1].number : 0;
  if (flags && (mask & (mask - 1)) != 0 && right.number != 0 && left.type == &tcp_flag) {
    out << left.parts[0] << (sign == "!=" ? " != " : " ") << right << " / " << left.parts[1];
    return;
  }
  out << left;
  bool const plain = !left.is(Kind::binary) && !(right.is(Kind::value) && right.type->bitmask);
  if (sign == "==" && !plain) out << " == ";
  else if (sign == "==" || sign == "in") out << " ";
  else out << " " << sign << " ";
  out << right;
}

void print_mangle(const Statement& mangle, Out& out) {
  const Expression& key = *mangle.argument("key");
  out << key << " set " << *mangle.argument("value");
}

void print_vmap(const Statement& vmap, Out& out) {
  out << *vmap.argument("key") << " vmap " << *vmap.argument("data");
}

Json match_to_json(const Statement& match, const Style& style) {
  return Json::named("match", Json::object({{"op", match.argument("op")->text}, {"left", to_json(*match.argument("left"), style)},
                                            {"right", to_json(*match.argument("right"), style)}}));
}

void match_from_json(Statement& match, const Json& json, json_in::Reader& reader) {
  std::string const sign = json_in::text_or(json, "op", "==");
  match.set("op", json_in::word(sign == "in" ? "" : sign));
  for (const char* side : {"left", "right"}) match.set(side, reader.expression(json_in::member(json, side)));
}

Json mangle_to_json(const Statement& mangle, const Style& style) {
  const Expression& key = *mangle.argument("key");
  Json value = to_json(*mangle.argument("value"), style);
  if (!key.key->object.empty()) return Json::named(key.key->object, std::move(value));
  return Json::named("mangle", Json::object({{"key", to_json(key, style)}, {"value", std::move(value)}}));
}

void mangle_from_json(Statement& mangle, const Json& json, json_in::Reader& reader) {
  for (const char* side : {"key", "value"}) mangle.set(side, reader.expression(json_in::member(json, side)));
}

Json vmap_to_json(const Statement& vmap, const Style& style) {
  return Json::named("vmap", Json::object({{"key", to_json(*vmap.argument("key"), style)}, {"data", to_json(*vmap.argument("data"), style)}}));
}

void vmap_from_json(Statement& vmap, const Json& json, json_in::Reader& reader) {
  for (const char* side : {"key", "data"}) vmap.set(side, reader.expression(json_in::member(json, side)));
}

void compile_match(const Statement& match, Compiler& compiler) {
  const Expression* const sign = match.argument("op");
  compiler.match(sign == nullptr ? "" : sign->text, *match.argument("left"), *match.argument("right"));
}

void compile_mangle(const Statement& mangle, Compiler& compiler) {
  compiler.store(*mangle.argument("key"), *mangle.argument("value"));
}

void compile_vmap(const Statement& vmap, Compiler& compiler) {
  uint8_t const fields = compiler.load(*vmap.argument("key"), 0);
  if (fields != 0) compiler.look_up({.map = *vmap.argument("data"), .fields = fields}, run::map_verdict, run::dynamic_verdict);
}

}  // namespace

const Module match_module{.name = "match", .form = Form::special, .role = Role::match, .help = "compare",
    .check = [](Statement& match, Checker& checker) { checker.match(match); }, .print = print_match,
    .to_json = match_to_json, .from_json = match_from_json, .compile = compile_match};
const Module mangle_module{.name = "mangle", .form = Form::special, .role = Role::mangle,
    .help = "change a field, mark or key", .check = [](Statement& mangle, Checker& checker) { checker.mangle(mangle); },
    .print = print_mangle, .to_json = mangle_to_json, .from_json = mangle_from_json, .compile = compile_mangle};
const Module vmap_module{.name = "vmap", .form = Form::special, .role = Role::vmap, .help = "look a verdict up",
    .check = [](Statement& vmap, Checker& checker) { checker.vmap(vmap); }, .print = print_vmap, .to_json = vmap_to_json,
    .from_json = vmap_from_json, .compile = compile_vmap};

}  // namespace bulkhead::ruleset
