// common/ruleset/run/program.h: a ruleset as it is run: steps, rules, chains, hooks.
//
// Who     compile.h makes it out of the generic structure; evaluate.h runs it. It is a cache: whoever has the same ruleset
//         makes the same one, with the same numbers for rules and state words.
// Shape   a rule is a run of steps (step.h); a step goes on, leaves the rule, or decides. What one does is a row of
//         operations.h, so whoever walks through rules knows none of them.
// Owner   plain values. What steps work on they name by its place in the arenas here; `operations` and `runs` are this
//         process's own, by the same numbers in every process of one build.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/chance.h"
#include "common/ruleset/facts.h"
#include "common/ruleset/run/step.h"

namespace bulkhead::ruleset {

struct CompiledRule {
  uint32_t first = 0, count = 0;  // steps
  uint32_t steady = 0;            // of them, before the first by which two packets of a flow may differ (steady.h)
  uint32_t chain = 0;
  uint64_t handle = 0;
  uint32_t line = 0;              // in the file that it came from; 0: not known
};

class Classifier;  // classifier.h

struct CompiledChain {
  std::string family, table, name;
  uint32_t first = 0, count = 0;  // rules
  bool base = false, drops = false;
  bool early = false;  // before conntrack, which knows nothing of the packet yet
  bool pieces = false;  // of these, before fragments are put together
  bool link = false;    // sees a frame of the link layer, whatever it carries
  bool padded = false;  // of these, before IP has cut off the link's padding
  bool hides_in = false;  // the interface that the packet came by is not known any more
  uint64_t devices = ~uint64_t{0};  // interfaces that it is for: bits, by index less 1
  bool edits = false;  // some rule of it sets a header's field
  bool steady = false;  // its classifier asks for nothing by which two packets of a flow may differ
  uint32_t lost_from = ~0U;  // from this rule on there is none that lets a packet pass, nor does the policy (steady.h)
  int32_t priority = 0;
  std::shared_ptr<const Classifier> classifier;  // null: rules are tried one after another
};

/// Where packets meet base chains. A bridge's chains stand among those of IP, in the order in which its packets meet them.
enum class At : uint8_t { prerouting, input, forward, output, postrouting, ingress, egress, count };
inline constexpr std::array<std::string_view, static_cast<size_t>(At::count)> kHookNames{
    "prerouting", "input", "forward", "output", "postrouting", "ingress", "egress"};

/// What frames carry, by which families tell theirs.
enum class Sort : uint8_t { ipv4, ipv6, arp, other, count };
[[nodiscard]] inline Sort sort_of(const Evaluation& packet) noexcept {
  if (packet.l3 != 0) return packet.l3 == 4 ? Sort::ipv4 : Sort::ipv6;
  return packet.ether_type == packet::ethertype::arp ? Sort::arp : Sort::other;
}

/// Copies of a packet that one visit of rules sends at most.
inline constexpr uint64_t kCopiesMost = 8;

/// New flows of which chains behind a translation may see what it has become.
enum class Choices : uint8_t { none, echoes, all };  // echoes: of ICMP

/// Where among a hook's chains the addresses change, and those of type nat are asked.
inline constexpr uint32_t kNatPoint = ~0U;

/// What snat, dnat, masquerade or redirect say: constants, or registers where they come from a map.
struct NatTarget {
  enum class Address : uint8_t { none, constant, registers, outgoing, incoming };
  packet::Part part = packet::Part::source;
  Address address = Address::none;
  bool ports_from_register = false;
  bool keeps_host = false;       // prefix: the address's host part stays
  uint8_t address_register = 0, address_end_register = 0;
  uint8_t port_register = 0, port_end_register = 0;
  uint8_t l3 = 0;                // of the addresses; 0: the packet's
  packet::NatRange range;                // flags, and what is constant
};

/// What is done with an element that was found: in Program::element_steps.
struct StepRun {
  uint32_t first = 0, count = 0;
};

/// What a map gives: one field or two, of each where it begins and where it ends.
inline constexpr size_t kMapFields = 2;
using MapData = std::array<Number, 2 * kMapFields>;

/// A set whose elements do not change: of one field or several.
class ConstantSet {
 public:
  static constexpr size_t kFields = 5;
  struct Range {
    std::array<Number, kFields> low{}, high{};
    OperationNumber then = kNoOperation;  // a verdict map's answer
    uint32_t chain = 0;
    StepRun acts;              // statements, or the object that a map names
    MapData data{};            // a map's
    uint64_t expires_ns = 0;   // from the first packet on; 0: never
  };
  ConstantSet(size_t fields, std::vector<Range> ranges);
  [[nodiscard]] const std::vector<Range>& ranges() const { return ranges_; }
  /// Does some element have something to do? / go some day?
  [[nodiscard]] bool acts() const { return acts_; }
  [[nodiscard]] bool expires() const { return expires_; }
  /// The element that holds the `fields`; null: none.
  [[nodiscard]] const Range* find(const Number* fields) const noexcept;

 private:
  [[nodiscard]] static size_t hash_of(const Number* fields, size_t count) noexcept;

