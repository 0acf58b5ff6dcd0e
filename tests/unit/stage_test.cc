// Stages: one that sleeps is woken, and what is impossible in a neighbour's words is counted.
#define BOOST_TEST_MODULE stage
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <thread>

#include "ipc/chain/stage.h"
#include "tests/simulation/world.h"
#include "tests/tools/packets.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

struct EventBell : chain::Bell {
  EventBell() : fd(eventfd(0, EFD_NONBLOCK)) {}
  ~EventBell() override { ::close(fd); }
  void ring() noexcept override {
    uint64_t const one = 1;
    if (::write(fd, &one, sizeof one) != sizeof one) std::abort();
  }
  /// False: nobody rang for ten seconds.
  bool wait() {
    pollfd wanted{fd, POLLIN, 0};
    uint64_t count = 0;
    return poll(&wanted, 1, 10'000) == 1 && ::read(fd, &count, sizeof count) == sizeof count;
  }
  int fd;
};

/// Sends what it got with the next number, until `most` have gone round.
class Player : public chain::Stage {
 public:
  Player(const chain::StageParts& parts, const chain::Ring& in, const chain::Next& next, bool serves, uint64_t most)
      : chain::Stage(parts, {&in}, {next}), serves_(serves), most_(most) {}
  [[nodiscard]] bool over() const { return last_ >= most_; }
  uint64_t slept = 0;

 protected:
  bool work() override { return !over() && (serves_ || inlet(0).available() != 0); }
  bool make() override {
    if (!work() || outlet(0).room() == 0) return false;
    chain::Descriptor ball{};
    if (!serves_) {
      inlet(0).get(ball);
      inlet(0).advance();
    }
    serves_ = false;
    last_ = ++ball.number;
    outlet(0).put(ball);
    return true;
  }

 private:
  bool serves_;
  uint64_t most_;
  uint64_t last_ = 0;
};

struct Table {
  control::Settings settings = small_settings(16, 8, 8);
  Memory memory{settings};
  std::array<EventBell, 2> bells;

  chain::StageParts parts(const std::string& service) {
    return {memory.as<memory::CommitArea>(service + ".commit"), memory.as<memory::Journal>(service + ".journal"),
            memory.as<chain::Desk>(service + ".desk"), memory.object(service + ".state"), 8};
  }
  chain::Next next(const char* ring, const char* service, size_t bell) {
    return {memory.as<chain::Ring>(ring), memory.as<chain::Desk>(std::string(service) + ".desk"), 0, bells[bell]};
  }
};

/// Spins a while that differs each time, then sleeps; as ipc/runtime/service_main.cc does. False: not woken.
bool play(Player& player, EventBell& bell, uint64_t seed) {
  Random random(seed);
  while (!player.over()) {
    if (player.step()) continue;
    for (uint32_t spins = random.below(40); spins != 0 && !player.over(); --spins)
      if (player.step()) spins = 1 + random.below(40);
    if (player.over() || !player.may_sleep()) continue;
    ++player.slept;
    if (!bell.wait()) return false;
    player.wake();
  }
  static_cast<void>(player.may_sleep());  // bells that are due
  return true;
}

}  // namespace

BOOST_AUTO_TEST_CASE(no_wake_up_is_lost_in_200000_handovers) {
  constexpr uint64_t handovers = 200'000;
  Table table;
  Player one(table.parts("rules"), table.memory.as<chain::Ring>("ring.rules"), table.next("ring.nat", "nat", 1), true,
             handovers);
  Player two(table.parts("nat"), table.memory.as<chain::Ring>("ring.nat"), table.next("ring.rules", "rules", 0), false,
             handovers);
  one.recover();
  two.recover();
  std::atomic<bool> woken{true};
  std::thread other([&] { woken = play(two, table.bells[1], 2); });
  bool const fine = play(one, table.bells[0], 1);
  other.join();
  BOOST_TEST(fine);
  BOOST_TEST(woken.load());
  BOOST_TEST_MESSAGE("slept " << one.slept << " and " << two.slept << " times");
  BOOST_TEST(one.slept + two.slept > 100U);
}

BOOST_AUTO_TEST_CASE(stage_with_work_does_not_go_to_sleep) {
  Table table;
  Player player(table.parts("rules"), table.memory.as<chain::Ring>("ring.rules"), table.next("ring.nat", "nat", 1), false,
                100);
  player.recover();
  BOOST_TEST(player.may_sleep());
  BOOST_TEST(table.memory.as<chain::Desk>("rules.desk").asleep.load() == 1U);
  player.wake();
  chain::Outlet out(table.memory.as<chain::Ring>("ring.rules"), table.memory.as<chain::Desk>("rules.desk").heads[0].value);
  out.put({});
  out.publish();
  BOOST_TEST(!player.may_sleep());
  BOOST_TEST(table.memory.as<chain::Desk>("rules.desk").asleep.load() == 0U);
}

BOOST_AUTO_TEST_CASE(successor_publishes_again_and_rings_everybody) {
  Table table;
  auto player = [&] {
    return Player(table.parts("rules"), table.memory.as<chain::Ring>("ring.rules"), table.next("ring.nat", "nat", 1), true,
                  100);
  };
  Player first = player();
  first.recover();
  BOOST_TEST(table.bells[1].wait());
  BOOST_TEST(first.step());
  table.memory.as<chain::Ring>("ring.nat").tail.store(0);  // as if it had died between commit and publish
  Player second = player();
  second.recover();
  BOOST_TEST(table.memory.as<chain::Ring>("ring.nat").tail.load() == 1U);
  BOOST_TEST(table.bells[1].wait());
}

BOOST_AUTO_TEST_CASE(impossible_words_of_neighbours_are_counted_on_the_desk) {
  Table table;
  chain::Desk& desk = table.memory.as<chain::Desk>("rules.desk");
  Player player(table.parts("rules"), table.memory.as<chain::Ring>("ring.rules"), table.next("ring.nat", "nat", 1), false,
                100);
  player.recover();
  table.memory.as<chain::Ring>("ring.rules").tail.store(1000);
  BOOST_TEST(!player.step());
  BOOST_TEST(player.may_sleep());
  BOOST_TEST(desk.corrupt.load() != 0U);
}
