#include "services/cli/flow_listing.h"

#include <arpa/inet.h>

#include <algorithm>
#include <fstream>
#include <vector>

namespace bulkhead::cli {
namespace {

constexpr uint8_t kDccp = 33;  // conntrack(8) still calls it by its name and tells its ports, which are 0

constexpr std::array<std::string_view, 10> kTcpStates{"NONE",       "SYN_SENT", "SYN_RECV",  "ESTABLISHED", "FIN_WAIT",
                                                      "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE",       "SYN_SENT2"};

constexpr std::array<std::string_view, 9> kSctpStates{"NONE",          "CLOSED",        "COOKIE_WAIT",
                                                      "COOKIE_ECHOED", "ESTABLISHED",   "SHUTDOWN_SENT",
                                                      "SHUTDOWN_RECD", "SHUTDOWN_ACK_SENT", "HEARTBEAT_SENT"};

template <size_t N>
std::string_view state_name(const std::array<std::string_view, N>& names, uint32_t state) {
  return names[std::min<size_t>(state, N - 1)];
}

std::string_view protocol_name(uint8_t number) {
  switch (number) {
    case packet::protocol::icmp: return "icmp";
    case packet::protocol::tcp: return "tcp";
    case packet::protocol::udp: return "udp";
    case kDccp: return "dccp";
    case packet::protocol::gre: return "gre";
    case packet::protocol::icmpv6: return "icmpv6";
    case packet::protocol::sctp: return "sctp";
    case packet::protocol::udplite: return "udplite";
    default: return "unknown";
  }
}

bool has_ports(uint8_t number) {
  return number == packet::protocol::tcp || number == packet::protocol::udp || number == kDccp ||
         number == packet::protocol::sctp || number == packet::protocol::udplite;
}

std::string address(const std::array<uint8_t, 16>& bytes, uint8_t l3) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(l3 == 4 ? AF_INET : AF_INET6, bytes.data(), text.data(), text.size());
  return text.data();
}

packet::Zones zones_of(const state::FlowSnapshot& flow) { return {flow.tuples[0].zone, flow.tuples[1].zone}; }

void way(std::string& out, const state::FlowSnapshot& flow, size_t direction) {
  const packet::Tuple& tuple = flow.tuples[direction];
  out += fmt::format("src={} dst={} ", address(tuple.src, tuple.l3), address(tuple.dst, tuple.l3));
  if (has_ports(tuple.protocol)) {
    out += fmt::format("sport={} dport={} ", tuple.source_port(), tuple.destination_port());
  } else if (tuple.is_icmp()) {
    out += fmt::format("type={} code={} id={} ", tuple.icmp_type(), tuple.icmp_code(), tuple.icmp_id());
  }
  if (tuple.protocol == packet::protocol::gre)
    out += fmt::format("srckey=0x{:x} dstkey=0x{:x} ", tuple.source_port(), tuple.destination_port());
  if (packet::Zones const zones = zones_of(flow); zones.original != zones.reply && tuple.zone != 0)
    out += fmt::format("zone-{}={} ", direction == 0 ? "orig" : "reply", tuple.zone);
  out += fmt::format("packets={} bytes={} ", flow.packets[direction], flow.bytes[direction]);
}

}  // namespace

std::string flow_line(const state::FlowSnapshot& flow, uint64_t now_ns) {
  constexpr uint64_t kSecond = 1'000'000'000;
  const packet::Tuple& tuple = flow.tuples[0];
  std::string line = fmt::format("{:<8} {} {:<8} {} {} ", tuple.l3 == 4 ? "ipv4" : "ipv6", tuple.l3 == 4 ? 2 : 10,
                                 protocol_name(tuple.protocol), tuple.protocol, (flow.expires_ns - now_ns) / kSecond);
  if (tuple.protocol == packet::protocol::tcp)
    line += fmt::format("{} ", state_name(kTcpStates, flow.protocol_state));
  if (tuple.protocol == packet::protocol::sctp) line += fmt::format("{} ", state_name(kSctpStates, flow.protocol_state));
  way(line, flow, 0);
  if ((flow.status & state::Status32::seen_reply) == 0) line += "[UNREPLIED] ";
  way(line, flow, 1);
  if ((flow.status & state::Status32::assured) != 0) line += "[ASSURED] ";
  line += fmt::format("mark={} ", flow.mark);
  if (packet::Zones const zones = zones_of(flow); zones.original == zones.reply && zones.original != 0) line += fmt::format("zone={} ", zones.original);
  return line + "use=1\n";
}

uint32_t FlowMarks::of(uint64_t flow, uint32_t generation) const {
  if (state == nullptr || first + flow >= state->header.capacity) return 0;
  uint64_t const word = state->words()[first + flow].load();
  return word >> 32 == generation ? static_cast<uint32_t>(word) : 0;
}

FlowListing list_flows(const state::ConntrackState& state, const memory::CommitArea& area, const state::LaneTable& lanes, uint64_t now_ns, const FlowMarks& marks) {
  FlowListing listing;
  std::vector<state::FlowSnapshot> flows;
  uint64_t const capacity = state.header.capacity;
  uint64_t const used = std::min<uint64_t>(state.fresh.load(), capacity);
  for (uint64_t i = 0; i < used; ++i) {
    state::FlowSnapshot flow;
    state::Look const look = state::look_at(state.entries(capacity)[i], area.generation, flow);
    if (look == state::Look::changing) ++listing.skipped;
    if (look != state::Look::flow) continue;
    if (i < lanes.flows()) state::add_lane(flow, state.entries(capacity)[i], lanes.lane(i));
    if (flow.expires_ns <= now_ns) continue;
    if (marks.state != nullptr) flow.mark = marks.of(i, state.entries(capacity)[i].generation.load());
    flows.push_back(flow);
  }
  std::sort(flows.begin(), flows.end(), [](const auto& a, const auto& b) { return a.created < b.created; });
  for (const state::FlowSnapshot& flow : flows) listing.text += flow_line(flow, now_ns);
  listing.flows = flows.size();
  return listing;
}

Result<uint64_t> write_flow_listing(const std::string& path, const state::ConntrackState& state, const memory::CommitArea& area,
                                    const state::LaneTable& lanes, uint64_t now_ns, const FlowMarks& marks) {
  FlowListing const listing = list_flows(state, area, lanes, now_ns, marks);
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << listing.text;
  if (!file.flush()) return fail_errno(errno, "{}", path);
  return listing.flows;
}

}  // namespace bulkhead::cli
