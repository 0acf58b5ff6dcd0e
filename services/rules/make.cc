#include "services/rules/make.h"

namespace bulkhead::rules {

CountingPlace place() {
  return {.own = "rules", .from = "ring.rules", .to = "ring.nat", .next = "nat", .head = 0};
}

Result<std::unique_ptr<Stage>> make_stage(Objects& objects, const Settings& settings) {
  return make_counting_stage<RulesState>(objects, settings, place());
}

}  // namespace bulkhead::rules
