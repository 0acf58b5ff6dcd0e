// Keeper, holder and CLI as real processes, with dummies for services: whatever is killed or stopped comes
// back, once, on the same objects; and at the end there is nothing left.
#define BOOST_TEST_MODULE keeper_lab
#include <signal.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "ipc/runtime/keeper_client.h"
#include "tests/tools/instance_lab.h"

using namespace bulkhead;
using namespace bulkhead::test;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

const std::vector<std::string> kServiceNames{"conntrack", "nat", "pktio", "rules"};

struct Lab : InstanceLab {
  Lab()
      : InstanceLab({{"bulkhead", BULKHEAD_CLI},
                     {"bulkhead-holder", BULKHEAD_HOLDER},
                     {"bulkhead-keeper", BULKHEAD_KEEPER},
                     {"bulkhead-pktio", BULKHEAD_DUMMY},
                     {"bulkhead-conntrack", BULKHEAD_DUMMY},
                     {"bulkhead-rules", BULKHEAD_DUMMY},
                     {"bulkhead-nat", BULKHEAD_DUMMY}}) {
    std::ofstream(folder() + "/empty.pcap").flush();
  }

  [[nodiscard]] std::vector<std::string> replay(const std::string& hang_ms = "300") const {
    return {"replay",
            "--in",
            "lan=" + folder() + "/empty.pcap",
            "--out",
            folder() + "/out",
            "--run",
            run_dir(),
            "--hang-ms",
            hang_ms,
            "--verbose"};
  }
  void start_all(const std::string& hang_ms = "300", const std::vector<std::string>& environment = {}) {
    start(replay(hang_ms), environment);
    BOOST_REQUIRE(until([this] { return all_running(); }));
  }
  [[nodiscard]] std::map<std::string, pid_t> pids() const {
    std::map<std::string, pid_t> all;
    for (const auto& [name, pid] : processes())
      if (name != "keeper" && name != "holder") all[name] = pid;
    return all;
  }
  [[nodiscard]] bool one_of_each() const {
    auto const all = processes();
    for (const auto& name : kServiceNames)
      if (all.count(name) != 1) return false;
    return all.count("keeper") == 1 && all.count("holder") == 1 && all.size() == kServiceNames.size() + 2;
  }
  [[nodiscard]] bool nothing_left() const {
    return processes().empty() && !std::filesystem::exists(run_dir());
  }
  [[nodiscard]] uint64_t batches(const std::string& name) const {
    auto all = services();
    return all.contains(name) ? all[name].batches : 0;
  }
  void end_with(int signal, int status) {
    strike(cli(), signal);
    ends_within_a_second(status);
  }
  void ends_within_a_second(int status) {
    auto const begin = Clock::now();
    BOOST_TEST(wait().value_or(-1) == status);
    BOOST_TEST((Clock::now() - begin < std::chrono::seconds(1)));
    BOOST_TEST(nothing_left());
  }
};

struct Chance {
  explicit Chance(unsigned seed) : engine(seed) {}
  int operator()(int below) { return std::uniform_int_distribution<int>(0, below - 1)(engine); }
  void pause(int below_us) { std::this_thread::sleep_for(std::chrono::microseconds((*this)(below_us))); }
  std::mt19937 engine;
};

}  // namespace

BOOST_AUTO_TEST_CASE(an_instance_runs_each_service_once_and_ends_within_a_second) {
  Lab lab;
  lab.start_all();
  BOOST_TEST(lab.one_of_each());
  lab.end_with(SIGTERM, 143);
}

BOOST_AUTO_TEST_CASE(ctrl_c_ends_stopped_and_deaf_processes_within_a_second) {
  Lab lab;
  lab.start_all("5000", {"BULKHEAD_DUMMY=nat deaf"});
  strike(lab.pid("rules"), SIGSTOP);
  strike(lab.pid("keeper"), SIGSTOP);
  lab.end_with(SIGINT, 130);
}

