#include "common/ruleset/run/connections.h"

#include "common/ruleset/run/decide.h"
#include "common/ruleset/run/run.h"

namespace bulkhead::ruleset {

bool ConnectionLists::is_node(uint64_t place) const noexcept {
  return place >= where_.nodes && place - where_.nodes < uint64_t{where_.node_count} * kNodeWords;
}

uint64_t ConnectionLists::word_of(uint64_t flow) const noexcept {
  uint32_t const index = (static_cast<uint32_t>(flow) & ~kAnswer) - 1;
  if (index >= where_.flow_count) return 0;
  uint64_t const word = state_.get(where_.flows + index);
  return word >> 32 == flow >> 32 ? word : 0;
}

void ConnectionLists::let_go(uint32_t list, uint32_t before, uint32_t node) noexcept {
  state_.set(before == 0 ? list + kFirst : next_of(before), state_.get(next_of(node)));
  if (state_.get(list + kLast) == node) state_.set(list + kLast, before);
  state_.set(list + kCount, state_.get(list + kCount) - 1);
  state_.set(next_of(node), state_.get(pool_));
  state_.set(pool_, node);
}

uint32_t ConnectionLists::take() noexcept {
  uint64_t const back = state_.get(pool_);
  if (is_node(back)) {
    state_.set(pool_, state_.get(next_of(static_cast<uint32_t>(back))));
    return static_cast<uint32_t>(back);
  }
  uint64_t const ever = state_.get(pool_ + 1);
  if (ever >= where_.node_count) return 0;
  state_.set(pool_ + 1, ever + 1);
  return where_.nodes + static_cast<uint32_t>(ever) * kNodeWords;
}

bool ConnectionLists::add(uint32_t list, uint64_t flow) noexcept {
  unsigned gone = 0;
  uint32_t before = 0;
  uint64_t left = where_.node_count;  // a list that goes round is nobody's
  for (uint64_t at = state_.get(list + kFirst); is_node(at) && gone < kLetGoMost && left != 0; --left) {
    auto const node = static_cast<uint32_t>(at);
    at = state_.get(next_of(node));
    uint64_t const other = state_.get(node), word = word_of(other);
    if (word != 0 && other == flow) return true;
    if (word == 0 || (word & kClosed) != 0) {
      let_go(list, before, node);
      ++gone;
    } else {
      before = node;
    }
  }
  uint32_t const node = take();
  if (node == 0) return false;
  state_.set(node, flow);
  state_.set(next_of(node), 0);
  uint64_t const last = state_.get(list + kLast);
  state_.set(is_node(last) ? next_of(static_cast<uint32_t>(last)) : list + kFirst, node);
  state_.set(list + kLast, node);
  state_.set(list + kCount, state_.get(list + kCount) + 1);
  return true;
}

void ConnectionLists::give_back(StateWords& state, uint32_t pool, uint32_t list) noexcept {
  uint64_t const first = state.get(list + kFirst), last = state.get(list + kLast);
  if (first == 0 || last == 0) return;
  state.set(next_of(static_cast<uint32_t>(last)), state.get(pool));
  state.set(pool, first);
}

namespace run {
namespace {

bool has_tuple(const Evaluation& packet) {
  if (packet.transport == Evaluation::kNone || packet.transport > packet.head_length) return false;
  return packet::has_tuple(packet.protocol, std::span(packet.head).first(packet.head_length).subspan(packet.transport));
}

Next count_flows(const Step& step, Evaluation& packet) noexcept {
  if (packet.state == nullptr) return Next::rule;
  const FlowView& flow = packet.flow;
  // One that has no tuple cannot be counted (nf_ct_get_tuplepr).
  if (!flow.there && !has_tuple(packet)) return decide(packet, Decision::drop);
  ConnectionLists lists(*packet.state, packet.connections, packet.program->connections);
  if (!lists.add(step.word, flow.id == 0 ? 0 : uint64_t{flow.generation} << 32 | flow.id)) return decide(packet, Decision::drop);
  bool const more = lists.count(step.word) > static_cast<uint64_t>(step.a), over = step.b != 0;
  return more == over ? Next::step : Next::rule;
}

}  // namespace

constinit const StepOperation count_connections{.name = "ct count", .run = count_flows, .changes = ConnectionLists::kChanges,
                                                .order = StepOperation::Order::word, .flow_view = true, .counts_flows = true};

}  // namespace run
}  // namespace bulkhead::ruleset
