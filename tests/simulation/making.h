// tests/simulation/making.h: what all makers of workloads (workload.h) have: chance, a clock, and frames that arrive one after another.
#pragma once

#include <utility>

#include "tests/simulation/world.h"
#include "tests/tools/packets.h"

namespace bulkhead::test {

class Making {
 public:
  explicit Making(uint64_t seed) : random_(seed) {}

 protected:
  static constexpr size_t kLan = 0, kWan = 1;
  static constexpr uint64_t kSecond = 1'000'000'000;  // nanoseconds

  /// So many packets, or a few more: step() adds some.
  template <class Step>
  Input make(size_t packets, Step step) {
    while (count_ < packets) step();
    return std::move(input_);
  }
  void add(size_t interface, Bytes frame) {
    time_ += random_.below(3) * 1000;
    input_[interface].push_back({time_, static_cast<uint32_t>(frame.size()), std::move(frame)});
    ++count_;
  }
  [[nodiscard]] size_t made() const { return count_; }

  static Bytes datagram(const Ends& ends, uint16_t from, uint16_t to, size_t length = 20) {
    return ethernet(ip(ends, packet::protocol::udp, udp(ends, from, to, pattern(length))));
  }
  static Bytes segment(const Ends& ends, uint16_t from, uint16_t to, uint8_t flags, uint32_t seq = 0, uint32_t ack = 0) {
    return ethernet(ip(ends, packet::protocol::tcp, tcp(ends, {.src_port = from, .dst_port = to, .seq = seq, .ack = ack, .flags = flags})));
  }

  Random random_;
  uint64_t time_ = 1'700'000'000 * kSecond;

 private:
  Input input_{2};
  size_t count_ = 0;
};

}  // namespace bulkhead::test
