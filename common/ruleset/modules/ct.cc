// `ct [DIRECTION] KEY`: what conntrack knows of the packet's flow.
#include "common/ruleset/modules/all.h"
#include "common/ruleset/read/json_reader.h"
#include "common/ruleset/write/json_tree.h"

namespace bulkhead::ruleset {
namespace {

// Both addresses take their type from the table's family, or from `ip` or `ip6` before the key.
constexpr Key kKeys[] = {
    {.name = "state", .type = &ct_state, .help = "new, established, related, invalid, untracked"},
    {.name = "direction", .type = &ct_direction, .help = "original or reply"},
    {.name = "status", .type = &ct_status, .help = "expected, seen-reply, assured, confirmed, snat, dnat, dying"},
    {.name = "mark", .type = &mark, .settable = true, .help = "mark of the flow"},
    {.name = "expiration", .type = &relative_time, .bits = 32, .help = "time that is left"},
    {.name = "helper", .type = &ct_helper_name, .bits = 128, .settable = true, .help = "helper of the flow", .object = "ct helper"},
    {.name = "l3proto", .type = &nf_protocol, .help = "ipv4 or ipv6"},
    {.name = "saddr", .type = &invalid_type, .help = "source address"},
    {.name = "daddr", .type = &invalid_type, .help = "destination address"},
    {.name = "protocol", .type = &inet_protocol, .help = "transport protocol"},
    {.name = "proto-src", .type = &inet_service, .help = "source port"},
    {.name = "proto-dst", .type = &inet_service, .help = "destination port"},
    {.name = "label", .type = &ct_label, .settable = true, .help = "labels of the flow"},
    {.name = "bytes", .bits = 64, .help = "bytes so far"},
    {.name = "packets", .bits = 64, .help = "packets so far"},
    {.name = "avgpkt", .bits = 64, .help = "bytes a packet"},
    {.name = "zone", .bits = 16, .settable = true, .help = "zone of the flow"},
    {.name = "event", .type = &ct_event, .settable = true, .help = "events that are reported"},
    {.name = "id", .bits = 32, .help = "number of the flow"},
    {.name = "secmark", .bits = 32, .settable = true, .help = "security mark"},
    {.name = "timeout", .type = &ct_helper_name, .settable = true, .help = "set only: policy of time-outs",
     .object = "ct timeout"},
    {.name = "expectation", .type = &ct_helper_name, .settable = true, .help = "set only: expect a flow",
     .object = "ct expectation"},
};
constexpr std::string_view kModifiers[] = {"original", "reply", "ip", "ip6"};

bool check_select(Expression& ct, Checker& checker) {
  bool const address = ct.key->type == &invalid_type;
  if (address && ct.argument("original") == nullptr && ct.argument("reply") == nullptr)
    return checker.error(ct.at, "direction missing, use original or reply");
  if (ct.key->name == "protocol") ct.arguments.clear();
  return true;
}

Json as_json(const Expression& ct, const Style&) {
  Json inner = Json::named("key", ct.key->name);
  for (const char* direction : {"original", "reply"})
    if (ct.argument(direction) != nullptr) inner["dir"] = direction;
  return Json::named("ct", std::move(inner));
}

}  // namespace

const Module ct_module{.name = "ct", .form = Form::select, .help = "what conntrack knows of the flow",
                       .keys = kKeys, .modifiers = kModifiers, .check_select = check_select, .select_to_json = as_json};

}  // namespace bulkhead::ruleset
