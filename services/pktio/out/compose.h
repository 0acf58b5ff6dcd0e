// services/pktio/out/compose.h: a packet that has come home becomes the frames that leave.
//
// Before  home.h, which says whose turn it is. After: the sink (sink.h).
// Who     the one place where what others decided about a packet's bytes is applied, in this order: header fields that rules
//         set, translation, link header of the next hop and one hop less (transmit.h), cutting (cut.h). And what the router
//         says about it: an answer quotes the packet with its fields set, but neither translated nor routed.
// Trust   the in-flight slot is pktio's own; descriptor and patches are others'. apply() says no to a patch of another number,
//         or one that does not fit the packet.
// Owner   frames are valid until the next call. What is in the pool stays as it is: a successor may have to do it again.
#pragma once

#include <vector>

#include "common/base/chance.h"
#include "ipc/chain/pool.h"
#include "ipc/state/answers.h"
#include "ipc/state/copies.h"
#include "ipc/state/header_edits.h"
#include "ipc/state/nat_orders.h"
#include "services/pktio/in/reassembly.h"
#include "services/pktio/inflight.h"
#include "services/pktio/out/cut.h"
#include "services/pktio/out/sink.h"
#include "services/pktio/out/transmit.h"

namespace bulkhead::pktio {

class Composer {
 public:
  struct Objects {
    const Reassembly& reassembly;
    chain::Pool& pool;
    const state::Answers& answers;
    const state::HeaderEdits& edits;
    const state::CopiesTable& copies;
    const state::NatEdits& translations;
  };
  static constexpr uint64_t kLinkMost = 20;  // bytes, of a link header

  /// `seed`: of the identifications of fragments. `sink`: bounds into how many pieces a packet may be cut.
  Composer(const Objects& objects, const Topology& topology, uint64_t seed, const Sink& sink);
  /// Of all frames.
  void set_link(packet::LinkType link) { transmit_.set_link(link); }

  /// What cutting a packet takes at most beside its own bytes: frames, and headers that they repeat. `came`: fragments that
  /// it came in.
  [[nodiscard]] Sink::Load pieces_of(const InFlight& slot, uint64_t came) const;

  /// How nat has had the packet translated; number 0: not.
  void read_translation(const chain::Descriptor& descriptor, state::NatEdit& translation) const;

  /// The packet whose turn it is, as it came; `slot` stays until the next begin().
  void begin(const InFlight& slot);
  /// As rules and nat want it. False: it should be changed, and nobody says how.
  [[nodiscard]] bool apply(const chain::Descriptor& descriptor, const state::NatEdit& translation);
  /// With the fields that rules set, but neither translated nor routed.
  [[nodiscard]] Frame unrouted(const chain::Descriptor& descriptor) const { return {frame_, slot_->wire, descriptor.l3_offset}; }
  /// With the link header that it came with: through a bridge, or to the firewall itself.
  [[nodiscard]] Frame as_it_came(const chain::Descriptor& descriptor);
  /// How many frames it leaves in by its interface; 0: it cannot be routed. `came`: inputs that it came in.
  [[nodiscard]] size_t leave(const chain::Descriptor& descriptor, uint64_t came);
  /// `which`: below leave()'s.
  [[nodiscard]] Frame frame(size_t which);

  /// Which copies leave beside it; none, if they are another number's.
  [[nodiscard]] state::Copies::About copies_of(uint64_t number) const;
  [[nodiscard]] uint32_t count_of_copies(uint64_t number) const;
  /// The same as leave(), of one of them.
  [[nodiscard]] size_t leave_copy(const chain::Descriptor& descriptor, const state::Copy& copy);

  struct Said {
    uint16_t out;  // interface
    Frame frame;   // empty: it cannot be right
  };
  [[nodiscard]] Said answer(const chain::Descriptor& descriptor);

 private:
  [[nodiscard]] bool take_translation(const chain::Descriptor& descriptor, const state::NatEdit& translation);
  [[nodiscard]] bool take_edit(const chain::Descriptor& descriptor);
  /// How far an edited header differs from the packet, and what of the translation is not in it yet.
  void mend_edited(const chain::Descriptor& descriptor, const state::HeaderEdit::About& edit);
  [[nodiscard]] const packet::Rewriting* rewriting() const {
    return rewriting_.outer != 0 || rewriting_.inner != 0 ? &rewriting_ : nullptr;
  }
  /// Need it not be cut?
  [[nodiscard]] bool fits(const chain::Descriptor& descriptor, uint32_t mtu) const;
  enum class Cuts : uint8_t { as_it_came, anew };
  void cut(const chain::Descriptor& descriptor, uint32_t mtu, Cuts how);
  [[nodiscard]] Frame with_own_bytes(const Frame& frame, const Cut::Piece& piece);
  [[nodiscard]] uint32_t drawn(const chain::Descriptor& descriptor) const;

  Objects objects_;
  const Sink& sink_;
  Transmit transmit_;
  Cut cut_;
  Chance chance_;
  std::vector<uint32_t> mtus_;  // by interface; none: a bridge
  uint32_t smallest_mtu_ = Cut::kNoLimit;
  uint64_t copies_window_;
  uint64_t window_;  // slots of what others say of a number
  bool router_;

  const InFlight* slot_ = nullptr;
  std::span<const uint8_t> frame_;  // the packet whose turn it is, with the fields that rules set
  std::vector<uint8_t> headers_;    // a copy's
  std::vector<uint8_t> edited_;     // room for one whose fields rules have set
  uint32_t edited_reach_ = 0;       // up to which byte of layer 3
  bool translates_ = false;
  packet::Rewriting rewriting_{};   // what of the translation is not in frame_
  Frame whole_;                     // that leaves
  size_t pieces_ = 0;               // in so many; 0: as it is
  std::vector<uint8_t> filled_;     // a piece with bytes that the whole lacks
};

}  // namespace bulkhead::pktio
