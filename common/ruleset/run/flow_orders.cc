// common/ruleset/run/flow_orders.cc: what rules say of a flow that begins: in which zone it lies, how long it is to live.
//
// Source  Linux nft_ct_timeout_obj_eval: an entry that is confirmed keeps what it has. nft_ct_set_zone_eval: the first one counts; from
//         then on the packet has a template for its entry, which is a new one's, until conntrack has found the flow.
#include "common/ruleset/run/run.h"

namespace bulkhead::ruleset::run {
namespace {

Next give_timeouts(const Step& step, Evaluation& packet) noexcept {
  FlowView& flow = packet.flow;
  bool const begins = flow.there && (flow.status & FlowView::confirmed) == 0;
  if (begins && packet.protocol == packet.program->timeouts[step.data].protocol) flow.timeouts = step.data + 1;
  return Next::step;
}

Next put_into_zone(const Step& step, Evaluation& packet) noexcept {
  constexpr uint32_t kNew = 8, kReply = 1, kOriginal = 0;
  if (packet.flow.there || packet.flow.state == kNew) return Next::step;
  auto const zone = static_cast<uint16_t>(packet.registers[step.to]);
  packet.flow.state = kNew;
  packet.zones = {step.offset == kReply ? uint16_t{0} : zone, step.offset == kOriginal ? uint16_t{0} : zone};
  return Next::step;
}

}  // namespace

constinit const StepOperation set_zone{.name = "set zone", .run = put_into_zone, .goes_on = true, .sets_zone = true};
// Of a flow's first packet alone, which goes by no lane.
constinit const StepOperation set_timeouts{
    .name = "set flow's time-outs", .run = give_timeouts, .goes_on = true, .steady = true, .flow_view = true};

}  // namespace bulkhead::ruleset::run
