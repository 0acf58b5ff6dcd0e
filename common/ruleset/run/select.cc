// common/ruleset/run/select.cc: what is known of a packet beside its bytes: `meta` and `ct`.
#include "common/ruleset/run/select.h"

#include "common/base/bytes.h"

namespace bulkhead::ruleset::run {
namespace {

using Role = StepOperation::Role;

Number name_of(const InterfaceView& interface) { return text_number(interface.name); }

const packet::Tuple& tuple(const FlowView& flow, const Step& step) { return flow.tuples[step.offset & 1]; }
Number address_number(const std::array<uint8_t, 16>& bytes, uint8_t l3) {
  if (l3 == 4) return load_be32(bytes.data());
  return Number{load_be64(bytes.data())} << 64 | load_be64(bytes.data() + 8);
}
/// Both directions' where none is named: offset 2.
uint64_t counted(const std::array<uint64_t, 2>& counts, const Step& step) {
  return step.offset == 2 ? counts[0] + counts[1] : counts[step.offset & 1];
}

constexpr uint64_t kSecondNs = 1'000'000'000, kDay = 86400, kMillisecondNs = 1'000'000;
uint64_t seconds(const Evaluation& packet) { return packet.time_ns / kSecondNs; }

// --- kinds of rows ---

/// Of any packet.
template <auto get>
consteval StepOperation of_packet(StepOperation row) {
  row.run = [](const Step& step, Evaluation& packet) noexcept {
    packet.registers[step.to] = get(packet);
    return Next::step;
  };
  return row;
}

/// Leaves the rule where there is no interface.
template <InterfaceView Evaluation::*interface, auto get>
consteval StepOperation of_interface(StepOperation row) {
  row.run = [](const Step& step, Evaluation& packet) noexcept {
    if ((packet.*interface).name.empty()) return Next::rule;
    packet.registers[step.to] = get(packet.*interface);
    return Next::step;
  };
  return row;
}

/// Leaves the rule where conntrack knows no flow.
template <auto get>
consteval StepOperation of_flow(StepOperation row) {
  row.run = [](const Step& step, Evaluation& packet) noexcept {
    if (!packet.flow.there) return Next::rule;
    packet.registers[step.to] = get(packet.flow, step);
    return Next::step;
  };
  return row;
}

constexpr Number kind_of(const InterfaceView& interface) { return interface.type; }
constexpr Number group_of(const InterfaceView&) { return 0; }

Next load_transport_protocol(const Step& step, Evaluation& packet) noexcept {
  packet.registers[step.to] = packet.protocol;
  return packet.knows_protocol ? Next::step : Next::rule;
}

/// Milliseconds.
Next load_expiration(const Step& step, Evaluation& packet) noexcept {
  if (!packet.flow.there) return Next::rule;
  uint64_t const left_ns = packet.flow.expires_ns - std::min(packet.flow.expires_ns, packet.time_ns);
  packet.registers[step.to] = left_ns / kMillisecondNs;
  return Next::step;
}

Next load_average(const Step& step, Evaluation& packet) noexcept {
  if (!packet.flow.there) return Next::rule;
  uint64_t const packets = counted(packet.flow.packets, step);
  packet.registers[step.to] = packets == 0 ? 0 : counted(packet.flow.bytes, step) / packets;
  return Next::step;
}

/// A flow's mark is one state word: see mark.cc.
Next load_mark(const Step& step, Evaluation& packet) noexcept {
  const FlowView& flow = packet.flow;
  if (!flow.there) return Next::rule;
  uint64_t const word = packet.state == nullptr ? 0 : packet.state->get(flow.mark_word);
  packet.registers[step.to] = word >> 32 == flow.generation ? static_cast<uint32_t>(word) : 0;
  return Next::step;
}

/// Where no direction is named: that of the flow, though it may lie in it in one direction only.
Next load_zone(const Step& step, Evaluation& packet) noexcept {
  const FlowView& flow = packet.flow;
  if (!flow.there) return Next::rule;
  packet::Zones const zones{flow.tuples[0].zone, flow.tuples[1].zone};
  packet.registers[step.to] = step.offset == 0 ? zones.original : step.offset == 1 ? zones.reply : std::max(zones.original, zones.reply);
  return Next::step;
}

/// A flow's labels are three state words: see mark.cc.
Next load_label(const Step& step, Evaluation& packet) noexcept {
  const FlowView& flow = packet.flow;
  if (!flow.there) return Next::rule;
  bool const own = packet.state != nullptr && packet.state->get(flow.label_word) == flow.generation;
  packet.registers[step.to] = own ? Number{packet.state->get(flow.label_word + 2)} << 64 | packet.state->get(flow.label_word + 1) : 0;
  return Next::step;
}

}  // namespace

Number text_number(std::string_view text) {
  Number value = 0;
  for (size_t i = 0; i < 16; ++i)
    value = value << 8 | (i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0});
  return value;
}

