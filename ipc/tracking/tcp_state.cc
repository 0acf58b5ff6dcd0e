#include "ipc/tracking/tcp_state.h"

namespace bulkhead::tracking {
namespace {

constexpr auto sNO = TcpState::none, sSS = TcpState::syn_sent, sSR = TcpState::syn_recv,
               sES = TcpState::established, sFW = TcpState::fin_wait, sCW = TcpState::close_wait,
               sLA = TcpState::last_ack, sTW = TcpState::time_wait, sCL = TcpState::close,
               sS2 = TcpState::syn_sent2, sIV = TcpState::invalid, sIG = TcpState::ignored;

constexpr TcpState kNext[2][kTcpKinds][kTcpStates] = {
    {
        //         sNO  sSS  sSR  sES  sFW  sCW  sLA  sTW  sCL  sS2
        /* syn */ {sSS, sSS, sIG, sIG, sIG, sIG, sIG, sSS, sSS, sS2},
        /* s/a */ {sIV, sIV, sSR, sIV, sIV, sIV, sIV, sIV, sIV, sSR},
        /* fin */ {sIV, sIV, sFW, sFW, sLA, sLA, sLA, sTW, sCL, sIV},
        /* ack */ {sES, sIV, sES, sES, sCW, sCW, sTW, sTW, sCL, sIV},
        /* rst */ {sIV, sCL, sCL, sCL, sCL, sCL, sCL, sCL, sCL, sCL},
        /* --- */ {sIV, sIV, sIV, sIV, sIV, sIV, sIV, sIV, sIV, sIV},
    },
    {
        /* syn */ {sIV, sS2, sIV, sIV, sIV, sIV, sIV, sSS, sIV, sS2},
        /* s/a */ {sIV, sSR, sIG, sIG, sIG, sIG, sIG, sIG, sIG, sSR},
        /* fin */ {sIV, sIV, sFW, sFW, sLA, sLA, sLA, sTW, sCL, sIV},
        /* ack */ {sIV, sIG, sSR, sES, sCW, sCW, sTW, sTW, sCL, sIG},
        /* rst */ {sIV, sCL, sCL, sCL, sCL, sCL, sCL, sCL, sCL, sCL},
        /* --- */ {sIV, sIV, sIV, sIV, sIV, sIV, sIV, sIV, sIV, sIV},
    }};
static_assert(kNext[0][static_cast<size_t>(TcpKind::ack)][static_cast<size_t>(sNO)] == sES,
              "a flow is picked up in its middle");

constexpr uint8_t kFin = 0x01, kSyn = 0x02, kRst = 0x04, kAck = 0x10, kUrg = 0x20;

}  // namespace

TcpKind kind_of(uint8_t flags) noexcept {
  if ((flags & kRst) != 0) return TcpKind::rst;
  if ((flags & kSyn) != 0) return (flags & kAck) != 0 ? TcpKind::syn_ack : TcpKind::syn;
  if ((flags & kFin) != 0) return TcpKind::fin;
  return (flags & kAck) != 0 ? TcpKind::ack : TcpKind::nothing;
}

bool possible_flags(uint8_t flags) noexcept {
  switch (flags & (kFin | kSyn | kRst | kAck | kUrg)) {
    case kSyn:
    case kSyn | kUrg:
    case kSyn | kAck:
    case kRst:
    case kRst | kAck:
    case kFin | kAck:
    case kFin | kAck | kUrg:
    case kAck:
    case kAck | kUrg: return true;
    default: return false;
  }
}

TcpState next_state(TcpState now, chain::Direction way, uint8_t tcp_flags) noexcept {
  if (static_cast<size_t>(now) >= kTcpStates) return TcpState::invalid;
  return kNext[way == chain::Direction::reply][static_cast<size_t>(kind_of(tcp_flags))][static_cast<size_t>(now)];
}

}  // namespace bulkhead::tracking