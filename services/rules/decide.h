// services/rules/decide.h: the visit of rules: what becomes of a packet.
//
// Before  conntrack's track. After: nat. With chains before conntrack there is a visit before track too (two_visits.h).
// Order   ingress; prerouting, route, forward or input, postrouting, egress, in one visit; what a hook changes the later ones see.
//         A bridge's packets meet the same hooks, but that it does not route (as with br_netfilter), and its own among them.
// Crash   words of rules.state within the batch; answers in slots of their own (ipc/state/answers.h).
// Trust   the frame is read through see.h and header_view.h. A verdict of drop is carried through untouched.
#pragma once

#include <memory>

#include "common/ruleset/run/evaluate.h"
#include "ipc/chain/counting.h"
#include "ipc/chain/pool.h"
#include "ipc/control/settings.h"
#include "ipc/state/answer_packet.h"
#include "ipc/state/early_marks.h"
#include "ipc/state/flow_orders.h"
#include "ipc/state/flow_words.h"
#include "ipc/state/header_edits.h"
#include "ipc/state/lanes.h"
#include "services/rules/answer_limits.h"
#include "services/rules/copies.h"
#include "services/rules/counted_flows.h"
#include "services/rules/flow_of_answer.h"
#include "services/rules/foreseen.h"
#include "services/rules/ip_options.h"
#include "services/rules/record.h"
#include "services/rules/route.h"
#include "services/rules/router.h"
#include "services/rules/translate.h"

namespace bulkhead::rules {

class Decide {
 public:
  static constexpr size_t kWordsEnd = chain::Counting::kWordsEnd;

  struct Objects {
    state::RulesState& state;
    const chain::Pool& pool;
    size_t pool_bytes;
    state::Answers& answers;
    state::HeaderEdits& edits;
    state::CopiesTable& copies;
    state::EarlyMarks& early;
    state::FlowOrdersTable& orders;
    state::MetCountersTable& met_counters;
    Translate::Objects nat;
    state::BindingTable foreseen;  // empty: no chain sees what nat chooses
    FlowOfAnswer::Objects flows;
    state::Walk& walk;
  };
  /// `program` may be null: no ruleset.
  Decide(const Objects& objects, const control::Settings& settings, std::shared_ptr<const ruleset::Program> program);

  /// Words of rules.state that one packet changes at most.
  [[nodiscard]] size_t words_each() const {
    return AnswerLimits::kWordsEach + (program_ ? program_->changes : 0) + (counts() ? CountedFlows::kWordsEach : 0) + (foreseen_ ? Foreseen::kWordsEach : 0);
  }
  void visit(chain::Descriptor& descriptor, memory::Batch& batch) noexcept;
  /// Before conntrack, of a ruleset that has chains there.
  void visit_early(chain::Descriptor& descriptor, memory::Batch& batch) noexcept;
  /// Do the two visits change or read the same state?
  [[nodiscard]] bool shares() const { return program_ && program_->early_shares; }
  /// Of the packet just visited early: may what is said about it come back to the router, through the same chains?
  [[nodiscard]] bool may_come_back() const { return comes_back_; }
  /// Its frame's headers, before its visit.
  void look_ahead(const chain::Descriptor& descriptor, memory::Batch& batch) noexcept;
  void look_near(const chain::Descriptor& descriptor, memory::Batch& batch) noexcept {
    if (foreseen_) foreseen_->look_near(descriptor, batch);
  }
  void end(memory::Batch& batch) noexcept { counting_.end(batch); }

  /// Do rules count connections?
  [[nodiscard]] bool counts() const { return program_ && program_->connections != ruleset::Program::kNoWord; }

 private:
  using Packet = decltype(ruleset::Evaluation::head);  // as much of it as an answer needs

