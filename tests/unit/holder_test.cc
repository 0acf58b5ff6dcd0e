// What passes between starter and holder: objects handed over, letters to a starter that does not read.
#define BOOST_TEST_MODULE holder
#include <sys/mman.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "ipc/memory/shared_memory.h"
#include "ipc/runtime/handover.h"
#include "ipc/runtime/holding.h"
#include "services/holder/starter.h"
#include "tests/unit/loop_fixtures.h"

using namespace bulkhead;
using namespace bulkhead::test;
using control::HolderMessage;
using control::ObjectKind;

namespace {

constexpr uint64_t kPage = 4096;

kj::AutoCloseFd memory_of(uint64_t bytes) {
  auto memory = memory::create_memory("test", bytes);
  if (!memory) std::abort();
  return kj::mv(*memory);
}

void say(int socket, const HolderMessage& message, int descriptor = -1) {
  BOOST_REQUIRE(runtime::send_parcel(socket, control::encode(message), descriptor, runtime::Patience::none)
                    .has_value());
}

size_t open_descriptors() {
  namespace fs = std::filesystem;
  return static_cast<size_t>(std::distance(fs::directory_iterator("/proc/self/fd"), {}));
}

/// What a starter has been told.
struct Told {
  std::map<std::string, uint64_t> memories;  // pages
  std::map<std::string, control::Usage> usage;
  std::string failure;
  bool stop = false;