  size_t fields_;
  bool acts_ = false, expires_ = false;
  std::vector<Range> ranges_;       // one field: sorted by low; otherwise exact ones first
  std::vector<uint32_t> places_;    // hash of exact ones: index plus 1
  size_t first_wide_ = 0;           // several fields: ranges behind this are looked at one by one
};

/// What `add`, `update` and `delete` do with an element.
struct SetUpdate {
  uint32_t set = 0;         // in Program::dynamic_sets
  uint64_t timeout_ns = 0;  // 0: the set's own
  uint16_t body = 0;
  uint8_t data = 0;         // the first register of a map's data
};

/// What jhash is made of: registers from the step's `to` on, as bytes the way the kernel's registers hold them.
struct HashedFields {
  static constexpr size_t kBytes = ConstantSet::kFields * 16;
  struct Field {
    uint8_t bytes = 0;
    bool host_order = false;
  };
  std::array<Field, ConstantSet::kFields> fields{};
  size_t count = 0;
  uint32_t seed = 0;
};

/// A statement of the generic structure that the program was made of, and where its state begins. For listings.
struct Statement;
struct Counted {
  const Statement* statement;
  uint32_t word;
};

class DynamicSet;  // run/dynamic_set.h
struct StepOperation;  // ../operations.h

struct Program {
  static constexpr uint32_t kNoWord = ~0U;

  std::vector<Step> steps, element_steps;
  std::vector<CompiledRule> rules;
  std::vector<CompiledChain> chains;
  using Hooks = std::array<std::array<std::vector<uint32_t>, static_cast<size_t>(Sort::count)>, static_cast<size_t>(At::count)>;
  /// Base chains by hook and Sort, in the order in which packets meet them; kNatPoint where there are any of type nat, which
  /// are apart.
  Hooks hooks, nat;
  // What steps name by number: operations, and what they work on.
  std::span<const StepOperation* const> operations;
  std::vector<Run> runs;  // of the operations
  std::vector<ConstantSet> sets;
  std::vector<std::shared_ptr<DynamicSet>> dynamic_sets;
  std::vector<SetUpdate> updates;
  std::vector<HashedFields> hashed;
  std::vector<NatTarget> targets;
  std::vector<TimeoutPolicy> timeouts;  // that rules give flows
  std::optional<Chance> chance;  // of numgen and such; nothing: none of them is there
  std::vector<Counted> counted;
  bool flow_marks = false;        // some rule reads or sets ct mark
  bool sets_zones = false;        // or, of a packet before conntrack, the zone of its flow
  bool flow_labels = false;       // or ct label
  bool flow_views = false;        // some rule asks for counts, status or expiry of flows
  bool translates = false;        // there are chains of type nat
  bool edits = false;             // some rule sets a header's field
  bool sets_tuples = false;       // of them, an address or one of the transport: what a packet's tuple, or a reset about it, is made of
  Resets resets = Resets::none;
  Choices choices = Choices::none;
  bool early = false;             // there are chains before conntrack
  bool pieces = false;            // and such that see fragments one by one
  bool links = false;             // there are chains of the link layer
  bool early_orders = false;      // in which it matters to something which packet comes first
  bool copies = false;            // some rule sends copies, or packets, elsewhere
  bool early_shares = false;      // and something that they change, or what they refuse, concerns other chains too
  /// Where a flow may come from, or go to, once it is translated. By Part; ranges, both ends included.
  std::array<std::vector<std::pair<IpAddress, IpAddress>>, 2> may_become;
  std::array<bool, 2> may_become_local{};  // any address of the firewall itself
  std::vector<uint64_t> initial;  // state words as a new ruleset has them
  uint32_t words = 0;             // how many there are; those beyond `initial` begin with 0
  uint32_t connections = kNoWord;  // the pool of the lists of connections that rules count; kNoWord: they count none
  uint32_t counts = 0;            // such lists, or kinds of elements that have one
  uint32_t start = kNoWord;       // the word that keeps when the first packet came; kNoWord: nobody asks
  uint32_t changes = 0;           // calls of StateWords::set() that one packet makes at most

  [[nodiscard]] const StepOperation& operation(OperationNumber number) const { return *operations[number]; }
  [[nodiscard]] const StepOperation& operation(const Step& step) const { return *operations[step.operation]; }
  Next run(const Step& step, Evaluation& packet) const noexcept { return runs[step.operation](step, packet); }
  [[nodiscard]] std::span<const Step> steps_of(const CompiledRule& rule) const {
    return std::span(steps).subspan(rule.first, rule.count);
  }
  [[nodiscard]] std::span<const Step> steps_of(const StepRun& run) const {
    return std::span(element_steps).subspan(run.first, run.count);
  }
  [[nodiscard]] std::span<const CompiledRule> rules_of(const CompiledChain& chain) const {
    return std::span(rules).subspan(chain.first, chain.count);
  }
  [[nodiscard]] const std::vector<uint32_t>& at(At hook, Sort sort) const { return hooks[static_cast<size_t>(hook)][static_cast<size_t>(sort)]; }
  [[nodiscard]] const std::vector<uint32_t>& nat_at(At hook, Sort sort) const { return nat[static_cast<size_t>(hook)][static_cast<size_t>(sort)]; }
};

}  // namespace bulkhead::ruleset