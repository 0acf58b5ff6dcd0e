// services/rules/copies.h: what leaves besides a packet, or the packet by another way (`dup`, `fwd`): where to, and through which hooks.
//
// Who     steps of rules call send() in the middle of their chain (common/ruleset/run/copy.cc); decide.cc begins and ends a visit.
// Before  whichever hook. After: a copy that is routed comes to output and postrouting; each to egress of the interface that it leaves by.
// Crash   a slot of its own (ipc/state/copies.h). What the early visit has left there is told by its mark, so that a main visit
//         which is made again goes on behind the same copies.
// Limits  kCopiesMost a visit and a slot; a copy of a copy of a copy. What is beyond is counted, and told home.
// Source  Linux nf_dup_ipv4, nf_dup_ipv6, nf_do_netdev_egress, neigh_xmit, ip_local_out.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "common/ruleset/run/evaluate.h"
#include "ipc/chain/descriptor.h"
#include "ipc/state/copies.h"
#include "ipc/state/early_marks.h"
#include "services/rules/router.h"

namespace bulkhead::rules {

class Copies final : public ruleset::Copier {
 public:
  /// `router`: null: a bridge. All outlive it.
  Copies(state::CopiesTable& slots, const ruleset::Program& program, const Router* router, std::span<const std::string> interfaces);

  /// `before`: what the early visit has left; in that one itself: nothing.
  void begin(const chain::Descriptor& descriptor, const state::EarlyMark& before) noexcept;
  /// The slot tells what there is.
  void end(chain::Descriptor& descriptor) noexcept;
  [[nodiscard]] uint16_t count() const noexcept { return static_cast<uint16_t>(about_.count); }
  [[nodiscard]] uint16_t lost() const noexcept { return static_cast<uint16_t>(about_.lost); }

  /// The link header that the packet leaves with which comes to egress next. / That which it came with, in a bridge or where it comes in.
  void leaves(uint16_t device, const IpAddress& next) noexcept;
  void leaves_as_it_came() noexcept { link_ = {}; }
  /// The packet at hand is what the router says itself.
  void speaks(bool says) noexcept { alone_ = says; }

  bool send(const ruleset::Evaluation& packet, const ruleset::CopyOrder& order) noexcept override;

 private:
  static constexpr size_t kDeep = 5, kDeepOnLink = 3;

  /// The link header of a frame.
  struct Link {
    state::Copy::Link kind = state::Copy::Link::as_came;
    uint8_t device = 0;
    IpAddress next{};
  };
  struct Level {
    ruleset::Evaluation packet;
    LinkHeader header{};
    Link link;
  };
  [[nodiscard]] bool is_there(uint32_t device) const noexcept { return device - 1 < interfaces_.size(); }
  /// By which interface, and to whom; false: there is no way.
  [[nodiscard]] bool find_way(const ruleset::CopyOrder& order, const ruleset::Evaluation& packet, Level& level) const noexcept;
  [[nodiscard]] bool pass(const ruleset::CopyOrder& order, Level& level) noexcept;
  void become_own(const ruleset::Evaluation& packet, Level& level) const noexcept;
  [[nodiscard]] bool passes(ruleset::At hook, ruleset::Evaluation& packet) noexcept;
  void become_frame(const ruleset::Evaluation& packet, Level& level) const noexcept;
  bool keep(const ruleset::CopyOrder& order, const Level& level) noexcept;

  state::CopiesTable& slots_;
  uint64_t window_;
  const ruleset::Program& program_;
  const Router* router_;
  std::span<const std::string> interfaces_;
  std::vector<Routes> by_device_;                // those of one interface each
  std::vector<std::unique_ptr<Level>> levels_;  // a copy, one of that, ...

  state::Copies::About about_{};
  chain::Descriptor packet_{};    // whose turn it is
  Link link_;
  bool alone_ = false;
  bool routing_ = false;          // a copy of a routed copy is not made
  size_t depth_ = 0, on_link_ = 0;
  uint64_t sent_ = 0;             // in this visit
  size_t bytes_ = 0;              // of the slot, in use
};

}  // namespace bulkhead::rules
