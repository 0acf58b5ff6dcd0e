// services/conntrack/track.h: the first visit of conntrack: which flow a packet belongs to, and in which state.
//
// Before  pktio (services/pktio/in/receive.cc). After: rules.
// Waits   track is the one place that looks ahead of packets still in the chain (waits.cc). It says `wait`, having changed
//         nothing but entries of which rules have said what becomes of them, where the answer hangs on what an earlier number may still bring about:
//         - a hit on an unconfirmed entry of which rules have not said what becomes of it (fates.h, refusals.h), by a packet or an
//           ICMP error's quote (or what one about the packet would quote); a sweep that would expire one;
//         - a miss that may be the answer to an unconfirmed flow which nat has yet to bind (flights.h);
//         - a hit on a flow that rules may yet close, by a reset about a packet that is in the chain; a sweep, an eviction of it;
//         - a sweep of an unconfirmed flow that would expire it by the shortest time-outs that rules may set;
//         - a full table, and which entry it evicts, while an unconfirmed entry is in the chain;
//         - a list of gone entries that those behind have not read yet;
//         - where rules set addresses or ports: a packet that gets no flow, while one that changes the table is in the chain, and
//           one that changes the table, while such a packet is. What rules answer it with is of the flow whose tuple they have
//           given it: they look that up themselves, in the table as it is at its number.
//         confirm ends each of these.
// Time    packet time only. An entry whose time-out has passed is gone, whether or not it has been swept, unless its flow
//         lives on in the fast lane. A packet that brings its flow back from there has its state taken over first.
// Source  nf_conntrack_in(), resolve_normal_ct(), nf_conntrack_inet_error(), early_drop(), nf_conntrack_{udp,icmp,icmpv6,
//         gre,generic,tcp,sctp}_packet().
#pragma once

#include "ipc/chain/descriptor.h"
#include "ipc/control/settings.h"
#include "ipc/state/lanes.h"
#include "ipc/tracking/tcp_track.h"
#include "services/conntrack/fates.h"
#include "services/conntrack/flights.h"
#include "services/conntrack/refusals.h"
#include "services/conntrack/table.h"

namespace bulkhead::conntrack {

struct Beginning;

class Track {
 public:
  enum class Outcome : uint8_t { done, wait };

  static constexpr uint32_t kSweep = 256;  // entries that a tick looks at
  static constexpr uint32_t kEvictionLook = 64;  // entries that a full table looks at for one that may go
  // It adds an entry, ends one, and finds two whose packets have been dropped at most: one that has its tuple, one its answer's.
  static constexpr size_t kWordsEach = FlowTable::kWordsToAdd + 3 * FlowTable::kWordsToRemove + 4 * Flights::kWordsEach + 44;
  static constexpr size_t kWordsForTick = kSweep * FlowTable::kWordsToRemove + 16;
  [[nodiscard]] static size_t words_for(chain::Kind kind) {
    return kind == chain::Kind::tick ? kWordsForTick : kWordsEach;
  }

  using Resets = ruleset::Resets;
  Track(state::ConntrackState& state, FlowTable& table, Flights& flights, const Refusals& refusals, Fates& fates, memory::Batch& batch, const control::Settings& settings = {}, state::LaneTable lanes = {})
      : state_(state),
        table_(table),
        flights_(flights),
        refusals_(refusals),
        fates_(fates),
        batch_(batch),
        resets_(settings.ruleset.resets),
        policies_(settings.ruleset.timeouts),
        lanes_(lanes),
        answers_(settings.topology.is_router()),
        waits_flowless_(answers_ && settings.ruleset.sets_tuples),
        foresees_(!settings.ruleset.sets_tuples && !settings.ruleset.sets_zones && settings.ruleset.timeouts.empty()),
        translates_(settings.ruleset.translates) {}

  /// Before a visit of `next`, now and then: the number up to which packets are behind confirm.
  void confirmed(uint64_t number, const chain::Descriptor& next) noexcept;

  /// Fills in flow, state, direction, and the verdict where a packet is dropped here. `hash`: of its tuple. `zones`: in which its
  /// flow lies; the tuple bears that of the original direction, and from then on that of its own.
  Outcome visit(chain::Descriptor& descriptor, uint64_t hash, const packet::Zones& zones = {}) noexcept;
  Outcome visit(chain::Descriptor& descriptor) noexcept { return visit(descriptor, table_.hash(descriptor.tuple)); }
  /// Of the packet just visited, if it has no flow: which one an ICMP error about it would be related to, in the direction of
  /// the error. The kernel looks for it by what the error quotes.
  [[nodiscard]] const std::optional<FlowTable::Hit>& related() const noexcept { return related_; }
  /// And what a reset about it would do, which is a packet of that flow.
  [[nodiscard]] const std::optional<tracking::TcpOutcome>& reset() const noexcept { return reset_; }

 private:
  static constexpr uint32_t kNone = ~0U;  // beyond any capacity

