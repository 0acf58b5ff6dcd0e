#include "ipc/tracking/tcp_track.h"

#include <algorithm>

namespace bulkhead::tracking {
namespace {

constexpr uint8_t kMostRetransmissions = 3;

/// One segment at its flow.
struct Visit {
  TcpFlow& flow;
  const TcpSegment& segment;
  uint32_t status;
  const Timeouts& timeouts;
  TcpKind kind;
  TcpState before;
  TcpState next;

  [[nodiscard]] bool seen_reply() const { return (status & state::Status32::seen_reply) != 0; }
  [[nodiscard]] bool assured() const { return (status & state::Status32::assured) != 0; }
  [[nodiscard]] bool established() const { return flow.state == TcpState::established && assured(); }
  [[nodiscard]] TcpSide& receiver() const { return flow.side(chain::other(segment.way)); }
};

enum class Step : uint8_t { window, in_window, kept, invalid, anew };  // what is to be done next

/// A segment that may be right where this tracker is wrong passes and is remembered; the answer will tell.
Step ignored(Visit& v) {
  TcpFlow& flow = v.flow;
  const TcpSegment& segment = v.segment;
  if (v.kind == TcpKind::syn_ack && flow.last_kind == TcpKind::syn && flow.last_way != segment.way &&
      segment.facts.ack == flow.last_end) {
    // It answers a SYN that was ignored: both ends agree, so what they agree on is taken over.
    v.before = TcpState::syn_sent;
    v.next = TcpState::syn_recv;
    flow.last_flags &= static_cast<uint8_t>(~TcpFlag::expect_challenge_ack);
    flow.side(flow.last_way) = {.end = flow.last_end,
                                .maxend = flow.last_end,
                                .maxwin = std::max<uint32_t>(flow.last_win, 1),
                                .maxack = flow.side(flow.last_way).maxack,
                                .flags = flow.last_flags,
                                .scale = flow.last_scale};
    TcpSide& answerer = flow.side(segment.way);
    answerer = {.flags = static_cast<uint8_t>(answerer.flags & TcpFlag::be_liberal)};
    return Step::window;
  }
  flow.last_kind = v.kind;
  flow.last_way = segment.way;
  flow.last_seq = segment.facts.seq;
  flow.last_end = segment.end();
  flow.last_win = segment.facts.window;
  if (v.kind == TcpKind::syn && segment.way == chain::Direction::original) {
    TcpSide options;
    take_options(options, segment.facts);
    flow.last_flags = options.flags;
    flow.last_scale = options.scale;
    // A peer in LAST_ACK answers with an ACK that is not one of the FIN.
    if (v.before == TcpState::last_ack) flow.last_flags |= TcpFlag::expect_challenge_ack;
  }
  if (v.before == TcpState::syn_sent && v.kind == TcpKind::ack && segment.way == chain::Direction::reply)
    flow.last_ack = segment.facts.ack;
  return Step::kept;
}

/// A SYN where one may open a connection; one that is over makes way for it.
Step syn_sent(Visit& v) {
  if (v.before < TcpState::time_wait) return Step::window;
  bool const closed = (v.flow.all_flags() & TcpFlag::close_init) != 0;
  bool const reset = v.flow.last_way == v.segment.way && v.flow.last_kind == TcpKind::rst;
  return closed || reset ? Step::anew : ignored(v);
}

Step time_wait(Visit& v) {
  TcpFlow& flow = v.flow;
  bool const challenge = v.before == TcpState::last_ack && v.kind == TcpKind::ack &&
                         flow.last_way != v.segment.way && flow.last_kind == TcpKind::syn &&
                         (flow.last_flags & TcpFlag::expect_challenge_ack) != 0;
  if (!challenge) return Step::window;
  flow.last_flags &= static_cast<uint8_t>(~TcpFlag::expect_challenge_ack);
  return Step::kept;
}

bool closing(TcpState state) {
  return state == TcpState::fin_wait || state == TcpState::last_ack || state == TcpState::time_wait ||
         state == TcpState::close || state == TcpState::close_wait;
}

enum class Reset : uint8_t { closes, invalid, unsure, unchecked };

/// RFC 5961 3.2: only one at the very next byte closes an established connection for sure.
Reset judge_reset(const Visit& v) {
  const TcpFlow& flow = v.flow;
  const TcpSide& receiver = v.receiver();
  uint32_t const seq = v.segment.facts.seq;
  if ((receiver.flags & TcpFlag::maxack_set) == 0 || flow.last_kind == TcpKind::syn) return Reset::unchecked;
  if (seq == 0 && !v.established()) return Reset::closes;
  if (before(seq, receiver.maxack)) return Reset::invalid;
  if (!v.established() || seq == receiver.maxack) return Reset::closes;
  bool const in_a_train = flow.last_kind == TcpKind::ack && flow.last_way == v.segment.way && seq == flow.last_end;
  return in_a_train ? Reset::closes : Reset::unsure;
}

Step close(Visit& v) {
  const TcpFlow& flow = v.flow;
  if (v.kind != TcpKind::rst) return Step::window;
  if (closing(flow.state)) return Step::in_window;  // the tuple may be in use again
  switch (judge_reset(v)) {
    case Reset::closes: return Step::window;
    case Reset::invalid: return Step::invalid;
    case Reset::unsure: v.next = v.before; break;
    case Reset::unchecked: break;
  }
  // Of an ACK the kernel does not ask who sent it (seen, tests/differential, generated seeds 3872 and 4209).
  bool const answers_ignored = (v.seen_reply() && flow.last_kind == TcpKind::syn && flow.last_way != v.segment.way) ||
                               (!v.assured() && flow.last_kind == TcpKind::ack);
  if (answers_ignored && v.segment.facts.ack == flow.last_end) return Step::in_window;
  bool const answers_challenge = v.before == TcpState::syn_sent && flow.last_kind == TcpKind::ack &&
                                 flow.last_way == chain::Direction::reply && v.segment.facts.seq == flow.last_ack;
  return answers_challenge ? Step::in_window : Step::window;
}

Step first_step(Visit& v) {
  switch (v.next) {
    case TcpState::syn_sent: return syn_sent(v);
    case TcpState::ignored: return ignored(v);
    case TcpState::invalid: return Step::invalid;
    case TcpState::time_wait: return time_wait(v);
    case TcpState::close: return close(v);
    case TcpState::syn_sent2: v.flow.last_flags |= TcpFlag::simultaneous_open; return Step::window;
    case TcpState::syn_recv:
      if (v.segment.way == chain::Direction::reply && v.kind == TcpKind::ack &&
          (v.flow.last_flags & TcpFlag::simultaneous_open) != 0)
        v.next = TcpState::established;
      return Step::window;
    default: return Step::window;
  }
}

/// A FIN or RST out of the window: a connection that is out of step here is not kept for days because of it.
TcpOutcome out_of_window(const Visit& v, uint64_t left_ns) {
  TcpFlow& flow = v.flow;
  if (!v.assured() || (v.kind != TcpKind::rst && v.kind != TcpKind::fin)) return {TcpFate::invalid};
  bool const answers = flow.last_way != v.segment.way &&
                       (flow.last_kind == TcpKind::fin || flow.last_kind == TcpKind::rst);
  if (!answers) {
    flow.last_kind = v.kind;
    flow.last_way = v.segment.way;
    return {TcpFate::invalid};
  }
  if (left_ns <= v.timeouts.tcp_unacknowledged) return {TcpFate::invalid};
  return {TcpFate::invalid, v.timeouts.tcp_unacknowledged};
}

uint64_t timeout_of(const Visit& v) {
  const Timeouts& timeouts = v.timeouts;
  uint64_t const whole = timeouts.of(v.next);
  if (v.flow.retransmitted >= kMostRetransmissions && whole > timeouts.tcp_retransmitted) return timeouts.tcp_retransmitted;
  if (v.kind == TcpKind::rst) return timeouts.of(TcpState::close);
  bool const unacknowledged = (v.flow.all_flags() & TcpFlag::data_unacknowledged) != 0;
  if (unacknowledged && whole > timeouts.tcp_unacknowledged) return timeouts.tcp_unacknowledged;
  if (v.flow.last_win == 0 && whole > timeouts.tcp_retransmitted) return timeouts.tcp_retransmitted;
  return whole;
}

TcpOutcome accept(const Visit& v) {
  TcpFlow& flow = v.flow;
  flow.last_kind = v.kind;
  flow.last_way = v.segment.way;
  flow.state = v.next;
  if (v.before != v.next && v.next == TcpState::fin_wait) flow.side(v.segment.way).flags |= TcpFlag::close_init;
  TcpOutcome outcome{TcpFate::accepted, timeout_of(v)};
  if (!v.seen_reply()) {
    if (v.segment.rst()) return {TcpFate::ended};
    // The same ports tried for ever must not keep an entry for ever.
    if (v.kind == TcpKind::syn && v.before == TcpState::syn_sent) return {TcpFate::kept};
    if (v.next == TcpState::established) outcome.timeout_ns = std::min(outcome.timeout_ns, v.timeouts.tcp_unacknowledged);
    return outcome;
  }
  outcome.assured = v.next == TcpState::established &&
                    (v.before == TcpState::syn_recv || v.before == TcpState::established);
  return outcome;
}

}  // namespace

bool begin_tcp(TcpFlow& flow, const TcpSegment& segment) noexcept {
  flow = TcpFlow{};
  TcpState const first = next_state(TcpState::none, chain::Direction::original, segment.flags);
  if (first >= TcpState::invalid) return false;
  TcpSide& sender = flow.seen[0];
  sender.end = segment.end();
  sender.maxwin = std::max<uint32_t>(segment.facts.window, 1);
  sender.maxend = sender.end;
  if (first == TcpState::syn_sent) {
    take_options(sender, segment.facts);
    return true;
  }
  // In the middle of a connection, whose scaling is not known.
  sender.maxend += sender.maxwin;
  flow.seen[0].flags = flow.seen[1].flags = TcpFlag::sack_permitted | TcpFlag::be_liberal;
  return true;
}

TcpSegment segment_of(const chain::Descriptor& descriptor, chain::Direction way) noexcept {
  // An offset that 16 bits do not hold is not used: no header of a packet that may be forwarded lies there.
  uint32_t const header = descriptor.l4_offset - std::min(descriptor.l4_offset, descriptor.l3_offset);
  return {descriptor.tcp, descriptor.tcp_flags, descriptor.l3_length - std::min(descriptor.l3_length, header), way};
}

TcpOutcome track_tcp(TcpFlow& flow, const TcpSegment& segment, uint32_t status, uint64_t left_ns, const Timeouts& timeouts) noexcept {
  Visit v{flow, segment, status, timeouts, segment.kind(), flow.state, next_state(flow.state, segment.way, segment.flags)};
  switch (first_step(v)) {
    case Step::invalid: return {TcpFate::invalid};
    case Step::kept: return {TcpFate::kept};
    case Step::anew: return {TcpFate::anew};
    case Step::in_window: return accept(v);
    case Step::window: break;
  }
  switch (in_window(flow, segment)) {
    case InWindow::invalid: return out_of_window(v, left_ns);
    case InWindow::ignore: return {TcpFate::kept};
    case InWindow::accept: break;
  }
  return accept(v);
}

}  // namespace bulkhead::tracking