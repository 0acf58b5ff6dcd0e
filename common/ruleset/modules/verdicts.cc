// Verdicts: `accept`, `drop`, `continue`, `return`, `jump CHAIN`, `goto CHAIN`.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/modules/all.h"
#include "common/ruleset/run/run.h"

namespace bulkhead::ruleset {
namespace {

void print_target(const Statement& verdict, Out& out) {
  out << verdict.module->name << " " << verdict.argument("target")->text;
}

void check_target(Statement& verdict, Checker& checker) { checker.has_chain(*verdict.argument("target")); }

void compile_verdicts(const Statement& verdict, Compiler& compiler) { compiler.decide(verdict); }

}  // namespace

const Module accept_module{.name = "accept", .form = Form::verdict, .help = "let the packet pass this hook", .terminal = true,
    .decides = &run::accept, .compile = compile_verdicts};
const Module drop_module{.name = "drop", .form = Form::verdict, .help = "drop the packet", .terminal = true,
    .decides = &run::drop, .compile = compile_verdicts};
const Module continue_module{.name = "continue", .form = Form::verdict, .help = "go on with the next rule",
    .decides = &run::go_on, .compile = compile_verdicts};
const Module return_module{.name = "return", .form = Form::verdict, .help = "go back to the calling chain", .terminal = true,
    .decides = &run::return_, .compile = compile_verdicts};
const Module jump_module{.name = "jump", .form = Form::target, .help = "evaluate a chain, then come back", .terminal = true,
                         .check = check_target, .print = print_target, .decides = &run::jump, .compile = compile_verdicts};
const Module goto_module{.name = "goto", .form = Form::target, .help = "evaluate a chain instead of the rest", .terminal = true,
                         .check = check_target, .print = print_target, .decides = &run::go_to, .compile = compile_verdicts};

}  // namespace bulkhead::ruleset