// --- meta ---

constinit const StepOperation meta_length = of_packet<[](const Evaluation& p) -> Number { return p.length; }>(
    {.name = "meta length", .role = Role::load});
constinit const StepOperation meta_protocol =
    of_packet<[](const Evaluation& p) -> Number { return p.ether_type; }>(
        {.name = "meta protocol", .role = Role::load, .steady = true});
constinit const StepOperation meta_nfproto =
    of_packet<[](const Evaluation& p) -> Number { return p.l3 == 4 ? 2 : 10; }>(
        {.name = "meta nfproto", .role = Role::load, .steady = true});
constinit const StepOperation meta_l4proto{.name = "meta l4proto", .run = load_transport_protocol, .role = Role::load, .steady = true};
constinit const StepOperation meta_mark =
    of_packet<[](const Evaluation& p) -> Number { return p.mark; }>({.name = "meta mark", .steady = true});
constinit const StepOperation meta_pkttype =
    of_packet<[](const Evaluation& p) -> Number { return p.packet_type; }>(
        {.name = "meta pkttype", .role = Role::load, .steady = true});
constinit const StepOperation meta_iif = of_packet<[](const Evaluation& p) -> Number { return p.in.index; }>(
    {.name = "meta iif", .role = Role::load, .steady = true});
constinit const StepOperation meta_oif = of_packet<[](const Evaluation& p) -> Number { return p.out.index; }>(
    {.name = "meta oif", .role = Role::load, .steady = true});
constinit const StepOperation meta_iifname =
    of_packet<[](const Evaluation& p) -> Number { return name_of(p.in); }>(
        {.name = "meta iifname", .role = Role::load, .steady = true});
constinit const StepOperation meta_oifname =
    of_packet<[](const Evaluation& p) -> Number { return name_of(p.out); }>(
        {.name = "meta oifname", .role = Role::load, .steady = true});
constinit const StepOperation meta_iiftype =
    of_interface<&Evaluation::in, kind_of>({.name = "meta iiftype", .role = Role::load, .steady = true});
constinit const StepOperation meta_oiftype =
    of_interface<&Evaluation::out, kind_of>({.name = "meta oiftype", .role = Role::load, .steady = true});
constinit const StepOperation meta_iifgroup =
    of_interface<&Evaluation::in, group_of>({.name = "meta iifgroup", .steady = true});
constinit const StepOperation meta_oifgroup =
    of_interface<&Evaluation::out, group_of>({.name = "meta oifgroup", .steady = true});
constinit const StepOperation meta_priority =
    of_packet<[](const Evaluation& p) -> Number { return p.priority; }>({.name = "meta priority"});
constinit const StepOperation meta_time =
    of_packet<[](const Evaluation& p) -> Number { return p.time_ns; }>({.name = "meta time"});
