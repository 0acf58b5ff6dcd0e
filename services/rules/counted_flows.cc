#include "services/rules/counted_flows.h"

#include <algorithm>

namespace bulkhead::rules {
namespace {

void change(ruleset::StateWords& words, uint32_t place, uint64_t value) {
  if (words.get(place) != value) words.set(place, value);
}

}  // namespace

void CountedFlows::before(const chain::Descriptor& descriptor, const state::FlowNow& now, ruleset::StateWords& words) noexcept {
  uint32_t const flow = descriptor.flow;
  begins_ = false;
  if (descriptor.kind == chain::Kind::packet && flow != 0 && flow <= where_.flow_count) {
    begins_ = (now.status & state::Status32::confirmed) == 0;
    bool const closed = (now.status & state::Status32::closed) != 0;
    change(words, where_.flows + flow - 1, uint64_t{descriptor.flow_generation} << 32 | (closed ? ruleset::ConnectionLists::kClosed : 0));
  }
  size_t const gone = std::min<size_t>(descriptor.gone_count, kGoneMost);
  for (size_t i = 0; i < gone; ++i) {
    uint64_t const one = conntrack_.gone[(descriptor.gone_first + i) % state::ConntrackState::kGone].load();
    auto const index = static_cast<uint32_t>(one);
    if (index < where_.flow_count && words.get(where_.flows + index) >> 32 == one >> 32) change(words, where_.flows + index, 0);
  }
}

void CountedFlows::behind(const chain::Descriptor& descriptor, ruleset::StateWords& words) noexcept {
  if (descriptor.kind != chain::Kind::packet || descriptor.flow == 0 || descriptor.flow > where_.flow_count) return;
  uint32_t const place = where_.flows + descriptor.flow - 1;
  bool const refused = (descriptor.facts & chain::Facts::reset) != 0 && descriptor.tuple.protocol == packet::protocol::tcp;
  uint64_t const now = words.get(place);
  if (now == 0) return;
  if (begins_ && descriptor.verdict == chain::Verdict::drop) change(words, place, 0);
  else if (refused) change(words, place, now | ruleset::ConnectionLists::kClosed);
}

}  // namespace bulkhead::rules