  void read(int socket) {
    while (runtime::readable(socket, std::chrono::milliseconds(0))) {
      auto parcel = runtime::receive_parcel(socket, runtime::Patience::none);
      BOOST_REQUIRE((parcel && *parcel));
      auto message = control::decode_holder_message((*parcel)->bytes);
      BOOST_REQUIRE(message.has_value());
      if (const auto* deposit = std::get_if<control::Deposit>(&*message)) {
        int const fd = (*parcel)->descriptor;
        memories[deposit->name] = memory::memory_size(deposit->name, fd).value() / kPage;
        BOOST_TEST(::mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
      } else if (const auto* used = std::get_if<control::Used>(&*message)) {
        usage[used->name] = used->usage;
      } else if (const auto* failed = std::get_if<control::Failed>(&*message)) {
        failure = failed->reason;
      } else {
        stop = stop || std::holds_alternative<control::StopAll>(*message);
      }
    }
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(what_is_handed_over_is_taken_over) {
  auto channel = runtime::make_channel().value();
  runtime::Holding from, to;
  for (uint64_t pages = 1; pages <= 200; ++pages)
    from[std::to_string(pages)] = {ObjectKind::memory, memory_of(pages * kPage)};
  from["a file"] = {ObjectKind::file, kj::AutoCloseFd(::open("/dev/null", O_RDONLY | O_CLOEXEC))};
  BOOST_REQUIRE(runtime::hand_over(channel.ours, from).has_value());
  BOOST_REQUIRE(runtime::take_over(channel.theirs, to).has_value());
  BOOST_TEST(to.size() == from.size());
  for (uint64_t pages = 1; pages <= 200; ++pages)
    BOOST_TEST(memory::memory_size("test", to.at(std::to_string(pages)).descriptor).value() == pages * kPage);
  BOOST_TEST((to.at("a file").kind == ObjectKind::file));
}

BOOST_AUTO_TEST_CASE(a_hand_over_that_is_not_whole_is_refused) {
  auto const memory = memory_of(kPage);
  auto const refused = [](auto send) {
    auto channel = runtime::make_channel().value();
    send(channel.ours);
    channel.ours = nullptr;
    runtime::Holding to;
    auto const taken = runtime::take_over(channel.theirs, to);
    return taken ? std::string() : taken.error().message;
  };
  HolderMessage const held = control::Held{"a", ObjectKind::memory};
  BOOST_TEST(refused([&](int to) { say(to, held, memory), say(to, control::AllHeld{1}); }) == "");
  BOOST_TEST(refused([&](int to) { say(to, held, memory), say(to, control::AllHeld{2}); }) ==
             "2 objects were to be handed over, 1 came");
  BOOST_TEST(refused([&](int to) { say(to, held, memory), say(to, held, memory); }) ==
             "a: was handed over twice");
  BOOST_TEST(refused([&](int to) { say(to, held); }) == "something else than an object was handed over");
  BOOST_TEST(refused([&](int to) { say(to, control::StopAll{}); }) ==
             "something else than an object was handed over");
  BOOST_TEST(refused([&](int to) { say(to, held, memory); }) == "who hands over hung up");
}

BOOST_AUTO_TEST_CASE(what_was_said_before_an_end_that_left_something_unread_is_heard) {
  auto channel = runtime::make_channel().value();
  say(channel.ours, control::StopAll{});  // never read
  say(channel.theirs, control::Failed{"so"});
  say(channel.theirs, control::Used{"nat", {.waits = 7}});
  channel.theirs = nullptr;
  for (size_t const index :
       {HolderMessage(control::Failed{}).index(), HolderMessage(control::Used{}).index()}) {
    auto const parcel = runtime::receive_parcel(channel.ours, runtime::Patience::none);
    BOOST_REQUIRE((parcel && *parcel));
    BOOST_TEST(control::decode_holder_message((*parcel)->bytes).value().index() == index);
  }
  auto const end = runtime::receive_parcel(channel.ours, runtime::Patience::none);
  BOOST_TEST((end && !*end));
}

BOOST_AUTO_TEST_CASE(a_starter_that_does_not_read_costs_a_letter_a_subject_and_then_hears_the_last_of_each) {
  constexpr uint64_t kRounds = 300;
  SocketPair const pair(SOCK_SEQPACKET);
  int const small = 4096;
  ::setsockopt(pair.left, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  auto loop = make_loop();
  bool ended = false;
  holder::Starter starter(*loop, pair.left, [&] { ended = true; });
  size_t const before = open_descriptors();
  for (uint64_t round = 1; round <= kRounds; ++round)
    for (const char* name : {"a.state", "b.state"}) {
      auto const memory = memory_of(round * kPage);
      starter.forward(name, ObjectKind::memory, memory);
      starter.forward("ignored", ObjectKind::socket, pair.left);
    }
  starter.ask_stop();
  starter.report_failure("so");
  starter.report_usage(
      "nat", {.user_ns = 1, .system_ns = 2, .waits = 3, .preemptions = 4, .peak_kib = 5, .processes = 6});
  BOOST_TEST(open_descriptors() <= before + 2);
  Told told;
  run_until(*loop, [&] {
    told.read(pair.right);
    return told.stop && !told.failure.empty() && !told.usage.empty() && told.memories["a.state"] == kRounds &&
           told.memories["b.state"] == kRounds;
  });
  BOOST_TEST(told.stop);
  BOOST_TEST(told.failure == "so");
  BOOST_TEST((told.memories == std::map<std::string, uint64_t>{{"a.state", kRounds}, {"b.state", kRounds}}));
  const control::Usage& used = told.usage["nat"];
  BOOST_TEST((used.user_ns == 1 && used.system_ns == 2 && used.waits == 3 && used.preemptions == 4 &&
              used.peak_kib == 5 && used.processes == 6));
  BOOST_TEST(open_descriptors() == before);
  BOOST_TEST(!ended);
}

BOOST_AUTO_TEST_CASE(whatever_a_starter_says_and_its_hang_up_are_an_end) {
  auto const garbage = std::vector<std::byte>(24, std::byte{0xff});
  auto const ends = [](auto speak) {
    auto channel = runtime::make_channel().value();
    auto loop = make_loop();
    bool ended = false;
    holder::Starter const starter(*loop, channel.theirs, [&] { ended = true; });
    speak(channel.ours);
    run_until(*loop, [&] { return ended; });
    return ended;
  };
  BOOST_TEST(ends([](kj::AutoCloseFd& to) { say(to, control::StopAll{}); }));
  BOOST_TEST(ends([](kj::AutoCloseFd& to) { say(to, control::AllHeld{1}); }));
  BOOST_TEST(ends(
      [&](kj::AutoCloseFd& to) { (void)runtime::send_parcel(to, garbage, -1, runtime::Patience::none); }));
  BOOST_TEST(ends([](kj::AutoCloseFd& to) { to = nullptr; }));
}
