#include "services/conntrack/sctp_track.h"

#include "ipc/tracking/timeouts.h"

namespace bulkhead::conntrack {
namespace {

constexpr size_t kStates = 9, kRows = 11;
constexpr auto sNO = SctpState::none, sCL = SctpState::closed, sCW = SctpState::cookie_wait,
               sCE = SctpState::cookie_echoed, sES = SctpState::established, sSS = SctpState::shutdown_sent,
               sSR = SctpState::shutdown_received, sSA = SctpState::shutdown_ack_sent,
               sHS = SctpState::heartbeat_sent, sIV = SctpState::invalid;

constexpr SctpState kNext[2][kRows][kStates] = {
    {
        //                 sNO  sCL  sCW  sCE  sES  sSS  sSR  sSA  sHS
        /* init */        {sCL, sCL, sCW, sCE, sES, sCL, sCL, sSA, sCW},
        /* init ack */    {sCL, sCL, sCW, sCE, sES, sSS, sSR, sSA, sCL},
        /* abort */       {sCL, sCL, sCL, sCL, sCL, sCL, sCL, sCL, sCL},
        /* shutdown */    {sCL, sCL, sCW, sCE, sSS, sSS, sSR, sSA, sCL},
        /* shutdown ack */{sSA, sCL, sCW, sCE, sES, sSA, sSA, sSA, sSA},
        /* error */       {sCL, sCL, sCW, sCE, sES, sSS, sSR, sSA, sCL},
        /* cookie echo */ {sCL, sCL, sCE, sCE, sES, sSS, sSR, sSA, sCL},
        /* cookie ack */  {sCL, sCL, sCW, sES, sES, sSS, sSR, sSA, sCL},
        /* complete */    {sCL, sCL, sCW, sCE, sES, sSS, sSR, sCL, sCL},
        /* heartbeat */   {sHS, sCL, sCW, sCE, sES, sSS, sSR, sSA, sHS},
        /* its ack */     {sCL, sCL, sCW, sCE, sES, sSS, sSR, sSA, sHS},
    },
    {
        /* init */        {sIV, sCL, sCW, sCE, sES, sSS, sSR, sSA, sIV},
        /* init ack */    {sIV, sCW, sCW, sCE, sES, sSS, sSR, sSA, sIV},
        /* abort */       {sIV, sCL, sCL, sCL, sCL, sCL, sCL, sCL, sIV},
        /* shutdown */    {sIV, sCL, sCW, sCE, sSR, sSS, sSR, sSA, sIV},
        /* shutdown ack */{sIV, sCL, sCW, sCE, sES, sSA, sSA, sSA, sIV},
        /* error */       {sIV, sCL, sCW, sCL, sES, sSS, sSR, sSA, sIV},
        /* cookie echo */ {sIV, sCL, sCE, sCE, sES, sSS, sSR, sSA, sIV},
        /* cookie ack */  {sIV, sCL, sCW, sES, sES, sSS, sSR, sSA, sIV},
        /* complete */    {sIV, sCL, sCW, sCE, sES, sSS, sSR, sCL, sIV},
        /* heartbeat */   {sIV, sCL, sCW, sCE, sES, sSS, sSR, sSA, sHS},
        /* its ack */     {sIV, sCL, sCW, sCE, sES, sSS, sSR, sSA, sES},
    }};
static_assert(kNext[0][0][static_cast<size_t>(sNO)] == sCL);

constexpr std::array<uint64_t, kStates> kTimeouts{10 * tracking::kSecond, 10 * tracking::kSecond,  3 * tracking::kSecond,
                                                  3 * tracking::kSecond,  210 * tracking::kSecond, 3 * tracking::kSecond,
                                                  3 * tracking::kSecond,  3 * tracking::kSecond,   30 * tracking::kSecond};

/// The same chunk without its T bit.
packet::SctpChunk plain(packet::SctpChunk chunk) {
  if (chunk == packet::SctpChunk::abort_t) return packet::SctpChunk::abort;
  return chunk == packet::SctpChunk::shutdown_complete_t ? packet::SctpChunk::shutdown_complete : chunk;
}

SctpState next_state(SctpState now, chain::Direction way, packet::SctpChunk chunk) {
  size_t const row = static_cast<size_t>(plain(chunk)) - 1;
  if (row >= kRows || static_cast<size_t>(now) >= kStates) return SctpState::invalid;
  return kNext[way == chain::Direction::reply][row][static_cast<size_t>(now)];
}

bool has_either(const packet::SctpFacts& facts, packet::SctpChunk chunk, packet::SctpChunk reflected) {
  return facts.has(chunk) || facts.has(reflected);
}

/// One packet at its flow.
struct Visit {
  SctpFlow& flow;
  const packet::SctpFacts& facts;
  chain::Direction way;
  bool known;
  bool ignore = false;  // passes, and its flow lives no longer for it
  bool assured = false;

