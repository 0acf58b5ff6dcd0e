#include "services/nat/make.h"

#include "ipc/counting.h"

namespace bulkhead::nat {

Result<std::unique_ptr<Stage>> make_stage(Objects& objects, const Settings& settings) {
  return make_counting_stage<NatState>(objects, settings, {.own = "nat", .from = "ring.nat", .to = "ring.confirm",
                                                          .next = "conntrack", .head = 1});
}

}  // namespace bulkhead::nat
