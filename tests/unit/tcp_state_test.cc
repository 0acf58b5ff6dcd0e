// TCP's states are the kernel's, for each state, direction and combination of flags.
#include <boost/test/unit_test.hpp>
#include <sstream>

#include "ipc/tracking/tcp_state.h"
#include "ipc/tracking/timeouts.h"

using namespace bulkhead;
using namespace bulkhead::tracking;

namespace {

constexpr uint8_t kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16, kUrg = 32, kEce = 64, kCwr = 128;

/// As nf_conntrack_proto_tcp.c of Linux 6.x has it; columns: sNO sSS sSR sES sFW sCW sLA sTW sCL sS2.
struct Row {
  chain::Direction way;
  uint8_t flags;
  const char* next;
};
constexpr Row kRows[] = {
    {chain::Direction::original, kSyn, "sSS sSS sIG sIG sIG sIG sIG sSS sSS sS2"},
    {chain::Direction::original, kSyn | kAck, "sIV sIV sSR sIV sIV sIV sIV sIV sIV sSR"},
    {chain::Direction::original, kFin, "sIV sIV sFW sFW sLA sLA sLA sTW sCL sIV"},
    {chain::Direction::original, kAck, "sES sIV sES sES sCW sCW sTW sTW sCL sIV"},
    {chain::Direction::original, kRst, "sIV sCL sCL sCL sCL sCL sCL sCL sCL sCL"},
    {chain::Direction::original, 0, "sIV sIV sIV sIV sIV sIV sIV sIV sIV sIV"},
    {chain::Direction::reply, kSyn, "sIV sS2 sIV sIV sIV sIV sIV sSS sIV sS2"},
    {chain::Direction::reply, kSyn | kAck, "sIV sSR sIG sIG sIG sIG sIG sIG sIG sSR"},
    {chain::Direction::reply, kFin, "sIV sIV sFW sFW sLA sLA sLA sTW sCL sIV"},
    {chain::Direction::reply, kAck, "sIV sIG sSR sES sCW sCW sTW sTW sCL sIG"},
    {chain::Direction::reply, kRst, "sIV sCL sCL sCL sCL sCL sCL sCL sCL sCL"},
    {chain::Direction::reply, 0, "sIV sIV sIV sIV sIV sIV sIV sIV sIV sIV"},
};
constexpr std::string_view kNames[] = {"sNO", "sSS", "sSR", "sES", "sFW", "sCW", "sLA", "sTW", "sCL", "sS2",
                                       "sIV", "sIG"};

std::string_view name(tracking::TcpState state) { return kNames[static_cast<size_t>(state)]; }

/// get_conntrack_index()
uint8_t what_counts(uint8_t flags) {
  if ((flags & kRst) != 0) return kRst;
  if ((flags & kSyn) != 0) return flags & (kSyn | kAck);
  if ((flags & kFin) != 0) return kFin;
  return flags & kAck;
}

}  // namespace

BOOST_AUTO_TEST_CASE(each_transition_is_the_kernels) {
  for (const Row& row : kRows) {
    std::istringstream columns(row.next);
    std::string wanted;
    for (uint8_t now = 0; columns >> wanted; ++now)
      BOOST_TEST(name(tracking::next_state(static_cast<tracking::TcpState>(now), row.way, row.flags)) == wanted,
                 kNames[now] << " flags " << int{row.flags} << " way " << static_cast<int>(row.way));
  }
}

BOOST_AUTO_TEST_CASE(of_all_flags_only_the_strongest_counts) {
  for (unsigned flags = 0; flags < 256; ++flags)
    for (chain::Direction way : {chain::Direction::original, chain::Direction::reply})
      for (uint8_t now = 0; now < 10; ++now) {
        auto const state = static_cast<tracking::TcpState>(now);
        BOOST_TEST(name(tracking::next_state(state, way, static_cast<uint8_t>(flags))) ==
                   name(tracking::next_state(state, way, what_counts(static_cast<uint8_t>(flags)))));
      }
  static_assert((kPsh | kUrg | kEce | kCwr) == 0xe8);
}

BOOST_AUTO_TEST_CASE(state_that_is_none_is_invalid_whatever_comes) {
  for (unsigned now = 10; now < 256; ++now)
    BOOST_TEST(name(tracking::next_state(static_cast<tracking::TcpState>(now), chain::Direction::original, kAck)) == "sIV");
}

BOOST_AUTO_TEST_CASE(time_outs_are_the_kernels) {
  constexpr uint64_t seconds[] = {120, 120, 60, 432000, 120, 60, 30, 120, 10, 120};
  for (uint8_t state = 1; state < 10; ++state)
    BOOST_TEST(tracking::kDefaultTimeouts.of(static_cast<tracking::TcpState>(state)) == seconds[state] * tracking::kSecond);
}
