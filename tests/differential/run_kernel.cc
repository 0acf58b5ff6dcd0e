// tests/differential/run_kernel.cc: run-kernel CASE_DIR OUT_DIR, in the wire namespace of a lab (kernel_lab.sh).
//
// Way     sends CASE_DIR/lan.pcap and wan.pcap on lan1 and wan1 in the order of time, takes what comes out of the
//         firewall on either, and writes OUT_DIR/states: "lan 17 established" a packet, or "lan 17 dropped".
//         Egress frames go into OUT_DIR/lan.pcap and wan.pcap, as a replay's.
// Order   everything runs on one processor, where veth queues frames in the order of sending. At the end a frame of
//         our own goes through; what has not come before it does not come.
// Names   packets are known by the number that make-cases gave them; the state is what states.nft writes.
#include <fmt/format.h>
#include <pcap/pcap.h>
#include <sched.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <stdexcept>

#include "tests/differential/wire.h"
#include "tests/tools/captures.h"

namespace bulkhead::test {
namespace {

constexpr std::array<const char*, 2> kSides{"lan", "wan"};
constexpr std::array<const char*, 6> kStates{"dropped", "untracked", "invalid", "new", "established", "related"};
constexpr int kPatience_ms = 10'000;

struct Sent {
  uint64_t stamp_ns;
  size_t side;
  uint64_t n;  // within its file
  Bytes frame;
};

/// What make-cases numbered it; IPv6 apart from IPv4. 0: neither.
uint32_t name_of_frame(const Bytes& frame) {
  if (frame.size() >= 34 && frame[12] == 0x08 && frame[13] == 0) return load_be16(frame.data() + 18);
  if (frame.size() >= 54 && frame[12] == 0x86 && frame[13] == 0xdd) return load_be32(frame.data() + 14) & 0xfffff;
  return 0;
}
uint8_t state_of(const Bytes& frame) {
  uint8_t const traffic_class =
      frame[12] == 0x08 ? frame[15] : static_cast<uint8_t>(load_be16(frame.data() + 14) >> 4);
  uint8_t const state = traffic_class >> 2;
  return state < kStates.size() ? state : 0;
}

void read_side(const std::string& path, size_t side, std::multimap<uint64_t, Sent>& all) {
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  std::unique_ptr<pcap_t, decltype(&pcap_close)> const file(
      pcap_open_offline_with_tstamp_precision(path.c_str(), PCAP_TSTAMP_PRECISION_NANO, error.data()), pcap_close);
  if (!file) throw std::runtime_error(error.data());
  pcap_pkthdr* header = nullptr;
  const u_char* bytes = nullptr;
  for (uint64_t n = 1; pcap_next_ex(file.get(), &header, &bytes) == 1; ++n) {
    auto const stamp =
        static_cast<uint64_t>(header->ts.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(header->ts.tv_usec);
    all.emplace(stamp, Sent{stamp, side, n, Bytes(bytes, bytes + header->caplen)});
  }
}

class Run {
 public:
  void make(const std::string& cases) {
    for (size_t side = 0; side < 2; ++side) read_side(cases + "/" + kSides[side] + ".pcap", side, sent_);
    for (const auto& [stamp, one] : sent_) {
      if (name_of_frame(one.frame) == 0) throw std::runtime_error("a packet without a number");
      if (!by_name_.emplace(name_of_frame(one.frame), &one).second) throw std::runtime_error("a number twice");
    }
    for (const auto& [stamp, one] : sent_) {
      wires_[one.side].send(one.frame);
      take(0), take(1);
    }
    last_frame();
  }

  void write(const std::string& directory) const {
    std::ofstream out(directory + "/states");
    for (const auto& [stamp, one] : sent_) {
      auto const seen = seen_.find(&one);
      out << kSides[one.side] << ' ' << one.n << ' ' << kStates[seen == seen_.end() ? 0 : seen->second] << '\n';
    }
    if (!out.flush()) throw std::runtime_error("cannot write " + directory + "/states");
    if (auto written = write_two_sides(directory, Format::pcap, egress_); !written)
      throw std::runtime_error(written.error().message);
  }

 private:
  void take(size_t side) {
    while (auto frame = wires_[side].receive(0)) came(side, *frame);
  }
  void came(size_t side, const Bytes& frame) {
    auto const known = by_name_.find(name_of_frame(frame));
    if (known == by_name_.end() || known->second->side == side || state_of(frame) == 0) return;
    if (!seen_.emplace(known->second, state_of(frame)).second) throw std::runtime_error("a packet came out twice");
    egress_.add(static_cast<Side>(side), {known->second->stamp_ns, frame, 0});
  }
  /// Sends a frame behind all others, and waits until it has come through both ways.
  void last_frame() {
    for (size_t side = 0; side < 2; ++side) {
      Ends const lan{address("10.255.255.254"), address("192.0.2.254")};
      Ends const there = side == 0 ? lan : lan.back();
      wires_[side].send(ethernet(ip(there, protocol::udp, udp(there, 9, 9, pattern(40)))));
      for (;;) {
        auto const frame = wires_[1 - side].receive(kPatience_ms);
        if (!frame) throw std::runtime_error("the last frame did not come out");
        came(1 - side, *frame);
        if (name_of_frame(*frame) == 0 && frame->size() == 14 + 20 + 8 + 40) break;
      }
    }
    take(0), take(1);
  }

  std::array<Wire, 2> wires_{Wire("lan1"), Wire("wan1")};
  std::multimap<uint64_t, Sent> sent_;
  std::map<uint32_t, const Sent*> by_name_;
  std::map<const Sent*, uint8_t> seen_;
  TwoSides egress_;
};

}  // namespace
}  // namespace bulkhead::test

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "run-kernel CASE_DIR OUT_DIR\n");
    return 2;
  }
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(0, &one);
  if (sched_setaffinity(0, sizeof one, &one) != 0) {
    fmt::print(stderr, "cannot stay on one processor\n");
    return 1;
  }
  try {
    bulkhead::test::Run run;
    run.make(argv[1]);
    run.write(argv[2]);
  } catch (const std::exception& error) {
    fmt::print(stderr, "run-kernel: {}\n", error.what());
    return 1;
  }
  return 0;
}
