// common/ruleset/run/element.h: an element that was found: what it has to do, and what a map gives.
//
// Acts    statements of its own (a counter, a limit), or the object that a map names; in sets that stay they are steps of
//         Program::element_steps, with words of the program's own.
// Result  a statement that does not match leaves the rule, before the map's verdict is looked at.
// Source  Linux nft_lookup_eval, nft_set_elem_update_expr, nft_objref_map_eval (which looks at no statements).
#pragma once

#include "common/ruleset/operations.h"
#include "common/ruleset/run/program.h"

namespace bulkhead::ruleset::run {

/// In a set that stays; null: not there.
[[nodiscard]] const ConstantSet::Range* element_of(const Step& step, const Evaluation& packet) noexcept;
/// A map's data into registers from `to` on: `b` of them, at least one.
Next give_data(const Step& step, const MapData& data, Evaluation& packet) noexcept;
Next act(const StepRun& run, Evaluation& packet) noexcept;

/// As in_set, map_value and map_verdict, of sets whose elements have statements.
extern const StepOperation in_set_that_acts, map_value_that_acts, map_verdict_that_acts;
/// The object that a map names: one that stays, and one that changes.
extern const StepOperation object_by_map, object_by_dynamic_map;

}  // namespace bulkhead::ruleset::run
