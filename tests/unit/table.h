// tests/unit/table.h: a flow table that packets pass one after another, with what must become of each.
#pragma once

#include <boost/test/unit_test.hpp>
#include <vector>

#include "ipc/tracking/timeouts.h"
#include "tests/unit/table_world.h"

namespace bulkhead::test {

inline constexpr uint64_t kBegin = 1'000'000 * tracking::kSecond;

/// A packet, so much later than the one before it, and what becomes of it.
struct Row {
  const char* what;
  Bytes packet;
  uint64_t later_ns;
  chain::FlowState state;
  uint32_t flows;  // in the table afterwards
  chain::DropReason reason = chain::DropReason::none;
};

class Table : public TableWorld {
 public:
  using Track = conntrack::Track;

  explicit Table(uint32_t flows = 8) : TableWorld(flows) {}

  struct Sent {
    chain::Descriptor descriptor;
    bool waits;
  };
  Sent tracked(const Bytes& frame, uint64_t later_ns = 0) {
    time_ns_ += later_ns;
    Sent sent{described(frame, number_ + 1, time_ns_), false};
    fates->at(number_);
    sent.waits = track->visit(sent.descriptor) == Track::Outcome::wait;
    if (!sent.waits) ++number_;
    commit();
    return sent;
  }
  /// What becomes of it at rules: `facts` and `orders` are theirs. In the place where track has put it.
  void decided(chain::Descriptor& sent, bool dropped, uint16_t more_facts = 0, uint8_t more_orders = 0) {
    if (dropped) sent.verdict = chain::Verdict::drop;
    sent.facts |= more_facts;
    sent.orders |= more_orders;
    auto& ring = memory.as<chain::Ring>("ring.nat");
    uint64_t const place = ring.tail.load();
    memory::copy_in(&ring.slots()[place & (ring.header.capacity - 1)], &sent, sizeof sent);
    ring.tail.store(place + 1);
  }
  /// Home it goes; `dropped`: by rules.
  void home(const chain::Descriptor& sent, bool dropped = false) {
    chain::Descriptor descriptor = sent;
    if (dropped) descriptor.verdict = chain::Verdict::drop;
    BOOST_TEST(confirm->visit(descriptor));
    commit();
  }
  chain::Descriptor passed(const Bytes& frame, uint64_t later_ns = 0) {
    Sent const sent = tracked(frame, later_ns);
    BOOST_REQUIRE(!sent.waits);
    home(sent.descriptor);
    return sent.descriptor;
  }
  chain::Descriptor tick(uint64_t later_ns) {
    time_ns_ += later_ns;
    chain::Descriptor descriptor{};
    descriptor.kind = chain::Kind::tick;
    descriptor.number = ++number_;
    descriptor.time_ns = time_ns_;
    BOOST_REQUIRE(track->visit(descriptor) == Track::Outcome::done);
    home(descriptor);
    return descriptor;
  }
  void run(const std::vector<Row>& rows) {
    for (const Row& row : rows) {
      chain::Descriptor const seen = passed(ethernet(row.packet), row.later_ns);
      BOOST_TEST(chain::name_of(seen.state) == chain::name_of(row.state), row.what);
      BOOST_TEST(chain::name_of(seen.reason) == chain::name_of(row.reason), row.what);
      BOOST_TEST(state.used.load() == row.flows, row.what);
      BOOST_TEST(state.unconfirmed.load() == 0U, row.what);
    }
  }
  state::FlowEntry& flow(const chain::Descriptor& descriptor) { return table->entry(descriptor.flow - 1); }
  [[nodiscard]] uint64_t now() const { return time_ns_; }

 private:
  uint64_t time_ns_ = kBegin;
  uint64_t number_ = 0;
};

}  // namespace bulkhead::test
