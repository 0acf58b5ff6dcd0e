// `EXPRESSION [OPERATOR] VALUE`, `EXPRESSION set VALUE`, `EXPRESSION vmap SET`: the grammar's own statements.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/modules/all.h"
#include "common/ruleset/run/run.h"

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

void compile_match(const Statement& match, Compiler& compiler) {
  const Expression* const sign = match.argument("op");
  compiler.match(sign == nullptr ? "" : sign->text, *match.argument("left"), *match.argument("right"));
}

void compile_mangle(const Statement& mangle, Compiler& compiler) {
  compiler.store(*mangle.argument("key"), *mangle.argument("value"));
}

void compile_vmap(const Statement& vmap, Compiler& compiler) {
  uint8_t const fields = compiler.load(*vmap.argument("key"), 0);
  if (fields != 0) compiler.look_up(*vmap.argument("data"), fields, 0, run::map_verdict, run::dynamic_verdict);
}

}  // namespace

const Module match_module{.name = "match", .form = Form::special, .help = "compare", .print = print_match,
                          .compile = compile_match};
const Module mangle_module{.name = "mangle", .form = Form::special, .help = "change a field, mark or key",
                           .print = print_mangle, .compile = compile_mangle};
const Module vmap_module{.name = "vmap", .form = Form::special, .help = "look a verdict up", .print = print_vmap,
                         .compile = compile_vmap};

}  // namespace bulkhead::ruleset