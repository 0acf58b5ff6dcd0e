// tests/simulation/world.h: the shared objects of one instance in plain memory, and what its captures hold.
//
// Who     the simulator and the single-stepper.
// Same    image() says everything that two runs over the same input must agree in: the output files, and the
//         shared state without what may differ (stamps and generations, which only go forward, the places of
//         entries within the hash table, and which packets went by the fast lane: what conntrack and rules do not
//         know of these is added, and what a stage has counted on its way is left out).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/chain/chain.h"
#include "ipc/state/flow_words.h"
#include "services/pktio/in/source.h"
#include "services/pktio/out/writer.h"

namespace bulkhead::test {

struct Frame {
  uint64_t stamp_ns;
  uint32_t wire;
  std::vector<uint8_t> bytes;
};
/// By interface.
using Input = std::vector<std::vector<Frame>>;

[[nodiscard]] control::Settings small_settings(uint32_t ring, uint32_t batch, uint32_t flows);

/// Zeroed memory with every object of the chain (ipc/chain/chain.cc) in it, in one piece.
class Memory {
 public:
  explicit Memory(const control::Settings& settings, bool shared = false);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  /// What rules keep of each flow.
  [[nodiscard]] const state::FlowWords& flow_words() const { return flow_words_; }
  [[nodiscard]] std::span<std::byte> object(std::string_view name) const;
  [[nodiscard]] std::span<std::byte> all() const { return {base_, bytes_}; }
  template <class T>
  [[nodiscard]] T& as(std::string_view name) const {
    return *reinterpret_cast<T*>(object(name).data());
  }

 private:
  state::FlowWords flow_words_;
  std::byte* base_ = nullptr;
  size_t bytes_ = 0;
  std::map<std::string, std::span<std::byte>, std::less<>> objects_;
};

using Disk = std::vector<std::vector<uint8_t>>;  // by output

void write_at(std::vector<uint8_t>& file, std::span<const uint8_t> bytes, uint64_t offset);

/// What must be the same in every run, as text that can be compared and read.
/// `counted`: and what stages have counted on the way, which is the same in every run without a fast lane.
[[nodiscard]] std::string image(const Memory& memory, const Disk& disk, bool counted = false);
/// In what the bindings that rules foresaw are not those which nat has; empty: in nothing.
[[nodiscard]] std::string unforeseen(const Memory& memory);
/// The first line in which two images differ.
[[nodiscard]] std::string first_difference(const std::string& wanted, const std::string& found);

}  // namespace bulkhead::test
