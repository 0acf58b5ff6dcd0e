#include "common/rules/run/run.h"

namespace bulkhead::rules::run {

Next accept(const Step&, Evaluation& packet) noexcept {
  packet.verdict = Decision::accept;
  return Next::verdict;
}

Next drop(const Step&, Evaluation& packet) noexcept {
  packet.verdict = Decision::drop;
  return Next::verdict;
}

Next jump(const Step& step, Evaluation& packet) noexcept {
  packet.chain = step.chain;
  return Next::jump;
}

Next go_to(const Step& step, Evaluation& packet) noexcept {
  packet.chain = step.chain;
  return Next::go_to;
}

Next return_(const Step&, Evaluation&) noexcept { return Next::return_; }
Next go_on(const Step&, Evaluation&) noexcept { return Next::step; }

}  // namespace bulkhead::rules::run
