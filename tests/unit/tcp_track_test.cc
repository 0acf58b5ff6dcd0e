// TCP: tables of segments, each with the state that it must get, the flow's state behind it, and its seconds left.
#include "ipc/tracking/tcp_track.h"

#include <boost/test/unit_test.hpp>

#include "tests/unit/table.h"

using namespace bulkhead;
using namespace bulkhead::test;
using namespace bulkhead::conntrack;

namespace {

constexpr uint8_t F = tcp_flag::fin, S = tcp_flag::syn, R = tcp_flag::rst, A = tcp_flag::ack, P = tcp_flag::psh;
constexpr uint32_t kClient = 1000, kServer = 0xfffffff0;  // sequence numbers of their SYNs; the server's wraps
Ends const kThere{address("10.0.0.1"), address("192.0.2.1")};

enum class Way { out, in };
using enum Way;
constexpr auto kNew = chain::FlowState::fresh, kEstablished = chain::FlowState::established, kInvalid = chain::FlowState::invalid;

/// Sequence and acknowledgement count from the SYNs of their side.
struct Step {
  const char* what;
  Way way;
  uint8_t flags;
  uint32_t seq, ack;
  uint16_t window;
  chain::FlowState state;
  tracking::TcpState tcp;      // none: there is no flow any more
  uint64_t left_s;
  size_t length = 0;
  Bytes options{};
  uint64_t later_s = 0;
};

Bytes scaled(uint8_t shift) { return {2, 4, 5, 0xb4, 4, 2, 1, 3, 3, shift, 0, 0}; }
Bytes sack(uint32_t left, uint32_t right) {
  Bytes all{1, 1, 5, 10};
  for (uint32_t edge : {left, right})
    for (int shift = 24; shift >= 0; shift -= 8) all.push_back(static_cast<uint8_t>(edge >> shift));
  return all;
}

Bytes frame_of(const Step& row) {
  bool const out = row.way == Way::out;
  Ends const ends = out ? kThere : kThere.back();
  Segment segment{.src_port = static_cast<uint16_t>(out ? 1234 : 80),
                  .dst_port = static_cast<uint16_t>(out ? 80 : 1234)};
  segment.seq = (out ? kClient : kServer) + row.seq;
  segment.ack = (row.flags & A) != 0 ? (out ? kServer : kClient) + row.ack : row.ack;
  segment.flags = row.flags;
  segment.window = row.window;
  segment.options = row.options;
  segment.payload = pattern(row.length);
  return ethernet(ip(ends, packet::protocol::tcp, tcp(ends, segment)));
}

/// A table with one connection in it.
class Connection {
 public:
  void run(const std::vector<Step>& rows) {
    for (const Step& row : rows) {
      chain::Descriptor const seen = table_.passed(frame_of(row), row.later_s * tracking::kSecond);
      BOOST_TEST(chain::name_of(seen.state) == chain::name_of(row.state), row.what);
      check(row);
    }
  }
  [[nodiscard]] bool assured() { return (table_.table->entry(0).status.load() & state::Status32::assured) != 0; }
  [[nodiscard]] state::FlowEntry& flow() { return table_.table->entry(0); }

 private:
  void check(const Step& row) {
    state::FlowEntry& flow = table_.table->entry(0);
    bool const there = (flow.status.load() & state::Status32::used) != 0;
    BOOST_TEST(there == (row.tcp != tracking::TcpState::none), row.what);
    if (!there) return;
    BOOST_TEST(flow.protocol_state.load() == static_cast<uint32_t>(row.tcp), row.what);
    BOOST_TEST((flow.expires_ns.load() - table_.now()) / tracking::kSecond == row.left_s, row.what);
  }

  Table table_{8};
};

constexpr uint64_t kDays = 432000;

std::vector<Step> handshake() {
  return {{"SYN", out, S, 0, 0, 5840, kNew, tracking::TcpState::syn_sent, 120},
          {"SYN/ACK", in, S | A, 0, 1, 5840, kEstablished, tracking::TcpState::syn_recv, 60},
          {"ACK", out, A, 1, 1, 5840, kEstablished, tracking::TcpState::established, kDays}};
}
struct Opened : Connection {
  Opened() { run(handshake()); }
};

}  // namespace

