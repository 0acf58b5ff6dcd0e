// Fragments: what makes a datagram whole, what spoils it, how it is put together, and how it leaves in pieces.
#define BOOST_TEST_MODULE fragments
#include <boost/test/unit_test.hpp>
#include <numeric>

#include "common/packet/icmp.h"
#include "services/pktio/in/reassembly.h"
#include "tests/simulation/router.h"
#include "tests/tools/packets.h"
#include "tests/unit/routed.h"

using namespace bulkhead;
using namespace bulkhead::test;
using pktio::Datagram;
using pktio::Reassembly;
using Outcome = Datagram::Outcome;

namespace {

const Ends kOut{address("10.0.0.7"), address("192.0.2.1")};
const Ends kOut6{address("2001:db8::7"), address("2001:db8:1::1")};

Bytes datagram(const Ends& ends, size_t length, const IpFields& fields = {.dont_fragment = false}) {
  return ip(ends, packet::protocol::udp, udp(ends, 5000, 53, pattern(length)), fields);
}

packet::Fragment part(uint8_t l3, uint32_t begin, uint32_t end, bool more) {
  packet::Fragment fragment;
  fragment.key.l3 = l3;
  fragment.offset = begin;
  fragment.end = end;
  fragment.payload_at = l3 == 4 ? 20 : 48;
  fragment.size = end - begin + fragment.payload_at;
  fragment.more = more;
  fragment.ecn = 1;
  return fragment;
}

/// pktio's reassembly alone; a new process after each fragment where `restarts`.
struct Bench {
  explicit Bench(bool with_restarts = false) : restarts(with_restarts) { again(); }

  void again() {
    batch.emplace(memory.as<memory::CommitArea>("pktio.commit"), memory.as<memory::Journal>("pktio.journal"), memory.object("pktio.state"));
    static_cast<void>(batch->recover());
    reassembly.emplace(pktio::links_in(memory.as<state::PktioState>("pktio.state")), memory.as<pktio::FragmentCells>("pktio.fragments"));
    reassembly->resume();
  }
  void commit() {
    batch->commit({});
    reassembly->committed();
    if (restarts) again();
  }
  Reassembly::Taken take(const Bytes& frame, uint64_t time_ns = kStart, uint32_t wire = 0) {
    pktio::Arrival const arrival{time_ns, static_cast<uint32_t>(frame.size()), std::max(wire, static_cast<uint32_t>(frame.size())), frame.data(), ++count};
    auto const says = packet::fragment_of(frame, packet::parse(frame, arrival.wire, packet::LinkType::ethernet), 0);
    BOOST_REQUIRE(says.has_value());
    auto taken = reassembly->take({arrival, *says, 0, time_ns}, *batch);
    commit();
    return taken;
  }
  struct Built {
    Bytes frame;
    uint32_t wire;
  };
  Built build(const Reassembly::Taken& taken) {
    Bytes frame(reassembly->length_of(taken));
    auto const built = reassembly->build(taken, frame);
    frame.resize(built.captured);
    return {frame, built.wire};
  }

  bool restarts;
  uint64_t count = 0;
  control::Settings settings = small_settings(16, 8, 8);
  Memory memory{settings};
  std::optional<memory::Batch> batch;
  std::optional<Reassembly> reassembly;
};

using Fate = Reassembly::Taken::Fate;

Bytes l3_of(const Bytes& frame) { return {frame.begin() + 14, frame.end()}; }

}  // namespace