constinit const StepOperation meta_hour =
    of_packet<[](const Evaluation& p) -> Number { return seconds(p) % kDay; }>({.name = "meta hour"});
// 1970 began on a Thursday.
constinit const StepOperation meta_day =
    of_packet<[](const Evaluation& p) -> Number { return (seconds(p) / kDay + 4) % 7; }>(
        {.name = "meta day"});
constinit const StepOperation zero =
    of_packet<[](const Evaluation&) -> Number { return 0; }>({.name = "zero", .steady = true});
constinit const StepOperation absent{
    .name = "absent", .run = [](const Step&, Evaluation&) noexcept { return Next::rule; }, .steady = true};

// --- ct ---

constinit const StepOperation ct_state =
    of_packet<[](const Evaluation& p) -> Number { return p.flow.state; }>(
        {.name = "ct state", .role = Role::load, .steady = true, .flow_state = true});
constinit const StepOperation ct_direction =
    of_flow<[](const FlowView& f, const Step&) -> Number { return f.reply ? 1 : 0; }>(
        {.name = "ct direction", .role = Role::load, .steady = true});
constinit const StepOperation ct_status =
    of_flow<[](const FlowView& f, const Step&) -> Number { return f.status; }>(
        {.name = "ct status", .steady = true, .flow_view = true});
constinit const StepOperation ct_mark{.name = "ct mark", .run = load_mark, .steady = true, .flow_mark = true};
constinit const StepOperation ct_label{.name = "ct label", .run = load_label, .steady = true, .flow_label = true};
constinit const StepOperation ct_expiration{
    .name = "ct expiration", .run = load_expiration, .flow_view = true};
constinit const StepOperation ct_id =
    of_flow<[](const FlowView& f, const Step&) -> Number { return f.id; }>({.name = "ct id"});  // not steady: each flow of a tuple has another
constinit const StepOperation ct_l3proto =
    of_flow<[](const FlowView& f, const Step&) -> Number { return f.tuples[0].l3 == 4 ? 2 : 10; }>(
        {.name = "ct l3proto", .role = Role::load, .steady = true});
constinit const StepOperation ct_protocol =
    of_flow<[](const FlowView& f, const Step&) -> Number { return f.tuples[0].protocol; }>(
        {.name = "ct protocol", .role = Role::load, .steady = true});
constinit const StepOperation ct_saddr = of_flow<[](const FlowView& f, const Step& s) -> Number {
  return address_number(tuple(f, s).src, tuple(f, s).l3);
}>({.name = "ct saddr", .role = Role::load, .steady = true});
constinit const StepOperation ct_daddr = of_flow<[](const FlowView& f, const Step& s) -> Number {
  return address_number(tuple(f, s).dst, tuple(f, s).l3);
}>({.name = "ct daddr", .role = Role::load, .steady = true});
constinit const StepOperation ct_proto_src =
    of_flow<[](const FlowView& f, const Step& s) -> Number { return tuple(f, s).source_port(); }>(
        {.name = "ct proto-src", .role = Role::load, .steady = true});
constinit const StepOperation ct_proto_dst =
    of_flow<[](const FlowView& f, const Step& s) -> Number { return tuple(f, s).destination_port(); }>(
        {.name = "ct proto-dst", .role = Role::load, .steady = true});
constinit const StepOperation ct_zone{.name = "ct zone", .run = load_zone, .steady = true, .flow_view = true};
constinit const StepOperation ct_packets =
    of_flow<[](const FlowView& f, const Step& s) -> Number { return counted(f.packets, s); }>(
        {.name = "ct packets", .flow_view = true});
constinit const StepOperation ct_bytes =
    of_flow<[](const FlowView& f, const Step& s) -> Number { return counted(f.bytes, s); }>(
        {.name = "ct bytes", .flow_view = true});
constinit const StepOperation ct_avgpkt{.name = "ct avgpkt", .run = load_average, .flow_view = true};

}  // namespace bulkhead::ruleset::run
