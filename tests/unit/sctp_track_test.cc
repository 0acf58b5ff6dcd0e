// SCTP: tables of packets, each with the state that it must get, the association's behind it, and its seconds left.
#include "services/conntrack/sctp_track.h"

#include <boost/test/unit_test.hpp>

#include "tests/unit/table.h"

using namespace bulkhead;
using namespace bulkhead::test;
using namespace bulkhead::conntrack;

namespace {

Ends const kThere{address("10.0.0.1"), address("192.0.2.1")};
constexpr uint32_t kOurs = 0x11111111, kTheirs = 0x22222222;  // tags that packets to a side bear
constexpr auto kNew = chain::FlowState::fresh, kEstablished = chain::FlowState::established, kInvalid = chain::FlowState::invalid;
constexpr uint8_t kInit = 1, kInitAck = 2, kBeat = 4, kBeatAck = 5, kAbort = 6, kShutdown = 7, kShutdownAck = 8,
                  kCookieEcho = 10, kCookieAck = 11, kComplete = 14, kData = 0;

enum class Way { out, in };
using enum Way;

struct Step {
  const char* what;
  Way way;
  uint32_t tag;
  std::vector<uint8_t> chunks;
  chain::FlowState state;
  conntrack::SctpState sctp;
  uint64_t left_s;
  uint32_t init_tag = 0;
  uint8_t flags = 0;
};

Bytes frame_of(const Step& step) {
  bool const there = step.way == Way::out;
  Bytes l4(12);
  store_be16(l4.data(), there ? 1000 : 2000);
  store_be16(l4.data() + 2, there ? 2000 : 1000);
  store_be32(l4.data() + 4, step.tag);
  for (uint8_t type : step.chunks) {
    size_t const at = l4.size();
    l4.resize(at + 20);
    l4[at] = type;
    l4[at + 1] = step.flags;
    store_be16(l4.data() + at + 2, 20);
    store_be32(l4.data() + at + 4, step.init_tag);
  }
  uint32_t const crc = packet::sctp_checksum(l4);
  for (size_t i = 0; i < 4; ++i) l4[8 + i] = static_cast<uint8_t>(crc >> (8 * i));
  return ethernet(ip(there ? kThere : kThere.back(), packet::protocol::sctp, l4));
}

void run(const std::vector<Step>& steps) {
  Table table;
  for (const Step& step : steps) {
    chain::Descriptor const seen = table.passed(frame_of(step));
    BOOST_TEST(chain::name_of(seen.state) == chain::name_of(step.state), step.what);
    state::FlowEntry& flow = table.table->entry(0);
    BOOST_TEST(((flow.status.load() & state::Status32::used) != 0) == (step.sctp != conntrack::SctpState::none), step.what);
    if (step.sctp == conntrack::SctpState::none) continue;
    BOOST_TEST(flow.protocol_state.load() == static_cast<uint32_t>(step.sctp), step.what);
    BOOST_TEST((flow.expires_ns.load() - table.now()) / tracking::kSecond == step.left_s, step.what);
  }
}

const std::vector<Step> kAssociation{
    {"INIT", out, 0, {kInit}, kNew, conntrack::SctpState::closed, 10, kOurs},
    {"INIT ACK", in, kOurs, {kInitAck}, kEstablished, conntrack::SctpState::cookie_wait, 3, kTheirs},
    {"COOKIE ECHO", out, kTheirs, {kCookieEcho, kData}, kEstablished, conntrack::SctpState::cookie_echoed, 3},
    {"COOKIE ACK", in, kOurs, {kCookieAck, kData}, kEstablished, conntrack::SctpState::established, 210}};

void run_associated(std::vector<Step> more) {
  more.insert(more.begin(), kAssociation.begin(), kAssociation.end());
  run(more);
}

}  // namespace

