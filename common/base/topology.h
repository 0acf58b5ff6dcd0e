// common/base/topology.h: what a router is connected to: interfaces, routes, neighbours; and the way to a destination.
//
// Who     the CLI reads it from a file or options; the settings carry it (ipc/control/settings.h); rules asks Routes for each
//         packet that is routed, pktio asks Neighbours for the MAC address it goes to.
// Ways    local addresses first, whatever routes say; then the longest prefix among connected networks and routes; of
//         equal ones the one with the smaller metric, then the first (Linux: local table, then main).
// Errors  check(): the first thing that contradicts another, as a text for people.
// Thread  plain values; Routes and Neighbours do not change once made.
// Source  Linux fib_table_lookup, inet_addr_type, dev_forward_change, addrconf_join_solict; RFC 1812 5.2.4.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/base/address.h"

namespace bulkhead {

struct Topology {
  struct Interface {
    std::string name;
    Mac mac{};
    uint32_t mtu = 1500;  // bytes of layer 3
    std::vector<Prefix> addresses{};
    std::vector<IpAddress> groups{};  // that it listens to, beside those of every router
  };
  struct Route {
    Prefix destination;
    IpAddress via;  // none: the destination is a neighbour itself
    uint16_t device = 0;
    uint32_t metric = 0;
  };
  struct Neighbour {
    IpAddress address;
    Mac mac{};
    uint16_t device = 0;
  };
  std::vector<Interface> interfaces;  // none: the wiring is a bridge's
  std::vector<Route> routes;
  std::vector<Neighbour> neighbours;

  [[nodiscard]] bool is_router() const noexcept { return !interfaces.empty(); }
};

[[nodiscard]] Status check(const Topology& topology);

/// Where a packet goes.
struct Way {
  /// anycast: a router is all routers of a network, RFC 4291 2.6.1.
  enum class Kind : uint8_t { none, unicast, local, broadcast, anycast };
  Kind kind = Kind::none;
  uint8_t length = 0;   // of the prefix that matched
  uint16_t device = 0;  // unicast: out by this one; local: whose address it is
  IpAddress via;        // unicast; none: the destination is next to the router itself
};

class Routes {
 public:
  static constexpr size_t kMost = 60000;  // routes and addresses together, which check() sees to

  explicit Routes(const Topology& topology);

  /// Ways have numbers, the same for whoever makes Routes of the same topology; 0: none.
  /// Bounded: one step for four bits of the address.
  [[nodiscard]] uint16_t number_to(const IpAddress& destination) const noexcept;
  /// Any number will do; one that is none gives Kind::none.
  [[nodiscard]] const Way& way(uint16_t number) const noexcept;
  [[nodiscard]] const Way& way_to(const IpAddress& destination) const noexcept { return way(number_to(destination)); }
  [[nodiscard]] bool is_local(const IpAddress& address) const noexcept;
  /// The same as number_to(), but that link-local addresses are those of the network at `device`.
  [[nodiscard]] uint16_t number_to(const IpAddress& destination, uint16_t device) const noexcept;
  /// The address that the router itself speaks from by `device` to `destination`; none: it has none of that family.
  [[nodiscard]] IpAddress source_for(uint16_t device, const IpAddress& destination) const noexcept;
  /// Is the router in this group at `device`? All hosts; IPv6's all routers, and solicited nodes of its addresses; and those that it was told.
  [[nodiscard]] bool listens_to(uint16_t device, const IpAddress& group) const noexcept;

 private:
  /// Four bits of the address. A prefix that ends within them has several slots.
  struct Node {
    std::array<uint32_t, 16> next{};  // by these bits; 0: none
    std::array<uint16_t, 16> leaf{};  // number of a way
    std::array<uint8_t, 16> length{};  // of the prefix that the leaf is for
  };
  uint16_t add(const Prefix& prefix, const Way& way);

  std::vector<Node> nodes_;  // 0 and 1: the roots of IPv4 and IPv6
  std::vector<Way> ways_{Way{}};  // by number
  std::vector<std::vector<Prefix>> addresses_;  // by interface
  std::vector<IpAddress> link_sources_;         // its own link-local address, by interface
  std::vector<uint16_t> link_local_;            // number of the way to its fe80::/64, by interface
  std::vector<std::vector<IpAddress>> groups_;  // sorted, by interface
};

class Neighbours {
 public:
  explicit Neighbours(const Topology& topology);
  /// A neighbour that nobody named gets a MAC address made of its IP address: 02:..., the same in every run.
  [[nodiscard]] Mac mac_of(const IpAddress& address, uint16_t device) const noexcept;

 private:
  struct Hash {
    size_t operator()(const IpAddress& address) const noexcept;
  };
  std::vector<std::unordered_map<IpAddress, Mac, Hash>> known_;  // by interface
};

/// fe80::/64 with the interface's modified EUI-64 identifier (RFC 4291 2.5.1, RFC 2464 4).
[[nodiscard]] IpAddress link_local_address(const Mac& mac) noexcept;
[[nodiscard]] bool is_link_local(const IpAddress& address) noexcept;

}  // namespace bulkhead
