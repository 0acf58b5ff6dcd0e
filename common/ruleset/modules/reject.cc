// `reject [with icmp|icmpv6|icmpx CODE | with tcp reset]`: drop, and tell the sender.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/modules/all.h"
#include "common/ruleset/read/json_reader.h"
#include "common/ruleset/run/run.h"
#include "common/ruleset/write/json_tree.h"

namespace bulkhead::ruleset {
namespace {

constexpr Parameter kRejectParameters[] = {{.name = "with", .help = "how the sender is told", .rank = 1},
                                     {.name = "icmp", .help = "ICMP, of that code", .rank = 2},
                                     {.name = "icmpv6", .help = "ICMPv6, of that code", .rank = 2},
                                     {.name = "icmpx", .help = "ICMP or ICMPv6 as the packet is", .rank = 2},
                                     {.name = "tcp", .help = "a TCP segment", .rank = 2},
                                     {.name = "type", .help = "may stand before the code", .rank = 3},
                                     {.name = "reset", .help = "with the reset flag", .rank = 3},
                                     {.name = "", .takes = Takes::value, .help = "the code", .rank = 4}};

const DataType& codes(std::string_view kind) {
  return kind == "icmp" ? icmp_code : kind == "icmpv6" ? icmpv6_code : icmpx_code;
}

Number port_unreachable(std::string_view kind) { return kind == "icmp" ? 3 : kind == "icmpv6" ? 4 : 1; }

/// A packet of known family is answered in its own kind.
std::string_view default_kind(const Checker& checker) {
  const Module* const network = checker.known(Layer::network);
  if (network != nullptr && network->name == "ip") return "icmp";
  return network != nullptr && network->name == "ip6" ? "icmpv6" : "icmpx";
}

void check_place_reject(const Statement& reject, std::string_view kind, Checker& checker) {
  if ((kind == "icmp" && checker.family() == "ip6") || (kind == "icmpv6" && checker.family() == "ip"))
    checker.error(reject.at, kind == "icmp" ? "abstracted ICMP unreachable not supported" : "conflicting network layer protocols");
  if (kind == "icmpx" && (checker.family() == "ip" || checker.family() == "ip6"))
    checker.error(reject.at, "abstracted ICMP unreachable not supported");
  const Module* const network = checker.known(Layer::network);
  if (network == nullptr) return;
  if ((kind == "icmp" && network->name == "ip6") || (kind == "icmpv6" && network->name == "ip"))
    checker.error(reject.at, fmt::format("conflicting protocols specified: {} vs. {}", network->name, kind == "icmp" ? "ip" : "ip6"));
}

/// As far as it was read from text: JSON says the kind only.
bool well_formed(const Statement& reject, Checker& checker) {
  bool const kind = reject.has("icmp") || reject.has("icmpv6") || reject.has("icmpx"), code = reject.has("");
  if (!reject.word_at.known() || (!reject.has("with") && !kind && !reject.has("tcp") && !code)) return true;
  if (!reject.has("with")) return checker.error(reject.at, "syntax error, expecting with");
  if (!kind && !reject.has("tcp")) return checker.error(reject.at, "syntax error, expecting icmp or icmpv6 or tcp or icmpx");
  bool const whole = kind ? code && !reject.has("reset") : reject.has("reset") && !code && !reject.has("type");
  return whole || checker.error(reject.at, kind ? "syntax error, expecting a code" : "syntax error, expecting reset");
}

/// What stands behind an Ethernet header can be refused if it is IP.
bool can_be_refused(const Statement& reject, Checker& checker) {
  const Module* const network = checker.known(Layer::network);
  if (network == nullptr || network->above.nf_protocol != 0) return true;
  return checker.error(reject.at, "cannot reject this network family");
}

void check_reject(Statement& reject, Checker& checker) {
  if (reject.has("kind")) return;
  if (!well_formed(reject, checker) || !can_be_refused(reject, checker)) return;
  std::string kind(default_kind(checker));
  bool const given = reject.has("icmp") || reject.has("icmpv6") || reject.has("icmpx");
  for (const char* name : {"icmp", "icmpv6", "icmpx"})
    if (reject.has(name)) kind = name;
  Expression code;
  if (const Expression* const word = reject.argument("")) code = *word;
  bool const reset = reject.has("tcp");
  reject.arguments.clear();
  Expression text;
  text.kind = Kind::text;
  text.text = reset ? "tcp reset" : kind;
  reject.set("kind", text);
  if (reset) {
    const Module* const tcp = checker.registry().find("tcp", Form::header);
    if (const Module* const transport = checker.known(Layer::transport); transport != nullptr && transport->name != "tcp")
      checker.error(reject.at, fmt::format("conflicting transport layer protocols specified: {} vs. tcp", transport->name));
    else checker.require(*tcp, reject.at);
    return;
  }
  check_place_reject(reject, kind, checker);
  if (given && kind != "icmpx")
    checker.require(*checker.registry().find(kind == "icmp" ? "ip" : "ip6", Form::header), reject.at);
  if (code.is(Kind::none)) {
    code.kind = Kind::value;
    code.type = &codes(kind);
    code.bits = 8;
    code.number = port_unreachable(kind);
  } else if (!checker.value(code, codes(kind), 8)) {
    return;
  } else if (kind == "icmpx" && code.number > 3) {
    checker.error(reject.at, "Could not process rule: Invalid argument");
  }
  reject.set("expr", std::move(code));
}

void print_reject(const Statement& reject, Out& out) {
  out << "reject";
  const std::string& kind = reject.argument("kind")->text;
  if (kind == "tcp reset") {
    out << " with tcp reset";
    return;
  }
  const Expression& code = *reject.argument("expr");
  bool const usual = kind == "icmpx" || (kind == "icmp" && out.family() == "ip") || (kind == "icmpv6" && out.family() == "ip6");
  if (!usual || code.number != port_unreachable(kind)) out << " with " << kind << " " << code;
}

/// The protocol that it tells itself. A packet of known family gets a refusal of its own kind.
Layer implies(const Statement& reject, std::string_view family) {
  if (reject.argument("kind")->text != "tcp reset") return Layer::network;
  bool const mixed = family != "ip" && family != "ip6";
  return mixed ? Layer::none : Layer::transport;
}

Json reject_as_json(const Statement& reject, const Style& style) {
  Json inner = Json::named("type", reject.argument("kind")->text);
  if (const Expression* const code = reject.argument("expr")) inner["expr"] = to_json(*code, style);
  return Json::named("reject", std::move(inner));
}

void reject_from_json(Statement& reject, const Json& json, json_in::Reader& reader) {
  if (!reader.has_members(reject, json)) return;
  std::string const kind = json_in::text_or(json, "type");
  if (!kind.empty()) reject.arguments.push_back({kind == "tcp reset" ? "tcp" : kind, {}, {}});
  if (const Json* const code = json.find("expr")) reject.set("", reader.expression(*code));
}

void compile_reject(const Statement& reject, Compiler& compiler) {
  const Expression* const kind = reject.argument("kind");
  if (kind == nullptr) return compiler.fail(reject.at, "reject: want its kind");
  const StepOperation& operation = kind->text == "tcp reset" ? run::reset
                               : kind->text == "icmpx"   ? run::reject_any
                               : kind->text == "icmp"    ? run::reject4
                                                         : run::reject6;
  const Expression* const code = reject.argument("expr");
  compiler.emit(operation, {.a = code != nullptr ? code->number : Number{0}});
}

}  // namespace

const Module reject_module{.name = "reject", .help = "drop, and tell the sender", .families = kInetFamilies | 16 | 32,
    .hooks = Hook::prerouting | Hook::input | Hook::forward | Hook::output | Hook::ingress,
    .bridge_hooks = Hook::prerouting | Hook::input, .parameters = kRejectParameters,
    .positional = true, .terminal = true, .asks_first = true, .implies = implies, .check = check_reject, .print = print_reject,
    .to_json = reject_as_json, .from_json = reject_from_json, .compile = compile_reject};

}  // namespace bulkhead::ruleset