BOOST_AUTO_TEST_CASE(association_goes_through_its_states_with_their_time_outs) {
  run_associated({{"data", out, kTheirs, {kData}, kEstablished, conntrack::SctpState::established, 210},
                  {"SHUTDOWN", out, kTheirs, {kShutdown}, kEstablished, conntrack::SctpState::shutdown_sent, 3},
                  {"SHUTDOWN ACK", in, kOurs, {kShutdownAck}, kEstablished, conntrack::SctpState::shutdown_ack_sent, 3},
                  {"SHUTDOWN COMPLETE", out, kTheirs, {kComplete}, kEstablished, conntrack::SctpState::closed, 10}});
}

BOOST_AUTO_TEST_CASE(packet_with_another_tag_is_invalid) {
  run_associated(
      {{"data", out, kOurs, {kData}, kInvalid, conntrack::SctpState::established, 210},
       {"ABORT", in, kTheirs, {kAbort}, kInvalid, conntrack::SctpState::established, 210},
       {"SHUTDOWN", in, 0, {kShutdown}, kInvalid, conntrack::SctpState::established, 210},
       {"ABORT that reflects our tag", out, kOurs, {kAbort}, kEstablished, conntrack::SctpState::closed, 10, 0, 1}});
}

BOOST_AUTO_TEST_CASE(association_begins_with_nothing_but_init_heartbeat_or_shutdown_ack) {
  for (uint8_t chunk : {kData, kAbort, kCookieAck, kComplete, uint8_t{3}})
    run({{"no beginning", out, 5, {chunk}, kInvalid, conntrack::SctpState::none, 0}});
  run({{"an INIT with a tag", out, 5, {kInit}, kInvalid, conntrack::SctpState::none, 0, kOurs}});
  run({{"no chunk at all", out, 5, {}, kInvalid, conntrack::SctpState::none, 0}});
  run({{"SHUTDOWN ACK of an association that is over",
        out,
        5,
        {kShutdownAck},
        kNew,
        conntrack::SctpState::shutdown_ack_sent,
        3}});
}

BOOST_AUTO_TEST_CASE(chunks_that_must_stand_alone_or_first_are_invalid_elsewhere) {
  run({{"INIT with data", out, 0, {kInit, kData}, kInvalid, conntrack::SctpState::none, 0, kOurs}});
  run_associated(
      {{"COOKIE ECHO second", out, kTheirs, {kData, kCookieEcho}, kInvalid, conntrack::SctpState::established, 210},
       {"however many chunks before", out, kTheirs, {kShutdown, kShutdown, kData, kShutdown, kShutdown, kCookieAck}, kInvalid,
        conntrack::SctpState::established, 210}});
}

BOOST_AUTO_TEST_CASE(second_path_begins_with_a_heartbeat_and_is_established_by_its_answer) {
  run({{"HEARTBEAT", out, kTheirs, {kBeat}, kNew, conntrack::SctpState::heartbeat_sent, 30},
       {"its ACK", in, kOurs, {kBeatAck}, kEstablished, conntrack::SctpState::established, 210},
       {"a heartbeat with a new tag passes, and does not refresh",
        out,
        77,
        {kBeat},
        kEstablished,
        conntrack::SctpState::established,
        210},
       {"and its answer makes the tag the new one",
        in,
        88,
        {kBeatAck},
        kEstablished,
        conntrack::SctpState::established,
        210},
       {"data with it", in, 88, {kData}, kEstablished, conntrack::SctpState::established, 210}});
}

BOOST_AUTO_TEST_CASE(association_comes_out_of_its_words_as_it_went_in) {
  conntrack::SctpFlow const flow{.tags = {1, 0xffffffff},
                      .init = {false, true},
                      .state = conntrack::SctpState::heartbeat_sent,
                      .last_way = chain::Direction::reply,
                      .other_tag = true};
  BOOST_TEST((conntrack::pack(conntrack::unpack(conntrack::pack(flow))) == conntrack::pack(flow)));
  conntrack::SctpFlow wild = conntrack::unpack(conntrack::SctpFlow::Words{~uint64_t{0}, ~uint64_t{0}});
  packet::SctpFacts facts{};
  facts.tag = ~0U;
  facts.chunks = static_cast<uint64_t>(packet::SctpChunk::shutdown);
  BOOST_TEST((conntrack::track_sctp(wild, facts, chain::Direction::reply, true).fate == conntrack::SctpOutcome::Fate::invalid));
}