BOOST_AUTO_TEST_CASE(a_killed_service_comes_back_and_goes_on_where_it_was) {
  Lab lab;
  lab.start_all();
  for (const auto& name : kServiceNames) {
    pid_t const old = lab.pid(name);
    uint64_t const counted = lab.batches(name);
    strike(old, SIGKILL);
    BOOST_TEST(
        until([&] { return lab.pid(name) != 0 && lab.pid(name) != old && lab.batches(name) > counted; }));
    BOOST_TEST(lab.services()[name].restarts == 1U);
  }
  lab.end_with(SIGTERM, 143);
}

BOOST_AUTO_TEST_CASE(a_stopped_service_is_killed_and_replaced) {
  Lab lab;
  lab.start_all();
  pid_t const old = lab.pid("conntrack");
  strike(old, SIGSTOP);
  BOOST_TEST(until([&] { return lab.pid("conntrack") != 0 && lab.pid("conntrack") != old; }));
  strike(old, SIGCONT);  // it must find nobody in its place, for it is dead
  BOOST_TEST(until([&] { return lab.all_running(); }));
  BOOST_TEST(lab.one_of_each());
  lab.end_with(SIGTERM, 143);
}

BOOST_AUTO_TEST_CASE(a_keeper_killed_again_and_again_keeps_processes_and_objects) {
  Lab lab;
  lab.start_all("2000");
  auto const pids = lab.pids();
  uint64_t const counted = lab.batches("rules");
  Chance chance(1);
  for (int i = 0; i < 100; ++i) {
    pid_t keeper = 0;
    if (i % 5 == 0) BOOST_REQUIRE(until([&] { return lab.all_running(); }));  // else: also while it starts
    BOOST_REQUIRE(until([&] { return (keeper = lab.pid("keeper")) != 0; }));
    chance.pause(8000);
    strike(keeper, SIGKILL);
  }
  BOOST_TEST(until([&] { return lab.all_running(); }));
  BOOST_TEST((lab.pids() == pids));
  BOOST_TEST(lab.batches("rules") > counted);
  auto const status = lab.status();
  BOOST_REQUIRE(status.has_value());
  BOOST_TEST(status->keeper_restarts >= 20U);
  for (const auto& service : status->services) BOOST_TEST(service.restarts == 0U);
  lab.end_with(SIGTERM, 143);
}

BOOST_AUTO_TEST_CASE(a_stopped_keeper_is_replaced) {
  Lab lab;
  lab.start_all();
  pid_t const old = lab.pid("keeper");
  auto const pids = lab.pids();
  strike(old, SIGSTOP);
  BOOST_TEST(until([&] { return lab.pid("keeper") != 0 && lab.pid("keeper") != old; }));
  BOOST_TEST(until([&] { return lab.all_running(); }));
  BOOST_TEST((lab.pids() == pids));
  lab.end_with(SIGTERM, 143);
}

BOOST_AUTO_TEST_CASE(keeper_and_all_services_killed_at_once_come_back_on_the_same_objects) {
  Lab lab;
  lab.start_all();
  for (int i = 0; i < 5; ++i) {
    uint64_t const counted = lab.batches("nat");
    auto const before = lab.pids();
    for (const auto& [name, pid] : lab.processes())
      if (name != "holder") strike(pid, SIGKILL);
    // One that is killed is there until it is scheduled to die.
    auto const all_are_others = [&] {
      return std::ranges::all_of(lab.pids(), [&](const auto& one) { return before.at(one.first) != one.second; });
    };
    BOOST_TEST(until([&] { return lab.all_running() && lab.one_of_each() && all_are_others(); }));
    BOOST_TEST(until([&] { return lab.batches("nat") > counted; }));
  }
  lab.end_with(SIGTERM, 143);
}

BOOST_AUTO_TEST_CASE(whatever_is_killed_or_stopped_while_it_starts_there_is_one_of_each_in_the_end) {
  for (unsigned seed = 1; seed <= 8; ++seed) {
    Lab lab;
    Chance chance(seed);
    lab.start(lab.replay());
    for (int i = 0; i < 40; ++i) {
      chance.pause(6000);
      auto all = lab.processes();
      all.erase("holder");
      if (all.empty()) continue;
      auto victim = std::next(all.begin(), chance(static_cast<int>(all.size())));
      if (chance(3) == 0) victim = all.find("keeper") == all.end() ? victim : all.find("keeper");
      strike(victim->second, chance(8) == 0 ? SIGSTOP : SIGKILL);
    }
    BOOST_TEST(until([&] { return lab.all_running() && lab.one_of_each(); }), "seed " << seed << "\n"
                                                                                      << lab.log());
    lab.end_with(SIGTERM, 143);
  }
}

