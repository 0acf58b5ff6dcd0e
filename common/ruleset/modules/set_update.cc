// `add @set { ... }`, `update @set { ... }`, `delete @set { ... }`, `meter NAME { ... }`: sets that rules fill.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/modules/all.h"

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

}  // namespace

const Module set_update_module{.name = "set", .form = Form::special, .help = "add, update or delete an element",
                               .print = print_update,
                               .compile = [](const Statement& update, Compiler& compiler) { compiler.update(update); }};
const Module meter_module{.name = "meter", .form = Form::special, .help = "a statement for each key", .print = print_meter,
                          .compile = [](const Statement& meter, Compiler& compiler) { compiler.meter(meter); }};

}  // namespace bulkhead::ruleset