// common/ruleset/run/mark.cc: the packet's mark, and its flow's; and that it shall have none.
//
// Shape   a flow's mark is one state word: generation of the flow << 32 | mark. One of another generation is a flow's that
//         has gone, and counts as 0.
#include "common/ruleset/run/run.h"

namespace bulkhead::ruleset::run {

Next set_mark(const Step& step, Evaluation& packet) noexcept {
  packet.mark = static_cast<uint32_t>(packet.registers[step.to]);
  return Next::step;
}

Next set_priority(const Step& step, Evaluation& packet) noexcept {
  packet.priority = static_cast<uint32_t>(packet.registers[step.to]);
  return Next::step;
}

Next set_flow_mark(const Step& step, Evaluation& packet) noexcept {
  const FlowView& flow = packet.flow;
  if (!flow.there || packet.state == nullptr) return Next::step;
  uint64_t const word = uint64_t{flow.generation} << 32 | static_cast<uint32_t>(packet.registers[step.to]);
  packet.marks_flow = packet.marks_flow || packet.state->get(flow.mark_word) != word;
  packet.state->set(flow.mark_word, word);
  return Next::step;
}

Next untrack(const Step&, Evaluation& packet) noexcept {
  if (packet.flow.state == FlowView::invalid) packet.flow.state = FlowView::untracked;
  return Next::step;
}

Next flow_mark(const Step& step, Evaluation& packet) noexcept {
  const FlowView& flow = packet.flow;
  if (!flow.there) return Next::rule;
  uint64_t const word = packet.state == nullptr ? 0 : packet.state->get(flow.mark_word);
  packet.registers[step.to] = word >> 32 == flow.generation ? static_cast<uint32_t>(word) : 0;
  return Next::step;
}

}  // namespace bulkhead::ruleset::run