BOOST_AUTO_TEST_CASE(a_stranger_gets_nothing) {
  Lab lab;
  lab.start_all();
  for (const auto& name : kServiceNames) {
    auto const grants = runtime::attach(lab.run_dir(), name);
    BOOST_REQUIRE(!grants);
    BOOST_TEST(grants.error().message.find("refused") != std::string::npos, grants.error().message);
  }
  BOOST_TEST(!runtime::attach(lab.run_dir(), "nobody"));
  lab.end_with(SIGTERM, 143);
}

BOOST_AUTO_TEST_CASE(a_killed_cli_leaves_no_process_and_no_run_directory) {
  for (const char* stopped : {"", "pktio", "rules"}) {
    Lab lab;
    lab.start_all("5000", {"BULKHEAD_DUMMY=nat deaf"});
    if (*stopped != '\0') strike(lab.pid(stopped), SIGSTOP);
    strike(lab.cli(), SIGKILL);
    BOOST_TEST(until([&] { return lab.nothing_left(); }, std::chrono::seconds(2)));
    BOOST_TEST(lab.wait().value_or(-1) == 128 + SIGKILL);
  }
}

BOOST_AUTO_TEST_CASE(a_killed_holder_leaves_no_process_and_no_run_directory_and_the_cli_says_so) {
  for (const char* stopped : {"", "pktio", "rules", "keeper"}) {
    Lab lab;
    lab.start_all("5000", {"BULKHEAD_DUMMY=nat deaf"});
    if (*stopped != '\0') strike(lab.pid(stopped), SIGSTOP);
    strike(lab.pid("holder"), SIGKILL);
    lab.ends_within_a_second(1);
    BOOST_TEST(lab.log().find("the holder was ended by signal 9") != std::string::npos, lab.log());
  }
}

BOOST_AUTO_TEST_CASE(a_stopped_holder_holds_up_nobody_and_is_ended_with_the_rest) {
  Lab lab;
  lab.start_all();
  auto const pids = lab.pids();
  strike(lab.pid("holder"), SIGSTOP);
  uint64_t const counted = lab.batches("rules");
  BOOST_TEST(until([&] { return lab.batches("rules") > counted; }));
  BOOST_TEST((lab.pids() == pids));
  lab.end_with(SIGTERM, 143);
}

BOOST_AUTO_TEST_CASE(a_holder_that_was_stopped_goes_on_with_whoever_died_meanwhile) {
  Lab lab;
  lab.start_all();
  pid_t const holder = lab.pid("holder"), old = lab.pid("nat"), keeper = lab.pid("keeper");
  strike(holder, SIGSTOP);
  strike(old, SIGKILL);
  strike(keeper, SIGKILL);
  BOOST_TEST(until([&] { return lab.pid("nat") != old && lab.pid("keeper") != keeper; }));
  strike(holder, SIGCONT);
  BOOST_TEST(until([&] { return lab.all_running() && lab.one_of_each(); }));
  BOOST_TEST(lab.pid("nat") != old);
  lab.end_with(SIGTERM, 143);
}

BOOST_AUTO_TEST_CASE(a_holder_that_is_asked_to_end_ends_the_instance) {
  Lab lab;
  lab.start_all("5000", {"BULKHEAD_DUMMY=nat deaf"});
  strike(lab.pid("holder"), SIGTERM);
  lab.ends_within_a_second(1);
  BOOST_TEST(lab.log().find("the holder") == std::string::npos, lab.log());
}

