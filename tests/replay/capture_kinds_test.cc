// Every kind of capture that a replay reads: what comes out is what went in, stamps to the nanosecond; and it takes no
// more memory for a large one than for a small one.
#define BOOST_TEST_MODULE capture_kinds
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "tests/replay/replay_lab.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

/// Peak memory of each service, KiB, of a replay of so many packets.
std::map<std::string, uint64_t> peaks(const ReplayLab& lab, const std::string& packets) {
  auto const in = lab.make_capture({"udp64", "--flows", "1024", "--packets", packets, "in.pcap"});
  auto const ran = lab.run(ReplayLab::replay({"lan=" + in}, lab.path("out"), {"--figures", lab.path("figures")}));
  BOOST_TEST(ran.status == 0, ran.text);
  std::map<std::string, uint64_t> all;
  auto const figures = nlohmann::json::parse(read_file(lab.path("figures")));
  for (const auto& [name, service] : figures["services"].items()) all[name] = service["peak_kib"].get<uint64_t>();
  return all;
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_link_type_and_format_comes_out_as_it_went_in) {
  ReplayLab lab;
  for (const char* format : {"pcap", "pcapng"})
    for (const char* link : {"ethernet", "raw", "sll", "sll2"})
      BOOST_TEST_CONTEXT(format << ", " << link) {
        auto const in = lab.make_capture({"udp64", "--flows", "100", "--packets", "3000", "--gap-ns", "1000001",
                                          "--link", link, "--format", format, "in"});
        auto const ran = lab.run(ReplayLab::replay({"lan=" + in}, lab.path("out")));
        BOOST_TEST(ran.status == 0, ran.text);
        auto const before = read_capture(in), behind = read_capture(lab.path("out/out.pcap"));
        BOOST_TEST(behind.error == "");
        BOOST_TEST(before.packets.size() == 3000U);
        BOOST_TEST(behind.link == before.link);
        BOOST_TEST((before.packets == behind.packets));
        BOOST_TEST(behind.packets.at(7).stamp_ns % 1000 == 7U);
        BOOST_TEST(account({{"lan", in}}, lab.path("out"), true) == "");
      }
}

BOOST_AUTO_TEST_CASE(vlan_tags_ipv6_fragments_and_bad_packets_of_the_sample_come_out_as_they_went_in) {
  ReplayLab lab;
  for (const char* format : {"pcap", "pcapng"}) {
    auto const in = lab.make_capture({"sample", "--format", format, "in"});
    std::map<std::string, std::string> const inputs{{"lan", in + "/lan." + format}, {"wan", in + "/wan." + format}};
    auto const ran =
        lab.run(ReplayLab::replay({"lan=" + inputs.at("lan"), "wan=" + inputs.at("wan")}, lab.path("out")));
    BOOST_TEST(ran.status == 0, ran.text);
    BOOST_TEST(account(inputs, lab.path("out"), true) == "");
  }
}

BOOST_AUTO_TEST_CASE(an_empty_capture_gives_empty_outputs) {
  ReplayLab lab;
  auto const in = lab.make_capture({"udp64", "--packets", "0", "in"});
  auto const ran = lab.run(ReplayLab::replay({"lan=" + in}, lab.path("out")));
  BOOST_TEST(ran.status == 0, ran.text);
  BOOST_TEST(account({{"lan", in}}, lab.path("out"), true) == "");
  for (const char* name : {"out/lan.pcap", "out/out.pcap", "out/drops.pcap"})
    BOOST_TEST(read_capture(lab.path(name)).error == "");
  BOOST_TEST(read_file(lab.path("out/verdicts.jsonl")).empty());
}

BOOST_AUTO_TEST_CASE(memory_does_not_grow_with_the_capture,
                     *boost::unit_test::enable_if<!kSanitized>()) {
  constexpr uint64_t kMore = 4096;  // KiB
  ReplayLab lab;
  auto const small = peaks(lab, "200000"), large = peaks(lab, "2000000");
  for (const auto& [name, kib] : large) {
    std::printf("%s: %lu KiB at 200,000 packets, %lu KiB at 2,000,000\n", name.c_str(), small.at(name), kib);
    BOOST_TEST(kib <= small.at(name) + kMore, name);
  }
}
