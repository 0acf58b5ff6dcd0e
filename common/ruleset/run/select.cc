// common/ruleset/run/select.cc: what is known of a packet beside its bytes: `meta` and `ct`.
#include "common/ruleset/run/run.h"
#include "common/ruleset/run/select.h"

namespace bulkhead::ruleset::run {
namespace {

template <auto get>
Next load(const Step& step, Evaluation& packet) noexcept {
  packet.registers[step.to] = get(packet);
  return Next::step;
}

/// Leaves the rule where conntrack knows no flow.
template <auto get>
Next load_flow(const Step& step, Evaluation& packet) noexcept {
  if (!packet.flow.there) return Next::rule;
  packet.registers[step.to] = get(packet.flow, step);
  return Next::step;
}

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

Next ct_state(const Step& step, Evaluation& packet) noexcept {
  packet.registers[step.to] = packet.flow.state;
  return Next::step;
}

/// Milliseconds.
Next ct_expiration(const Step& step, Evaluation& packet) noexcept {
  if (!packet.flow.there) return Next::rule;
  packet.registers[step.to] = (packet.flow.expires_ns - std::min(packet.flow.expires_ns, packet.time_ns)) / 1'000'000;
  return Next::step;
}

Next ct_average(const Step& step, Evaluation& packet) noexcept {
  if (!packet.flow.there) return Next::rule;
  uint64_t const packets = counted(packet.flow.packets, step);
  packet.registers[step.to] = packets == 0 ? 0 : counted(packet.flow.bytes, step) / packets;
  return Next::step;
}

/// Of an interface, where there is one.
template <InterfaceView Evaluation::*interface, auto get>
Next load_of(const Step& step, Evaluation& packet) noexcept {
  if ((packet.*interface).name.empty()) return Next::rule;
  packet.registers[step.to] = get(packet.*interface);
  return Next::step;
}

/// What no packet of a replay has: a socket, a control group, a kind of interface.
Next absent(const Step&, Evaluation&) noexcept { return Next::rule; }

constexpr Number none(const Evaluation&) { return 0; }
constexpr Number kind_of(const InterfaceView& interface) { return interface.type; }
constexpr Number group_of(const InterfaceView&) { return 0; }

constexpr uint64_t kSecondNs = 1'000'000'000, kDay = 86400;
uint64_t seconds(const Evaluation& packet) { return packet.time_ns / kSecondNs; }

struct Row {
  std::string_view name;
  Step::Run run;
};

constexpr Row kMeta[] = {
    {"length", load<[](const Evaluation& p) -> Number { return p.length; }>},
    {"protocol", load<[](const Evaluation& p) -> Number { return p.ether_type; }>},
    {"nfproto", load<[](const Evaluation& p) -> Number { return p.l3 == 4 ? 2 : 10; }>},
    {"l4proto", load<[](const Evaluation& p) -> Number { return p.protocol; }>},
    {"mark", load<[](const Evaluation& p) -> Number { return p.mark; }>},
    {"pkttype", load<[](const Evaluation& p) -> Number { return p.packet_type; }>},
    {"iif", load<[](const Evaluation& p) -> Number { return p.in.index; }>},
    {"oif", load<[](const Evaluation& p) -> Number { return p.out.index; }>},
    {"iifname", load<[](const Evaluation& p) -> Number { return name_of(p.in); }>},
    {"oifname", load<[](const Evaluation& p) -> Number { return name_of(p.out); }>},
    {"iiftype", load_of<&Evaluation::in, kind_of>},
    {"oiftype", load_of<&Evaluation::out, kind_of>},
    {"iifgroup", load_of<&Evaluation::in, group_of>},
    {"oifgroup", load_of<&Evaluation::out, group_of>},
    {"priority", load<[](const Evaluation& p) -> Number { return p.priority; }>},
    {"time", load<[](const Evaluation& p) -> Number { return p.time_ns; }>},
    {"hour", load<[](const Evaluation& p) -> Number { return seconds(p) % kDay; }>},
    {"day", load<[](const Evaluation& p) -> Number { return (seconds(p) / kDay + 4) % 7; }>},  // 1970 began on a Thursday
    {"cpu", load<none>},
    {"nftrace", load<none>},
    {"ipsec", load<none>},
    {"secpath", load<none>},
    {"sdif", load<none>},
    {"sdifname", load<none>},
    {"skuid", absent},
    {"skgid", absent},
    {"cgroup", absent},
    {"iifkind", absent},
    {"oifkind", absent},
};

constexpr Row kFlow[] = {
    {"state", ct_state},
    {"direction", load_flow<[](const FlowView& f, const Step&) -> Number { return f.reply ? 1 : 0; }>},
    {"status", load_flow<[](const FlowView& f, const Step&) -> Number { return f.status; }>},
    {"mark", flow_mark},
    {"expiration", ct_expiration},
    {"id", load_flow<[](const FlowView& f, const Step&) -> Number { return f.id; }>},
    {"l3proto", load_flow<[](const FlowView& f, const Step&) -> Number { return f.tuples[0].l3 == 4 ? 2 : 10; }>},
    {"protocol", load_flow<[](const FlowView& f, const Step&) -> Number { return f.tuples[0].protocol; }>},
    {"saddr", load_flow<[](const FlowView& f, const Step& s) { return address_number(tuple(f, s).src, tuple(f, s).l3); }>},
    {"daddr", load_flow<[](const FlowView& f, const Step& s) { return address_number(tuple(f, s).dst, tuple(f, s).l3); }>},
    {"proto-src", load_flow<[](const FlowView& f, const Step& s) -> Number { return tuple(f, s).source_port(); }>},
    {"proto-dst", load_flow<[](const FlowView& f, const Step& s) -> Number { return tuple(f, s).destination_port(); }>},
    {"zone", load_flow<[](const FlowView& f, const Step&) -> Number { return f.tuples[0].zone; }>},
    {"packets", load_flow<[](const FlowView& f, const Step& s) -> Number { return counted(f.packets, s); }>},
    {"bytes", load_flow<[](const FlowView& f, const Step& s) -> Number { return counted(f.bytes, s); }>},
    {"avgpkt", ct_average},
};

Step::Run look(std::span<const Row> rows, std::string_view name) {
  auto const row = std::ranges::find(rows, name, &Row::name);
  return row == rows.end() ? nullptr : row->run;
}

}  // namespace

Number text_number(std::string_view text) {
  Number value = 0;
  for (size_t i = 0; i < 16; ++i) value = value << 8 | (i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0});
  return value;
}

Step::Run meta(std::string_view key) { return look(kMeta, key); }
Step::Run flow(std::string_view key) { return look(kFlow, key); }

}  // namespace bulkhead::ruleset::run