BOOST_AUTO_TEST_CASE(a_stopped_cli_stops_nobody_else) {
  Lab lab;
  lab.start_all();
  strike(lab.cli(), SIGSTOP);
  pid_t old = 0, pid = 0;
  // One that has become ready: the keeper gives up a service whose processes never do.
  auto const is_another = [&] { return (pid = lab.pid("rules")) != 0 && pid != old && lab.all_running(); };
  for (int i = 0; i < 30; ++i) {
    BOOST_REQUIRE(until(is_another));
    strike(old = pid, SIGKILL);
  }
  BOOST_TEST(until([&] { return lab.all_running() && lab.one_of_each(); }));
  strike(lab.cli(), SIGCONT);
  lab.end_with(SIGTERM, 143);
}

BOOST_AUTO_TEST_CASE(cli_holder_and_keeper_killed_together_leave_no_process) {
  for (bool cli : {false, true}) {
    Lab lab;
    lab.start_all();
    pid_t const keeper = lab.pid("keeper"), holder = lab.pid("holder");  // asked now: they end when they see a hang-up
    if (cli) strike(lab.cli(), SIGKILL);
    strike(holder, SIGKILL);
    strike(keeper, SIGKILL);
    BOOST_TEST(until([&] { return lab.processes().empty(); }));
    BOOST_TEST(lab.wait().value_or(-1) == (cli ? 128 + SIGKILL : 1));
  }
}

BOOST_AUTO_TEST_CASE(a_cli_or_holder_killed_while_it_starts_leaves_no_process) {
  Chance chance(7);
  for (int i = 0; i < 40; ++i) {
    Lab lab;
    lab.start(lab.replay());
    chance.pause(30000);
    pid_t const holder = lab.pid("holder");
    bool const spared = i % 2 != 0 && holder != 0;
    strike(spared ? holder : lab.cli(), SIGKILL);
    BOOST_TEST(until([&] { return lab.processes().empty(); }));
    BOOST_TEST(lab.wait().value_or(-1) == (spared ? 1 : 128 + SIGKILL));
  }
}

BOOST_AUTO_TEST_CASE(a_service_that_cannot_start_is_reported) {
  Lab lab;
  lab.start(lab.replay(), {"BULKHEAD_DUMMY=rules exit"});
  BOOST_TEST(lab.wait().value_or(-1) == 1);
  BOOST_TEST(lab.log().find("rules: does not become ready; the last process ended with status 3") !=
                 std::string::npos,
             lab.log());
  BOOST_TEST(lab.nothing_left());
}

BOOST_AUTO_TEST_CASE(a_service_that_crashes_again_and_again_is_reported) {
  Lab lab;
  lab.start(lab.replay(), {"BULKHEAD_DUMMY=nat crash"});
  BOOST_TEST(lab.wait().value_or(-1) == 1);
  BOOST_TEST(lab.log().find("nat: crashes again and again") != std::string::npos, lab.log());
  BOOST_TEST(lab.nothing_left());
}

BOOST_AUTO_TEST_CASE(a_program_that_is_missing_is_reported) {
  Lab lab;
  std::filesystem::remove(lab.folder() + "/bin/bulkhead-nat");
  lab.start(lab.replay());
  BOOST_TEST(lab.wait().value_or(-1) == 1);
  BOOST_TEST(lab.log().find("bulkhead-nat: cannot start it: No such file") != std::string::npos, lab.log());
  BOOST_TEST(lab.nothing_left());
}

BOOST_AUTO_TEST_CASE(a_holder_that_is_missing_or_cannot_start_the_keeper_is_reported) {
  for (const char* program : {"bulkhead-holder", "bulkhead-keeper"}) {
    Lab lab;
    std::filesystem::remove(lab.folder() + "/bin/" + program);
    lab.start(lab.replay());
    BOOST_TEST(lab.wait().value_or(-1) == 1);
    BOOST_TEST(lab.log().find(std::string(program) + ": cannot start it: No such file") != std::string::npos, lab.log());
    BOOST_TEST(lab.nothing_left());
  }
}

