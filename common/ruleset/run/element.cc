#include "common/ruleset/run/element.h"

#include "common/ruleset/run/dynamic_set.h"

namespace bulkhead::ruleset::run {
namespace {

using Data = StepOperation::Data;
using Order = StepOperation::Order;

Next act_if_there(const Step& step, Evaluation& packet) noexcept {
  const ConstantSet::Range* const range = element_of(step, packet);
  return range == nullptr ? Next::rule : act(range->acts, packet);
}

Next act_and_give(const Step& step, Evaluation& packet) noexcept {
  const ConstantSet::Range* const range = element_of(step, packet);
  if (range == nullptr) return Next::rule;
  static_cast<void>(give_data(step, range->data, packet));
  return act(range->acts, packet);
}

Next act_and_decide(const Step& step, Evaluation& packet) noexcept {
  const ConstantSet::Range* const range = element_of(step, packet);
  if (range == nullptr) return Next::rule;
  if (Next const next = act(range->acts, packet); next != Next::step) return next;
  return packet.program->run({.operation = range->then, .chain = range->chain}, packet);
}

const DynamicSet& changing_map(const Step& step, const Program& program) { return *program.dynamic_sets[step.data]; }

Next act_by_object(const Step& step, Evaluation& packet) noexcept {
  if (packet.state == nullptr) return Next::rule;
  const DynamicSet& map = changing_map(step, *packet.program);
  uint32_t const entry = map.find_any(packet.registers.data() + step.to, *packet.state, packet.time_ns);
  if (entry == DynamicSet::kNone) return Next::rule;
  auto const index = static_cast<size_t>(map.data(entry, *packet.state)[0]);
  return index < map.objects.size() ? act(map.objects[index], packet) : Next::rule;
}

uint64_t changes_by(const StepRun& run, const Program& program) {
  uint64_t all = 0;
  for (const Step& step : program.steps_of(run)) all += program.operation(step).changes;
  return all;
}

uint64_t by_acting(const Step& step, const Program& program) {
  uint64_t most = 0;
  for (const ConstantSet::Range& range : program.sets[step.data].ranges()) most = std::max(most, changes_by(range.acts, program));
  return most;
}

uint64_t by_object(const Step& step, const Program& program) {
  uint64_t most = 0;
  for (const StepRun& run : changing_map(step, program).objects) most = std::max(most, changes_by(run, program));
  return most;
}

/// Where all that elements do is, and none of them goes.
bool acts_steadily(const Step& step, const Step*, uint8_t, const Program& program) {
  const ConstantSet& set = program.sets[step.data];
  return !set.expires() && std::ranges::all_of(set.ranges(), [&](const ConstantSet::Range& range) {
    return std::ranges::all_of(program.steps_of(range.acts), [&](const Step& one) { return program.operation(one).steady; });
  });
}

}  // namespace

Next act(const StepRun& run, Evaluation& packet) noexcept {
  for (const Step& step : packet.program->steps_of(run))
    if (Next const next = packet.program->run(step, packet); next != Next::step) return next;
  return Next::step;
}

constinit const StepOperation in_set_that_acts{
    .name = "in set that acts", .run = act_if_there, .data = Data::set, .steady_where = acts_steadily, .changes_of = by_acting};
constinit const StepOperation map_value_that_acts{
    .name = "value in map that acts", .run = act_and_give, .data = Data::set, .steady_where = acts_steadily, .changes_of = by_acting};
constinit const StepOperation map_verdict_that_acts{
    .name = "verdict in map that acts", .run = act_and_decide, .data = Data::set,
    .verdict = StepOperation::Verdict::by_element, .steady_where = acts_steadily, .changes_of = by_acting};
constinit const StepOperation object_by_map{
    .name = "object by map", .run = act_if_there, .data = Data::set, .steady_where = acts_steadily, .changes_of = by_acting};
constinit const StepOperation object_by_dynamic_map{
    .name = "object by map that changes", .run = act_by_object, .data = Data::dynamic_set, .changes_of = by_object,
    .order = Order::set};

}  // namespace bulkhead::ruleset::run
