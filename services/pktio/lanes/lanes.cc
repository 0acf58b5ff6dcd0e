#include "services/pktio/lanes/lanes.h"

namespace bulkhead::pktio {
namespace {

/// What conntrack may have made of its header since must not lead beyond it.
state::LaneTable table_of(const Lanes::Objects& objects) {
  state::LaneTable const table(objects.state, objects.state_bytes);
  return state::ConntrackState::bytes_for(table.flows()) > objects.conntrack_bytes ? state::LaneTable() : table;
}

const state::FlowEntry* entries_of(const state::ConntrackState& conntrack, uint64_t flows) {
  return flows == 0 ? nullptr : conntrack.entries(flows);
}

}  // namespace

Lanes::Lanes(const Objects& objects, const control::Settings& settings)
    : objects_(objects),
      window_(objects.inflight.header.capacity),
      lanes_(table_of(objects), settings.seed, settings.topology.is_router()),
      room_(objects.state, objects.conntrack, lanes_.flows(), window_),
      in_chain_(window_),
      judging_({lanes_, room_, in_chain_, objects.state, objects.packets}, settings, window_),
      admission_({lanes_, room_, in_chain_, objects.met_counters, entries_of(objects.conntrack, lanes_.flows()), objects.conntrack_commit}, window_) {}

void Lanes::resume(uint64_t home, uint64_t sent) {
  if (lanes_.flows() != 0) in_chain_.resume(objects_.inflight, home, sent);
}

void Lanes::begin(memory::Batch& batch) {
  if (lanes_.flows() != 0) room_.begin(batch);
}

void Lanes::at_home(uint64_t number, chain::Descriptor& descriptor, state::NatEdit& edit) const {
  const state::LanedPacket& packet = objects_.packets.slot(number, window_);
  memory::copy_out(&descriptor, &packet.descriptor, sizeof descriptor);
  if ((descriptor.orders & chain::Orders::translated) == 0) return;
  edit.number = number;
  memory::copy_out(&edit.what, &packet.what, sizeof edit.what);
}

}  // namespace bulkhead::pktio
