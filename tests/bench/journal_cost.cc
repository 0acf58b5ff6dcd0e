// tests/bench/journal_cost.cc: CPU of conntrack's two visits a packet, in one process, over rings in memory.
//
// Built twice, with the journal and without it (ipc/memory/simulate.h); run.sh runs the two in turn and takes the difference.
//
//   journal-cost-with known|new BATCH      prints nanoseconds a packet

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "ipc/chain/ring.h"
#include "services/conntrack/make.h"
#include "tests/simulation/world.h"

namespace bulkhead::test {
namespace {

constexpr uint64_t kPackets = 2'000'000;
constexpr uint64_t kKnownFlows = 1024;
constexpr uint64_t kRing = 1024;

struct NoBell : chain::Bell {
  void ring() noexcept override {}
};

class Rig : public chain::Objects {
 public:
  Rig(const control::Settings& settings, bool fresh)
      : memory_(settings),
        fresh_(fresh),
        track_(memory_.as<chain::Ring>("ring.track"), memory_.as<chain::Desk>("conntrack.desk").heads[0].value),
        rules_(memory_.as<chain::Ring>("ring.rules"), memory_.as<chain::Desk>("rules.desk").heads[0].value),
        confirm_(memory_.as<chain::Ring>("ring.confirm"), memory_.as<chain::Desk>("conntrack.desk").heads[1].value),
        home_(memory_.as<chain::Ring>("ring.home"), memory_.as<chain::Desk>("pktio.desk").heads[0].value),
        stage_(std::move(*conntrack::make_stage(*this, settings))) {
    stage_->recover();
  }
  std::span<std::byte> memory(std::string_view name, memory::Right) override { return memory_.object(name); }
  chain::Bell& bell(std::string_view) override { return bell_; }

  /// Nanoseconds that the stage took for all packets.
  double run() {
    double ns = 0;
    while (home_number_ < kPackets) {
      fill();
      auto const begin = std::chrono::steady_clock::now();
      while (stage_->step()) {
      }
      ns += std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count();
      move();
    }
    return ns;
  }

 private:
  void fill() {
    while (number_ < kPackets && number_ - home_number_ < kRing) {
      chain::Descriptor descriptor{};
      descriptor.number = ++number_;
      descriptor.time_ns = number_ * 1'000'000;
      descriptor.captured = 64;
      descriptor.l3_length = 50;
      descriptor.shape = packet::Shape::ip;
      uint64_t const flow = fresh_ ? number_ : number_ % kKnownFlows;
      descriptor.tuple.l3 = 4;
      descriptor.tuple.protocol = packet::protocol::udp;
      std::memcpy(descriptor.tuple.src.data(), &flow, 4);
      descriptor.tuple.dst[0] = 192;
      descriptor.tuple.src_port = 1;
      descriptor.tuple.dst_port = 2;
      if (number_ % 128 == 0) descriptor.kind = chain::Kind::tick;
      track_.put(descriptor);
    }
    track_.publish();
  }
  void move() {
    chain::Descriptor descriptor;
    while (rules_.available() != 0) {
      rules_.get(descriptor);
      rules_.advance();
      confirm_.put(descriptor);
    }
    rules_.publish();
    confirm_.publish();
    while (home_.available() != 0) {
      home_.advance();
      ++home_number_;
    }
    home_.publish();
  }

  Memory memory_;
  NoBell bell_;
  bool fresh_;
  chain::Outlet track_;
  chain::Inlet rules_;
  chain::Outlet confirm_;
  chain::Inlet home_;
  std::unique_ptr<chain::Stage> stage_;
  uint64_t number_ = 0, home_number_ = 0;
};

}  // namespace
}  // namespace bulkhead::test

int main(int argc, char** argv) {
  using namespace bulkhead::test;
  if (argc != 3) return 2;
  bool const fresh = std::string_view(argv[1]) == "new";
  auto settings = small_settings(kRing, static_cast<uint32_t>(std::atoi(argv[2])), 262144);
  std::printf("%.1f\n", Rig(settings, fresh).run() / static_cast<double>(kPackets));
}