BOOST_AUTO_TEST_CASE(status_without_a_name_takes_the_only_instance_and_asks_if_there_are_two) {
  Lab lab;
  auto words = lab.replay();
  words.erase(words.begin() + 5, words.begin() + 7);  // no --run: the default folder, below XDG_RUNTIME_DIR
  BOOST_TEST(lab.run({"status"}).text.find("no instance is running") != std::string::npos);
  lab.start(words);
  BOOST_TEST(until([&] { return lab.run({"status"}).status == 0; }));
  BOOST_TEST(lab.run({"stop"}).status == 0);
  BOOST_TEST(lab.wait().value_or(-1) == 1);
  BOOST_TEST(lab.processes().empty());

  auto both = lab.folder() + "/bulkhead";
  auto named = [&](const std::string& name) {
    auto all = words;
    all[4] = lab.folder() + "/out-" + name;
    all.insert(all.end(), {"--run", both + "/" + name});
    return all;
  };
  lab.start(named("one"));
  BOOST_TEST(until([&] { return lab.run({"status"}).status == 0; }));
  Lab other;  // for its CLI only
  other.start(named("two"));
  BOOST_TEST(until([&] { return lab.run({"status", "--run", both + "/two"}).status == 0; }));
  auto const asked = lab.run({"status"});
  BOOST_TEST(asked.status == 1);
  BOOST_TEST(asked.text.find("--run " + both + "/two") != std::string::npos, asked.text);
  for (const char* name : {"/one", "/two"}) BOOST_TEST(lab.run({"stop", "--run", both + name}).status == 0);
  BOOST_TEST(lab.wait().value_or(-1) == 1);
  BOOST_TEST(other.wait().value_or(-1) == 1);
  BOOST_TEST(lab.processes().empty());
}

BOOST_AUTO_TEST_CASE(a_second_instance_in_the_same_run_directory_is_refused) {
  Lab lab;
  lab.start_all();
  auto words = lab.replay();
  std::ranges::replace(words, lab.folder() + "/out", lab.folder() + "/another");
  auto const second = lab.run(words);
  BOOST_TEST(second.status == 1);
  BOOST_TEST(second.text.find("an instance is running there") != std::string::npos, second.text);
  BOOST_TEST(lab.all_running());
  lab.end_with(SIGTERM, 143);
}

BOOST_AUTO_TEST_CASE(bad_words_and_files_get_a_clear_error) {
  Lab lab;
  std::string const in = "lan=" + lab.folder() + "/empty.pcap", out = lab.folder() + "/out";
  auto const complains = [&](const std::vector<std::string>& words, const std::string& about) {
    std::vector<std::string> all{"replay"};
    all.insert(all.end(), words.begin(), words.end());
    auto const ran = lab.run(all);
    BOOST_TEST(ran.status == 1);
    BOOST_TEST(ran.text.find(about) != std::string::npos, ran.text);
  };
  complains({"--in", "lan", "--out", out}, "wanted: NAME=FILE");
  complains({"--in", "a/b=" + lab.folder() + "/empty.pcap", "--out", out}, "is no interface name");
  complains({"--in", "lan=/nowhere.pcap", "--out", out}, "/nowhere.pcap: cannot open this capture");
  complains({"--in", "lan=/dev/zero", "--out", out}, "is no regular file");
  complains({"--in", in, "--in", in, "--out", out}, "interface 'lan' is named twice");
  complains({"--in", in, "--in", "b" + in, "--in", "c" + in, "--out", out},
            "bridge wiring has two interfaces");
  complains({"--in", "out=" + lab.folder() + "/empty.pcap", "--out", out}, "must have another name");
  complains({"--in", "drops=" + lab.folder() + "/empty.pcap", "--out", out},
            "two outputs would be called drops.pcap");
  complains({"--in", in, "--out", "/proc/nowhere"}, "cannot make this output folder");
  complains({"--in", in, "--out", lab.folder() + "/empty.pcap"}, "output folder");
  complains({"--in", in, "--out", out, "--ring", "100"}, "a power of two");
  complains({"--in", in, "--out", out, "--batch", "0"}, "batch is 0");
  std::filesystem::create_directory(out);
  std::filesystem::create_hard_link(lab.folder() + "/empty.pcap", out + "/lan.pcap");
  complains({"--in", in, "--out", out}, "would overwrite the input");
}
