#include "ipc/tracking/tcp_window.h"

#include <algorithm>

namespace bulkhead::tracking {
namespace {

constexpr uint32_t kLeastAckWindow = 66000;
constexpr uint32_t kBareHeader = 20;

/// Numbers of a segment as they are looked at, which is not always what stands in it.
struct Numbers {
  uint32_t seq, ack, sack, end;
  uint32_t window;  // not scaled
};

uint32_t at_least_one(uint32_t window) { return std::max(window, 1U); }

/// The first SYN of a side, or one that begins anew.
void begin_sender(TcpSide& sender, TcpSide& receiver, const TcpSegment& segment, const Numbers& n) {
  sender.end = sender.maxend = n.end;
  sender.maxwin = at_least_one(n.window);
  take_options(sender, segment.facts);
  bool const both = (sender.flags & receiver.flags & TcpFlag::window_scale) != 0;
  if (segment.way == chain::Direction::reply && !both) sender.scale = receiver.scale = 0;
}

/// A side of which nothing was seen, in the middle of its connection.
void pick_up_sender(TcpSide& sender, TcpSide& receiver, const Numbers& n) {
  sender.end = n.end;
  sender.maxwin = at_least_one(n.window << sender.scale);
  sender.maxend = n.end + sender.maxwin;
  if (receiver.maxwin == 0) {
    receiver.end = receiver.maxend = n.sack;
  } else if (n.sack == receiver.end + 1) {
    ++receiver.end;  // the answer to a keep-alive
  }
}

enum class Begun : uint8_t { no, yes, whole };  // whole: no more to look at
Begun begin(TcpFlow& flow, const TcpSegment& segment, const Numbers& n) {
  TcpSide& sender = flow.side(segment.way);
  TcpSide& receiver = flow.side(chain::other(segment.way));
  if (sender.maxwin == 0) {
    if (!segment.syn()) return pick_up_sender(sender, receiver, n), Begun::yes;
    begin_sender(sender, receiver, segment, n);
    return segment.ack() ? Begun::yes : Begun::whole;  // a SYN alone: simultaneous open
  }
  bool const opening = flow.state == TcpState::syn_sent || flow.state == TcpState::syn_recv;
  if (!segment.syn() || !opening || !after(n.end, sender.end)) return Begun::no;
  begin_sender(sender, receiver, segment, n);
  return segment.way == chain::Direction::reply && !segment.ack() ? Begun::whole : Begun::yes;
}

InWindow unless_liberal(const TcpSide& sender, InWindow otherwise) {
  return (sender.flags & TcpFlag::be_liberal) != 0 ? InWindow::accept : otherwise;
}

/// Beyond the window. A sender that overshoots it a little is remembered, since its peer may acknowledge that.
InWindow over_window(TcpSide& sender, const TcpSide& receiver, const Numbers& n, uint32_t ack_window) {
  uint32_t const overshot = n.end - sender.maxend + 1;
  bool const in_receiver = receiver.maxwin != 0 && after(n.end, sender.end - receiver.maxwin - 1);
  bool const ack_good = after(n.sack, receiver.end - ack_window - 1) && before(n.sack, receiver.end + 1);
  if (!in_receiver || !ack_good || overshot > receiver.maxwin) return unless_liberal(sender, InWindow::invalid);
  sender.end = n.end;
  sender.flags |= TcpFlag::data_unacknowledged;
  return unless_liberal(sender, InWindow::ignore);
}

void note_sender(TcpSide& sender, const TcpSegment& segment, const Numbers& n, uint32_t window) {
  sender.maxwin = std::max(sender.maxwin, window + (n.sack - n.ack));
  if (after(n.end, sender.end)) {
    sender.end = n.end;
    sender.flags |= TcpFlag::data_unacknowledged;
  }
  if (!segment.ack()) return;
  if ((sender.flags & TcpFlag::maxack_set) == 0 || after(n.ack, sender.maxack)) sender.maxack = n.ack;
  sender.flags |= TcpFlag::maxack_set;
}

void note_receiver(const TcpSide& sender, TcpSide& receiver, const Numbers& n, uint32_t window) {
  if (receiver.maxwin != 0 && after(n.end, sender.maxend)) receiver.maxwin += n.end - sender.maxend;
  if (after(n.sack + window, receiver.maxend - 1)) receiver.maxend = n.sack + at_least_one(window);
  if (n.ack == receiver.end) receiver.flags &= static_cast<uint8_t>(~TcpFlag::data_unacknowledged);
}

void note_retransmission(TcpFlow& flow, const TcpSegment& segment, const Numbers& n) {
  auto const window = static_cast<uint16_t>(n.window);
  if (flow.last_way == segment.way && flow.last_seq == n.seq && flow.last_ack == n.ack && flow.last_end == n.end &&
      flow.last_win == window) {
    ++flow.retransmitted;
    return;
  }
  flow.last_way = segment.way;
  flow.last_seq = n.seq;
  flow.last_ack = n.ack;
  flow.last_end = n.end;
  flow.last_win = window;
  flow.retransmitted = 0;
}

}  // namespace

void take_options(TcpSide& sender, const packet::TcpFacts& facts) noexcept {
  if (facts.header_bytes == kBareHeader) return;
  sender.scale = facts.scale();
  sender.flags &= TcpFlag::be_liberal;
  if ((facts.options & packet::TcpFacts::kHasScale) != 0) sender.flags |= TcpFlag::window_scale;
  if ((facts.options & packet::TcpFacts::kSackPermitted) != 0) sender.flags |= TcpFlag::sack_permitted;
}

InWindow in_window(TcpFlow& flow, const TcpSegment& segment) noexcept {
  TcpSide& sender = flow.side(segment.way);
  TcpSide& receiver = flow.side(chain::other(segment.way));
  Numbers n{segment.facts.seq, segment.facts.ack, segment.facts.ack, segment.end(), segment.facts.window};
  if ((receiver.flags & TcpFlag::sack_permitted) != 0) n.sack = segment.facts.sack;
  if (begin(flow, segment, n) == Begun::whole) return InWindow::accept;
  // Some send an ACK of zero with their RST.
  if (!segment.ack() || (segment.rst() && n.ack == 0)) n.ack = n.sack = receiver.end;
  if (segment.rst() && n.seq == 0 && flow.state == TcpState::syn_sent) n.seq = n.end = sender.end;

  uint32_t const ack_window = std::max(sender.maxwin, kLeastAckWindow);
  bool const in_receiver = receiver.maxwin == 0 || after(n.end, sender.end - receiver.maxwin - 1);
  if (!before(n.seq, sender.maxend + 1)) return over_window(sender, receiver, n, ack_window);
  if (!before(n.sack, receiver.end + 1)) return unless_liberal(sender, InWindow::invalid);
  if (!in_receiver || !after(n.sack, receiver.end - ack_window - 1))
    return unless_liberal(sender, InWindow::ignore);

  uint32_t const window = segment.syn() ? n.window : n.window << sender.scale;
  note_sender(sender, segment, n, window);
  note_receiver(sender, receiver, n, window);
  if (segment.kind() == TcpKind::ack) note_retransmission(flow, segment, n);
  return InWindow::accept;
}

}  // namespace bulkhead::tracking