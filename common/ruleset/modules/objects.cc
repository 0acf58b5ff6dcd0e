// Named objects that are no statements of their own: ct helper, ct timeout, ct expectation, secmark; and synproxy.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/modules/all.h"
#include "common/ruleset/read/json_reader.h"
#include "common/ruleset/run/run.h"
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
  bool const object = checker.chain() == nullptr;
  if (object && synproxy.has("mss") != synproxy.has("wscale")) checker.error(synproxy.at, "syntax error, expecting mss and wscale");
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

void compile_synproxy(const Statement& synproxy, Compiler& compiler) {
  compiler.emit(run::synproxy);
  compiler.note(synproxy.at, "synproxy: a capture's clients know no cookie of ours, their SYN and ACK are dropped and not answered");
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

void check_protocol(Statement& body, Checker& checker) {
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

/// What the kernel has of its own; nft lists only what differs.
constexpr std::array<uint32_t, TimeoutPolicy::kStates.size()> kDefaults{120, 60, 432000, 120, 60, 30, 120, 10, 120, 300, 300, 30, 120};
constexpr size_t kOfTcp = 11;  // the first states; the others are UDP's

size_t state_number(std::string_view name) {
  return static_cast<size_t>(std::ranges::find(TimeoutPolicy::kStates, name) - TimeoutPolicy::kStates.begin());
}

/// In the order of the protocol's states, as the kernel keeps them; of one said twice what was said last.
void check_timeouts(Statement& body, Checker& checker) {
  check_protocol(body, checker);
  Expression all;
  all.kind = Kind::set;
  if (Expression* const said = body.argument("policy")) std::swap(all, *said);
  bool const tcp = word(body, "protocol") == "tcp";
  for (const Argument& one : all.arguments) {
    size_t const state = state_number(one.name);
    bool const own = state < TimeoutPolicy::kStates.size() && (state < kOfTcp) == tcp;
    if (!own) checker.error(one.at, "invalid state for this protocol");
    if (!own) return;
  }
  auto& states = all.arguments;
  std::ranges::stable_sort(states, {}, [](const Argument& one) { return state_number(one.name); });
  for (size_t i = states.size(); i-- > 0;) {
    bool const said_again = i + 1 < states.size() && states[i + 1].name == states[i].name;
    if (said_again || states[i].value.number == Number{kDefaults[state_number(states[i].name)]} * 1000)
      states.erase(states.begin() + static_cast<ptrdiff_t>(i));
  }
  body.set("policy", std::move(all));
}

uint32_t keep_timeouts(const Statement& body, Compiler& compiler) {
  constexpr uint8_t kTcp = 6, kUdp = 17;
  TimeoutPolicy policy{word(body, "protocol") == "tcp" ? kTcp : kUdp, {}};
  for (const Argument& one : body.argument("policy")->arguments)
    policy.states.push_back({static_cast<uint8_t>(state_number(one.name)), static_cast<uint32_t>(one.value.number / 1000)});
  return compiler.keep(std::move(policy));
}

struct HelperKind {
  std::string_view name, protocol;
};
// The kernel's; of another it knows nothing.
constexpr HelperKind kHelperKinds[] = {{"ftp", "tcp"}, {"irc", "tcp"}, {"pptp", "tcp"}, {"sane", "tcp"}, {"sip", "tcp"}, {"Q.931", "tcp"},
  {"tftp", "udp"}, {"amanda", "udp"}, {"snmp", "udp"}, {"netbios-ns", "udp"}, {"sip", "udp"}, {"RAS", "udp"}};

void check_helper(Statement& helper, Checker& checker) {
  const Expression* const type = helper.argument("type");
  if (type == nullptr) {
    checker.error(helper.at, "syntax error, expecting type");
    return;
  }
  if (type->text.size() >= 16) {
    checker.error(type->at, fmt::format("invalid name '{}', max length is 16", type->text));
    return;
  }
  std::string const name = type->text;
  check_protocol(helper, checker);
  std::string_view const family = word(helper, "l3proto"), own = checker.family();
  if (own != "inet" && family != own) checker.error(helper.at, "Could not process rule: Invalid argument");
  auto const fits = [&](const HelperKind& kind) { return kind.name == name && kind.protocol == word(helper, "protocol"); };
  if (std::ranges::none_of(kHelperKinds, fits)) checker.error(helper.at, "Could not process rule: No such file or directory");
}

void check_expectation(Statement& expectation, Checker& checker) {
  check_protocol(expectation, checker);
  for (const char* name : {"protocol", "dport", "timeout", "size"})
    if (!expectation.has(name)) {
      checker.error(expectation.at, "missing options");
      return;
    }
}

void check_secmark(Statement& secmark, Checker& checker) {
  if (!secmark.has("")) checker.error(secmark.at, "Could not process rule: Numerical result out of range");
}

}  // namespace

const Module ct_helper_module{.name = "ct helper", .form = Form::special, .help = "helper that rules may set",
                              .families = kInetFamilies, .parameters = kHelper, .object = true,
                              .object_name = "ct helper", .tracks = true, .check = check_helper, .print_body = print_helper_body};
const Module ct_timeout_module{.name = "ct timeout", .form = Form::special, .help = "time-outs that rules may set",
                               .families = kInetFamilies, .parameters = kTimeout, .object = true,
                               .object_name = "ct timeout", .tracks = true, .check = check_timeouts, .keep = keep_timeouts};
const Module ct_expectation_module{.name = "ct expectation", .form = Form::special, .help = "a flow that rules may expect",
                                   .families = kInetFamilies, .parameters = kExpectation, .object = true,
                                   .object_name = "ct expectation", .tracks = true, .check = check_expectation};
const Module synproxy_module{.name = "synproxy", .help = "answer the handshake for the server", .families = kInetFamilies,
                             .hooks = Hook::input | Hook::forward,
                             .parameters = kSynproxy, .object = true, .object_name = "synproxy", .tracks = true,
                             .check = check_synproxy, .print = print_synproxy, .print_body = print_synproxy_body,
                             .to_json = synproxy_to_json, .from_json = synproxy_from_json,
                             .body_to_json = synproxy_body_to_json, .body_from_json = synproxy_body_from_json, .compile = compile_synproxy};
const Module secmark_module{.name = "secmark", .form = Form::special, .help = "security context", .positional = true,
                            .object = true, .object_name = "secmark", .check = check_secmark, .print_body = print_secmark_body,
                            .body_to_json = secmark_to_json, .body_from_json = secmark_from_json};

}  // namespace bulkhead::ruleset