// Every sequence of four of the twenty fragments that a datagram of four blocks can have.
BOOST_AUTO_TEST_CASE(a_datagram_is_whole_once_each_byte_is_there_once_and_nothing_contradicts) {
  std::vector<packet::Fragment> all;
  for (uint32_t begin = 0; begin < 4; ++begin)
    for (uint32_t end = begin + 1; end <= 4; ++end)
      for (bool more : {false, true}) all.push_back(part(4, begin * 8, end * 8, more));
  BOOST_REQUIRE(all.size() == 20U);
  size_t wholes = 0, spoilt = 0, duplicates = 0, wrong = 0;
  for (size_t i = 0; i < 160'000; ++i) {
    Datagram datagram;
    std::array<int, 4> covered{};
    uint32_t last_end = 0;
    for (size_t step = 0, rest = i; step < 4; ++step, rest /= 20) {
      const packet::Fragment& one = all[rest % 20];
      int least = 9, most = 0;
      for (uint32_t block = one.offset / 8; block < one.end / 8; ++block) {
        least = std::min(least, covered[block]);
        most = std::max(most, covered[block]);
      }
      Outcome const outcome = datagram.add(one);
      if (outcome == Outcome::spoilt) {
        ++spoilt;
        bool const contradicts = last_end != 0 && (one.more ? one.end > last_end : one.end != last_end);
        bool const others_beyond = std::any_of(covered.begin() + one.end / 8, covered.end(), [](int n) { return n != 0; });
        wrong += most == 0 && !contradicts && !others_beyond;
        break;
      }
      if (outcome == Outcome::duplicate) {
        ++duplicates;
        wrong += least != 1;
        if (!one.more) last_end = one.end;
        continue;
      }
      wrong += most != 0;
      for (uint32_t block = one.offset / 8; block < one.end / 8; ++block) ++covered[block];
      if (!one.more) last_end = one.end;
      uint32_t const there = 8 * static_cast<uint32_t>(std::accumulate(covered.begin(), covered.end(), 0));
      bool const complete = last_end != 0 && there == last_end;
      wrong += (outcome == Outcome::whole) != complete;
      if (outcome != Outcome::whole) continue;
      ++wholes;
      break;
    }
  }
  BOOST_TEST(wrong == 0U);
  BOOST_TEST(wholes > 1000U);
  BOOST_TEST(spoilt > 1000U);
  BOOST_TEST(duplicates > 1000U);
}

BOOST_AUTO_TEST_CASE(ipv6_lets_pass_what_the_kernel_lets_pass_and_forgets_only_what_contradicts) {
  Datagram beyond;
  BOOST_TEST((beyond.add(part(6, 65528, 65544, false)) == Outcome::refused));
  Datagram uneven;
  BOOST_TEST((uneven.add(part(6, 0, 12, true)) == Outcome::passes));
  Datagram two_ends;
  BOOST_TEST((two_ends.add(part(6, 16, 20, false)) == Outcome::held));
  BOOST_TEST((two_ends.add(part(6, 8, 14, false)) == Outcome::refused));
  BOOST_TEST((two_ends.add(part(6, 24, 32, true)) == Outcome::refused));
  BOOST_TEST((two_ends.add(part(6, 8, 16, true)) == Outcome::held));
  BOOST_TEST((two_ends.add(part(6, 0, 8, true)) == Outcome::whole));
}

BOOST_AUTO_TEST_CASE(codepoints_of_congestion_are_joined_or_contradict) {
  struct Row {
    uint8_t one, other;
    Outcome outcome;
    uint8_t congestion;
  };
  for (const Row& row : {Row{1, 1, Outcome::whole, 0}, Row{4, 8, Outcome::whole, 3}, Row{2, 4, Outcome::whole, 0},
                         Row{8, 8, Outcome::whole, 0}, Row{1, 4, Outcome::spoilt, 0}, Row{1, 8, Outcome::spoilt, 0}}) {
    Datagram datagram;
    packet::Fragment first = part(4, 0, 8, true), last = part(4, 8, 12, false);
    first.ecn = row.one;
    last.ecn = row.other;
    BOOST_TEST((datagram.add(first) == Outcome::held));
    BOOST_TEST((datagram.add(last) == row.outcome));
    if (row.outcome == Outcome::whole) BOOST_TEST(datagram.congestion() == row.congestion);
  }
}

