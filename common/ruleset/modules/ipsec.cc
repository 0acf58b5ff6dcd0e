// `ipsec in reqid 1`: the states that a packet was decrypted by, or is to be encrypted by. Nothing here is: no packet has any.
#include "common/ruleset/modules/all.h"
#include "common/ruleset/read/json_reader.h"
#include "common/ruleset/run/select.h"
#include "common/ruleset/write/json_tree.h"

namespace bulkhead::ruleset {
namespace {

constexpr uint8_t kDecrypted = Hook::prerouting | Hook::input | Hook::forward;
constexpr uint8_t kEncrypted = Hook::forward | Hook::output | Hook::postrouting;

constexpr Key kIpsecKeys[] = {
    {.name = "reqid", .bits = 32, .help = "id of the policy's template", .load = &run::absent},
    {.name = "spi", .bits = 32, .help = "security parameter index", .load = &run::absent},
    {.name = "ip saddr", .type = &ipv4_address, .help = "source of the tunnel", .load = &run::absent},
    {.name = "ip daddr", .type = &ipv4_address, .help = "its destination", .load = &run::absent},
    {.name = "ip6 saddr", .type = &ipv6_address, .help = "source of the tunnel", .load = &run::absent},
    {.name = "ip6 daddr", .type = &ipv6_address, .help = "its destination", .load = &run::absent},
};
constexpr std::string_view kIpsecModifiers[] = {"in", "out"};
constexpr Parameter kIpsecParameters[] = {
    {.name = "spnum", .takes = Takes::number, .help = "which of several states, from 0", .most = 255, .before_key = true}};

Number state_number(const Expression& ipsec) {
  const Expression* const said = ipsec.argument("spnum");
  return said == nullptr ? 0 : said->number;
}

/// A direction, and behind it a number at most.
bool check_ipsec(Expression& ipsec, Checker& checker) {
  constexpr Number kMostStates = 6;  // XFRM_MAX_DEPTH
  auto const& said = ipsec.arguments;
  bool const directed = !said.empty() && (said[0].name == "in" || said[0].name == "out");
  if (!directed || said.size() > 2 || (said.size() == 2 && said[1].name != "spnum"))
    return checker.error(ipsec.at, "syntax error, expecting in or out, then spnum, then a key");
  return state_number(ipsec) < kMostStates || checker.error(ipsec.at, "Could not process rule: Numerical result out of range");
}

void print_ipsec(const Expression& ipsec, Out& out) {
  out << "ipsec " << ipsec.arguments[0].name;
  if (Number const number = state_number(ipsec); number != 0) out << " spnum " << print_decimal(number);
  out << " " << ipsec.key->name;
}

Json ipsec_to_json(const Expression& ipsec, const Style&) {
  std::string_view const name = ipsec.key->name;
  auto const space = name.find(' ');
  Json inner = Json::named("key", name.substr(space == std::string_view::npos ? 0 : space + 1));
  if (space != std::string_view::npos) inner["family"] = name.substr(0, space);
  inner["dir"] = ipsec.arguments[0].name;
  inner["spnum"] = number_json(state_number(ipsec));
  return Json::named("ipsec", std::move(inner));
}

Expression ipsec_from_json(const Module& module, const Json& json, json_in::Reader& reader) {
  std::string const family = json_in::text_or(json, "family"), key = json_in::text_of(json_in::member(json, "key"));
  Expression ipsec = reader.of_key(&module, family.empty() ? key : fmt::format("{} {}", family, key));
  ipsec.arguments.push_back({json_in::text_of(json_in::member(json, "dir")), {}, {}});
  json_in::take_numbers(ipsec, json, {"spnum"});
  return ipsec;
}

}  // namespace

const Module ipsec_module{.name = "ipsec", .form = Form::select, .help = "states of IPsec", .families = kInetFamilies, .keys = kIpsecKeys,
    .parameters = kIpsecParameters, .modifiers = kIpsecModifiers, .check_select = check_ipsec,
    .asked_in = [](const Expression& ipsec) { return ipsec.argument("in") != nullptr ? kDecrypted : kEncrypted; },
    .print_select = print_ipsec, .select_to_json = ipsec_to_json, .select_from_json = ipsec_from_json};

}  // namespace bulkhead::ruleset
