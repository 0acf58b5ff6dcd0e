// `counter`, `counter packets 5 bytes 300`, `counter name "web"`.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/modules/all.h"
#include "common/ruleset/run/run.h"

namespace bulkhead::ruleset {
namespace {

constexpr Parameter kParameters[] = {
    {.name = "packets", .shape = Shape::number, .unit = "packets", .help = "so many so far", .initial = "0"},
    {.name = "bytes", .shape = Shape::number, .unit = "bytes", .help = "so many so far", .initial = "0"},
    {.name = "name", .shape = Shape::value, .help = "a named counter instead"}};

void check(Statement& counter, Checker& checker) {
  if (Expression* const name = counter.argument("name")) checker.object_reference(*name, "counter");
}

void print(const Statement& counter, Out& out) {
  out << "counter";
  if (const Expression* const name = counter.argument("name")) {
    out << " name " << *name;
  } else if (!out.style().stateless) {
    const Expression* const packets = counter.argument("packets");
    const Expression* const bytes = counter.argument("bytes");
    (out << " packets ").number(packets == nullptr ? 0 : packets->number) << " bytes ";
    out.number(bytes == nullptr ? 0 : bytes->number);
  }
}

void compile(const Statement& counter, Compiler& compiler) {
  Compiler::Stateful const made = compiler.stateful(counter, 2);
  if (made.body == nullptr) return;
  compiler.begin(made.word, made.body->number("packets"));
  compiler.begin(made.word + 1, made.body->number("bytes"));
  compiler.emit(run::counter, {.word = made.word});
}

}  // namespace

const Module counter_module{.name = "counter", .help = "count packets and bytes", .parameters = kParameters,
                            .object = true, .object_name = "counter", .check = check, .print = print,
                            .compile = compile};

}  // namespace bulkhead::ruleset