// common/ruleset/run/stateful.cc: counters, quotas and limits: words of shared state.
//
// Source  Linux nft_counter.c, nft_quota.c, nft_limit.c: a quota is over from the packet on that crosses it; a limit that is
//         not met still keeps what it has gained.
#include "common/ruleset/run/run.h"

namespace bulkhead::ruleset::run {
namespace {

using Order = StepOperation::Order;

uint64_t get(const Evaluation& packet, uint32_t word) { return packet.state == nullptr ? 0 : packet.state->get(word); }
void set(Evaluation& packet, uint32_t word, uint64_t value) {
  if (packet.state != nullptr) packet.state->set(word, value);
}

Next spend(const Step& step, Evaluation& packet, uint64_t cost) {
  auto const most = static_cast<uint64_t>(step.b);
  uint64_t const last = get(packet, step.word + 1);
  // A limit that nobody has asked yet is full.
  uint64_t const gained = last == 0 ? most : packet.time_ns - std::min(packet.time_ns, last);
  uint64_t const tokens = std::min(get(packet, step.word) + std::min(gained, most), most);
  bool const met = tokens >= cost;
  set(packet, step.word, met ? tokens - cost : tokens);
  set(packet, step.word + 1, packet.time_ns);
  bool const over = step.offset != 0;
  return met != over ? Next::step : Next::rule;
}

Next count(const Step& step, Evaluation& packet) noexcept {
  packet.bump(step.word);
  set(packet, step.word, get(packet, step.word) + 1);
  set(packet, step.word + 1, get(packet, step.word + 1) + packet.length);
  return Next::step;
}

Next consume(const Step& step, Evaluation& packet) noexcept {
  uint64_t const consumed = get(packet, step.word) + packet.length;
  set(packet, step.word, consumed);
  bool const crossed = consumed > static_cast<uint64_t>(step.a);
  bool const over = step.b != 0;
  return crossed == over ? Next::step : Next::rule;
}

Next spend_one(const Step& step, Evaluation& packet) noexcept {
  return spend(step, packet, static_cast<uint64_t>(step.a));
}

Next spend_bytes(const Step& step, Evaluation& packet) noexcept {
  // a: nanoseconds of the unit << 64 | bytes in it
  auto const unit = static_cast<uint64_t>(step.a >> 64), rate = static_cast<uint64_t>(step.a);
  return spend(step, packet, static_cast<uint64_t>(Number{unit} * packet.length / rate));
}

}  // namespace

// Counters add up in any order.
constinit const StepOperation counter{.name = "counter", .run = count, .goes_on = true, .steady = true, .changes = 2};
constinit const StepOperation quota{.name = "quota", .run = consume, .changes = 1, .order = Order::word};
constinit const StepOperation packet_limit{.name = "packet limit", .run = spend_one, .changes = 2, .order = Order::word};
constinit const StepOperation byte_limit{.name = "byte limit", .run = spend_bytes, .changes = 2, .order = Order::word};

}  // namespace bulkhead::ruleset::run
