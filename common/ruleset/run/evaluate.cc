#include "common/ruleset/run/evaluate.h"

#include <tuple>

#include "common/ruleset/run/classifier.h"
#include "common/ruleset/run/edit.h"
#include "common/ruleset/run/run.h"

namespace bulkhead::ruleset {
namespace {

constexpr size_t kJumpsMost = 16;

struct Place {
  uint32_t chain, rule, end;
};

class Traversal {
 public:
  Traversal(const Program& program, Evaluation& packet, Watcher* watcher)
      : program_(program), packet_(packet), watcher_(watcher) {}

  void base_chain(uint32_t index) noexcept {
    const CompiledChain& base = program_.chains[index];
    if (packet_.reads_anew) run::read_again(packet_);
    if (base.link) return link_chain(index);
    walk(index);
  }

 private:
  /// With what it sees otherwise than chains of IP.
  void link_chain(uint32_t index) noexcept {
    const CompiledChain& base = program_.chains[index];
    auto const seen = std::pair(packet_.length, packet_.packet_type);
    InterfaceView const in = packet_.in;
    packet_.length = base.padded ? packet_.as_frame.padded_length : packet_.as_frame.length;
    packet_.packet_type = packet_.as_frame.packet_type;
    if (base.hides_in) packet_.in = {};
    uint8_t const met = packet_.counters_met;
    walk(index);
    if (packet_.counters_met != met) packet_.steady = false;  // a lane counts bytes of IP
    std::tie(packet_.length, packet_.packet_type) = seen;
    packet_.in = in;
  }

  void walk(uint32_t index) noexcept {
    const CompiledChain& base = program_.chains[index];
    base_ = index;
    enter(index);
    packet_.verdict = Decision::none;
    for (;;) {
      if (!find_next()) {
        if (depth_ == 0) break;
        at_ = stack_[--depth_];
        ask_classifier();
        continue;
      }
      uint32_t const rule = at_.rule++;
      Next const next = run(rule);
      if (watcher_ != nullptr) watcher_->tried(rule, next != Next::rule);
      if (next == Next::verdict) {
        packet_.rule = rule + 1;
        packet_.policy = false;
        return;
      }
      if (next == Next::jump) stack_[depth_++] = at_;
      if (next == Next::jump || next == Next::go_to) enter(packet_.chain);
      if (next == Next::return_) at_.rule = at_.end;
    }
    packet_.rule = 0;
    packet_.policy = base.drops;
    packet_.verdict = base.drops ? Decision::drop : Decision::accept;
    if (watcher_ != nullptr) watcher_->policy(index);
  }

  void enter(uint32_t chain) noexcept {
    const CompiledChain& entered = program_.chains[chain];
    at_ = {chain, entered.first, entered.first + entered.count};
    ask_classifier();
  }

  /// A watcher is told of every rule.
  void ask_classifier() noexcept {
    const Classifier* const asked = watcher_ == nullptr ? program_.chains[at_.chain].classifier.get() : nullptr;
    classified_ = asked != nullptr;
    if (classified_ && !program_.chains[at_.chain].steady) packet_.steady = packet_.certain = false;
    if (classified_) lists_ = asked->candidates(packet_, at_.rule, list_);
  }

  /// Is there a rule from at_.rule on? Then it is the next one to be tried.
  bool find_next() noexcept {
    if (!classified_ || at_.rule == at_.end) return at_.rule != at_.end;
    uint32_t least = at_.end;
    for (size_t i = 0; i < lists_; ++i) {
      Classifier::List& list = list_[i];
      if (!list.empty() && list.front() < at_.rule) list = list.subspan(1);
      if (!list.empty()) least = std::min(least, list.front());
    }
    at_.rule = least;
    return least != at_.end;
  }

  /// Next::step: every step went on. Next::rule: one did not.
  Next run(uint32_t number) noexcept {
    const CompiledRule& rule = program_.rules[number];
    const Step* step = program_.steps.data() + rule.first;
    const Step *const end = step + rule.count, *const steady = step + rule.steady;
    Next next = Next::step;
    const Run* const runs = program_.runs.data();
    for (; step != end && next == Next::step; ++step) next = runs[step->operation](*step, packet_);
    if (step > steady) meets_unsteady(number);
    return next;
  }

  void meets_unsteady(uint32_t rule) noexcept {
    packet_.steady = false;
    bool const lost = at_.chain == base_ && rule >= program_.chains[base_].lost_from;
    if (!lost) packet_.certain = false;
  }

  const Program& program_;
  Evaluation& packet_;
  Watcher* watcher_;
  uint32_t base_ = 0;  // chain
  Place at_{};
  std::array<Place, kJumpsMost> stack_{};
  size_t depth_ = 0;
  std::array<Classifier::List, Classifier::kListsMost> list_;  // what is left of the chain's candidates
  size_t lists_ = 0;
  bool classified_ = false;
};

}  // namespace

namespace {

void drop(Evaluation& packet) {
  packet.verdict = Decision::drop;
  packet.rule = 0;
  packet.policy = false;
}

/// Chains of type nat are asked by a flow's first packet alone, until one has said what it becomes.
void nat_point(const Program& program, At hook, Evaluation& packet, Watcher* watcher) noexcept {
  if (!packet.nat.tracked) return;
  if (run::misleads(packet)) return drop(packet);
  packet::Part const part = hook == At::prerouting || hook == At::output ? packet::Part::destination : packet::Part::source;
  auto const side = static_cast<size_t>(part);
  if (packet.nat.open[side]) {
    for (uint32_t const chain : program.nat_at(hook, sort_of(packet))) {
      Traversal(program, packet, watcher).base_chain(chain);
      if (packet.verdict != Decision::accept) return;
      if (packet.nat.ordered[side]) break;
    }
    if (part == packet::Part::source && !packet.nat.ordered[side]) run::keep_source(packet);
  }
  if (!run::translate(packet, part)) drop(packet);
}

Share share_of(const CompiledChain& chain) {
  if (!chain.early) return Share::tracked;
  return chain.pieces ? Share::pieces : Share::early;
}

/// Chains of ingress and egress are for the interfaces that they name.
bool is_for(const CompiledChain& chain, At hook, const Evaluation& packet) {
  if (chain.devices == ~uint64_t{0}) return true;
  uint32_t const index = (hook == At::egress ? packet.out : packet.in).index;
  return index - 1 < 64 && (chain.devices >> (index - 1) & 1) != 0;
}

}  // namespace

FlowView untracked_yet() noexcept {
  FlowView flow;
  flow.state = FlowView::invalid;
  return flow;
}

void evaluate(const Program& program, At hook, Evaluation& packet, Watcher* watcher, Share share) noexcept {
  packet.program = &program;
  packet.hook = static_cast<uint8_t>(hook);
  packet.verdict = Decision::accept;
  if (program.start != Program::kNoWord && packet.state != nullptr && packet.state->get(program.start) == 0)
    packet.state->set(program.start, packet.time_ns);
  for (uint32_t const chain : program.at(hook, sort_of(packet))) {
    bool const nat = chain == kNatPoint;
    if (share != (nat ? Share::tracked : share_of(program.chains[chain]))) continue;
    if (!nat && !is_for(program.chains[chain], hook, packet)) continue;
    if (nat) nat_point(program, hook, packet, watcher);
    else Traversal(program, packet, watcher).base_chain(chain);
    if (packet.verdict != Decision::accept) return;
  }
}

}  // namespace bulkhead::ruleset