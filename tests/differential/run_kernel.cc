// tests/differential/run_kernel.cc: run-kernel CASE_DIR OUT_DIR [timed | paced], in the wire namespace of a lab (kernel_lab.sh).
//
// Way     sends CASE_DIR/NAME.pcap on NAME1, for each side that has a capture, in the order of time, and takes what comes
//         out of the firewall: OUT_DIR/NAME.pcap, as a replay's; and OUT_DIR/states: "lan 17 established" a packet, or
//         "lan 17 dropped".
// Order   everything runs on one processor, which queues frames of all veth pairs in the order of sending. So a frame
//         that was sent on clock0 comes to clock1 behind all that was queued before it; what those bring about comes
//         before the second such frame.
// Time    as fast as it goes; timed: each packet when all is done that those before brought about, and OUT_DIR/sent/NAME.pcap
//         has what was sent with the time at which it was. paced: the same, and no two in one tick of the kernel's clock, within which it
//         looks at no list of connections twice.
// NAT     what answers a translated packet is sent as the host would that got it (translated_hosts.h).
// Exit    3: a timed run that took so long that a limit may have let one more go by the kernel's clock, a little before or after it
//         would by the times of sending. To be run again.
// Names   packets are known by the number that make-cases gave them; the state is what states.nft writes.
#include <fmt/format.h>
#include <pcap/pcap.h>
#include <sched.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>

#include "common/packet/fragment.h"
#include "tests/differential/translated_hosts.h"
#include "tests/differential/wire.h"
#include "tests/tools/capture_file.h"

namespace bulkhead::test {
namespace {

constexpr std::array<const char*, 3> kSides{"lan", "wan", "dmz"};
constexpr std::array<const char*, 6> kStates{"dropped", "untracked", "invalid", "new", "established", "related"};
constexpr int kPatience_ms = 10'000;
constexpr uint64_t kLate_ns = 900'000'000;  // less than a peer waits for one more "no route", and any rule for one more packet

struct Sent {
  uint64_t stamp_ns;  // at which it is to be sent, and then was
  size_t side;
  uint64_t n;  // within its file
  Bytes frame;
  bool answers = false;  // a translated packet
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
/// A packet in fragments has one name.
bool is_fragment(const Bytes& frame) {
  packet::Headers const headers = packet::parse(frame, static_cast<uint32_t>(frame.size()), packet::LinkType::ethernet);
  return headers.shape != packet::Shape::not_ip && packet::fragment_of(frame, headers, 0).has_value();
}
bool is_first_fragment(const Bytes& frame) {
  return packet::parse(frame, static_cast<uint32_t>(frame.size()), packet::LinkType::ethernet).first_fragment();
}
/// The host of the firewall speaks of itself: neighbours, groups.
bool is_of_host(const Bytes& frame) {
  constexpr std::array<uint8_t, 6> kHost{0x02, 0, 0, 0, 0, 0x02};
  return (frame.at(0) & 1) != 0 && std::equal(kHost.begin(), kHost.end(), frame.begin() + 6);
}
/// No IP, or in a VLAN: it bears no name.
bool is_other(const Bytes& frame) {
  uint16_t const type = load_be16(frame.data() + 12);
  return type != packet::ethertype::ipv4 && type != packet::ethertype::ipv6;
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
  enum class Pace : uint8_t { none, timed, ticks };

  void make(const std::string& cases, Pace pace) {
    bool const timed = pace != Pace::none;
    ruleset_ = timed;
    for (size_t side = 0; side < kSides.size(); ++side) {
      std::string const path = fmt::format("{}/{}.pcap", cases, kSides[side]);
      if (!std::filesystem::exists(path)) continue;
      read_side(path, side, sent_);
      wires_[side] = std::make_unique<Wire>(fmt::format("{}1", kSides[side]));
    }
    bool cut = false;
    for (const auto& [stamp, one] : sent_) {
      if (is_other(one.frame)) continue;
      if (name_of_frame(one.frame) == 0) throw std::runtime_error("a packet without a number");
      auto const [known, fresh] = by_name_.emplace(name_of_frame(one.frame), &one);
      if (fresh) continue;
      cut_.insert(name_of_frame(one.frame));
      cut |= is_fragment(one.frame) || is_fragment(known->second->frame);
      if (is_first_fragment(one.frame)) known->second = &one;
    }
    if (!cut_.empty() && !cut) throw std::runtime_error("a number twice");
    // The kernel's own time, by which its rules go; steady from there on.
    auto const first = std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch());
    auto const begin = std::chrono::steady_clock::now() - first;
    for (auto& [stamp, one] : sent_) {
      if (timed) one.stamp_ns = static_cast<uint64_t>(std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin).count());
      if (auto const side = is_other(one.frame) ? std::nullopt : hosts_.answer(one.frame)) {
        one.side = *side;
        one.answers = true;
      }
      wires_[one.side]->send(one.frame);
      if (timed) tick(), tick();
      take(stamp);
      if (pace == Pace::ticks) await_tick_of_kernel();
    }
    tick(), tick();
    take(sent_.empty() ? 0 : sent_.rbegin()->first);
  }