  Outcome flow_of(chain::Descriptor& descriptor, uint64_t hash) noexcept;
  Outcome quoted(chain::Descriptor& descriptor, uint64_t hash) noexcept;
  /// The flow that an ICMP error which quotes the tuple is related to.
  Outcome find_quoted(const chain::Descriptor& descriptor, uint64_t hash, uint32_t ending, const packet::Zones& zones, std::optional<FlowTable::Hit>& found) noexcept;
  [[nodiscard]] bool may_be_answered(const chain::Descriptor& descriptor) const noexcept;
  /// May this one go, which gets no flow?
  Outcome may_go_flowless(const chain::Descriptor& descriptor) noexcept;
  /// And this one, which may change the table?
  Outcome changes(const chain::Descriptor& descriptor) noexcept;
  /// One that gets no flow. `ending`: the flow that it ends first.
  Outcome flowless(chain::Descriptor& descriptor, chain::FlowState state, uint64_t hash, uint32_t ending = kNone) noexcept;
  Outcome known(chain::Descriptor& descriptor, FlowTable::Hit hit, uint64_t hash) noexcept;
  Outcome known_tcp(chain::Descriptor& descriptor, FlowTable::Hit hit, uint64_t hash) noexcept;
  Outcome known_sctp(chain::Descriptor& descriptor, FlowTable::Hit hit, uint64_t hash) noexcept;
  Outcome create(chain::Descriptor& descriptor, uint64_t hash, const Beginning& begun) noexcept;
  /// Which would, by its tuple.
  Outcome begins_none(chain::Descriptor& descriptor, uint64_t hash) noexcept;
  /// In the place of a flow that is over.
  Outcome replaces(chain::Descriptor& descriptor, uint32_t index, uint64_t hash) noexcept;
  Outcome sweep(chain::Descriptor& tick) noexcept;
  /// The same, of one that a reset may be sent about.
  Outcome refusable(chain::Descriptor& descriptor, chain::FlowState state, uint64_t hash) noexcept;
  /// That would be a packet of the flow that one without a flow is related to.
  void expect_reset(const chain::Descriptor& descriptor) noexcept;
  void take_back(const chain::Descriptor& descriptor, uint64_t hash) noexcept;
  void adopt(uint32_t index, const chain::Descriptor& descriptor) noexcept;
  /// Done: there is room for one more, or there can be none.
  Outcome make_room(chain::Descriptor& descriptor) noexcept;
  void belongs(chain::Descriptor& descriptor, FlowTable::Hit hit) noexcept;
  void note(state::FlowEntry& entry, const chain::Descriptor& descriptor, uint32_t more_status, uint64_t lives_ns) noexcept;
  void set_status(state::FlowEntry& entry, const chain::Descriptor& descriptor, uint32_t more) noexcept;
  void count(state::FlowEntry& entry, const chain::Descriptor& descriptor) noexcept;
  void end(chain::Descriptor& descriptor, uint32_t index) noexcept;
  [[nodiscard]] bool expired(uint32_t index, const chain::Descriptor& now) const noexcept;
  [[nodiscard]] bool waits_for(const state::FlowEntry& entry) const noexcept;
  /// The entry with that tuple that is one, whatever becomes of those in the chain.
  Outcome find(const packet::Tuple& tuple, uint64_t hash, const packet::Zones& zones, std::optional<FlowTable::Hit>& found) noexcept;
  /// Of one that was found: is it? False: its packet was dropped, and it is found no more.
  Outcome decide(uint32_t index, bool& lives) noexcept;
  /// Nobody else has the answers' tuple of a flow that begins, nor may one in the chain get it. `hash`: of either tuple.
  [[nodiscard]] bool is_alone(const packet::Tuple& reply, uint64_t hash) const noexcept;
  [[nodiscard]] bool may_be_closed(const state::FlowEntry& entry) const noexcept;
  [[nodiscard]] bool may_be_short_lived(const state::FlowEntry& entry, uint64_t now_ns) const noexcept;
  [[nodiscard]] bool may_have_expired(const state::FlowEntry& entry, uint64_t now_ns) const noexcept;
  [[nodiscard]] bool waits_for_room() const noexcept;
  [[nodiscard]] const tracking::Timeouts& timeouts(const state::FlowEntry& entry) const noexcept { return policies_.of(entry.timeouts.load()); }

  state::ConntrackState& state_;
  FlowTable& table_;
  Flights& flights_;
  const Refusals& refusals_;
  Fates& fates_;
  memory::Batch& batch_;
  Resets resets_;
  tracking::TimeoutPolicies policies_;
  uint64_t const shortest_ns_ = policies_.shortest_first();  // of a flow that rules set time-outs for
  state::LaneTable lanes_;
  bool answers_;         // a router may answer a packet with an ICMP error
  bool waits_flowless_;  // and about one without a flow as rules have changed it, into any flow's
  bool foresees_;        // what rules say of a packet is all that its flow's fate hangs on
  bool translates_;
  std::optional<FlowTable::Hit> related_;
  std::optional<tracking::TcpOutcome> reset_;
  packet::Zones zones_;  // of the packet
  uint64_t confirmed_ = 0;
  uint64_t since_ns_ = 0;                        // no packet behind confirmed_ is older
  uint64_t sample_number_ = 0, sample_ns_ = 0;  // of a packet that is not behind confirm yet
};

}  // namespace bulkhead::conntrack