  /// The ruleset's words of rules.state, within the batch.
  struct Words : ruleset::StateWords {
    Words(state::RulesState& rules_state, const ruleset::Program* made) : state(rules_state), program(made) {}
    [[nodiscard]] uint64_t get(uint32_t word) const noexcept override {
      return state.words()[word].load() + first(word);
    }
    void set(uint32_t word, uint64_t value) noexcept override {
      batch->set(state.words()[word], value - first(word));
    }
    [[nodiscard]] uint64_t first(uint32_t word) const noexcept {
      return word < program->initial.size() ? program->initial[word] : 0;
    }
    state::RulesState& state;
    const ruleset::Program* program;
    memory::Batch* batch = nullptr;
  };
  void judge(chain::Descriptor& descriptor, std::span<const uint8_t> frame, memory::Batch& batch) noexcept;
  [[nodiscard]] bool begin(const chain::Descriptor& descriptor, std::span<const uint8_t> frame) noexcept;
  /// With the destination that the packet has behind prerouting.
  [[nodiscard]] std::optional<HeaderView> view_of(const chain::Descriptor& descriptor,
                                                  std::span<const uint8_t> frame) const noexcept;
  /// Where its mark and labels are.
  void see_words(const chain::Descriptor& descriptor, ruleset::FlowView& flow) const noexcept;
  [[nodiscard]] bool passes_postrouting(chain::Descriptor& descriptor, memory::Batch& batch) noexcept {
    settle_options(descriptor);
    return passes(ruleset::At::postrouting, descriptor, batch);
  }
  [[nodiscard]] bool passes(ruleset::At hook, chain::Descriptor& descriptor, memory::Batch& batch, ruleset::Share share = ruleset::Share::tracked) noexcept;
  /// What early chains have left; none: nothing.
  [[nodiscard]] state::EarlyMark early_mark(const chain::Descriptor& descriptor) const noexcept;
  void take_early_mark(const chain::Descriptor& descriptor) noexcept;
  void judge_early(chain::Descriptor& descriptor, std::span<const uint8_t> frame, uint32_t mark, memory::Batch& batch) noexcept;
  /// Has it been in prerouting in pieces, all of it: where nothing tracks, fragments for the router itself are put together behind that.
  [[nodiscard]] bool is_put_together_late(const chain::Descriptor& descriptor) const noexcept {
    return descriptor.largest_fragment != 0 && !reassembles(descriptor);
  }
  [[nodiscard]] bool reassembles(const chain::Descriptor& descriptor) const noexcept { return reassembles_[descriptor.tuple.l3 == 6 ? 1 : 0]; }
  void judge_piece(chain::Descriptor& descriptor, std::span<const uint8_t> frame, memory::Batch& batch) noexcept;
  [[nodiscard]] bool passes_early(chain::Descriptor& descriptor, memory::Batch& batch) noexcept;
  [[nodiscard]] bool keep_for_itself(const chain::Descriptor& descriptor) noexcept;
  void pass_up(memory::Batch& batch) noexcept;
  void leave(chain::Descriptor& descriptor, memory::Batch& batch) noexcept;
  void see_leaving(ruleset::Evaluation& packet, uint16_t way) noexcept;
  [[nodiscard]] bool route_on(chain::Descriptor& descriptor, std::span<const uint8_t> frame, memory::Batch& batch) noexcept;
  /// Options of IPv4: what becomes of the packet that goes where `found` says.
  [[nodiscard]] Route route_with_options(const chain::Descriptor& descriptor, const HeaderView& packet, const Route& found) noexcept;
  /// The header, options included, in the copy that hooks see.
  [[nodiscard]] std::span<uint8_t> header4() noexcept;
  /// Behind the last hook that sees them as they were received.
  void settle_options(const chain::Descriptor& descriptor) noexcept;
  void leave_without_rules(const chain::Descriptor& descriptor) noexcept;
  /// Of a packet that was dropped for its hop-by-hop options before any hook.
  void complain_of_hop_options(chain::Descriptor& descriptor, std::span<const uint8_t> frame, memory::Batch& batch) noexcept;
  [[nodiscard]] bool may_speak(const chain::Descriptor& descriptor, const HeaderView& packet, const Route& route, memory::Batch& batch) noexcept;
  void answer(chain::Descriptor& descriptor, const HeaderView& packet, const Route& route, memory::Batch& batch) noexcept;
  void reset(chain::Descriptor& descriptor, const HeaderView& packet) noexcept;
  [[nodiscard]] IpAddress source_towards(const IpAddress& peer, const Way& way, uint16_t in) const noexcept;
  void say(chain::Descriptor& descriptor, const state::Answer& said) noexcept;
  void reject(chain::Descriptor& descriptor, std::span<const uint8_t> frame, memory::Batch& batch) noexcept;
  /// What the firewall says itself goes through output and postrouting, as the kernel has it; it may be dropped there.
  void send_answer(chain::Descriptor& descriptor, std::span<const uint8_t> frame, memory::Batch& batch) noexcept;
  /// As it is refused, and quoted.
  [[nodiscard]] std::span<const uint8_t> refused(const chain::Descriptor& descriptor, std::span<const uint8_t> frame) noexcept;
  /// What chains before conntrack have had said: it leaves when conntrack has said whose it is.
  void send_early_answer(chain::Descriptor& descriptor, std::span<const uint8_t> frame, memory::Batch& batch) noexcept;
  /// A packet that has no flow is quoted as it came, though the flow may be translated. False: it goes nowhere then.
  [[nodiscard]] bool translate_said(const chain::Descriptor& descriptor, const state::FlowNow& flow) noexcept;
  /// Was the packet's destination translated when it was answered? Then the answer quotes that, and is translated on its way.
  [[nodiscard]] bool asked_elsewhere(const chain::Descriptor& descriptor) const noexcept {
    return descriptor.flow != 0 && packet_->nat.tracked && packet_->nat.changes[static_cast<size_t>(packet::Part::destination)];
  }
  /// The answer as output sees it first, into answer_.
  [[nodiscard]] size_t make_untranslated(const chain::Descriptor& descriptor, std::span<const uint8_t> quoted) noexcept;
  void see_translation_of_said(const chain::Descriptor& descriptor) noexcept;
  /// `back`: the interface to where the packet came from.
  void see_said(const chain::Descriptor& descriptor, const state::FlowNow& flow, std::span<const uint8_t> bytes, uint16_t back) noexcept;
  void write_edit(chain::Descriptor& descriptor) noexcept;
  /// What is wanted of a flow that begins with the packet.
  void order_flow(const chain::Descriptor& descriptor) noexcept;
  /// Would each other like it be dropped too, that begins a flow?
  [[nodiscard]] bool is_refused_for_good(const chain::Descriptor& descriptor) const noexcept;
  /// May its flow's next packet be forwarded without asking?
  void offer_lane(chain::Descriptor& descriptor) noexcept;