  /// A timed run.
  [[nodiscard]] bool is_late() const {
    return !sent_.empty() && sent_.rbegin()->second.stamp_ns - sent_.begin()->second.stamp_ns > kLate_ns;
  }

  void write(const std::string& directory) const {
    std::ofstream out(directory + "/states");
    for (const auto& [stamp, one] : sent_) {
      auto const seen = seen_.find(&one);
      out << kSides[one.side] << ' ' << one.n << ' ' << kStates[seen == seen_.end() ? 0 : seen->second] << '\n';
    }
    if (!out.flush()) throw std::runtime_error("cannot write " + directory + "/states");
    write_sides(directory, egress_);
  }

  void write_sent(const std::string& directory) const {
    Sides sides;
    for (const auto& [stamp, one] : sent_) sides[one.side].push_back({one.stamp_ns, one.frame, 0});
    std::filesystem::create_directories(directory);
    write_sides(directory, sides);
  }

  /// The coarse clock goes by it.
  static void await_tick_of_kernel() {
    auto const now = [] {
      timespec time{};
      clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
      return std::pair(time.tv_sec, time.tv_nsec);
    };
    auto const then = now();
    while (now() == then) sched_yield();
  }

 private:
  using Sides = std::array<std::vector<Stamped>, kSides.size()>;

  void write_sides(const std::string& directory, const Sides& sides) const {
    for (size_t side = 0; side < kSides.size(); ++side) {
      if (!wires_[side]) continue;
      std::string const path = fmt::format("{}/{}.pcap", directory, kSides[side]);
      auto const written = write_capture(path, Format::pcap, packet::LinkType::ethernet, sides[side]);
      if (!written) throw std::runtime_error(written.error().message);
    }
  }
  void take(uint64_t stamp_ns) {
    for (size_t side = 0; side < kSides.size(); ++side)
      while (auto frame = wires_[side] ? wires_[side]->receive(0) : std::nullopt) came(side, stamp_ns, *frame);
  }
  void came(size_t side, uint64_t stamp_ns, const Bytes& frame) {
    if (is_of_host(frame)) return;
    egress_[side].push_back({stamp_ns, frame, 0});
    if (is_other(frame)) return;
    auto const known = by_name_.find(name_of_frame(frame));
    if (known != by_name_.end() && !known->second->answers) hosts_.came(known->second->frame, frame, side);
    if (known == by_name_.end() || known->second->side == side || state_of(frame) == 0 || cut_.contains(known->first)) return;
    bool const fresh = seen_.emplace(known->second, state_of(frame)).second;
    if (!fresh && !ruleset_) throw std::runtime_error("a packet came out twice");
  }
  /// All that was queued for this processor has been taken in when this returns.
  void tick() {
    ticks_.send(pattern(60));
    if (!ticked_.receive(kPatience_ms)) throw std::runtime_error("the clock stands still");
  }

  std::array<std::unique_ptr<Wire>, kSides.size()> wires_;
  Wire ticks_{"clock0"}, ticked_{"clock1"};
  std::multimap<uint64_t, Sent> sent_;
  std::map<uint32_t, const Sent*> by_name_;
  std::set<uint32_t> cut_;  // names that several frames bear
  TranslatedHosts hosts_;
  std::map<const Sent*, uint8_t> seen_;
  bool ruleset_ = false;  // whose packets may be cut on their way out, and bear any traffic class
  Sides egress_;
};

}  // namespace
}  // namespace bulkhead::test

int main(int argc, char** argv) {
  using Pace = bulkhead::test::Run::Pace;
  std::string_view const said = argc == 4 ? argv[3] : "";
  Pace const pace = said == "timed" ? Pace::timed : said == "paced" ? Pace::ticks : Pace::none;
  if (argc != 3 && pace == Pace::none) {
    fmt::print(stderr, "run-kernel CASE_DIR OUT_DIR [timed | paced]\n");
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
    run.make(argv[1], pace);
    if (pace == Pace::timed && run.is_late()) return 3;
    run.write(argv[2]);
    if (pace != Pace::none) run.write_sent(argv[2] + std::string("/sent"));
  } catch (const std::exception& error) {
    fmt::print(stderr, "run-kernel: {}\n", error.what());
    return 1;
  }
  return 0;
}
