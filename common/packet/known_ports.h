// common/packet/known_ports.h: with which ports a tuple is used, as far as somebody has asked.
//
// Who     a search for a free port (nat_range.cc) notes what it is told; whoever knows the flows forgets what no longer holds.
// Units   ports, or ICMP identifiers, in host order.
#pragma once

#include <array>
#include <cstdint>

namespace bulkhead::packet {

class KnownPorts {
 public:
  [[nodiscard]] bool knows(uint16_t port) const noexcept { return (of(port).known & bit(port)) != 0; }
  /// Of a port that it knows.
  [[nodiscard]] bool used(uint16_t port) const noexcept { return (of(port).used & bit(port)) != 0; }
  void learn(uint16_t port, bool used) noexcept {
    Sixtyfour& ports = of(port);
    ports.known |= bit(port);
    ports.used = used ? ports.used | bit(port) : ports.used & ~bit(port);
  }
  void forget(uint16_t port) noexcept { of(port).known &= ~bit(port); }
  void forget_all() noexcept { ports_ = {}; }

 private:
  struct Sixtyfour {
    uint64_t known = 0, used = 0;
  };
  static constexpr uint64_t bit(uint16_t port) noexcept { return uint64_t{1} << port % 64; }
  [[nodiscard]] Sixtyfour& of(uint16_t port) noexcept { return ports_[port / 64]; }
  [[nodiscard]] const Sixtyfour& of(uint16_t port) const noexcept { return ports_[port / 64]; }

  std::array<Sixtyfour, 65536 / 64> ports_{};
};

}  // namespace bulkhead::packet
