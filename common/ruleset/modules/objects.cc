// Named objects that are no statements of their own: ct helper, ct timeout, ct expectation, secmark; and synproxy.
#include "common/ruleset/modules/all.h"
#include "common/ruleset/read/json_reader.h"
#include "common/ruleset/write/json_tree.h"

namespace bulkhead::ruleset {
namespace {

constexpr Parameter kHelper[] = {{.name = "type", .takes = Takes::text, .help = "kind of helper: ftp, sip..."},
                                 {.name = "protocol", .takes = Takes::word, .help = "tcp or udp"},
                                 {.name = "l3proto", .takes = Takes::word, .help = "ip, ip6 or inet"}};
constexpr Parameter kTimeout[] = {{.name = "protocol", .takes = Takes::word, .help = "tcp or udp"},
                                  {.name = "l3proto", .takes = Takes::word, .help = "ip, ip6 or inet"},
                                  {.name = "policy", .takes = Takes::block, .unit = "seconds", .help = "time-outs by state"}};
constexpr Parameter kExpectation[] = {{.name = "protocol", .takes = Takes::word, .help = "tcp or udp"},
                                      {.name = "dport", .takes = Takes::number, .help = "destination port", .most = 65535},
                                      {.name = "timeout", .takes = Takes::time, .help = "how long it waits"},
                                      {.name = "size", .takes = Takes::number, .help = "how many", .most = 255},
                                      {.name = "l3proto", .takes = Takes::word, .help = "ip, ip6 or inet"}};
constexpr Parameter kSynproxy[] = {{.name = "mss", .takes = Takes::number, .help = "maximum segment size", .most = 65535},
                                   {.name = "wscale", .takes = Takes::number, .help = "window scale", .most = 255},
                                   {.name = "timestamp", .help = "offer timestamps"},
                                   {.name = "sack-perm", .help = "offer selective acknowledgements"},
                                   {.name = "name", .takes = Takes::value, .help = "a named synproxy instead"}};

void check_synproxy(Statement& synproxy, Checker& checker) {
  if (Expression* const name = synproxy.argument("name")) checker.object_reference(*name, "synproxy");
}

Number number_objects(const Statement& synproxy, std::string_view name) {
  const Expression* const said = synproxy.argument(name);
  return said == nullptr ? 0 : said->number;
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

void print_synproxy_body(const Statement& synproxy, Out& out) {
  (out << "mss ").number(number_objects(synproxy, "mss"));
  out.line();
  (out << "wscale ").number(number_objects(synproxy, "wscale"));
  bool first = true;
  for (const char* flag : {"timestamp", "sack-perm"}) {
    if (!synproxy.has(flag)) continue;
    if (std::exchange(first, false)) out.line();
    else out << " ";
    out << flag;
  }
}

/// null where nothing is said.
Json synproxy_members(const Statement& synproxy) {
  Json inner;
  for (const char* name : {"mss", "wscale"})
    if (const Expression* const value = synproxy.argument(name)) inner[name] = number_json(value->number);
  if (Json flags = flags_json(synproxy, {"timestamp", "sack-perm"}); flags.is(Json::Type::text) || !flags.empty()) inner["flags"] = std::move(flags);
  return inner;
}

Json synproxy_to_json(const Statement& synproxy, const Style& style) {
  const Expression* const name = synproxy.argument("name");
  return Json::named("synproxy", name != nullptr ? to_json(*name, style) : synproxy_members(synproxy));
}

void synproxy_body_to_json(const Statement& synproxy, Json& object) {
  Json const members = synproxy_members(synproxy);
  for (size_t i = 0; i < members.size(); ++i) object[members.names()[i]] = members.values()[i];
}

void synproxy_body_from_json(Statement& synproxy, const Json& json, json_in::Reader&) {
  json_in::take_numbers(synproxy, json, {"mss", "wscale"});
  json_in::flags_of(synproxy, json);
}

void synproxy_from_json(Statement& synproxy, const Json& json, json_in::Reader& reader) {
  if (reader.has_members(synproxy, json)) synproxy_body_from_json(synproxy, json, reader);
}

void print_secmark_body(const Statement& secmark, Out& out) {
  if (const Expression* const context = secmark.argument("")) out << "\"" << context->text << "\"";
}

void secmark_to_json(const Statement& secmark, Json& object) { object["context"] = text_of(secmark.argument("")); }

void secmark_from_json(Statement& secmark, const Json& object, json_in::Reader&) {
  if (const Json* const context = object.find("context")) secmark.set("", json_in::word(json_in::text_of(*context)));
}

std::string_view word(const Statement& body, std::string_view name) {
  const Expression* const said = body.argument(name);
  return said == nullptr ? std::string_view() : said->text;
}

void print_helper_body(const Statement& helper, Out& out) {
  out << "type \"" << word(helper, "type") << "\" protocol " << word(helper, "protocol");
  out.line();
  out << "l3proto " << word(helper, "l3proto");
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
                              .object_name = "ct helper", .check = check_protocol, .print_body = print_helper_body};
const Module ct_timeout_module{.name = "ct timeout", .form = Form::special, .help = "time-outs that rules may set",
                               .families = kInetFamilies, .parameters = kTimeout, .object = true,
                               .object_name = "ct timeout", .check = check_protocol};
const Module ct_expectation_module{.name = "ct expectation", .form = Form::special, .help = "a flow that rules may expect",
                                   .families = kInetFamilies, .parameters = kExpectation, .object = true,
                                   .object_name = "ct expectation", .check = check_protocol};
const Module synproxy_module{.name = "synproxy", .help = "answer the handshake for the server", .families = kInetFamilies,
                             .parameters = kSynproxy, .object = true, .object_name = "synproxy",
                             .check = check_synproxy, .print = print_synproxy, .print_body = print_synproxy_body,
                             .to_json = synproxy_to_json, .from_json = synproxy_from_json,
                             .body_to_json = synproxy_body_to_json, .body_from_json = synproxy_body_from_json};
const Module secmark_module{.name = "secmark", .form = Form::special, .help = "security context", .positional = true,
                            .object = true, .object_name = "secmark", .print_body = print_secmark_body,
                            .body_to_json = secmark_to_json, .body_from_json = secmark_from_json};

}  // namespace bulkhead::ruleset
