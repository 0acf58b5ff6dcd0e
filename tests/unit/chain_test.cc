// The table of the chain: what each service opens against what it may, both ways; rings, heads and writers that follow from it.
#define BOOST_TEST_MODULE chain
#include <boost/test/unit_test.hpp>
#include <map>
#include <set>

#include "tests/simulation/frames.h"
#include "tests/simulation/router.h"

using namespace bulkhead;
using namespace bulkhead::test;
using control::ObjectKind;
using memory::Right;

namespace {

constexpr const char* kEarly = "chain e { type filter hook prerouting priority raw; udp dport 53 notrack\n}\n";
constexpr const char* kChoosing =
    "chain n { type nat hook postrouting priority srcnat; oifname \"wan\" meta l4proto udp snat to 192.0.2.254:1024-2047\n}\n"
    "chain l { type filter hook postrouting priority 200; ct reply proto-dst 1500 counter\n}\n";

struct Case {
  bool early, choosing, lane, explained;
  [[nodiscard]] std::string text() const {
    return fmt::format("early {}, choosing {}, lane {}, explained {}", early, choosing, lane, explained);
  }
  [[nodiscard]] control::Settings settings() const {
    control::Settings all = router_settings(64, 8, 64);
    all.fast_lane = lane;
    if (explained) all.explained = {0, 1};
    if (!early && !choosing) return all;
    std::string const rules = fmt::format("table ip t {{\n{}{}}}\n", early ? kEarly : "", choosing ? kChoosing : "");
    all = with_rules(std::move(all), rules.c_str());
    BOOST_REQUIRE((all.ruleset.early == early && all.ruleset.shows_choices == choosing));
    return all;
  }
};

std::vector<Case> all_cases() {
  std::vector<Case> all;
  for (bool const early : {false, true})
    for (bool const choosing : {false, true})
      for (bool const lane : {false, true})
        for (bool const explained : {false, true}) all.push_back({early, choosing, lane, explained});
  return all;
}

using Opened = std::map<std::string, std::pair<ObjectKind, Right>>;

/// Notes what is asked of it.
class Recorder : public chain::Objects {
 public:
  explicit Recorder(const Memory& objects) : objects_(objects) {}
  [[nodiscard]] std::span<std::byte> memory(std::string_view name, Right right) override {
    auto& known = opened.try_emplace(std::string(name), ObjectKind::memory, right).first->second;
    known.second = std::max(known.second, right);
    return objects_.object(name);
  }
  [[nodiscard]] chain::Bell& bell(std::string_view process) override {
    opened.try_emplace(fmt::format("bell.{}", process), ObjectKind::bell, Right::write);
    return bell_;
  }

  Opened opened;

 private:
  struct SilentBell : chain::Bell {
    void ring() noexcept override {}
  };
  const Memory& objects_;
  SilentBell bell_;
};

/// What stage and main() of a service open. Of main() (ipc/runtime/service_main.cc, services/pktio/main.cc) it is said here,
/// since it wants descriptors: each replay by the real programs shows that they get it.
Opened opened_by(const std::string& service, const Memory& memory, const control::Settings& settings) {
  Recorder recorder(memory);
  auto const stage = make_any_stage(service, recorder, settings, 0, [] { return pktio::Files{}; });
  if (!stage) BOOST_FAIL(stage.error().message);
  recorder.opened["config"] = {ObjectKind::memory, Right::read};
  recorder.opened["lifeline"] = {ObjectKind::file, Right::read};
  recorder.opened["bell." + service] = {ObjectKind::bell, Right::write};
  if (service == "pktio") {
    recorder.opened["in.*"] = {ObjectKind::file, Right::read};
    recorder.opened["out.*"] = {ObjectKind::file, Right::write};
  }
  return recorder.opened;
}

Opened granted_to(const std::string& service, const control::Settings& settings) {
  Opened all;
  for (const chain::Grant& grant : chain::grants(settings))
    if (grant.service == service)
      BOOST_TEST(all.try_emplace(grant.object, grant.kind, grant.right).second, grant.object << " is granted twice");
  return all;
}

/// What `one` has and `other` has not, or for reading only.
std::string beyond(const Opened& one, const Opened& other) {
  std::string more;
  for (const auto& [name, what] : one) {
    auto const there = other.find(name);
    if (there == other.end() || there->second.first != what.first || there->second.second < what.second)
      more += fmt::format(" {} ({})", name, what.second == Right::write ? "write" : "read");
  }
  return more;
}

}  // namespace

BOOST_AUTO_TEST_CASE(each_service_opens_what_it_may_and_may_what_it_opens) {
  for (const Case& one : all_cases()) {
    auto const settings = one.settings();
    Memory const memory(settings);
    for (std::string const service : chain::kServices)
      BOOST_TEST_CONTEXT(service << ", " << one.text()) {
        auto const opened = opened_by(service, memory, settings), granted = granted_to(service, settings);
        BOOST_TEST(beyond(opened, granted) == "", "opens without a grant:" << beyond(opened, granted));
        BOOST_TEST(beyond(granted, opened) == "", "is granted and opens not:" << beyond(granted, opened));
      }
  }
}

