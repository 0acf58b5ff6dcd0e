// tests/simulation/router.h: a small router's settings, for the workloads' addresses.
#pragma once

#include "common/topology.h"
#include "tests/simulation/world.h"

namespace bulkhead::test {

/// lan 10.0.0.254/24 and wan 192.0.2.254/24 with the IPv6 networks of the workload; wan's MTU is 1300.
[[nodiscard]] inline Settings router_settings(uint32_t ring, uint32_t batch, uint32_t flows) {
  Settings settings = small_settings(ring, batch, flows);
  auto const prefix = [](const char* text) { return parse_prefix(text).value(); };
  Topology& topology = settings.topology;
  topology.interfaces = {
      {"lan", {0x02, 0, 0, 0, 1, 1}, 1500, {prefix("10.0.0.254/24"), prefix("2001:db8::fe/64")}},
      {"wan", {0x02, 0, 0, 0, 1, 2}, 1300, {prefix("192.0.2.254/24"), prefix("2001:db8:1::fe/64")}}};
  topology.neighbours = {{parse_address("192.0.2.1").value(), {0x02, 0, 0, 0, 2, 1}, 1}};
  return settings;
}

}  // namespace bulkhead::test
