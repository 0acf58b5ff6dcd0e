// Named objects that are no statements of their own: ct helper, ct timeout, ct expectation, secmark; and synproxy.
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

constexpr Parameter kHelper[] = {{.name = "type", .shape = Shape::text, .help = "kind of helper: ftp, sip..."},
                                 {.name = "protocol", .shape = Shape::word, .help = "tcp or udp"},
                                 {.name = "l3proto", .shape = Shape::word, .help = "ip, ip6 or inet"}};
constexpr Parameter kTimeout[] = {{.name = "protocol", .shape = Shape::word, .help = "tcp or udp"},
                                  {.name = "l3proto", .shape = Shape::word, .help = "ip, ip6 or inet"},
                                  {.name = "policy", .shape = Shape::block, .unit = "seconds", .help = "time-outs by state"}};
constexpr Parameter kExpectation[] = {{.name = "protocol", .shape = Shape::word, .help = "tcp or udp"},
                                      {.name = "dport", .shape = Shape::number, .help = "destination port", .most = 65535},
                                      {.name = "timeout", .shape = Shape::time, .help = "how long it waits"},
                                      {.name = "size", .shape = Shape::number, .help = "how many", .most = 255},
                                      {.name = "l3proto", .shape = Shape::word, .help = "ip, ip6 or inet"}};
constexpr Parameter kSynproxy[] = {{.name = "mss", .shape = Shape::number, .help = "maximum segment size", .most = 65535},
                                   {.name = "wscale", .shape = Shape::number, .help = "window scale", .most = 255},
                                   {.name = "timestamp", .help = "offer timestamps"},
                                   {.name = "sack-perm", .help = "offer selective acknowledgements"},
                                   {.name = "name", .shape = Shape::value, .help = "a named synproxy instead"}};

void check_synproxy(Statement& synproxy, Checker& checker) {
  if (Expression* const name = synproxy.argument("name")) checker.object_reference(*name, "synproxy");
}

void print_synproxy(const Statement& synproxy, Out& out) {
  out << "synproxy";
  if (const Expression* const name = synproxy.argument("name")) {
    out << " name " << *name;
    return;
  }
  for (const char* name : {"mss", "wscale"})
    if (const Expression* const value = synproxy.argument(name)) (out << " " << name << " ").number(value->number);
  for (const char* flag : {"timestamp", "sack-perm"})
    if (synproxy.has(flag)) out << " " << flag;
}

/// In the order of the protocol's states, as the kernel keeps them.
void sort_policy(Statement& body) {
  constexpr std::string_view kStates[] = {"syn_sent", "syn_recv", "established", "fin_wait", "close_wait", "last_ack",
                                          "time_wait", "close", "syn_sent2", "retrans", "unack", "unreplied", "replied"};
  Expression* const policy = body.argument("policy");
  if (policy == nullptr) return;
  std::ranges::stable_sort(policy->arguments, {}, [&](const Argument& one) { return std::ranges::find(kStates, one.name) - std::begin(kStates); });
}

void check_protocol(Statement& body, Checker& checker) {
  sort_policy(body);
  Expression* const protocol = body.argument("protocol");
  if (protocol == nullptr) {
    checker.error(body.at, "no protocol given");
    return;
  }
  if (protocol->text != "tcp" && protocol->text != "udp")
    checker.error(protocol->at, fmt::format("syntax error, unexpected {}, expecting tcp or udp", protocol->text));
  if (Expression* const l3proto = body.argument("l3proto"); l3proto == nullptr) {
    Expression family;
    family.kind = Kind::text;
    family.text = std::string(checker.family());
    body.set("l3proto", std::move(family));
  } else if (l3proto->text != "ip" && l3proto->text != "ip6" && l3proto->text != "inet") {
    checker.error(l3proto->at, "syntax error, unexpected string");
  }
}

}  // namespace

const Module ct_helper_module{.name = "ct helper", .form = Form::special, .help = "helper that rules may set",
                              .families = kInetFamilies, .parameters = kHelper, .object = true,
                              .object_name = "ct helper", .check = check_protocol};
const Module ct_timeout_module{.name = "ct timeout", .form = Form::special, .help = "time-outs that rules may set",
                               .families = kInetFamilies, .parameters = kTimeout, .object = true,
                               .object_name = "ct timeout", .check = check_protocol};
const Module ct_expectation_module{.name = "ct expectation", .form = Form::special, .help = "a flow that rules may expect",
                                   .families = kInetFamilies, .parameters = kExpectation, .object = true,
                                   .object_name = "ct expectation", .check = check_protocol};
const Module synproxy_module{.name = "synproxy", .help = "answer the handshake for the server", .families = kInetFamilies,
                             .parameters = kSynproxy, .object = true, .object_name = "synproxy",
                             .check = check_synproxy, .print = print_synproxy};
const Module secmark_module{.name = "secmark", .form = Form::special, .help = "security context", .positional = true, .object = true, .object_name = "secmark"};

}  // namespace bulkhead::ruleset