BOOST_AUTO_TEST_CASE(an_opening_without_a_grant_and_a_grant_without_an_opening_are_seen) {
  Opened const one{{"pool", {ObjectKind::memory, Right::read}}, {"bell.nat", {ObjectKind::bell, Right::write}}};
  Opened const other{{"pool", {ObjectKind::memory, Right::write}}};
  BOOST_TEST(beyond(one, one) == "");
  BOOST_TEST(beyond(one, other) == " bell.nat (write)");
  BOOST_TEST(beyond(other, one) == " pool (write)");
}

BOOST_AUTO_TEST_CASE(each_memory_there_is_has_one_writer_which_is_the_service_it_is_named_after) {
  for (const Case& one : all_cases())
    BOOST_TEST_CONTEXT(one.text()) {
      auto const settings = one.settings();
      std::map<std::string, std::set<std::string>> writers, readers;
      for (const chain::Grant& grant : chain::grants(settings))
        if (grant.kind == ObjectKind::memory && grant.object != "config")
          (grant.right == Right::write ? writers : readers)[grant.object].insert(grant.service);
      std::set<std::string> names;
      for (const chain::ObjectSpec& spec : chain::catalog(settings)) {
        BOOST_TEST(names.insert(spec.name).second, spec.name << " is made twice");
        BOOST_REQUIRE_MESSAGE(writers[spec.name].size() == 1, spec.name);
        std::string const& writer = *writers[spec.name].begin();
        bool const has_owner = spec.name != "pool" && !spec.name.starts_with("ring.");
        if (has_owner) BOOST_TEST(spec.name.starts_with(writer + "."), spec.name << " is written by " << writer);
      }
      BOOST_TEST(writers.size() == names.size());
      for (const auto& [name, who] : readers) BOOST_TEST(names.contains(name), name << " is granted and never made");
    }
}

BOOST_AUTO_TEST_CASE(each_ring_is_written_by_the_visit_before_the_one_that_reads_it) {
  using Steps = std::vector<std::array<std::string, 3>>;  // service, visit, ring that it reads
  Steps const plain{{"conntrack", "track", "ring.track"}, {"rules", "rules", "ring.rules"}, {"nat", "nat", "ring.nat"},
                    {"conntrack", "confirm", "ring.confirm"}, {"pktio", "home", "ring.home"}};
  Steps early = plain;
  early[0][2] = "ring.sifted";
  early.insert(early.begin(), {"rules", "early", "ring.early"});
  for (const Case& one : all_cases())
    BOOST_TEST_CONTEXT(one.text()) {
      auto const places = chain::places(one.settings());
      const Steps& wanted = one.early ? early : plain;
      BOOST_REQUIRE(places.size() == wanted.size());
      for (size_t i = 0; i < wanted.size(); ++i) {
        const auto& next = wanted[(i + 1) % wanted.size()];
        const chain::Place& place = places[i];
        BOOST_TEST((place.service == wanted[i][0] && place.visit == wanted[i][1] && place.from == wanted[i][2]));
        BOOST_TEST((place.to == next[2] && place.next == next[0]));
        BOOST_TEST(place.next_head == places[(i + 1) % places.size()].head);
        BOOST_TEST(place.waited_by == (place.visit == "rules" ? "conntrack" : ""));
      }
    }
}

BOOST_AUTO_TEST_CASE(heads_of_a_desk_are_counted_from_0_without_a_gap) {
  for (const Case& one : all_cases()) {
    std::map<std::string, std::set<unsigned>> heads;
    for (const chain::Place& place : chain::places(one.settings()))
      BOOST_TEST(heads[std::string(place.service)].insert(place.head).second);
    BOOST_TEST(heads.size() == std::size(chain::kServices));
    for (const auto& [service, all] : heads)
      BOOST_TEST((*all.rbegin() == all.size() - 1 && all.size() <= chain::kMaxRings), service);
  }
}

BOOST_AUTO_TEST_CASE(nobody_has_what_is_the_keepers_or_anothers_files) {
  auto const grants = chain::grants({});
  for (std::string const service : chain::kServices) {
    for (const char* never : {"keeper.state", "socket.objects", "process.pktio", "in.", "bell.", "", "nonsense"})
      BOOST_TEST(!chain::entitled(grants, service, never));
    bool const has_files = service == "pktio";
    BOOST_TEST((chain::entitled(grants, service, "in.lan") != nullptr) == has_files);
    BOOST_TEST((chain::entitled(grants, service, "out.lan.pcap") != nullptr) == has_files);
  }
  BOOST_TEST((chain::entitled(grants, "pktio", "in.lan")->right == Right::read));
  BOOST_TEST(!chain::entitled(grants, "stranger", "config"));
}

BOOST_AUTO_TEST_CASE(a_visit_that_is_not_there_or_anothers_is_an_error) {
  auto const settings = Case{}.settings();
  Memory const memory(settings);
  for (const char* visit : {"early", "nat", "nonsense"}) {
    Recorder recorder(memory);
    chain::Wiring wiring(recorder, settings, "rules");
    static_cast<void>(wiring.visit(visit));
    BOOST_TEST(wiring.error().message == fmt::format("rules: has no visit {} in this chain", visit));
    BOOST_TEST(recorder.opened.empty());
  }
}