  Objects objects_;
  uint64_t window_;
  state::FlowWords flow_words_;
  bool fast_lane_;
  std::array<bool, 2> reassembles_;  // as in the settings
  std::vector<std::string> interfaces_;
  chain::Counting counting_;
  AnswerLimits limits_;
  std::shared_ptr<const ruleset::Program> program_;
  std::unique_ptr<Words> state_words_;
  std::unique_ptr<Translate> translate_;
  std::unique_ptr<Foreseen> foreseen_;  // none: no chain sees what nat chooses
  FlowOfAnswer flow_of_answer_;
  CountedFlows counted_flows_;
  std::unique_ptr<ruleset::Evaluation> packet_;
  std::unique_ptr<ruleset::Evaluation> said_packet_;  // the answer to it
  std::unique_ptr<state::HeaderEdit> edit_;         // what has been written of it
  state::Answer said_{};
  static_assert(state::HeaderEdit::kMost >= ruleset::Evaluation::kHead);
  IpAddress said_from_;  // the address that it is said from, before any translation
  std::unique_ptr<Packet> refused_, translated_;
  std::array<uint8_t, state::kAnswerMost> answer_{};
  LinkHeader link_header_{};  // that a packet leaves with
  std::unique_ptr<Record> record_;  // none: nobody asked
  bool comes_back_ = false;
  IpOptions options_;               // of this packet, once it has a route
  bool steady_route_ = true;        // of this packet: the route said nothing that a limit counts
  Record* told_ = nullptr;          // of this packet; null: its walk is not written down
  std::unique_ptr<Router> router_;  // none: a bridge
  std::unique_ptr<Copies> copies_;  // none: no rule makes any
};

}  // namespace bulkhead::rules
