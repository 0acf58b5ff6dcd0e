// The bindings that rules foresee, beside those that nat makes of the same packets some time later.
#define BOOST_TEST_MODULE foreseen
#include <boost/test/unit_test.hpp>

#include "services/nat/bind.h"
#include "services/rules/foreseen.h"
#include "tests/simulation/router.h"
#include "tests/tools/packets.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

constexpr uint32_t kFlows = 24, kRounds = 20000;

/// Rules and nat, and what lies between them: packets of few addresses and ports, in entries that are used again, announced or not.
class Both {
 public:
  explicit Both(ruleset::Choices which)
      : foreseen_(state::foreseen_bindings(memory_.as<state::RulesState>("rules.state"), memory_.object("rules.state").size(), kFlows),
                  {conntrack_, orders_}, settings_.seed, which),
        bind_({memory_.as<state::NatState>("nat.state"), conntrack_, orders_, memory_.as<state::NatEdits>("nat.edits")}, settings_) {
    BOOST_REQUIRE((settings_.ruleset.translates && settings_.ruleset.shows_choices));
    rules_batch_.recover();
    nat_batch_.recover();
  }

  void round() {
    chain::Descriptor descriptor = any();
    packet::NatRange const source = any_range();
    foreseen_.look_near(descriptor, rules_batch_);
    foreseen_.before(descriptor, rules_batch_);
    const packet::OtherFlows* const others = foreseen_.others(descriptor);
    bool const ordered = random_.below(4) != 0;
    packet::NatRange const range = ordered ? source : packet::null_range(descriptor.tuple);
    packet::Tuple chosen;
    if (others != nullptr) chosen = packet::tuple_in(descriptor.tuple, range, packet::Part::source, *others, chance_, descriptor.number);
    if (ordered) order(descriptor, source);
    if (random_.below(4) == 0) {
      descriptor.verdict = chain::Verdict::drop;
      if (random_.below(2) == 0) descriptor.facts |= chain::Facts::left;
    }
    foreseen_.behind(descriptor, rules_batch_);
    bool const binds = !is_bound(descriptor);
    bind_.visit(descriptor, nat_batch_);
    rules_batch_.commit({});
    nat_batch_.commit({});
    auto const bound = state::binding_of(memory_.as<state::NatState>("nat.state"), descriptor.flow, descriptor.flow_generation);
    clashes += descriptor.reason == chain::DropReason::nat_clash;
    if (others == nullptr || !binds || bound.flags == 0) return;
    ++seen;
    BOOST_REQUIRE(packet::inverse(bound.reply).value() == chosen);
  }
  [[nodiscard]] std::string difference() const { return unforeseen(memory_); }

  uint64_t clashes = 0, seen = 0, reused = 0;

 private:
  [[nodiscard]] bool is_bound(const chain::Descriptor& descriptor) const {
    return state::binding_of(memory_.as<state::NatState>("nat.state"), descriptor.flow, descriptor.flow_generation).flags != 0;
  }
  chain::Descriptor any() {
    chain::Descriptor descriptor{};
    descriptor.number = ++number_;
    descriptor.kind = random_.below(10) == 0 ? chain::Kind::tick : chain::Kind::packet;
    descriptor.verdict = random_.below(9) == 0 ? chain::Verdict::drop : chain::Verdict::accept;
    descriptor.state = random_.below(5) == 0 ? chain::FlowState::established : chain::FlowState::fresh;
    descriptor.direction = random_.below(9) == 0 ? chain::Direction::reply : chain::Direction::original;
    descriptor.flow = random_.below(kFlows + 2);  // none, and one that cannot be
    descriptor.tuple = any_tuple();
    descriptor.gone_first = gone_;
    for (uint32_t i = random_.below(4); i > 1; --i) end(descriptor);
    if (descriptor.flow == 0 || descriptor.flow > kFlows) return descriptor;
    uint32_t& generation = generations_[descriptor.flow - 1];
    packet::Tuple& tuple = tuples_[descriptor.flow - 1];
    if (generation == 0 || random_.below(3) == 0) ++generation, ++reused, tuple = descriptor.tuple;
    descriptor.flow_generation = generation;
    descriptor.tuple = tuple;
    return descriptor;
  }
  void end(chain::Descriptor& descriptor) {
    uint32_t const index = random_.below(kFlows);
    uint64_t const generation = generations_[index] - (random_.below(5) == 0 ? 1U : 0U);
    conntrack_.gone[gone_++ % state::ConntrackState::kGone].store(generation << 32 | index);
    ++descriptor.gone_count;
  }
  packet::Tuple any_tuple() {
    packet::Tuple tuple;
    tuple.l3 = 4;
    tuple.protocol = random_.below(3) == 0 ? packet::protocol::icmp : packet::protocol::udp;
    tuple.src = address("10.0.0.1").plus(random_.below(3)).bytes;
    tuple.dst = address("192.0.2.1").bytes;
    tuple.src_port = to_network(static_cast<uint16_t>(2000 + random_.below(3)));
    tuple.dst_port = to_network(uint16_t{tuple.is_icmp() ? uint16_t{0x0800} : uint16_t{53}});
    return tuple;
  }
  packet::NatRange any_range() {
    packet::NatRange range;
    range.flags = packet::NatRange::map_ips;
    range.min_address = range.max_address = parse_address("192.0.2.254").value();
    if (random_.below(2) == 0) return range;
    range.flags |= packet::NatRange::proto_specified;
    range.min_port = 2000;
    range.max_port = static_cast<uint16_t>(2000 + random_.below(3));
    return range;
  }
  void order(chain::Descriptor& descriptor, const packet::NatRange& source) {
    state::NatOrders orders{};
    orders.number = descriptor.number;
    orders.source = 1;
    orders.source_range = source;
    memory::copy_in(&orders_.slot(descriptor.number, settings_.ring), &orders, sizeof orders);
    descriptor.orders |= chain::Orders::translate;
  }

  control::Settings settings_ = translating_settings(64, 8, kFlows);
  Memory memory_{settings_};
  state::ConntrackState& conntrack_ = memory_.as<state::ConntrackState>("conntrack.state");
  state::NatOrdersTable& orders_ = memory_.as<state::NatOrdersTable>("rules.nat_orders");
  memory::Batch rules_batch_{memory_.as<memory::CommitArea>("rules.commit"), memory_.as<memory::Journal>("rules.journal"), memory_.object("rules.state")};
  memory::Batch nat_batch_{memory_.as<memory::CommitArea>("nat.commit"), memory_.as<memory::Journal>("nat.journal"), memory_.object("nat.state")};
  rules::Foreseen foreseen_;
  nat::Bind bind_;
  Chance chance_{settings_.seed};
  Random random_{5};
  std::array<uint32_t, kFlows> generations_{};
  std::array<packet::Tuple, kFlows> tuples_{};
  uint64_t number_ = 0, gone_ = 0;
};

void hold_against_each_other(ruleset::Choices which) {
  Both both(which);
  for (uint32_t i = 0; i < kRounds; ++i) {
    both.round();
    if (i % 8 == 0) BOOST_REQUIRE_EQUAL(both.difference(), "");
  }
  BOOST_TEST((both.seen > kRounds / 20 && both.clashes > kRounds / 100 && both.reused > kRounds / 10));
}

}  // namespace

BOOST_AUTO_TEST_CASE(rules_foresee_all_that_nat_binds) { hold_against_each_other(ruleset::Choices::all); }

BOOST_AUTO_TEST_CASE(where_only_echoes_are_seen_rules_foresee_those_that_nat_binds) { hold_against_each_other(ruleset::Choices::echoes); }
