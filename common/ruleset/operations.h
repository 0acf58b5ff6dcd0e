// common/ruleset/operations.h: what a step of a compiled rule does, as rows of properties; one row an operation.
//
// Who     a row stands beside its run function, in run/ or in the module's own file; operations.cc lists them, as modules.cc
//         does modules. The compiler emits steps by row. What is found out about a program (reach.cc, steady.cc, resets.cc,
//         classify.cc) asks rows for their properties and knows no operation by name.
// Default a row that says nothing of itself is taken for the worst by the classifier and the fast lane: an action after which
//         nothing can be foreseen, and by which two packets of a flow may fare differently. State that it changes, or that it
//         ends in a verdict, it has to say.
// Numbers a step's operation is a place in the table that the program was compiled with: the same for one build.
// Owner   constant data, living as long as the program.
#pragma once

#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "common/ruleset/run/step.h"

namespace bulkhead::ruleset {

struct StepOperation {
  /// What the classifier may foresee.
  enum class Role : uint8_t {
    action,     // does something, or asks for what rules may change
    test,       // goes on or leaves the rule, and says nothing that an index could use
    load,       // fills register `to` with what no rule can change before the chain is left
    change,     // works on register `to`
    constant,   // fills register `to` with nothing of the packet's
    condition,  // goes on where register `to` lies in `ranges`
    map,        // and then fills registers out of a set
  };
  /// What a step's `data` is a place in: Program::sets, dynamic_sets, updates, hashed, targets.
  enum class Data : uint8_t { none, set, dynamic_set, update, hashed, target };
  /// by_element: what the element of the set says that was found.
  enum class Verdict : uint8_t { none, accept, drop, reject, reset, jump, go_to, return_, go_on, by_element };
  /// State in which it matters which packet comes first: the step's words, its set, what peers may still be told.
  enum class Order : uint8_t { none, word, set, peers };
  using Ranges = std::vector<std::pair<Number, Number>>;  // both ends included

  std::string_view name;
  Run run = nullptr;
  Data data = Data::none;
  Verdict verdict = Verdict::none;

  Role role = Role::action;
  Ranges (*ranges)(const Step& step, const Program& program) = nullptr;  // of conditions and maps
  /// Asks nothing but a register: does a rule go on with this value in it?
  bool (*holds)(const Step& step, const Program& program, Number value) = nullptr;
  bool goes_on = false;      // whatever the packet
  bool masks = false;        // looks at the bits of `a` only
  bool says_family = false;  // behind it the packet is of IP version `a`

  /// Its answer cannot differ for the flow's next packet, if what it works on is the same (steady.h).
  bool steady = false;
  /// Where that depends on the step's fields and the next one (null: the last); `family`: of the packet, 0: not known.
  bool (*steady_where)(const Step& step, const Step* next, uint8_t family, const Program& program) = nullptr;

  uint8_t changes = 0;  // calls of StateWords::set() at most
  uint64_t (*changes_of)(const Step& step, const Program& program) = nullptr;  // where that depends on a set
  Order order = Order::none;

  bool edits = false;       // bytes of the packet's headers
  bool flow_state = false;  // fills register `to` with the flow's state, a bit of ct state
  bool flow_mark = false;   // asks for or sets the flow's mark
  bool sets_zone = false;   // of a flow yet to be found
  bool flow_label = false;  // and its labels
  bool flow_view = false;   // asks for the flow's counts, status or expiry
  bool counts_flows = false;  // `word`: a list of connections
  bool copies = false;       // sends a copy of the packet, or the packet itself, elsewhere
  bool by_chance = false;   // `offset`: which of the ruleset's made numbers it is

  [[nodiscard]] bool jumps() const { return verdict == Verdict::jump || verdict == Verdict::go_to; }
};

/// The table of all operations there are: operations.cc.
std::span<const StepOperation* const> all_operations();

}  // namespace bulkhead::ruleset