BOOST_AUTO_TEST_CASE(fragments_in_every_order_become_the_packet_whoever_dies_in_between) {
  for (const Ends& ends : {kOut, kOut6}) {
    Bytes const whole = datagram(ends, 100);
    std::vector<Bytes> parts = fragments(whole, 24, 9);
    std::vector<size_t> order(parts.size());
    std::iota(order.begin(), order.end(), size_t{0});
    do {
      Bench bench(true);
      for (size_t i = 0; i + 1 < order.size(); ++i) BOOST_TEST((bench.take(ethernet(parts[order[i]])).fate == Fate::held));
      auto const taken = bench.take(ethernet(parts[order.back()]));
      BOOST_REQUIRE((taken.fate == Fate::whole));
      auto const built = bench.build(taken);
      Bytes want = whole;
      if (ends.src.l3 == 4) {  // fragments() has given it an identification
        store_be16(want.data() + 4, 9);
        store_be16(want.data() + 10, 0);
        store_be16(want.data() + 10, checksum(want.data(), 20));
      }
      BOOST_TEST(l3_of(built.frame) == want, boost::test_tools::per_element());
      BOOST_TEST(built.wire == built.frame.size());
      BOOST_TEST(!bench.reassembly->given_up_at().has_value());
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

BOOST_AUTO_TEST_CASE(a_capture_that_cut_fragments_short_gives_the_packet_up_to_the_gap) {
  auto const parts = fragments(datagram(kOut, 100), 40, 9);
  Bench bench;
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    Bytes frame = ethernet(parts[i]);
    auto const wire = static_cast<uint32_t>(frame.size());
    if (i == 1) frame.resize(14 + 20 + 10);
    BOOST_TEST((bench.take(frame, kStart, wire).fate == Fate::held));
  }
  auto const built = bench.build(bench.take(ethernet(parts.back())));
  BOOST_TEST(built.frame.size() == 14U + 20 + 40 + 10);
  BOOST_TEST(built.wire == 14U + 20 + 8 + 100);
}

BOOST_AUTO_TEST_CASE(a_fragment_larger_than_a_cell_lies_in_several) {
  Bytes const whole = datagram(kOut6, 60'000);
  Memory const memory(small_settings(16, 8, 8));
  Bench bench(true);
  auto const parts = fragments(whole, 6'000, 9);
  BOOST_TEST(pktio::FragmentCells::cells_for(6'062) == 3U);
  // A datagram may have eight cells here.
  BOOST_TEST((bench.take(ethernet(parts[0])).fate == Fate::held));
  BOOST_TEST((bench.take(ethernet(parts[1])).fate == Fate::held));
  BOOST_TEST((bench.take(ethernet(parts[2])).fate == Fate::full));
  auto const two = fragments(datagram(kOut6, 11'000), 6'000, 10);
  BOOST_TEST((bench.take(ethernet(two[0])).fate == Fate::held));
  auto const built = bench.build(bench.take(ethernet(two[1])));
  BOOST_TEST((l3_of(built.frame) == datagram(kOut6, 11'000)));
}

BOOST_AUTO_TEST_CASE(what_lacks_a_part_is_given_up_in_the_order_of_its_beginning_and_cells_go_round) {
  Bench bench(true);
  for (uint32_t round = 0; round < 40; ++round) {
    for (uint32_t id : {1U, 2U, 3U})
      BOOST_TEST((bench.take(ethernet(fragments(datagram(id == 2 ? kOut6 : kOut, 60), 24, id).front())).fate == Fate::held));
    BOOST_TEST(bench.reassembly->given_up_at().value() == kStart + 30 * Datagram::kSecond);
    for (uint32_t id : {1U, 3U, 2U}) {
      uint32_t const chain = bench.reassembly->give_up(*bench.batch);
      BOOST_REQUIRE(chain != 0U);
      BOOST_TEST(bench.reassembly->stored(chain).says.key.id == id);
      BOOST_TEST(bench.reassembly->next(chain) == 0U);
      bench.reassembly->give_back(chain, *bench.batch);
    }
    bench.commit();
    BOOST_TEST(!bench.reassembly->given_up_at().has_value());
  }
}

BOOST_AUTO_TEST_CASE(cells_that_a_batch_gives_back_are_not_taken_before_it_is_committed) {
  Bench bench;
  auto const first = [](uint32_t id) { return ethernet(fragments(datagram(kOut, 60), 24, id).front()); };
  pktio::Arrival const any{kStart, 60, 60, nullptr, 1};
  std::vector<uint32_t> chains;
  // 32 cells, of which 16 may wait.
  for (uint32_t id = 0; id < 32; ++id) {
    BOOST_TEST((bench.take(first(id)).fate == Fate::held));
    if (id % 16 == 15)
      while (bench.reassembly->given_up_at()) chains.push_back(bench.reassembly->give_up(*bench.batch));
  }
  BOOST_TEST(chains.size() == 32U);
  BOOST_TEST(!bench.reassembly->fits(any));
  bench.reassembly->give_back(chains[5], *bench.batch);
  BOOST_TEST(!bench.reassembly->fits(any));
  bench.commit();
  BOOST_TEST(bench.reassembly->fits(any));
  BOOST_TEST((bench.take(first(99)).fate == Fate::held));
  BOOST_TEST(!bench.reassembly->fits(any));
}

BOOST_AUTO_TEST_CASE(a_datagram_is_another_one_when_64_fragments_of_its_sender_have_come_between) {
  for (bool dies : {false, true})
    for (uint32_t between : {63U, 64U}) {
      Bench bench(dies);
      auto const parts = fragments(datagram(kOut, 60), 24, 1);
      auto const says = packet::fragment_of(ethernet(parts[1]), packet::parse(ethernet(parts[1]), 100, packet::LinkType::ethernet), 0);
      BOOST_TEST((bench.take(ethernet(parts[0])).fate == Fate::held));
      // One of its sender's waits all the while; others become whole, and are forgotten.
      BOOST_TEST((bench.take(ethernet(parts[0])).fate == Fate::dropped));
      auto const other = fragments(datagram(kOut, 30), 24, 2);
      BOOST_TEST((bench.take(ethernet(fragments(datagram(kOut, 60), 24, 3)[0])).fate == Fate::held));
      for (uint32_t i = 1; i < between; ++i) {
        BOOST_TEST(!bench.reassembly->is_too_far(*says));
        auto const taken = bench.take(ethernet(other[(i - 1) % 2]));
        BOOST_TEST((taken.fate == (i % 2 == 0 ? Fate::whole : Fate::held)));
        if (taken.chain != 0) bench.reassembly->give_back(taken.chain, *bench.batch), bench.commit();
      }
      BOOST_TEST(bench.reassembly->is_too_far(*says) == (between == 64));
      // Others' fragments are no matter.
      BOOST_TEST((bench.take(ethernet(fragments(datagram({address("10.0.0.8"), address("192.0.2.1")}, 60), 24, 4)[0])).fate == Fate::held));
      BOOST_TEST(bench.reassembly->is_too_far(*says) == (between == 64));
    }
}

BOOST_AUTO_TEST_CASE(more_fragments_than_may_wait_are_dropped) {
  Bench bench;
  for (uint32_t id = 0; id < 20; ++id) {
    auto const taken = bench.take(ethernet(fragments(datagram(kOut, 60), 24, id).front()));
    BOOST_TEST((taken.fate == (id < 16 ? Fate::held : Fate::full)));
  }
}

BOOST_AUTO_TEST_CASE(fragments_go_through_as_one_packet_and_leave_as_they_came) {
  for (const Ends& ends : {kOut, kOut6}) {
    auto const parts = fragments(datagram(ends, 100), 24, 9);
    std::vector<Arrival> arrivals;
    for (size_t i : {2U, 0U, 4U, 1U, 3U}) arrivals.push_back({0, ethernet(parts[i])});
    auto const routed = through(router_settings(64, 8, 64), arrivals);
    BOOST_REQUIRE(routed.wan.size() == parts.size());
    BOOST_TEST(routed.drops.empty());
    BOOST_TEST(routed.says("\"state\":\"new\"") == parts.size());
    for (size_t i = 0; i < parts.size(); ++i) {
      Bytes left = l3_of(routed.wan[i]), want = parts[i];
      if (ends.src.l3 == 4) {
        want[8] = left[8];
        store_be16(want.data() + 10, 0);
        store_be16(want.data() + 10, checksum(want.data(), 20));
        BOOST_TEST(left[8] == 63);
      } else {
        want[7] = left[7];
        std::copy_n(left.begin() + 44, 4, want.begin() + 44);
        BOOST_TEST(left[7] == 63);
      }
      BOOST_TEST(left == want, boost::test_tools::per_element());
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_too_large_for_the_way_and_may_be_cut_is_cut) {
  auto const routed = through(router_settings(64, 8, 64), {{0, ethernet(datagram(kOut, 1400))}});
  BOOST_REQUIRE(routed.wan.size() == 2U);
  BOOST_TEST(routed.wan[0].size() == 14U + 20 + 1280);
  BOOST_TEST(routed.wan[1].size() == 14U + 20 + 1408 - 1280);
  BOOST_TEST(load_be16(routed.wan[0].data() + 20) == 0x2000);
  BOOST_TEST(load_be16(routed.wan[1].data() + 20) == 1280 / 8);
}

BOOST_AUTO_TEST_CASE(fragments_too_large_for_the_way_are_cut_again_or_refused) {
  auto const larger = fragments(datagram(kOut, 2600), 1400, 9);
  auto const cut = through(router_settings(64, 8, 64), {{0, ethernet(larger[0])}, {0, ethernet(larger[1])}});
  BOOST_TEST(cut.wan.size() == 3U);
  auto const six = fragments(datagram(kOut6, 2600), 1400, 9);
  auto const refused = through(router_settings(64, 8, 64), {{0, ethernet(six[0])}, {0, ethernet(six[1])}});
  BOOST_TEST(refused.wan.empty());
  BOOST_TEST(refused.dropped("too_big") == 2U);
  BOOST_REQUIRE(refused.lan.size() == 1U);
  BOOST_TEST(refused.lan[0][14 + 40] == packet::icmpv6::packet_too_big);
}

BOOST_AUTO_TEST_CASE(headers_that_all_fragments_repeat_may_be_long) {
  constexpr uint8_t kDestination = 60, kFragment = 44;
  constexpr size_t kLink = 14, kIpv6 = 40, kFragmentHeader = 8;
  Bytes const whole = datagram(kOut6, 48);
  Bytes const payload(whole.begin() + kIpv6, whole.end());
  // Each but the last with `bytes` of it, behind `options` bytes of destination options.
  auto const parts = [&](size_t options, size_t bytes) {
    std::vector<Bytes> all;
    for (size_t at = 0; at < payload.size(); at += bytes) {
      size_t const end = std::min(at + bytes, payload.size());
      Bytes headers(options + kFragmentHeader);
      headers[0] = kFragment;
      headers[1] = static_cast<uint8_t>(options / 8 - 1);
      headers[options] = packet::protocol::udp;
      store_be16(headers.data() + options + 2, static_cast<uint16_t>(at | (end < payload.size() ? 1 : 0)));
      headers[options + 7] = 9;
      all.push_back(ip(kOut6, packet::protocol::udp, Bytes(payload.begin() + static_cast<ptrdiff_t>(at), payload.begin() + static_cast<ptrdiff_t>(end)),
                       {.extensions = headers, .first_extension = kDestination}));
    }
    return all;
  };
  for (size_t const options : {8U, 200U, 208U, 264U, 800U, 1200U, 1216U}) {
    BOOST_TEST_CONTEXT(options << " bytes of options") {
      std::vector<Arrival> arrivals;
      for (const Bytes& part : parts(options, 24)) arrivals.push_back({0, ethernet(part)});
      auto const routed = through(router_settings(64, 8, 64), arrivals);
      BOOST_TEST(routed.drops.empty());
      BOOST_REQUIRE(routed.wan.size() == arrivals.size());
      for (size_t i = 0; i < arrivals.size(); ++i) {
        BOOST_TEST(routed.wan[i].size() == arrivals[i].frame.size());
        BOOST_TEST(load_be16(routed.wan[i].data() + kLink + kIpv6 + options + 2) == (24 * i | (i + 1 < arrivals.size() ? 1U : 0U)));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(what_never_becomes_whole_is_dropped_with_a_reason_once) {
  auto const parts = fragments(datagram(kOut, 100), 24, 9), others = fragments(datagram(kOut, 90), 32, 9);
  auto const overlaps = through(router_settings(64, 8, 64), {{0, ethernet(parts[0])}, {0, ethernet(others[0])}, {0, ethernet(parts[1])}});
  BOOST_TEST(overlaps.dropped("bad_fragment") == 2U);
  BOOST_TEST(overlaps.dropped("fragments_missing") == 1U);
  BOOST_TEST(overlaps.drops.size() == 3U);
  auto const late = through(router_settings(64, 8, 64), {{0, ethernet(fragments(datagram(kOut, 40), 24, 9)[0])}, {0, ethernet(fragments(datagram(kOut, 40), 24, 9)[1])}},
                            31'000 * kMillisecond);
  BOOST_TEST(late.dropped("fragments_missing") == 2U);
  BOOST_TEST(late.wan.empty());
}

BOOST_AUTO_TEST_CASE(an_ipv6_fragment_that_is_the_whole_packet_leaves_without_its_header) {
  Bytes const whole = datagram(kOut6, 30);
  auto const atomic = fragments(whole, 1000, 7);
  BOOST_REQUIRE(atomic.size() == 1U);
  auto const routed = through(router_settings(64, 8, 64), {{0, ethernet(atomic[0])}});
  BOOST_REQUIRE(routed.wan.size() == 1U);
  Bytes want = whole;
  --want[7];
  BOOST_TEST(l3_of(routed.wan[0]) == want, boost::test_tools::per_element());
}
