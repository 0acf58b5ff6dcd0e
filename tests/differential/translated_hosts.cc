#include "tests/differential/translated_hosts.h"

#include "common/packet/nat_rewrite.h"

namespace bulkhead::test {
namespace {

constexpr uint8_t kBoth = packet::Rewriting::source | packet::Rewriting::destination;

packet::Headers headers_of(const Bytes& frame) { return packet::parse(frame, static_cast<uint32_t>(frame.size()), packet::LinkType::ethernet); }
/// A first fragment says what its datagram's tuple is.
Bytes as_if_whole(Bytes frame) {
  packet::Headers const headers = headers_of(frame);
  if (!headers.first_fragment()) return frame;
  auto const at = [&](size_t offset) { return frame.begin() + static_cast<ptrdiff_t>(offset); };
  if (headers.tuple.l3 == 4) {
    frame[headers.l3_offset + 6U] = frame[headers.l3_offset + 7U] = 0;
    return frame;
  }
  if (frame[headers.l3_offset + 6U] != packet::protocol::fragment) return frame;
  frame[headers.l3_offset + 6U] = headers.tuple.protocol;
  store_be16(frame.data() + headers.l3_offset + 4, static_cast<uint16_t>(load_be16(frame.data() + headers.l3_offset + 4) - 8));
  frame.erase(at(headers.l4_offset - 8), at(headers.l4_offset));
  return frame;
}
bool is_of_a_flow(const packet::Headers& headers) {
  return headers.shape == packet::Shape::ip && (packet::tracking(headers.tuple) == packet::Tracking::flow || packet::tracking(headers.tuple) == packet::Tracking::answer);
}

void rewrite(Bytes& frame, const packet::Headers& headers, const packet::Rewriting& what) {
  bulkhead::packet::rewrite(std::span(frame).subspan(headers.l3_offset), headers.tuple.protocol, headers.l4_offset - headers.l3_offset, what);
}

}  // namespace

void TranslatedHosts::came(const Bytes& sent, const Bytes& left, size_t side) {
  packet::Headers const before = headers_of(as_if_whole(sent)), after = headers_of(as_if_whole(left));
  bool const cut = headers_of(sent).shape == packet::Shape::fragment;
  bool const same_packet = before.tuple.protocol == after.tuple.protocol && (cut || before.l3_length == after.l3_length);
  if (!same_packet || !is_of_a_flow(before) || !is_of_a_flow(after)) return;
  // Untranslated, an invalid packet of the flow may have come through.
  if (before.tuple != after.tuple) flows_.insert_or_assign(before.tuple, Seen{after.tuple, side});
}

std::optional<size_t> TranslatedHosts::answer(Bytes& frame) const {
  packet::Headers const headers = headers_of(frame);
  if (is_of_a_flow(headers)) {
    auto const asked = packet::inverse(headers.tuple);
    auto const flow = asked ? flows_.find(*asked) : flows_.end();
    auto const answer = flow == flows_.end() ? std::nullopt : packet::inverse(flow->second.tuple);
    if (!answer) return std::nullopt;
    rewrite(frame, headers, {.outer = kBoth, .inner = 0, .to = *answer, .inner_to = {}});
    return flow->second.side;
  }
  if (headers.shape != packet::Shape::ip || packet::tracking(headers.tuple) != packet::Tracking::error) return std::nullopt;
  auto const quoted = packet::quoted_tuple(frame, headers);
  auto const flow = quoted ? flows_.find(*quoted) : flows_.end();
  if (flow == flows_.end()) return std::nullopt;
  packet::Rewriting what{.outer = packet::Rewriting::destination, .inner = kBoth, .to = headers.tuple, .inner_to = flow->second.tuple};
  what.to.dst = what.inner_to.src;
  if (headers.tuple.src == quoted->dst) {
    what.outer = kBoth;
    what.to.src = what.inner_to.dst;
  }
  rewrite(frame, headers, what);
  return flow->second.side;
}

}  // namespace bulkhead::test
