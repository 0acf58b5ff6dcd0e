// common/ruleset/run/compare.cc: registers against numbers and sets that stay; arithmetic on them.
#include <algorithm>

#include "common/ruleset/run/element.h"
#include "common/ruleset/run/run.h"

namespace bulkhead::ruleset::run {
namespace {

using Role = StepOperation::Role;
using Data = StepOperation::Data;
using Ranges = StepOperation::Ranges;

constexpr Number kMost = ~Number{0};

Next when(bool matched) { return matched ? Next::step : Next::rule; }

/// What asks one register alone: running it, and what is foreseen of it, are the same function.
template <auto test>
consteval StepOperation comparing(StepOperation row) {
  row.run = [](const Step& step, Evaluation& packet) noexcept {
    return when(test(step, packet.registers[step.to]));
  };
  row.holds = [](const Step& step, const Program&, Number value) { return test(step, value); };
  row.steady = true;
  return row;
}

const ConstantSet& set_of(const Step& step, const Program& program) { return program.sets[step.data]; }

/// What expires is not the same for the flow's next packet.
bool stays(const Step& step, const Step*, uint8_t, const Program& program) { return !set_of(step, program).expires(); }

/// Of the first field.
Ranges ranges_of_set(const Step& step, const Program& program) {
  Ranges all;
  for (const ConstantSet::Range& range : set_of(step, program).ranges())
    all.emplace_back(range.low[0], range.high[0]);
  return all;
}

/// Elements that expire are taken for there.
bool set_holds(const Step& step, const Program& program, Number value) {
  return step.count == 1 && set_of(step, program).find(&value) != nullptr;
}

Next look_value_up(const Step& step, Evaluation& packet) noexcept {
  const ConstantSet::Range* const range = element_of(step, packet);
  if (range == nullptr) return Next::rule;
  return give_data(step, range->data, packet);
}

Next look_verdict_up(const Step& step, Evaluation& packet) noexcept {
  const ConstantSet::Range* const range = element_of(step, packet);
  if (range == nullptr) return Next::rule;
  return packet.program->run({.operation = range->then, .chain = range->chain}, packet);
}

/// What works on register `to`.
template <auto work>
consteval StepOperation changing(StepOperation row) {
  row.run = [](const Step& step, Evaluation& packet) noexcept {
    work(step, packet.registers[step.to]);
    return Next::step;
  };
  row.goes_on = row.steady = true;
  return row;
}

}  // namespace

const ConstantSet::Range* element_of(const Step& step, const Evaluation& packet) noexcept {
  const ConstantSet::Range* const range = set_of(step, *packet.program).find(packet.registers.data() + step.to);
  if (range == nullptr || range->expires_ns == 0 || packet.state == nullptr) return range;
  return packet.time_ns >= packet.state->get(step.word) + range->expires_ns ? nullptr : range;
}

Next give_data(const Step& step, const MapData& data, Evaluation& packet) noexcept {
  packet.registers[step.to] = data[0];
  for (size_t i = 1; i < static_cast<size_t>(step.b); ++i) packet.registers[step.to + i] = data[i];
  return Next::step;
}

constinit const StepOperation equal =
    comparing<[](const Step& step, Number value) { return value == step.a; }>(
        {.name = "equal", .role = Role::condition, .ranges = [](const Step& step, const Program&) {
           return Ranges{{step.a, step.a}};
         }});
constinit const StepOperation not_equal =
    comparing<[](const Step& step, Number value) { return value != step.a; }>(
        {.name = "not equal", .role = Role::test});
constinit const StepOperation less = comparing<[](const Step& step, Number value) { return value < step.a; }>(
    {.name = "less", .role = Role::condition, .ranges = [](const Step& step, const Program&) {
       return step.a == 0 ? Ranges{} : Ranges{{0, step.a - 1}};
     }});
constinit const StepOperation less_or_equal =
    comparing<[](const Step& step, Number value) { return value <= step.a; }>(
        {.name = "less or equal", .role = Role::condition, .ranges = [](const Step& step, const Program&) {
           return Ranges{{0, step.a}};
         }});
constinit const StepOperation greater =
    comparing<[](const Step& step, Number value) { return step.a < value; }>(
        {.name = "greater", .role = Role::condition, .ranges = [](const Step& step, const Program&) {
           return step.a == kMost ? Ranges{} : Ranges{{step.a + 1, kMost}};
         }});
constinit const StepOperation greater_or_equal =
    comparing<[](const Step& step, Number value) { return value >= step.a; }>(
        {.name = "greater or equal", .role = Role::condition, .ranges = [](const Step& step, const Program&) {
           return Ranges{{step.a, kMost}};
         }});
constinit const StepOperation inside =
    comparing<[](const Step& step, Number value) { return value >= step.a && value <= step.b; }>(
        {.name = "inside", .role = Role::condition, .ranges = [](const Step& step, const Program&) {
           return Ranges{{step.a, step.b}};
         }});
constinit const StepOperation outside =
    comparing<[](const Step& step, Number value) { return value < step.a || step.b < value; }>(
        {.name = "outside", .role = Role::test});
constinit const StepOperation any_bit =
    comparing<[](const Step& step, Number value) { return (value & step.a) != 0; }>(
        {.name = "any bit", .role = Role::test, .masks = true});
constinit const StepOperation no_bit =
    comparing<[](const Step& step, Number value) { return (value & step.a) == 0; }>(
        {.name = "no bit", .role = Role::test, .masks = true});

constinit const StepOperation in_set{
    .name = "in set",
    .run = [](const Step& step, Evaluation& packet) noexcept { return when(element_of(step, packet) != nullptr); },
    .data = Data::set,
    .role = Role::condition,
    .ranges = ranges_of_set,
    .holds = set_holds,
    .steady_where = stays};
constinit const StepOperation not_in_set{
    .name = "not in set",
    .run = [](const Step& step, Evaluation& packet) noexcept { return when(element_of(step, packet) == nullptr); },
    .data = Data::set,
    .role = Role::test,
    .steady_where = stays};
constinit const StepOperation map_value{.name = "map value",
                                        .run = look_value_up,
                                        .data = Data::set,
                                        .role = Role::map,
                                        .ranges = ranges_of_set,
                                        .steady_where = stays};
constinit const StepOperation map_verdict{.name = "map verdict",
                                          .run = look_verdict_up,
                                          .data = Data::set,
                                          .verdict = StepOperation::Verdict::by_element,
                                          .role = Role::condition,
                                          .ranges = ranges_of_set,
                                          .steady_where = stays};

constinit const StepOperation masked =
    changing<[](const Step& step, Number& value) { value = (value & step.a) ^ step.b; }>(
        {.name = "masked", .role = Role::change, .masks = true});
constinit const StepOperation shifted_left =
    changing<[](const Step& step, Number& value) { value <<= step.offset; }>(
        {.name = "shifted left", .role = Role::change});
constinit const StepOperation shifted_right =
    changing<[](const Step& step, Number& value) { value >>= step.offset; }>(
        {.name = "shifted right", .role = Role::change});
constinit const StepOperation constant = changing<[](const Step& step, Number& value) { value = step.a; }>(
    {.name = "constant", .role = Role::constant});

}  // namespace bulkhead::ruleset::run
