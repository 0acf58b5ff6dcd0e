// common/ruleset/run/sets.cc: sets that change: looked up, added to, updated, deleted from.
//
// Source  Linux nft_dynset_eval, nft_lookup_eval, nft_set_elem_update_expr.
#include "common/ruleset/run/dynamic_set.h"
#include "common/ruleset/run/run.h"

namespace bulkhead::ruleset::run {
namespace {

const DynamicSet& set_of(const Step& step) { return *static_cast<const DynamicSet*>(step.data); }

uint32_t found(const Step& step, const Evaluation& packet) {
  if (packet.state == nullptr) return DynamicSet::kNone;
  return set_of(step).find(packet.registers.data() + step.to, *packet.state, packet.time_ns);
}

/// What an element has been given to do: its counter, limit, quota.
Next run_body(const DynamicSet& set, uint32_t entry, Evaluation& packet) {
  for (const Step& step : set.body(entry, *packet.state).steps) {
    Step own = step;
    own.word += set.state_of(entry);
    if (Next const next = own.run(own, packet); next != Next::step) return next;
  }
  return Next::step;
}

Next put(const Step& step, Evaluation& packet, bool refresh) {
  const SetUpdate& update = *static_cast<const SetUpdate*>(step.data);
  const DynamicSet& set = *update.set;
  if (packet.state == nullptr) return Next::rule;
  DynamicSet::Element element;
  for (size_t i = 0; i < step.count; ++i) element.key[i] = packet.registers[step.to + i];
  element.data = packet.registers[update.data];
  element.timeout_ns = update.timeout_ns != 0 ? update.timeout_ns : set.shape().timeout_ns;
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

}  // namespace

Next in_dynamic(const Step& step, Evaluation& packet) noexcept {
  uint32_t const entry = found(step, packet);
  return entry == DynamicSet::kNone ? Next::rule : run_body(set_of(step), entry, packet);
}

Next not_in_dynamic(const Step& step, Evaluation& packet) noexcept {
  return found(step, packet) == DynamicSet::kNone ? Next::step : Next::rule;
}

Next dynamic_value(const Step& step, Evaluation& packet) noexcept {
  uint32_t const entry = found(step, packet);
  if (entry == DynamicSet::kNone) return Next::rule;
  packet.registers[step.to] = set_of(step).data(entry, *packet.state);
  return run_body(set_of(step), entry, packet);
}

Next dynamic_verdict(const Step& step, Evaluation& packet) noexcept {
  const DynamicSet& set = set_of(step);
  uint32_t const entry = found(step, packet);
  if (entry == DynamicSet::kNone) return Next::rule;
  if (Next const next = run_body(set, entry, packet); next != Next::step) return next;
  auto const index = static_cast<size_t>(set.data(entry, *packet.state));
  if (index >= set.verdicts.size()) return Next::rule;
  Step answer;
  answer.chain = set.verdicts[index].chain;
  return set.verdicts[index].run(answer, packet);
}

Next add_element(const Step& step, Evaluation& packet) noexcept { return put(step, packet, false); }
Next update_element(const Step& step, Evaluation& packet) noexcept { return put(step, packet, true); }

Next delete_element(const Step& step, Evaluation& packet) noexcept {
  const DynamicSet& set = *static_cast<const SetUpdate*>(step.data)->set;
  if (packet.state == nullptr) return Next::step;
  uint32_t const entry = set.find(packet.registers.data() + step.to, *packet.state, packet.time_ns);
  if (entry != DynamicSet::kNone) set.remove(entry, *packet.state);
  return Next::step;
}

}  // namespace bulkhead::ruleset::run