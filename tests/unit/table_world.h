// tests/unit/table_world.h: a flow table with track and confirm over it, and a descriptor out of a frame.
#pragma once

#include <memory>
#include <optional>

#include "common/packet/checksum.h"
#include "services/conntrack/confirm.h"
#include "services/conntrack/track.h"
#include "tests/simulation/world.h"
#include "tests/tools/packets.h"

namespace bulkhead::test {

struct TableWorld {
  explicit TableWorld(uint32_t flows, uint64_t key = 1) : settings(small_settings(16, 8, flows)), seed(key) {
    restart();
  }

  /// A successor: what the batch has not committed is undone.
  void restart() {
    batch = std::make_unique<memory::Batch>(memory.as<memory::CommitArea>("conntrack.commit"),
                                    memory.as<memory::Journal>("conntrack.journal"), memory.object("conntrack.state"));
    static_cast<void>(batch->recover());
    table.emplace(state, *batch, seed);
    flights.emplace(state, *batch, settings.ruleset, seed);
    refusals.emplace();
    fates.emplace(memory.as<chain::Ring>("ring.nat"));
    track.emplace(state, *table, *flights, *refusals, *fates, *batch, settings);
    confirm.emplace(state, *table, *flights, *refusals, conntrack::Confirm::Objects{memory.as<state::NatEdits>("nat.edits"), memory.as<state::FlowOrdersTable>("rules.flow_orders")}, *batch, settings);
  }
  /// From now on, with rules that may send any packet a reset.
  void become_router() {
    settings.topology.interfaces.emplace_back();
    settings.ruleset.resets = ruleset::Resets::any;
    restart();
  }
  void commit() { batch->commit({}); }

  control::Settings settings;
  uint64_t seed;
  Memory memory{settings};
  state::ConntrackState& state = memory.as<state::ConntrackState>("conntrack.state");
  std::unique_ptr<memory::Batch> batch;
  std::optional<conntrack::FlowTable> table;
  std::optional<conntrack::Flights> flights;
  std::optional<conntrack::Refusals> refusals;
  std::optional<conntrack::Fates> fates;
  std::optional<conntrack::Track> track;
  std::optional<conntrack::Confirm> confirm;
};

/// What pktio says of a frame.
inline chain::Descriptor described(const Bytes& frame, uint64_t number, uint64_t time_ns) {
  packet::Headers const headers = packet::parse(frame, static_cast<uint32_t>(frame.size()), packet::LinkType::ethernet);
  chain::Descriptor descriptor{};
  descriptor.number = number;
  descriptor.time_ns = time_ns;
  descriptor.l3_length = headers.l3_length;
  descriptor.shape = headers.shape;
  descriptor.tuple = headers.tuple;
  if (headers.shape == packet::Shape::malformed) {
    descriptor.verdict = chain::Verdict::drop;
    descriptor.reason = static_cast<chain::DropReason>(headers.reason);
  }
  if (headers.shape != packet::Shape::ip) return descriptor;
  descriptor.l3_offset = headers.l3_offset;
  descriptor.l4_offset = static_cast<uint16_t>(headers.l4_offset);
  if (packet::verify_checksum(frame, headers) == packet::Checksum::bad) descriptor.facts |= chain::Facts::bad_checksum;
  if (headers.tuple.protocol == packet::protocol::tcp) {
    descriptor.tcp_flags = frame[headers.l4_offset + 13];
    descriptor.tcp = packet::tcp_facts(frame, headers);
  } else if (headers.tuple.protocol == packet::protocol::sctp) {
    descriptor.sctp = packet::sctp_facts(frame, headers);
  }
  if (!headers.tuple.is_icmp() || packet::tracking(headers.tuple) != packet::Tracking::error) return descriptor;
  if (auto const quoted = packet::quoted_tuple(frame, headers)) {
    descriptor.tuple = *quoted;
    descriptor.quote = chain::Quote::quoted;
  }
  return descriptor;
}

}  // namespace bulkhead::test
