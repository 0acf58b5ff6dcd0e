// However a replay is ended, nobody stays behind, and what was written can be read.
//
// Second  of the requirement: from the signal to the CLI's exit. Sanitized processes and busy machines get more.
#define BOOST_TEST_MODULE ending
#include <signal.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "tests/replay/replay_lab.h"

using namespace bulkhead;
using namespace bulkhead::test;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kSecond{kSanitized ? 3000 : 1000};
namespace fs = std::filesystem;

struct EndingLab : ReplayLab {
  EndingLab() : captures(make_capture({"mixed", "--seed", "9", "--packets", kSanitized ? "20000" : "60000", "in"})) {}

  void start_replay(const std::string& pace) {
    fs::remove_all(path("out"));
    start(replay_two(captures, path("out"), {"--run", run_dir(), "--pps", pace, "--flows", "1024"}));
  }
  void end_with(int signal, int status) {
    auto const begin = Clock::now();
    strike(cli(), signal);
    BOOST_TEST(wait().value_or(-1) == status, log());
    auto const took = std::chrono::duration_cast<milliseconds>(Clock::now() - begin);
    BOOST_TEST(took.count() < kSecond.count());
    BOOST_TEST(nothing_left());
    BOOST_TEST(account_two(captures, path("out"), false) == "");
  }
  [[nodiscard]] size_t written() const {
    std::error_code none;
    auto const bytes = fs::file_size(path("out/lan.pcap"), none);
    return none ? 0 : bytes;
  }

  std::string captures;
};

size_t shared_memory_files() {
  std::error_code none;
  return static_cast<size_t>(std::distance(fs::directory_iterator("/dev/shm", none), {}));
}

}  // namespace

BOOST_AUTO_TEST_CASE(signals_in_the_middle_leave_whole_packets_and_nobody) {
  EndingLab lab;
  std::mt19937 engine(1);
  size_t const shared_before = shared_memory_files();
  for (auto [signal, status] : {std::pair{SIGINT, 130}, {SIGTERM, 143}, {SIGHUP, 129}})
    for (int i = 0; i < 3; ++i)
      BOOST_TEST_CONTEXT("signal " << signal << ", round " << i) {
        lab.start_replay(kSanitized ? "2000" : "20000");
        BOOST_REQUIRE(until([&] { return lab.progress().value_or(0) > 500; }));
        std::this_thread::sleep_for(milliseconds(engine() % 100));
        lab.end_with(signal, status);
      }
  BOOST_TEST(shared_memory_files() <= shared_before);
}

BOOST_AUTO_TEST_CASE(a_signal_while_files_are_written_at_full_speed_leaves_whole_packets) {
  EndingLab lab;
  std::mt19937 engine(2);
  unsigned interrupted = 0;
  for (int i = 0; i < 6; ++i) {
    lab.start_replay("0");
    BOOST_REQUIRE(until([&] { return lab.written() > 1'000'000 || lab.cli_ended(); }));
    std::this_thread::sleep_for(milliseconds(engine() % 30));
    strike(lab.cli(), SIGINT);
    int const status = lab.wait().value_or(-1);
    BOOST_TEST((status == 130 || status == 0), lab.log());
    interrupted += status == 130;
    BOOST_TEST(lab.nothing_left());
    BOOST_TEST(account_two(lab.captures, lab.path("out"), status == 0) == "");
  }
  BOOST_TEST(interrupted > 0U);
}

BOOST_AUTO_TEST_CASE(a_signal_at_any_moment_of_the_start_leaves_nobody) {
  EndingLab lab;
  for (int i = 0; i < 10; ++i) {
    lab.start_replay("2000");
    std::this_thread::sleep_for(milliseconds(i * 7));
    strike(lab.cli(), SIGTERM);
    int const status = lab.wait().value_or(-1);
    BOOST_TEST(status == 143, lab.log());
    BOOST_TEST(until([&] { return lab.nothing_left(); }, kSecond));
    for (const char* name : {"lan.pcap", "wan.pcap", "drops.pcap"}) {
      std::string const file = lab.path("out/") + name;
      if (fs::exists(file)) BOOST_TEST(read_capture(file).error == "");
    }
  }
}

BOOST_AUTO_TEST_CASE(a_signal_while_services_are_dead_or_stopped_leaves_whole_packets) {
  EndingLab lab;
  for (const char* name : {"pktio", "conntrack"})
    for (int blow : {SIGKILL, SIGSTOP})
      BOOST_TEST_CONTEXT(name << ", signal " << blow) {
        lab.start_replay("2000");
        BOOST_REQUIRE(until([&] { return lab.progress().value_or(0) > 500; }));
        strike(lab.pid(name), blow);
        lab.end_with(SIGINT, 130);
      }
}

BOOST_AUTO_TEST_CASE(a_killed_cli_takes_everyone_with_it) {
  EndingLab lab;
  lab.start_replay("2000");
  BOOST_REQUIRE(until([&] { return lab.progress().value_or(0) > 500; }));
  strike(lab.cli(), SIGKILL);
  BOOST_TEST(lab.wait().value_or(-1) == 137);
  BOOST_TEST(until([&] { return lab.nothing_left(); }, 2 * kSecond));
}

