// `ct [DIRECTION] KEY`: what conntrack knows of the packet's flow.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/modules/all.h"
#include "common/ruleset/read/json_reader.h"
#include "common/ruleset/run/run.h"
#include "common/ruleset/run/select.h"
#include "common/ruleset/write/json_tree.h"

namespace bulkhead::ruleset {
namespace {

// Both addresses take their type from the table's family, or from `ip` or `ip6` before the key.
constexpr Key kCtKeys[] = {
    {.name = "state", .type = &ct_state, .help = "new, established, related, invalid, untracked", .load = &run::ct_state},
    {.name = "direction", .type = &ct_direction, .help = "original or reply", .load = &run::ct_direction},
    {.name = "status", .type = &ct_status, .help = "expected, seen-reply, assured, confirmed, snat, dnat, dying",
     .load = &run::ct_status},
    {.name = "mark", .type = &mark, .settable = true, .help = "mark of the flow", .load = &run::ct_mark,
     .store = &run::set_flow_mark},
    {.name = "expiration", .type = &relative_time, .bits = 32, .help = "time that is left", .load = &run::ct_expiration},
    {.name = "helper", .type = &ct_helper_name, .bits = 128, .settable = true, .help = "helper of the flow", .object = "ct helper"},
    {.name = "l3proto", .type = &nf_protocol, .help = "ipv4 or ipv6", .load = &run::ct_l3proto},
    {.name = "saddr", .type = &invalid_type, .help = "source address", .load = &run::ct_saddr},
    {.name = "daddr", .type = &invalid_type, .help = "destination address", .load = &run::ct_daddr},
    {.name = "protocol", .type = &inet_protocol, .help = "transport protocol", .load = &run::ct_protocol},
    {.name = "proto-src", .type = &inet_service, .help = "source port", .load = &run::ct_proto_src},
    {.name = "proto-dst", .type = &inet_service, .help = "destination port", .load = &run::ct_proto_dst},
    {.name = "label", .type = &ct_label, .settable = true, .help = "labels of the flow", .load = &run::ct_label,
     .store = &run::set_flow_label},
    {.name = "bytes", .bits = 64, .help = "bytes so far", .load = &run::ct_bytes},
    {.name = "packets", .bits = 64, .help = "packets so far", .load = &run::ct_packets},
    {.name = "avgpkt", .bits = 64, .help = "bytes a packet", .load = &run::ct_avgpkt},
    {.name = "zone", .bits = 16, .settable = true, .help = "zone of the flow", .load = &run::ct_zone,
     .store = &run::set_zone},
    {.name = "event", .type = &ct_event, .settable = true, .help = "events that are reported", .write_only = true, .store = &run::ignored},
    {.name = "id", .bits = 32, .help = "number of the flow", .load = &run::ct_id},
    {.name = "secmark", .bits = 32, .settable = true, .help = "security mark", .object = "secmark"},
    {.name = "timeout", .type = &ct_helper_name, .settable = true, .help = "set only: policy of time-outs",
     .object = "ct timeout", .write_only = true, .store = &run::set_timeouts},
    {.name = "expectation", .type = &ct_helper_name, .settable = true, .help = "set only: expect a flow",
     .object = "ct expectation", .write_only = true},
};
constexpr std::string_view kModifiers[] = {"original", "reply", "ip", "ip6"};

/// What each direction has of its own; conntrack keeps the rest once.
constexpr std::string_view kOfDirections[] = {"saddr", "daddr", "protocol", "proto-src", "proto-dst", "l3proto", "bytes", "packets", "avgpkt", "zone"};

bool check_select(Expression& ct, Checker& checker) {
  bool const address = ct.key->type == &invalid_type;
  bool const directed = ct.argument("original") != nullptr || ct.argument("reply") != nullptr;
  if (address && !directed) return checker.error(ct.at, "direction missing, use original or reply");
  if (directed && std::ranges::find(kOfDirections, ct.key->name) == std::end(kOfDirections))
    return checker.error(ct.at, fmt::format("syntax error, unexpected {}: it has no direction", ct.key->name));
  if (ct.key->name == "protocol") ct.arguments.clear();
  return true;
}

Json ct_as_json(const Expression& ct, const Style&) {
  std::string key(ct.key->name);
  for (const char* family : {"ip", "ip6"})
    if (const Expression* const said = ct.argument(family); said != nullptr && said->is(Kind::none)) key = fmt::format("{} {}", family, key);
  Json inner = Json::named("key", std::move(key));
  for (const char* direction : {"original", "reply"})
    if (ct.argument(direction) != nullptr) inner["dir"] = direction;
  return Json::named("ct", std::move(inner));
}

/// A step's offset is the direction.
uint8_t load_ct(const Expression& select, uint8_t to, Compiler& compiler) {
  const Key& key = *select.key;
  if (key.load == nullptr) return compiler.not_supported(select);
  compiler.emit(*key.load, {.to = to, .bits = key.width(), .offset = Compiler::direction_of(select)});
  return 1;
}

}  // namespace

const Module ct_module{.name = "ct", .form = Form::select, .help = "what conntrack knows of the flow", .families = kInetFamilies | 16, .keys = kCtKeys,
    .modifiers = kModifiers, .tracks = true, .check_select = check_select, .select_to_json = ct_as_json, .load = load_ct};

}  // namespace bulkhead::ruleset
