// ipc/control/topology_message.h: the topology within the settings' message.
//
// Trust   read_topology() checks lengths and what contradicts, whoever wrote it.
#pragma once

#include "common/base/topology.h"
#include "ipc/control/schema/settings.capnp.h"

namespace bulkhead::control {

/// 4 or 16 bytes; none for no address.
[[nodiscard]] capnp::Data::Reader bytes_of(const IpAddress& address);
[[nodiscard]] Result<IpAddress> read_address(capnp::Data::Reader bytes);

/// `root` has its interfaces already.
void fill_topology(schema::Settings::Builder root, const Topology& topology);
[[nodiscard]] Result<Topology> read_topology(schema::Settings::Reader root);

}  // namespace bulkhead::control