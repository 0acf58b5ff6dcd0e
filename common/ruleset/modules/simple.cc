// Statements of a word or two: `notrack`, `flow add @t`, `dup`, `fwd`, `tproxy`, `ct count`, `queue`.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/modules/all.h"
#include "common/ruleset/run/run.h"

namespace bulkhead::ruleset {
namespace {

constexpr Parameter kFlowParameters[] = {{.name = "add", .shape = Shape::value, .help = "a flowtable"},
                                         {.name = "offload", .shape = Shape::value, .help = "a flowtable"}};
constexpr Parameter kDupParameters[] = {{.name = "to", .shape = Shape::target, .help = "address"},
                                        {.name = "device", .shape = Shape::value, .help = "interface"}};
constexpr Parameter kFwdParameters[] = {{.name = "ip", .help = "to an IPv4 neighbour"},
                                        {.name = "ip6", .help = "to an IPv6 neighbour"},
                                        {.name = "to", .shape = Shape::target, .help = "interface or address"},
                                        {.name = "device", .shape = Shape::value, .help = "interface"}};
constexpr Parameter kTproxyParameters[] = {{.name = "ip", .help = "IPv4 only"},
                                           {.name = "ip6", .help = "IPv6 only"},
                                           {.name = "to", .shape = Shape::target, .help = "address and port of the proxy"}};
constexpr Parameter kCountParameters[] = {{.name = "over", .help = "match when there are more"},
                                          {.name = "until", .help = "match up to so many"}};
constexpr std::string_view kQueueFlags[] = {"bypass", "fanout"};
constexpr Parameter kQueueParameters[] = {{.name = "num", .shape = Shape::value, .help = "queue or range of queues"},
                                          {.name = "to", .shape = Shape::target, .help = "queue, range, or an expression"},
                                          {.name = "flags", .shape = Shape::words, .help = "how", .words = kQueueFlags},
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

const DataType& address_type(std::string_view family) { return family == "ip6" ? ipv6_address : ipv4_address; }

void check_dup(Statement& dup, Checker& checker) {
  Expression* const to = dup.argument("to");
  if (to == nullptr) {
    checker.error(dup.at, "syntax error, expecting 'to'");
    return;
  }
  bool const device_only = checker.family() == "netdev" || checker.family() == "bridge";
  const DataType& type = device_only ? interface_index : address_type(checker.family());
  if (checker.family() == "inet") checker.error(dup.at, "unsupported family");
  checker.value(to->parts[0], type, type.bits);
  if (Expression* const device = dup.argument("device")) checker.value(*device, interface_index, 32);
}

void print_dup(const Statement& dup, Out& out) {
  out << dup.module->name;
  if (dup.has("ip")) out << " ip";
  if (dup.has("ip6")) out << " ip6";
  out << " to " << dup.argument("to")->parts[0];
  if (const Expression* const device = dup.argument("device")) out << " device " << *device;
}

void check_fwd(Statement& fwd, Checker& checker) {
  Expression* const to = fwd.argument("to");
  if (to == nullptr) {
    checker.error(fwd.at, "syntax error, expecting 'to'");
    return;
  }
  bool const address = fwd.has("ip") || fwd.has("ip6");
  const DataType& type = address ? address_type(fwd.has("ip6") ? "ip6" : "ip") : interface_index;
  checker.value(to->parts[0], type, type.bits);
  if (Expression* const device = fwd.argument("device")) checker.value(*device, interface_index, 32);
}

void check_tproxy(Statement& tproxy, Checker& checker) {
  Expression* const to = tproxy.argument("to");
  const Module* const transport = checker.known(Layer::transport);
  if (to == nullptr) checker.error(tproxy.at, "syntax error, expecting 'to'");
  if (to == nullptr) return;
  if (transport == nullptr || (transport->name != "tcp" && transport->name != "udp" && transport->name != "th"))
    checker.error(tproxy.at, "Transparent proxy support requires transport protocol match");
  bool const six = tproxy.has("ip6") || checker.family() == "ip6" ||
                   (to->parts[0].is(Kind::text) && to->parts[0].text.find(':') != std::string::npos);
  if (!to->parts[0].is(Kind::none)) {
    checker.value(to->parts[0], six ? ipv6_address : ipv4_address, six ? 128 : 32);
    if (checker.family() == "inet" && !tproxy.has("ip") && !tproxy.has("ip6"))
      tproxy.arguments.insert(tproxy.arguments.begin(), {six ? "ip6" : "ip", tproxy.at, {}});
  }
  if (!to->parts[1].is(Kind::none)) checker.value(to->parts[1], inet_service, 16);
}

void print_tproxy(const Statement& tproxy, Out& out) {
  const Expression& to = *tproxy.argument("to");
  bool const inet = out.family() == "inet";
  out << "tproxy " << (inet && tproxy.has("ip") ? "ip " : inet && tproxy.has("ip6") ? "ip6 " : "") << "to ";
  print_target(to, out);
}

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

void check_queue(Statement& queue, Checker& checker) {
  Expression number;
  if (const Expression* const given = queue.argument("num")) number = *given;
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

void compile_notrack(const Statement&, Compiler& compiler) { compiler.emit(run::untrack); }

void print_word(const Statement& statement, Out& out) { out << statement.module->name; }

}  // namespace

void print_target(const Expression& to, Out& out) {
  const Expression& address = to.parts[0];
  bool const port = !to.parts[1].is(Kind::none);
  bool const brackets = port && (address.type == &ipv6_address) && !address.is(Kind::lookup);
  if (!address.is(Kind::none)) {
    if (brackets && address.is(Kind::range)) {
      out << "[" << address.parts[0] << "]-[" << address.parts[1] << "]";
    } else {
      out << (brackets ? "[" : "") << address << (brackets ? "]" : "");
    }
  }
  if (port) out << ":" << to.parts[1];
}

const Module notrack_module{.name = "notrack", .help = "do not track this packet's flow", .families = kInetFamilies,
                            .print = print_word, .compile = compile_notrack};
const Module flow_module{.name = "flow", .help = "let a flowtable forward the flow", .families = kInetFamilies,
                         .parameters = kFlowParameters, .check = check_flow, .print = print_flow};
const Module dup_module{.name = "dup", .help = "send a copy elsewhere", .families = 1 | 2 | 4 | 32,
                        .parameters = kDupParameters, .check = check_dup, .print = print_dup};
const Module fwd_module{.name = "fwd", .help = "send it out by another interface", .families = 32,
                        .parameters = kFwdParameters, .check = check_fwd, .print = print_dup};
const Module tproxy_module{.name = "tproxy", .help = "hand it to a local proxy", .families = kInetFamilies,
                           .parameters = kTproxyParameters, .check = check_tproxy, .print = print_tproxy};
const Module ct_count_module{.name = "ct count", .help = "match by the number of flows", .families = kInetFamilies,
                             .parameters = kCountParameters, .positional = true, .check = check_count, .print = print_count};
const Module queue_module{.name = "queue", .help = "ask a program", .parameters = kQueueParameters, .check = check_queue,
                          .print = print_queue};

}  // namespace bulkhead::ruleset