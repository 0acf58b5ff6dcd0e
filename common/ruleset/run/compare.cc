#include "common/ruleset/run/run.h"

namespace bulkhead::ruleset::run {
namespace {

Next when(bool matched) { return matched ? Next::step : Next::rule; }
Number left(const Step& step, const Evaluation& packet) { return packet.registers[step.to]; }
const ConstantSet::Range* found(const Step& step, const Evaluation& packet) {
  const ConstantSet::Range* const range = static_cast<const ConstantSet*>(step.data)->find(packet.registers.data() + step.to);
  if (range == nullptr || range->expires_ns == 0 || packet.state == nullptr) return range;
  return packet.time_ns >= packet.state->get(step.word) + range->expires_ns ? nullptr : range;
}

}  // namespace

Next equal(const Step& step, Evaluation& packet) noexcept { return when(left(step, packet) == step.a); }
Next not_equal(const Step& step, Evaluation& packet) noexcept { return when(left(step, packet) != step.a); }
Next less(const Step& step, Evaluation& packet) noexcept { return when(left(step, packet) < step.a); }
Next less_or_equal(const Step& step, Evaluation& packet) noexcept { return when(left(step, packet) <= step.a); }
Next greater(const Step& step, Evaluation& packet) noexcept { return when(left(step, packet) > step.a); }
Next greater_or_equal(const Step& step, Evaluation& packet) noexcept { return when(left(step, packet) >= step.a); }
Next inside(const Step& step, Evaluation& packet) noexcept {
  return when(left(step, packet) >= step.a && left(step, packet) <= step.b);
}
Next outside(const Step& step, Evaluation& packet) noexcept {
  return when(left(step, packet) < step.a || left(step, packet) > step.b);
}
Next any_bit(const Step& step, Evaluation& packet) noexcept { return when((left(step, packet) & step.a) != 0); }
Next no_bit(const Step& step, Evaluation& packet) noexcept { return when((left(step, packet) & step.a) == 0); }
Next in_set(const Step& step, Evaluation& packet) noexcept { return when(found(step, packet) != nullptr); }
Next not_in_set(const Step& step, Evaluation& packet) noexcept { return when(found(step, packet) == nullptr); }

Next map_value(const Step& step, Evaluation& packet) noexcept {
  const ConstantSet::Range* const range = found(step, packet);
  if (range == nullptr) return Next::rule;
  packet.registers[step.to] = range->data;
  if (step.b != 0) packet.registers[step.to + 1U] = range->data_end;
  return Next::step;
}

Next map_verdict(const Step& step, Evaluation& packet) noexcept {
  const ConstantSet::Range* const range = found(step, packet);
  if (range == nullptr) return Next::rule;
  Step answer;
  answer.chain = range->chain;
  return range->then(answer, packet);
}

Next masked(const Step& step, Evaluation& packet) noexcept {
  Number& value = packet.registers[step.to];
  value = (value & step.a) ^ step.b;
  return Next::step;
}

Next shifted_left(const Step& step, Evaluation& packet) noexcept {
  packet.registers[step.to] <<= step.offset;
  return Next::step;
}

Next shifted_right(const Step& step, Evaluation& packet) noexcept {
  packet.registers[step.to] >>= step.offset;
  return Next::step;
}

Next constant(const Step& step, Evaluation& packet) noexcept {
  packet.registers[step.to] = step.a;
  return Next::step;
}

}  // namespace bulkhead::ruleset::run