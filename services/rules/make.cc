#include "services/rules/make.h"

#include "ipc/counting.h"

namespace bulkhead::rules {

Result<std::unique_ptr<Stage>> make_stage(Objects& objects, const Settings& settings) {
  return make_counting_stage<RulesState>(objects, settings, {.own = "rules", .from = "ring.rules", .to = "ring.nat",
                                                          .next = "nat", .head = 0});
}

}  // namespace bulkhead::rules