  [[nodiscard]] uint32_t& tag() { return flow.tags[static_cast<size_t>(way)]; }
  [[nodiscard]] uint32_t& other_tag() { return flow.tags[static_cast<size_t>(chain::other(way))]; }
  [[nodiscard]] bool& init() { return flow.init[static_cast<size_t>(way)]; }
  [[nodiscard]] bool& other_init() { return flow.init[static_cast<size_t>(chain::other(way))]; }
};

bool begins(Visit& v) {
  const packet::SctpFacts& facts = v.facts;
  if (has_either(facts, packet::SctpChunk::abort, packet::SctpChunk::abort_t) || facts.has(packet::SctpChunk::cookie_ack) ||
      has_either(facts, packet::SctpChunk::shutdown_complete, packet::SctpChunk::shutdown_complete_t) ||
      facts.is(packet::SctpFacts::kOther))
    return false;
  v.flow = SctpFlow{};
  if (facts.has(packet::SctpChunk::init)) {
    if (facts.tag != 0 || facts.is(packet::SctpFacts::kNoInit)) return false;
    v.flow.tags[1] = facts.init_tag;
    return true;
  }
  // A heartbeat bears its receiver's tag. Of a SHUTDOWN ACK of an association that is over an answer is expected that reflects the tag.
  // (All combinations of two chunks tried, tests/differential/README.md.)
  if (facts.has(packet::SctpChunk::heartbeat)) v.flow.tags[0] = facts.tag;
  if (facts.has(packet::SctpChunk::shutdown_ack)) v.flow.tags[1] = facts.tag;
  return true;
}

/// RFC 9260 8.5: chunks that say for themselves which tag they must bear are looked at one by one.
bool tag_good(Visit& v) {
  const packet::SctpFacts& facts = v.facts;
  bool const by_chunk = facts.has(packet::SctpChunk::init) || facts.has(packet::SctpChunk::cookie_echo) ||
                        facts.has(packet::SctpChunk::shutdown_ack) || facts.has(packet::SctpChunk::heartbeat) ||
                        facts.has(packet::SctpChunk::heartbeat_ack) ||
                        has_either(facts, packet::SctpChunk::abort, packet::SctpChunk::abort_t) ||
                        has_either(facts, packet::SctpChunk::shutdown_complete, packet::SctpChunk::shutdown_complete_t);
  return by_chunk || facts.tag == v.tag();
}

enum class Heard : uint8_t { good, skip, bad };

/// A heartbeat may come over another path, where tags are not known yet; its answer confirms them.
Heard heartbeat(Visit& v, packet::SctpChunk chunk) {
  uint32_t const tag = v.facts.tag;
  if (v.tag() == 0) {
    v.tag() = tag;
    return Heard::good;
  }
  if (tag == v.tag()) {
    v.flow.other_tag = false;
    return Heard::good;
  }
  if (v.facts.is(packet::SctpFacts::kData) || v.ignore) return Heard::bad;
  if (chunk == packet::SctpChunk::heartbeat) {
    v.flow.other_tag = true;
    v.flow.last_way = v.way;
    v.ignore = true;
    return Heard::skip;
  }
  if (!v.flow.other_tag || v.flow.last_way == v.way) return Heard::bad;
  v.flow.other_tag = false;
  v.tag() = tag;
  v.other_tag() = 0;
  return Heard::good;
}

Heard check_tag(Visit& v, packet::SctpChunk chunk) {
  auto const wanted = [&](uint32_t tag) { return v.facts.tag == tag ? Heard::good : Heard::bad; };
  switch (chunk) {
    case packet::SctpChunk::init: return wanted(0);
    case packet::SctpChunk::abort:
    case packet::SctpChunk::shutdown_complete:
    case packet::SctpChunk::cookie_echo: return wanted(v.tag());
    case packet::SctpChunk::abort_t:
    case packet::SctpChunk::shutdown_complete_t: return wanted(v.other_tag());
    case packet::SctpChunk::cookie_ack: v.flow.init = {}; return Heard::good;
    case packet::SctpChunk::heartbeat:
    case packet::SctpChunk::heartbeat_ack: return heartbeat(v, chunk);
    default: return Heard::good;
  }
}

/// What INIT and INIT ACK say of the other side's tag. False: it contradicts what is known.
bool take_init(Visit& v, packet::SctpChunk chunk, SctpState before, SctpState next) {
  if (chunk != packet::SctpChunk::init && chunk != packet::SctpChunk::init_ack) return true;
  if (v.facts.is(packet::SctpFacts::kNoInit)) return false;
  if (chunk == packet::SctpChunk::init) {
    // One that says the tag that is known already is repeated, stale or forged.
    if (!v.known || v.other_tag() != v.facts.init_tag) {
      if (v.init() && v.other_init()) v.other_init() = false;
      v.init() = true;
    }
    if (before == SctpState::closed && next == SctpState::closed && v.known) v.ignore = true;
  } else {
    bool const differs = v.other_tag() != v.facts.init_tag;
    if (!v.other_init() && v.other_tag() != 0 && differs) return false;
    if (v.init() && v.other_init() && differs) return false;
  }
  v.other_tag() = v.facts.init_tag;
  return true;
}

bool take_chunk(Visit& v, packet::SctpChunk chunk) {
  switch (check_tag(v, chunk)) {
    case Heard::bad: return false;
    case Heard::skip: return true;
    case Heard::good: break;
  }
  SctpState const before = v.flow.state, next = next_state(before, v.way, chunk);
  if (next == SctpState::invalid || !take_init(v, chunk, before, next)) return false;
  v.flow.state = next;
  if (before != next && next == SctpState::established) v.assured = true;
  return true;
}

}  // namespace

SctpFlow::Words pack(const SctpFlow& f) noexcept {
  return {uint64_t{f.tags[1]} << 32 | f.tags[0],
          static_cast<uint64_t>(f.state) | uint64_t{f.init[0]} << 8 | uint64_t{f.init[1]} << 9 |
              static_cast<uint64_t>(f.last_way) << 10 | uint64_t{f.other_tag} << 11};
}

SctpFlow unpack(const SctpFlow::Words& words) noexcept {
  auto const bit = [&](unsigned i) { return (words[1] >> i & 1) != 0; };
  return {.tags = {static_cast<uint32_t>(words[0]), static_cast<uint32_t>(words[0] >> 32)},
          .init = {bit(8), bit(9)},
          .state = static_cast<SctpState>(words[1] & 0xff),
          .last_way = bit(10) ? chain::Direction::reply : chain::Direction::original,
          .other_tag = bit(11)};
}

SctpOutcome track_sctp(SctpFlow& flow, const packet::SctpFacts& facts, chain::Direction way, bool known) noexcept {
  std::array<packet::SctpChunk, packet::SctpFacts::kMostChunks> chunks;
  size_t count = 0;
  for (; facts.chunk(count) != packet::SctpChunk::none; ++count) chunks[count] = facts.chunk(count);
  return track_sctp(flow, facts, std::span(chunks).first(count), way, known);
}

SctpOutcome track_sctp(SctpFlow& flow, const packet::SctpFacts& facts, std::span<const packet::SctpChunk> chunks, chain::Direction way, bool known) noexcept {
  using Fate = SctpOutcome::Fate;
  Visit v{flow, facts, way, known};
  if (facts.is(packet::SctpFacts::kBad) || (!known && !begins(v)) || !tag_good(v)) return {Fate::invalid};
  for (packet::SctpChunk chunk : chunks)
    if (!take_chunk(v, chunk)) return {Fate::invalid, 0, v.assured};
  if (v.ignore) return {Fate::kept, 0, v.assured};
  return {Fate::accepted, kTimeouts[static_cast<size_t>(flow.state) % kStates], v.assured};
}

}  // namespace bulkhead::conntrack
