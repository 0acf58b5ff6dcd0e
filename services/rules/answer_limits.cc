#include "services/rules/answer_limits.h"

#include <algorithm>
#include <span>

#include "common/packet/icmp.h"

namespace bulkhead::rules {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kHz = 250, kJiffy = kSecond / kHz;
constexpr uint64_t kCost4 = kHz, kCost6 = kHz / 10, kCostOfRedirect = kHz, kCostOfUnroutable = kHz;
constexpr uint64_t kBurst = 6, kUnroutableBurst = 5;     // answers
constexpr uint64_t kAllBurst = 50, kAllPerSecond = 1000;  // answers
constexpr uint64_t kAllRest = kSecond / 50;               // between two looks at the clock
constexpr size_t kTogether = 8;                          // peers that share their places; the one longest not spoken to is forgotten
constexpr uint64_t kFirstFill = 60 * kHz;                 // what a new peer has not used

/// icmp_ratemask 6168; ICMPv6's default leaves out packet-too-big alone.
bool is_limited(uint8_t l3, uint8_t type, uint8_t code) {
  if (l3 == 6) return type != packet::icmpv6::packet_too_big;
  if (type == packet::icmp::unreachable && code == packet::icmp::fragmentation_needed) return false;
  return type < 32 && (6168U >> type & 1) != 0;
}

}  // namespace

bool AnswerLimits::allow(const IpAddress& peer, bool self, uint8_t type, uint8_t code, uint64_t now_ns, memory::Batch& batch) noexcept {
  bool allowed = true;
  if (limited_ && is_limited(peer.l3, type, code)) {
    uint64_t const left = left_for_all(now_ns, batch);
    allowed = left != 0 && (self || take(peer, peer.l3 == 4 ? kCost4 : kCost6, now_ns, batch));
    if (allowed) batch.set(state_.all_tokens, left - 1);
  }
  batch.add(allowed ? state_.answers : state_.answers_withheld, uint64_t{1});
  return allowed;
}

bool AnswerLimits::allow_unroutable(const IpAddress& peer, uint64_t now_ns, memory::Batch& batch) noexcept {
  state::AnswerPeer& state = peer_of(peer, now_ns, batch);
  uint64_t const now = now_ns / kJiffy, since = now - std::min(now, state.last.load());
  uint64_t const tokens = std::min(state.tokens.load() + since, kUnroutableBurst * kCostOfUnroutable);
  bool const allowed = tokens >= kCostOfUnroutable;
  batch.set(state.last, now);
  batch.set(state.tokens, allowed ? tokens - kCostOfUnroutable : tokens);
  if (!allowed) batch.add(state_.answers_withheld, uint64_t{1});
  return allowed;
}

state::AnswerPeer& AnswerLimits::peer_of(const IpAddress& address, uint64_t now_ns, memory::Batch& batch) noexcept {
  packet::Tuple name;
  name.src = address.bytes;
  name.l3 = address.l3;
  uint64_t const key = hash_(name) | 1;
  auto const places = std::span(state_.peers).subspan((key >> 1) % (state::RulesState::kPeers / kTogether) * kTogether, kTogether);
  state::AnswerPeer* oldest = places.data();
  for (state::AnswerPeer& peer : places) {
    if (peer.key.load() == key) return peer;
    if (peer.last.load() < oldest->last.load()) oldest = &peer;
  }
  state::AnswerPeer& peer = *oldest;
  batch.set(peer.key, key);
  batch.set(peer.tokens, uint64_t{0});
  uint64_t const now = now_ns / kJiffy;
  batch.set(peer.last, now - std::min(now, kFirstFill));
  return peer;
}

void AnswerLimits::count_redirect(const IpAddress& peer, uint64_t now_ns, memory::Batch& batch) noexcept {
  static_cast<void>(take(peer, kCostOfRedirect, now_ns, batch));
}

bool AnswerLimits::take(const IpAddress& peer, uint64_t cost, uint64_t now_ns, memory::Batch& batch) noexcept {
  state::AnswerPeer& state = peer_of(peer, now_ns, batch);
  uint64_t const now = now_ns / kJiffy, last = state.last.load();
  uint64_t tokens = state.tokens.load();
  if (now > last) {
    batch.set(state.last, now);
    tokens = std::min(tokens + now - last, kBurst * cost);
  }
  bool const allowed = tokens >= cost;
  batch.set(state.tokens, allowed ? tokens - cost : tokens);
  return allowed;
}

uint64_t AnswerLimits::left_for_all(uint64_t now_ns, memory::Batch& batch) noexcept {
  uint64_t const tokens = state_.all_tokens.load();
  uint64_t const since = now_ns - std::min(now_ns, state_.all_last_ns.load());
  if (tokens != 0 || since < kAllRest) return tokens;
  uint64_t const more = std::min(std::min(since, kSecond) * kAllPerSecond / kSecond, kAllBurst);
  batch.set(state_.all_last_ns, now_ns);
  batch.set(state_.all_tokens, more);
  return more;
}

}  // namespace bulkhead::rules