BOOST_AUTO_TEST_CASE(connection_goes_through_its_states_with_their_time_outs) {
  Connection connection;
  connection.run({{"SYN", out, S, 0, 0, 5840, kNew, tracking::TcpState::syn_sent, 120},
                  {"the same again does not make it live longer",
                   out,
                   S,
                   0,
                   0,
                   5840,
                   kNew,
                   tracking::TcpState::syn_sent,
                   110,
                   0,
                   {},
                   10},
                  {"an ACK before the SYN/ACK", out, A, 1, 1, 5840, kInvalid, tracking::TcpState::syn_sent, 110},
                  {"SYN/ACK", in, S | A, 0, 1, 5840, kEstablished, tracking::TcpState::syn_recv, 60, 0, {}, 99},
                  {"ACK", out, A, 1, 1, 5840, kEstablished, tracking::TcpState::established, kDays, 0, {}, 59}});
  BOOST_TEST(connection.assured());
  connection.run({{"no flags", out, 0, 1, 1, 5840, kInvalid, tracking::TcpState::established, kDays},
                  {"data that is not acknowledged", out, P | A, 1, 1, 5840, kEstablished,
                   tracking::TcpState::established, 300, 100},
                  {"acknowledged", in, A, 1, 101, 5840, kEstablished, tracking::TcpState::established, kDays},
                  {"FIN", out, F | A, 101, 1, 5840, kEstablished, tracking::TcpState::fin_wait, 120},
                  {"its ACK", in, A, 1, 102, 5840, kEstablished, tracking::TcpState::close_wait, 60},
                  {"FIN of the other", in, F | A, 1, 102, 5840, kEstablished, tracking::TcpState::last_ack, 30},
                  {"the last ACK", out, A, 102, 2, 5840, kEstablished, tracking::TcpState::time_wait, 120},
                  {"a SYN: another connection", out, S, 9000, 0, 5840, kNew, tracking::TcpState::syn_sent, 120}});
}

BOOST_AUTO_TEST_CASE(no_flow_begins_with_what_is_no_beginning) {
  for (int flags : {S | A, +R, R | A, +F, F | A, 0, S | F, S | R, +P, A | S | F})
    Connection().run(
        {{"not a beginning", out, static_cast<uint8_t>(flags), 0, 0, 100, kInvalid, tracking::TcpState::none, 0}});
  Connection().run({{"one in its middle is picked up, not for days", out, A, 50, 60, 100, kNew,
                     tracking::TcpState::established, 300}});
}

BOOST_AUTO_TEST_CASE(segment_passes_while_its_start_is_in_the_window) {
  struct Edge {
    uint32_t seq;
    chain::FlowState state;
    uint64_t packets;  // counted in this direction: what is ignored is not
  };
  // The server has given 5840 bytes from 1 on; the client may send again what the server's window spans.
  for (const Edge& edge : {Edge{5841, kEstablished, 3}, Edge{5842, kEstablished, 2}, Edge{5841 + 5840, kInvalid, 2},
                           Edge{1u - 5840, kEstablished, 3}, Edge{1u - 5841, kEstablished, 2}}) {
    Opened connection;
    uint64_t const left = edge.packets == 3 ? (edge.seq == 5841 ? 300 : kDays) : kDays;
    bool const one_byte = edge.seq < 0x80000000;
    connection.run({{"at an edge", out, A, edge.seq, 1, 5840, edge.state, tracking::TcpState::established, left,
                     one_byte ? 1U : 0U}});
    BOOST_TEST(connection.flow().counters[0].packets.load() == edge.packets, "seq " << edge.seq);
  }
}

BOOST_AUTO_TEST_CASE(acknowledgement_of_what_nobody_sent_is_invalid_and_an_old_one_is_ignored) {
  struct Edge {
    uint32_t ack;
    chain::FlowState state;
    uint64_t packets;
  };
  for (const Edge& edge : {Edge{1, kEstablished, 3}, Edge{2, kInvalid, 2}, Edge{1u - 66000, kEstablished, 3},
                           Edge{1u - 66001, kEstablished, 2}}) {
    Opened connection;
    connection.run({{"an ACK at an edge", out, A, 1, edge.ack, 5840, edge.state, tracking::TcpState::established, kDays}});
    BOOST_TEST(connection.flow().counters[0].packets.load() == edge.packets, "ack " << edge.ack);
  }
}

