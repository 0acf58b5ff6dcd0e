// ipc/state/port_searches.h: what the last few long searches for a port have learnt of who has which, so that the next one need not
// follow chains.
//
// Who     whoever changes the bindings and searches them (services/nat), on its heap: nothing counts that is in here, and a successor
//         begins without it. An answer is what the bindings say, or there is none.
// Cost    16 KiB a search. A tuple that is bound or let go is held against the tuple of each.
// Full    the one that was not asked for longest is given up: its successor learns as it asks, so nothing is built.
#pragma once

#include <algorithm>
#include <array>

#include "common/packet/known_ports.h"
#include "common/packet/packet.h"

namespace bulkhead::state {

class PortSearches {
 public:
  static constexpr size_t kMost = 8;
  /// Which port of a reply tuple is searched for.
  enum class Port : uint8_t { source, destination };

  /// What is known of tuples that are `reply` but for that port; null: nothing. Good until the next begin().
  [[nodiscard]] packet::KnownPorts* find(const packet::Tuple& reply, Port port) noexcept {
    packet::Tuple const tuple = without(reply, port);
    for (size_t i = 0; i < count_; ++i) {
      if (searches_[i].port != port || searches_[i].tuple != tuple) continue;
      searches_[i].asked = ++now_;
      return &known_[i];
    }
    return nullptr;
  }
  /// Of such tuples for which find() says null.
  [[nodiscard]] packet::KnownPorts& begin(const packet::Tuple& reply, Port port) noexcept {
    size_t const which =
        count_ < kMost ? count_++ : static_cast<size_t>(std::ranges::min_element(searches_, {}, &Search::asked) - searches_.begin());
    searches_[which] = {without(reply, port), port, ++now_};
    known_[which].forget_all();
    return known_[which];
  }
  /// A flow has this tuple, in whichever direction.
  void bound(const packet::Tuple& tuple) noexcept {
    each(tuple, [](packet::KnownPorts& known, uint16_t port) { known.learn(port, true); });
  }
  /// A flow has it no more; another may.
  void let_go(const packet::Tuple& tuple) noexcept {
    each(tuple, [](packet::KnownPorts& known, uint16_t port) { known.forget(port); });
  }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

 private:
  struct Search {
    packet::Tuple tuple;  // that port is 0
    Port port = Port::source;
    uint64_t asked = 0;
  };

  static packet::Tuple without(packet::Tuple tuple, Port port) noexcept {
    (port == Port::source ? tuple.src_port : tuple.dst_port) = 0;
    return tuple;
  }
  template <class Change>
  void each(const packet::Tuple& tuple, Change change) noexcept {
    for (size_t i = 0; i < count_; ++i) {
      const Search& search = searches_[i];
      if (search.tuple.src != tuple.src || search.tuple != without(tuple, search.port)) continue;
      change(known_[i], search.port == Port::source ? tuple.source_port() : tuple.destination_port());
    }
  }

  std::array<Search, kMost> searches_;
  std::array<packet::KnownPorts, kMost> known_;
  size_t count_ = 0;
  uint64_t now_ = 0;
};

}  // namespace bulkhead::state
