// ipc/chain/chain.h: who stands where in the chain, which objects there are, and who may open what: read off the tables
// in chain.cc, the one place where it is written down.
//
// Who     the keeper makes the objects and hands them out; a stage asks for the places of its visits (ipc/chain/wiring.h).
// Rule    a memory has one writer. The kernel enforces it: who only reads gets a read-only descriptor.
// Test    tests/unit/chain_test.cc holds what the stages open against what they may, both ways.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/control/object_kind.h"
#include "ipc/control/settings.h"
#include "ipc/memory/object.h"
#include "ipc/memory/right.h"

namespace bulkhead::chain {

/// In the packet's order. The keeper counts users and words of its state by it, so a new one stands last.
inline constexpr const char* kServices[] = {"pktio", "conntrack", "rules", "nat"};

/// Of an object that one service alone knows. Its header asserts that it agrees.
struct PrivateLayout {
  memory::Layout layout;
  uint32_t version;
  size_t header, each;  // bytes

  [[nodiscard]] constexpr size_t bytes_for(uint64_t count) const { return header + count * each; }
  template <class T>
  [[nodiscard]] static constexpr PrivateLayout of() {
    return {T::kLayout, T::kVersion, T::bytes_for(0), T::bytes_for(1) - T::bytes_for(0)};
  }
  friend bool operator==(const PrivateLayout&, const PrivateLayout&) = default;
};
inline constexpr PrivateLayout kInFlight{memory::Layout::inflight, 3, 64, 64};                 // services/pktio/inflight.h
inline constexpr PrivateLayout kFragments{memory::Layout::fragments, 2, 64, size_t{33} * 64};  // services/pktio/fragments.h
inline constexpr uint64_t kFragmentCells = 4096;  // of an instance; 8.6 MB

struct ObjectSpec {
  std::string name;
  memory::Layout layout;
  uint32_t version;
  uint64_t bytes;  // a multiple of the page size is not needed
  uint64_t capacity;
};

/// Every object in shared memory of an instance with these settings, but `config`.
[[nodiscard]] std::vector<ObjectSpec> catalog(const control::Settings& settings);

/// What a service may have, and opens.
struct Grant {
  std::string service;
  std::string object;  // a name, or its beginning and '*'
  control::ObjectKind kind;
  memory::Right right;
};
[[nodiscard]] std::vector<Grant> grants(const control::Settings& settings);
/// The one by which `service` has `object`; null: it has not.
[[nodiscard]] const Grant* entitled(std::span<const Grant> grants, std::string_view service, std::string_view object);

/// Where a visit stands.
struct Place {
  std::string_view service, visit;
  std::string_view from;  // the ring that it reads,
  unsigned head;          // and which of its own desk's heads is that one's
  std::string_view to;    // the ring that it puts into,
  std::string_view next;  // the service which reads that one,
  unsigned next_head;     // and which of its desk's heads that is
  std::string_view waited_by;  // the service before, which may wait for what this one makes; empty: it does not
};
/// In the packet's order; the last one puts into the first one's ring.
[[nodiscard]] std::vector<Place> places(const control::Settings& settings);
/// None: there is no such visit with these settings.
[[nodiscard]] std::optional<Place> place_of(const control::Settings& settings, std::string_view visit);

}  // namespace bulkhead::chain