BOOST_AUTO_TEST_CASE(windows_are_scaled_once_both_have_said_so) {
  for (bool const both : {true, false}) {
    Connection connection;
    connection.run({{"SYN", out, S, 0, 0, 1000, kNew, tracking::TcpState::syn_sent, 120, 0, scaled(7)},
                    {"SYN/ACK", in, S | A, 0, 1, 1000, kEstablished, tracking::TcpState::syn_recv, 60, 0,
                     both ? scaled(3) : Bytes{}},
                    {"ACK", out, A, 1, 1, 100, kEstablished, tracking::TcpState::established, kDays},
                    {"at the window's edge", in, A, both ? 12801U : 101U, 1, 1000, kEstablished,
                     tracking::TcpState::established, 300, 1}});
    BOOST_TEST(connection.flow().counters[1].packets.load() == 2U);
    connection.run({{"beyond it, and ignored", in, A, both ? 12802U : 102U, 1, 1000, kEstablished,
                     tracking::TcpState::established, 300, 1}});
    BOOST_TEST(connection.flow().counters[1].packets.load() == 2U);
  }
}

BOOST_AUTO_TEST_CASE(blocks_of_a_selective_acknowledgement_count_as_acknowledged) {
  Connection connection;
  connection.run({{"SYN", out, S, 0, 0, 1000, kNew, tracking::TcpState::syn_sent, 120, 0, scaled(0)},
                  {"SYN/ACK", in, S | A, 0, 1, 1000, kEstablished, tracking::TcpState::syn_recv, 60, 0, scaled(0)},
                  {"ACK", out, A, 1, 1, 1000, kEstablished, tracking::TcpState::established, kDays},
                  {"data, the first half lost beyond us", in, A, 501, 1, 1000, kEstablished,
                   tracking::TcpState::established, 300, 500},
                  {"SACK of it", out, A, 1, 1, 1000, kEstablished, tracking::TcpState::established, 300, 0,
                   sack(kServer + 501, kServer + 1001)},
                  {"SACK of what nobody sent", out, A, 1, 1, 1000, kInvalid, tracking::TcpState::established, 300, 0,
                   sack(kServer + 501, kServer + 1002)}});
}

BOOST_AUTO_TEST_CASE(reset_closes_at_the_next_byte_and_leaves_an_established_connection_elsewhere) {
  struct Reset {
    const char* what;
    uint32_t seq;
    chain::FlowState state;
    tracking::TcpState tcp;
    uint64_t left_s;
  };
  for (const Reset& reset :
       {Reset{"exact", 1, kEstablished, tracking::TcpState::close, 10},
        Reset{"in the window: a challenge ACK may come", 100, kEstablished, tracking::TcpState::established, 10},
        Reset{"before it", 0, kInvalid, tracking::TcpState::established, kDays},
        Reset{"behind it", 200000, kInvalid, tracking::TcpState::established, kDays}}) {
    Opened connection;
    connection.run({{"the server has something acknowledged", in, A, 1, 1, 5840, kEstablished,
                     tracking::TcpState::established, kDays},
                    {reset.what, out, R, reset.seq, 0, 0, reset.state, reset.tcp, reset.left_s}});
  }
}

BOOST_AUTO_TEST_CASE(reset_that_answers_the_first_syn_ends_the_flow_at_once) {
  Connection connection;
  connection.run({{"SYN", out, S, 0, 0, 5840, kNew, tracking::TcpState::syn_sent, 120},
                  {"refused", in, R | A, 0, 1, 0, kEstablished, tracking::TcpState::none, 0}});
}

BOOST_AUTO_TEST_CASE(both_may_open_at_once) {
  Connection connection;
  connection.run({{"SYN", out, S, 0, 0, 5840, kNew, tracking::TcpState::syn_sent, 120},
                  {"SYN of the other", in, S, 0, 0, 5840, kEstablished, tracking::TcpState::syn_sent2, 120},
                  {"SYN/ACK", out, S | A, 0, 1, 5840, kEstablished, tracking::TcpState::syn_recv, 60},
                  {"SYN/ACK of the other, which is ignored", in, S | A, 0, 1, 5840, kEstablished,
                   tracking::TcpState::syn_recv, 60},
                  {"ACK", in, A, 1, 1, 5840, kEstablished, tracking::TcpState::established, kDays}});
}