BOOST_AUTO_TEST_CASE(a_killed_holder_ends_the_run_and_leaves_whole_packets) {
  EndingLab lab;
  for (const char* stopped : {"", "pktio", "keeper"})
    BOOST_TEST_CONTEXT("stopped: " << stopped) {
      lab.start_replay("2000");
      BOOST_REQUIRE(until([&] { return lab.progress().value_or(0) > 500; }));
      if (*stopped != '\0') strike(lab.pid(stopped), SIGSTOP);
      auto const begin = Clock::now();
      strike(lab.pid("holder"), SIGKILL);
      BOOST_TEST(lab.wait().value_or(-1) == 1);
      BOOST_TEST((Clock::now() - begin < kSecond));
      BOOST_TEST(lab.log().find("the holder was ended by signal 9") != std::string::npos, lab.log());
      BOOST_TEST(lab.nothing_left());
      BOOST_TEST(account_two(lab.captures, lab.path("out"), false) == "");
    }
}

BOOST_AUTO_TEST_CASE(a_replay_comes_to_its_end_while_the_holder_is_stopped) {
  EndingLab lab;
  lab.start_replay(kSanitized ? "2000" : "20000");
  BOOST_REQUIRE(until([&] { return lab.progress().value_or(0) > 500; }));
  strike(lab.pid("holder"), SIGSTOP);
  BOOST_TEST(lab.wait_long() == 0, lab.log());
  BOOST_TEST(lab.nothing_left());
  BOOST_TEST(account_two(lab.captures, lab.path("out")) == "");
}

BOOST_AUTO_TEST_CASE(the_run_directory_of_an_instance_that_was_killed_whole_can_be_used_again) {
  EndingLab lab;
  lab.start_replay("2000");
  BOOST_REQUIRE(until([&] { return lab.progress().value_or(0) > 500; }));
  auto const all = lab.processes();
  strike(lab.cli(), SIGKILL);
  for (const auto& [name, pid] : all) strike(pid, SIGKILL);
  BOOST_TEST(lab.wait().value_or(-1) == 137);
  BOOST_REQUIRE(until([&] { return lab.processes().empty(); }));
  auto const asked = lab.run({"status", "--run", lab.run_dir()});
  BOOST_TEST(asked.status == 1);
  BOOST_TEST(asked.text.find("no instance is running there") != std::string::npos, asked.text);
  auto const ran = lab.run(ReplayLab::replay_two(lab.captures, lab.path("out"), {"--run", lab.run_dir()}));
  BOOST_TEST(ran.status == 0, ran.text);
  BOOST_TEST(account_two(lab.captures, lab.path("out")) == "");
  BOOST_TEST(lab.nothing_left());
}

BOOST_AUTO_TEST_CASE(replays_side_by_side_do_not_touch_each_other) {
  EndingLab first, second, third;
  auto const alone = first.run(ReplayLab::replay_two(first.captures, first.path("want"), {"--flows", "1024"}));
  BOOST_TEST(alone.status == 0, alone.text);
  std::string const pace = kSanitized ? "2000" : "10000";  // long enough for all three to be seen, on a busy machine too
  for (EndingLab* lab : {&first, &second, &third}) lab->start_replay(pace);
  for (EndingLab* lab : {&first, &second, &third}) {
    BOOST_TEST(until([&] { return lab->all_running(); }));
    BOOST_TEST(lab->status().value_or(InstanceStatus{}).run == lab->run_dir());
  }
  for (EndingLab* lab : {&first, &second, &third}) {
    BOOST_TEST(lab->wait_long() == 0, lab->log());
    BOOST_TEST(difference(read_outputs(first.path("want")), read_outputs(lab->path("out"))) == "");
    BOOST_TEST(lab->nothing_left());
  }
}

BOOST_AUTO_TEST_CASE(status_finds_the_only_instance_and_asks_which_if_there_are_several) {
  EndingLab lab, other;  // `other` for its CLI only
  auto const words = [&](const std::string& name) {
    return ReplayLab::replay_two(lab.captures, lab.path("out-" + name),
                                 {"--run", lab.path("bulkhead/" + name), "--pps", "500"});
  };
  BOOST_TEST(lab.run({"status"}).text.find("no instance is running") != std::string::npos);
  BOOST_TEST(lab.run({"status"}).status == 1);
  lab.start(words("one"));
  BOOST_TEST(until([&] { return lab.run({"status"}).status == 0; }));
  other.start(words("two"), {"XDG_RUNTIME_DIR=" + lab.folder()});
  BOOST_TEST(until([&] { return lab.run({"status", "--run", lab.path("bulkhead/two")}).status == 0; }));
  auto const asked = lab.run({"status"});
  BOOST_TEST(asked.status == 1);
  BOOST_TEST(asked.text.find("--run " + lab.path("bulkhead/two")) != std::string::npos, asked.text);
  for (const char* name : {"one", "two"})
    BOOST_TEST(lab.run({"stop", "--run", lab.path("bulkhead/") + name}).status == 0);
  BOOST_TEST(lab.wait().value_or(-1) == 1);
  BOOST_TEST(other.wait().value_or(-1) == 1);
}
