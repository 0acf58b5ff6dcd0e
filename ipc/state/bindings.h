// ipc/state/bindings.h: what nat keeps of each flow: how it goes, how it comes back, and how to find who has a tuple already.
//
// Who     nat writes, in batches (ipc/memory/commit.h). rules maps it read-only: a flow's binding is made with its first packet and
//         stays until its deletion passes nat, so a packet that is before nat finds it whole. Who it is that has a tuple, rules
//         need to know before nat does: that they read off a table of their own (services/rules/foreseen.h).
// Find    chains of entries by the hash of the original tuple, of the reply tuple, and of the original source (address,
//         port, protocol): for a source keeps its mapping towards other servers.
// Handles by the flow's index and generation (ipc/state/flow_table.h).
// Source  nf_nat_core.c: nf_nat_bysource, nf_conntrack_tuple_taken.
#pragma once

#include "common/packet/nat_rewrite.h"
#include "ipc/chain/descriptor.h"
#include "ipc/state/counters.h"
#include "ipc/state/flow_table.h"

namespace bulkhead::state {

struct alignas(64) Binding {
  static constexpr uint32_t used = 1, source = 2, destination = 4;  // flags: in use; which part is translated

  memory::Word<uint32_t> generation;  // of the flow
  memory::Word<uint32_t> flags;
  SharedTuple original, reply;
  std::array<memory::Word<uint32_t>, 3> next;  // of the chains: index + 1; 0: the end
  std::array<memory::Word<uint32_t>, 3> hash;  // of what each chain goes by
};
static_assert(sizeof(Binding) == 128);

struct NatState {
  static constexpr memory::Layout kLayout = memory::Layout::nat_state;
  static constexpr uint32_t kVersion = 4;
  enum Chain : uint8_t { by_original, by_reply, by_source, chains };

  [[nodiscard]] static constexpr uint64_t buckets_for(uint64_t flows) { return std::bit_ceil(flows + 1); }
  static constexpr size_t bytes_for(uint64_t flows) {
    return sizeof(NatState) + flows * sizeof(Binding) + chains * buckets_for(flows) * sizeof(memory::Word<uint32_t>);
  }

  memory::ObjectHeader header;  // capacity: flows that can be bound; 0: no ruleset translates
  alignas(64) Counts counts;
  memory::Word<uint64_t> bound;       // bindings made
  memory::Word<uint64_t> clashes;     // packets dropped because no tuple was free
  memory::Word<uint64_t> gone_read;   // of conntrack's deletions

  [[nodiscard]] Binding* bindings() { return reinterpret_cast<Binding*>(this + 1); }
  [[nodiscard]] const Binding* bindings() const { return reinterpret_cast<const Binding*>(this + 1); }
  [[nodiscard]] memory::Word<uint32_t>* buckets(uint64_t flows, Chain chain) {
    return reinterpret_cast<memory::Word<uint32_t>*>(bindings() + flows) + chain * buckets_for(flows);
  }
  [[nodiscard]] const memory::Word<uint32_t>* buckets(uint64_t flows, Chain chain) const {
    return reinterpret_cast<const memory::Word<uint32_t>*>(bindings() + flows) + chain * buckets_for(flows);
  }
};
static_assert(sizeof(NatState) % 64 == 0);

/// Entries, and behind them the buckets of the chains: nat's, or rules' own.
class BindingTable {
 public:
  [[nodiscard]] static constexpr size_t bytes_for(uint64_t flows) { return flows == 0 ? 0 : NatState::bytes_for(flows) - sizeof(NatState); }
  BindingTable() = default;
  explicit BindingTable(NatState& state) : BindingTable(state.bindings(), state.header.capacity) {}
  /// `entries`: room for bytes_for(flows).
  BindingTable(Binding* entries, uint64_t flows)
      : entries_(entries),
        buckets_(reinterpret_cast<memory::Word<uint32_t>*>(entries + flows)),
        flows_(static_cast<uint32_t>(flows)),
        mask_(NatState::buckets_for(flows) - 1) {}

  [[nodiscard]] uint32_t flows() const noexcept { return flows_; }
  [[nodiscard]] Binding& entry(uint32_t index) const noexcept { return entries_[index]; }
  [[nodiscard]] memory::Word<uint32_t>& bucket(NatState::Chain chain, uint32_t hash) const noexcept {
    return buckets_[chain * (mask_ + 1) + (hash & mask_)];
  }

 private:
  Binding* entries_ = nullptr;
  memory::Word<uint32_t>* buckets_ = nullptr;
  uint32_t flows_ = 0;
  uint64_t mask_ = 0;
};

/// Those that rules foresee lie behind the words of rules.state, in whole cache lines (services/rules/foreseen.h). `flows`: none but where chains see what nat
/// chooses.
[[nodiscard]] constexpr size_t bytes_behind_words(uint64_t words, uint64_t flows) {
  size_t const end = RulesState::bytes_for(words), line = memory::kCacheLine;
  return flows == 0 ? 0 : (end + line - 1) / line * line - end + BindingTable::bytes_for(flows);
}
/// `bytes`: of the object, as it was mapped. Empty if they do not fit.
[[nodiscard]] inline BindingTable foreseen_bindings(RulesState& state, size_t bytes, uint64_t flows) {
  uint64_t const words = state.header.capacity;
  size_t const wanted = RulesState::bytes_for(words) + bytes_behind_words(words, flows);
  if (flows == 0 || wanted > bytes) return {};
  auto* const at = reinterpret_cast<std::byte*>(&state) + wanted - BindingTable::bytes_for(flows);
  return {reinterpret_cast<Binding*>(at), flows};
}

/// Of the flow of that generation, which is there?
[[nodiscard]] inline bool is_bound(const Binding& binding, uint32_t generation) noexcept {
  return binding.generation.acquire() == generation && (binding.flags.load() & Binding::used) != 0;
}

/// The binding of a flow, read by another process; none where that flow has none.
struct BindingView {
  uint32_t flags = 0;
  packet::Tuple original, reply;
  [[nodiscard]] bool translates() const noexcept { return (flags & (Binding::source | Binding::destination)) != 0; }
};
[[nodiscard]] inline BindingView binding_of(const NatState& state, uint32_t flow, uint32_t generation) noexcept {
  BindingView view;
  if (flow == 0 || flow > state.header.capacity) return view;
  const Binding& binding = state.bindings()[flow - 1];
  if (!is_bound(binding, generation)) return view;
  view.flags = binding.flags.load();
  view.original = tuple_of(binding.original);
  view.reply = tuple_of(binding.reply);
  return view;
}

/// What becomes of a packet, or an ICMP error, of that flow: it leaves as the inverse of how its answer comes. Nothing, if
/// that is no tuple.
[[nodiscard]] inline packet::Rewriting rewriting_of(const BindingView& binding, chain::Direction direction, chain::Quote quote) noexcept {
  packet::Rewriting what;
  bool const reply = direction == chain::Direction::reply;
  const packet::Tuple& answer = reply ? binding.original : binding.reply;
  auto const to = packet::inverse(answer);
  if (!to) return what;
  bool const source = (binding.flags & Binding::source) != 0, destination = (binding.flags & Binding::destination) != 0;
  what.outer = static_cast<uint8_t>(((reply ? destination : source) ? packet::Rewriting::source : 0) |
                                    ((reply ? source : destination) ? packet::Rewriting::destination : 0));
  what.to = *to;
  if (quote == chain::Quote::none) return what;
  what.inner = packet::Rewriting::source | packet::Rewriting::destination;
  what.inner_to = answer;
  return what;
}

}  // namespace bulkhead::state