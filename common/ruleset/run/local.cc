// common/ruleset/run/local.cc: what a host does beside forwarding: programs that are asked, flows that go round the rules, handshakes
// that are answered for the server. In a replay nobody listens, and nobody knows our cookies.
//
// Source  Linux nf_queue, nft_flow_offload_eval, nft_synproxy_eval.
#include "common/ruleset/run/decide.h"
#include "common/ruleset/run/run.h"

namespace bulkhead::ruleset::run {
namespace {

constexpr uint8_t kFin = 1, kSyn = 2, kRst = 4, kAck = 16;
constexpr size_t kTcpLength = 20, kFlags = 13;

/// Of a TCP segment; nothing: its header is not there.
std::optional<uint8_t> flags_of_segment(const Evaluation& packet) {
  std::array<uint8_t, kTcpLength> header;
  if (packet.transport == Evaluation::kNone || !packet.copy(packet.transport, header)) return std::nullopt;
  return header[kFlags];
}

Next ask_nobody(const Step&, Evaluation& packet) noexcept {
  packet.unheard = true;
  return decide(packet, Decision::drop);
}

/// Would the kernel let the flow go round the rules from here on? What it would not leaves the rule.
bool is_offloadable(const Evaluation& packet) {
  constexpr uint32_t kAssured = 4, kConfirmed = 8;
  constexpr uint8_t kPlainHeader = 0x45;  // IPv4 without options
  const FlowView& flow = packet.flow;
  if (!flow.there || (flow.status & kConfirmed) == 0 || (packet.l3 == 4 && packet.head[0] != kPlainHeader)) return false;
  switch (flow.tuples[0].protocol) {
    case packet::protocol::udp: return true;
    case packet::protocol::tcp: {
      auto const flags = flags_of_segment(packet);
      return flags && (*flags & (kFin | kRst)) == 0 && (flow.status & kAssured) != 0;
    }
    default: return false;
  }
}

Next offload(const Step&, Evaluation& packet) noexcept {
  if (is_offloadable(packet)) return Next::step;
  packet.steady = false;  // its flow's next packet may be
  return Next::rule;
}

/// The SYN is answered with a cookie, and goes no further; an acknowledgement that knows no cookie of ours is dropped.
Next answer_for_server(const Step&, Evaluation& packet) noexcept {
  if (packet.protocol != packet::protocol::tcp) return Next::rule;
  auto const flags = flags_of_segment(packet);
  return !flags || (*flags & (kSyn | kAck)) != 0 ? decide(packet, Decision::drop) : Next::step;
}

}  // namespace

constinit const StepOperation queue_to_nobody{.name = "queue", .run = ask_nobody, .verdict = StepOperation::Verdict::drop, .steady = true};
constinit const StepOperation flow_add{.name = "flow add", .run = offload, .steady = true, .flow_view = true};
constinit const StepOperation synproxy{.name = "synproxy", .run = answer_for_server};

}  // namespace bulkhead::ruleset::run
