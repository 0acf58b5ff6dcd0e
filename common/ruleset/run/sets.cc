// common/ruleset/run/sets.cc: sets that change: looked up, added to, updated, deleted from.
//
// Source  Linux nft_dynset_eval, nft_lookup_eval, nft_set_elem_update_expr.
#include "common/ruleset/run/dynamic_set.h"
#include "common/ruleset/run/element.h"
#include "common/ruleset/run/run.h"

namespace bulkhead::ruleset::run {
namespace {

using Data = StepOperation::Data;
using Order = StepOperation::Order;

const DynamicSet& set_of(const Step& step, const Program& program) { return *program.dynamic_sets[step.data]; }
const DynamicSet& changed_by(const Step& step, const Program& program) {
  return *program.dynamic_sets[program.updates[step.data].set];
}

uint32_t found(const Step& step, const Evaluation& packet) {
  if (packet.state == nullptr) return DynamicSet::kNone;
  return set_of(step, *packet.program).find_any(packet.registers.data() + step.to, *packet.state, packet.time_ns);
}

/// What an element has been given to do: its counter, limit, quota.
Next run_body(const DynamicSet& set, uint32_t entry, Evaluation& packet) {
  for (const Step& step : set.body(entry, *packet.state).steps) {
    Step own = step;
    own.word += set.state_of(entry);
    if (Next const next = packet.program->run(own, packet); next != Next::step) return next;
  }
  return Next::step;
}

Next put(const Step& step, Evaluation& packet, bool refresh) {
  const SetUpdate& update = packet.program->updates[step.data];
  const DynamicSet& set = changed_by(step, *packet.program);
  if (packet.state == nullptr) return Next::rule;
  DynamicSet::Element element;
  for (size_t i = 0; i < step.count; ++i) element.key[i] = packet.registers[step.to + i];
  for (size_t i = 0; i < set.layout().data.size(); ++i) element.data[2 * i] = element.data[2 * i + 1] = packet.registers[update.data + i];
  element.timeout_ns = update.timeout_ns != 0 ? update.timeout_ns : set.layout().timeout_ns;
  element.expires_ns = element.timeout_ns == 0 ? 0 : packet.time_ns + element.timeout_ns;
  element.body = update.body;
  bool added = false;
  uint32_t const entry = set.enter(element, *packet.state, packet.time_ns, added);
  if (entry == DynamicSet::kNone) return Next::rule;
  // An element that has a time-out gets the rule's, even where that is none.
  if (refresh && !added && set.timeout(entry, *packet.state) != 0)
    set.refresh(entry, packet.time_ns + element.timeout_ns, *packet.state);
  return run_body(set, entry, packet);
}

Next look_up(const Step& step, Evaluation& packet) noexcept {
  uint32_t const entry = found(step, packet);
  return entry == DynamicSet::kNone ? Next::rule : run_body(set_of(step, *packet.program), entry, packet);
}

Next look_value_up(const Step& step, Evaluation& packet) noexcept {
  const DynamicSet& set = set_of(step, *packet.program);
  uint32_t const entry = found(step, packet);
  if (entry == DynamicSet::kNone) return Next::rule;
  static_cast<void>(give_data(step, set.data(entry, *packet.state), packet));
  return run_body(set, entry, packet);
}

Next look_verdict_up(const Step& step, Evaluation& packet) noexcept {
  const DynamicSet& set = set_of(step, *packet.program);
  uint32_t const entry = found(step, packet);
  if (entry == DynamicSet::kNone) return Next::rule;
  if (Next const next = run_body(set, entry, packet); next != Next::step) return next;
  auto const index = static_cast<size_t>(set.data(entry, *packet.state)[0]);
  if (index >= set.verdicts.size()) return Next::rule;
  const DynamicSet::Verdict& said = set.verdicts[index];
  return packet.program->run({.operation = said.operation, .chain = said.chain}, packet);
}

Next take_out(const Step& step, Evaluation& packet) noexcept {
  const DynamicSet& set = changed_by(step, *packet.program);
  if (packet.state == nullptr) return Next::step;
  uint32_t const entry = set.find(packet.registers.data() + step.to, *packet.state, packet.time_ns);
  if (entry != DynamicSet::kNone) set.remove(entry, *packet.state);
  return Next::step;
}

// --- how many words they change at most ---

/// Statements of one element.
uint64_t by_body(const DynamicSet& set, const Program& program) {
  uint64_t most = 0;
  for (const DynamicSet::Body& body : set.bodies) {
    uint64_t all = 0;
    for (const Step& step : body.steps) all += program.operation(step).changes;
    most = std::max(most, all);
  }
  return most;
}

uint64_t by_looking(const Step& step, const Program& program) { return by_body(set_of(step, program), program); }

uint64_t by_entering(const Step& step, const Program& program) {
  const DynamicSet& set = changed_by(step, program);
  return set.changes_to_enter() + by_body(set, program);
}

uint64_t by_taking_out(const Step& step, const Program& program) { return changed_by(step, program).changes_to_move(); }

}  // namespace

constinit const StepOperation in_dynamic{
    .name = "in set that changes", .run = look_up, .data = Data::dynamic_set, .changes_of = by_looking, .order = Order::set};
constinit const StepOperation not_in_dynamic{
    .name = "not in set that changes",
    .run = [](const Step& step, Evaluation& packet) noexcept {
      return found(step, packet) == DynamicSet::kNone ? Next::step : Next::rule;
    },
    .data = Data::dynamic_set, .order = Order::set};
constinit const StepOperation dynamic_value{
    .name = "value in map that changes", .run = look_value_up, .data = Data::dynamic_set, .changes_of = by_looking,
    .order = Order::set};
constinit const StepOperation dynamic_verdict{
    .name = "verdict in map that changes", .run = look_verdict_up, .data = Data::dynamic_set,
    .verdict = StepOperation::Verdict::by_element, .changes_of = by_looking, .order = Order::set};

constinit const StepOperation add_element{
    .name = "add element",
    .run = [](const Step& step, Evaluation& packet) noexcept { return put(step, packet, false); },
    .data = Data::update, .changes_of = by_entering, .order = Order::set};
constinit const StepOperation update_element{
    .name = "update element",
    .run = [](const Step& step, Evaluation& packet) noexcept { return put(step, packet, true); },
    .data = Data::update, .changes_of = by_entering, .order = Order::set};
constinit const StepOperation delete_element{
    .name = "delete element", .run = take_out, .data = Data::update, .changes_of = by_taking_out, .order = Order::set};

}  // namespace bulkhead::ruleset::run
