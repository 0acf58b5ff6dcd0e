// common/ruleset/run/mark.cc: the packet's mark, and its flow's; its labels; and that it shall have no flow.
//
// Shape   a flow's mark is one state word: generation of the flow << 32 | mark. One of another generation is a flow's that
//         has gone, and counts as 0. Its labels are three: generation, labels 0 to 63, and the rest.
#include "common/ruleset/run/run.h"

namespace bulkhead::ruleset::run {
namespace {

Next mark(const Step& step, Evaluation& packet) noexcept {
  packet.mark = static_cast<uint32_t>(packet.registers[step.to]);
  return Next::step;
}

Next prioritise(const Step& step, Evaluation& packet) noexcept {
  packet.priority = static_cast<uint32_t>(packet.registers[step.to]);
  return Next::step;
}

Next mark_flow(const Step& step, Evaluation& packet) noexcept {
  const FlowView& flow = packet.flow;
  if (!flow.there || packet.state == nullptr) return Next::step;
  uint64_t const word = uint64_t{flow.generation} << 32 | static_cast<uint32_t>(packet.registers[step.to]);
  packet.marks_flow = packet.marks_flow || packet.state->get(flow.mark_word) != word;
  packet.state->set(flow.mark_word, word);
  return Next::step;
}

/// Labels are only ever added (nf_connlabels_replace, with what is set as its mask).
Next label_flow(const Step& step, Evaluation& packet) noexcept {
  const FlowView& flow = packet.flow;
  if (!flow.there || packet.state == nullptr) return Next::step;
  bool const own = packet.state->get(flow.label_word) == flow.generation;
  for (uint32_t half = 0; half < 2; ++half) {
    uint64_t const before = own ? packet.state->get(flow.label_word + 1 + half) : 0;
    uint64_t const after = before | static_cast<uint64_t>(packet.registers[step.to] >> 64 * half);
    packet.marks_flow = packet.marks_flow || after != before;
    if (!own || after != before) packet.state->set(flow.label_word + 1 + half, after);
  }
  if (!own) packet.state->set(flow.label_word, flow.generation);
  return Next::step;
}

Next leave_untracked(const Step&, Evaluation& packet) noexcept {
  if (packet.flow.state == FlowView::invalid) packet.flow.state = FlowView::untracked;
  return Next::step;
}

}  // namespace

constinit const StepOperation set_mark{.name = "set mark", .run = mark, .goes_on = true, .steady = true};
constinit const StepOperation set_priority{.name = "set priority", .run = prioritise, .goes_on = true};
// Before conntrack nobody has a flow to mark, so that no order matters.
constinit const StepOperation set_flow_mark{
    .name = "set flow's mark", .run = mark_flow, .goes_on = true, .steady = true, .changes = 1, .flow_mark = true};
constinit const StepOperation set_flow_label{
    .name = "set flow's labels", .run = label_flow, .goes_on = true, .steady = true, .changes = 3, .flow_label = true};
constinit const StepOperation ignored{
    .name = "ignored", .run = [](const Step&, Evaluation&) noexcept { return Next::step; }, .goes_on = true, .steady = true};
constinit const StepOperation untrack{.name = "notrack", .run = leave_untracked, .goes_on = true};

}  // namespace bulkhead::ruleset::run