BOOST_AUTO_TEST_CASE(syn_that_was_ignored_comes_true_with_its_answer) {
  Opened connection;
  connection.run({{"a SYN of another connection: the client has begun anew", out, S, 500000, 0, 1000,
                   kEstablished, tracking::TcpState::established, kDays, 0, scaled(2)},
                  {"the server agrees", in, S | A, 700000, 500001, 1000, kEstablished, tracking::TcpState::syn_recv, 60,
                   0, scaled(2)},
                  {"ACK", out, A, 500001, 700001, 1000, kEstablished, tracking::TcpState::established, kDays},
                  {"the old connection's numbers are out of every window", out, A, 1, 1, 1000, kEstablished,
                   tracking::TcpState::established, kDays}});
  BOOST_TEST(connection.flow().counters[0].packets.load() == 3U);
}

BOOST_AUTO_TEST_CASE(reset_that_answers_an_ignored_syn_closes_the_old_connection) {
  Opened connection;
  connection.run(
      {{"a SYN of another connection", out, S, 500000, 0, 1000, kEstablished, tracking::TcpState::established, kDays},
       {"the server knows nothing of it", in, R | A, 700000, 500001, 0, kEstablished, tracking::TcpState::close, 10}});
}

BOOST_AUTO_TEST_CASE(challenge_ack_in_last_ack_is_not_taken_for_the_last_one) {
  Opened connection;
  connection.run({{"FIN", out, F | A, 1, 1, 5840, kEstablished, tracking::TcpState::fin_wait, 120},
                  {"FIN of the other", in, F | A, 1, 2, 5840, kEstablished, tracking::TcpState::last_ack, 30},
                  {"the client begins anew", out, S, 90000, 0, 5840, kEstablished, tracking::TcpState::last_ack, 30},
                  {"the server challenges", in, A, 2, 2, 5840, kEstablished, tracking::TcpState::last_ack, 30},
                  {"the ACK of its FIN", out, A, 2, 2, 5840, kEstablished, tracking::TcpState::time_wait, 120}});
}

BOOST_AUTO_TEST_CASE(same_segment_over_and_over_shortens_the_time_out) {
  Opened connection;
  Step const again{"the same", out, A, 1, 1, 5840, kEstablished, tracking::TcpState::established, kDays};
  connection.run({again, again});
  Step last = again;
  last.left_s = 300;
  connection.run({last});
}

BOOST_AUTO_TEST_CASE(closed_window_shortens_the_time_out) {
  Opened connection;
  connection.run({{"zero window", in, A, 1, 1, 0, kEstablished, tracking::TcpState::established, 300},
                  {"open again", in, A, 1, 1, 10, kEstablished, tracking::TcpState::established, kDays}});
}

BOOST_AUTO_TEST_CASE(fins_out_of_window_from_both_sides_shorten_the_time_out) {
  Opened connection;
  connection.run({{"one", out, F | A, 500000, 1, 5840, kInvalid, tracking::TcpState::established, kDays},
                  {"the other", in, F | A, 500000, 1, 5840, kInvalid, tracking::TcpState::established, 300}});
}

BOOST_AUTO_TEST_CASE(flow_comes_out_of_its_words_as_it_went_in) {
  tracking::TcpFlow flow;
  flow.seen[0] = {1, 2, 3, 4, 0xff, 14};
  flow.seen[1] = {0xffffffff, 0xfffffffe, 0xfffffffd, 0xfffffffc, 0x0f, 1};
  flow.last_seq = 5, flow.last_ack = 6, flow.last_end = 7, flow.last_win = 0xffff;
  flow.last_kind = tracking::TcpKind::nothing, flow.last_way = chain::Direction::reply;
  flow.last_flags = 0xff, flow.last_scale = 14, flow.retransmitted = 255, flow.state = tracking::TcpState::syn_sent2;
  tracking::TcpFlow const back = tracking::unpack(tracking::pack(flow));
  BOOST_TEST((tracking::pack(back) == tracking::pack(flow)));
  BOOST_TEST(back.seen[1].maxack == 0xfffffffcU);
  BOOST_TEST((back.last_kind == tracking::TcpKind::nothing && back.last_way == chain::Direction::reply));
  tracking::TcpFlow::Words wild;
  wild.fill(~uint64_t{0});
  tracking::TcpFlow forged = tracking::unpack(wild);
  BOOST_TEST((tracking::track_tcp(forged, {{}, A, 20, chain::Direction::original}, 0, 0).fate == tracking::TcpFate::invalid));
}
