// tests/unit/packet_twin.cc: see packet_twin.h. Every byte goes through a bounds check; every way out is an
// exception.
#include "tests/unit/packet_twin.h"

#include <fmt/format.h>

#include <algorithm>

namespace bulkhead::test {

namespace {

struct Refused {
  packet::Reason reason;
};
struct Done {
  packet::Shape shape;
};

/// The frame, as far as it was captured and as far as the IP packet in it goes.
class Reader {
 public:
  Reader(std::span<const uint8_t> bytes, uint64_t wire)
      : bytes_(bytes), wire_(std::max<uint64_t>(wire, bytes.size())) {}

  void end_at(uint64_t end) { wire_ = std::min(wire_, end); }
  [[nodiscard]] uint64_t wire() const { return wire_; }
  [[nodiscard]] bool can(uint64_t at, uint64_t length) const {
    return at + length <= std::min<uint64_t>(wire_, bytes_.size());
  }
  void need(uint64_t at, uint64_t length, packet::Reason otherwise) const {
    if (!can(at, length)) throw Refused{otherwise};
  }
  [[nodiscard]] uint64_t number(uint64_t at, int length) const {
    uint64_t value = 0;
    for (int i = 0; i < length; ++i) value = value * 256 + bytes_[at + static_cast<uint64_t>(i)];
    return value;
  }

 private:
  std::span<const uint8_t> bytes_;
  uint64_t wire_;
};

void copy(const Reader& reader, uint64_t at, size_t length, std::array<uint8_t, 16>& to) {
  to.fill(0);
  for (size_t i = 0; i < length; ++i) to[i] = static_cast<uint8_t>(reader.number(at + i, 1));
}

uint64_t twin_link(const Reader& reader, packet::LinkType link, packet::Headers& h) {
  if (link == packet::LinkType::raw_ip) {
    reader.need(0, 1, packet::Reason::short_ip);
    const uint64_t version = reader.number(0, 1) / 16;
    if (version != 4 && version != 6) throw Refused{packet::Reason::bad_version};
    h.ethertype = version == 4 ? 0x0800 : 0x86dd;
    return 0;
  }
  const bool v1 = link == packet::LinkType::linux_cooked_v1, v2 = link == packet::LinkType::linux_cooked_v2;
  uint64_t at = v1 ? 16 : v2 ? 20 : 14;
  reader.need(0, at, packet::Reason::short_link);
  h.ethertype = static_cast<uint16_t>(reader.number(v1 ? 14 : v2 ? 0 : 12, 2));
  h.l3_offset = static_cast<uint16_t>(at);
  const uint64_t device = v1 ? reader.number(2, 2) : v2 ? reader.number(8, 2) : 1;
  if (device == 770 || device == 778 || device == 803 || device == 824) throw Done{packet::Shape::not_ip};
  while (h.ethertype == 0x8100 || h.ethertype == 0x88a8) {
    if (h.vlan_count == 8) throw Done{packet::Shape::not_ip};
    reader.need(at, 4, packet::Reason::short_link);
    if (h.vlan_count < 2) h.vlan_tci[h.vlan_count] = static_cast<uint16_t>(reader.number(at, 2));
    h.vlan_count++;
    h.ethertype = static_cast<uint16_t>(reader.number(at + 2, 2));
    at += 4;
    h.l3_offset = static_cast<uint16_t>(at);
  }
  if (h.ethertype != 0x0800 && h.ethertype != 0x86dd) throw Done{packet::Shape::not_ip};
  return at;
}

void twin_ports(const Reader& reader, uint64_t at, packet::Headers& h) {
  h.tuple.src_port = to_network(static_cast<uint16_t>(reader.number(at, 2)));
  h.tuple.dst_port = to_network(static_cast<uint16_t>(reader.number(at + 2, 2)));
}

void twin_transport(const Reader& reader, uint64_t at, packet::Headers& h) {
  const uint64_t length = reader.wire() - at;
  switch (h.tuple.protocol) {
    case 6: {
      reader.need(at, 20, packet::Reason::short_l4);
      const uint64_t header = reader.number(at + 12, 1) / 16 * 4;
      if (header < 20 || header > length) throw Refused{packet::Reason::bad_tcp_data_offset};
      return twin_ports(reader, at, h);
    }
    case 17: {
      reader.need(at, 8, packet::Reason::short_l4);
      const uint64_t says = reader.number(at + 4, 2);
      if (says < 8 || says > length) throw Refused{packet::Reason::bad_udp_length};
      return twin_ports(reader, at, h);
    }
    case 136: {
      reader.need(at, 8, packet::Reason::short_l4);
      const uint64_t coverage = reader.number(at + 4, 2);
      if (coverage != 0 && (coverage < 8 || coverage > length)) throw Refused{packet::Reason::bad_udp_length};
      return twin_ports(reader, at, h);
    }
    case 132:
      reader.need(at, 12, packet::Reason::short_l4);
      return twin_ports(reader, at, h);
    case 1:
    case 58:
      reader.need(at, 8, packet::Reason::short_l4);
      h.tuple.src_port = to_network(static_cast<uint16_t>(reader.number(at + 4, 2)));
      h.tuple.dst_port = to_network(static_cast<uint16_t>(reader.number(at, 2)));
      return;
    case 47:
      if (!reader.can(at, 8) || reader.number(at + 1, 1) % 8 != 1) return;
      if (reader.number(at + 2, 2) != 0x880b) throw Done{packet::Shape::no_tuple};
      h.tuple.dst_port = to_network(static_cast<uint16_t>(reader.number(at + 6, 2)));
      return;
    default:
      return;
  }
}

void twin_ipv4(Reader& reader, uint64_t at, packet::Headers& h) {
  reader.need(at, 20, packet::Reason::short_ip);
  if (reader.number(at, 1) / 16 != 4) throw Refused{packet::Reason::bad_version};
  const uint64_t header = reader.number(at, 1) % 16 * 4;
  if (header < 20 || at + header > reader.wire()) throw Refused{packet::Reason::bad_header_length};
  reader.need(at, header, packet::Reason::short_ip);
  uint64_t total = reader.number(at + 2, 2);
  h.no_length = total == 0 && reader.number(at + 9, 1) == 6 && reader.number(at + 6, 2) % 0x4000 == 0;
  if (h.no_length) total = reader.wire() - at;
  if (total < header || at + total > reader.wire()) throw Refused{packet::Reason::bad_total_length};
  reader.end_at(at + total);
  h.l3_length = static_cast<uint32_t>(total);
  h.l4_offset = static_cast<uint32_t>(at + header);
  h.tuple.l3 = 4;
  h.tuple.protocol = static_cast<uint8_t>(reader.number(at + 9, 1));
  copy(reader, at + 12, 4, h.tuple.src);
  copy(reader, at + 16, 4, h.tuple.dst);
  h.fragment_id = static_cast<uint32_t>(reader.number(at + 4, 2));
  const uint64_t flags = reader.number(at + 6, 2);
  h.fragment_offset = static_cast<uint16_t>(flags % 0x2000 * 8);
  h.more_fragments = flags / 0x2000 % 2 == 1;
  if (h.fragment_offset != 0 || h.more_fragments) throw Done{packet::Shape::fragment};
  twin_transport(reader, h.l4_offset, h);
}

/// The length that the jumbo option gives; all that there is without one.
uint64_t twin_jumbo(const Reader& reader, uint64_t at) {
  const uint64_t options = at + 40;
  reader.need(options, 8, packet::Reason::short_ip);
  const uint64_t length = (reader.number(options + 1, 1) + 1) * 8;
  if (!reader.can(options, length)) {
    throw Refused{options + length > reader.wire() ? packet::Reason::bad_jumbo : packet::Reason::short_ip};
  }
  uint64_t payload = 0;
  uint64_t i = 2;
  while (i < length) {
    const uint64_t type = reader.number(options + i, 1);
    if (type == 0) {
      i += 1;
      continue;
    }
    if (i + 2 > length) throw Refused{packet::Reason::bad_jumbo};
    const uint64_t size = reader.number(options + i + 1, 1);
    if (i + 2 + size > length) throw Refused{packet::Reason::bad_jumbo};
    if (type == 0xc2) {
      if (size != 4 || i % 4 != 2) throw Refused{packet::Reason::bad_jumbo};
      payload = reader.number(options + i + 2, 4);
      if (payload < 65536) return reader.wire() - at - 40;  // no jumbo: nothing is cut off
      if (at + 40 + payload > reader.wire()) throw Refused{packet::Reason::bad_jumbo};
    }
    i += 2 + size;
  }
  return payload != 0 ? payload : reader.wire() - at - 40;
}

void twin_ipv6(Reader& reader, uint64_t at, packet::Headers& h) {
  reader.need(at, 40, packet::Reason::short_ip);
  if (reader.number(at, 1) / 16 != 6) throw Refused{packet::Reason::bad_version};
  uint64_t payload = reader.number(at + 4, 2);
  uint64_t next = reader.number(at + 6, 1);
  if (payload == 0 && next == 0) payload = twin_jumbo(reader, at);
  h.no_length = payload == 0 && next == 6;
  if (h.no_length) payload = reader.wire() - at - 40;
  if (at + 40 + payload > reader.wire()) throw Refused{packet::Reason::bad_total_length};
  reader.end_at(at + 40 + payload);
  h.l3_length = static_cast<uint32_t>(40 + payload);
  h.tuple.l3 = 6;
  copy(reader, at + 8, 16, h.tuple.src);
  copy(reader, at + 24, 16, h.tuple.dst);
  at += 40;
  for (;;) {
    h.tuple.protocol = static_cast<uint8_t>(next);
    h.l4_offset = static_cast<uint32_t>(at);
    if (next == 59) throw Done{packet::Shape::no_tuple};
    if (next == 44) {
      reader.need(at, 8, packet::Reason::short_extension);
      h.fragment_offset = static_cast<uint16_t>(reader.number(at + 2, 2) / 8 * 8);
      h.more_fragments = reader.number(at + 2, 2) % 2 == 1;
      h.fragment_id = static_cast<uint32_t>(reader.number(at + 4, 4));
      next = reader.number(at, 1);
      at += 8;
      if (h.fragment_offset == 0 && !h.more_fragments) continue;
      h.tuple.protocol = static_cast<uint8_t>(next);
      h.l4_offset = static_cast<uint32_t>(at);
      throw Done{packet::Shape::fragment};
    }
    if (next != 0 && next != 43 && next != 51 && next != 60) break;
    reader.need(at, 2, packet::Reason::short_extension);
    const uint64_t says = reader.number(at + 1, 1);
    const uint64_t length = next == 51 ? (says + 2) * 4 : (says + 1) * 8;
    reader.need(at, length, packet::Reason::short_extension);
    next = reader.number(at, 1);
    at += length;
  }
  twin_transport(reader, at, h);
}

}  // namespace

packet::Headers twin_parse(std::span<const uint8_t> captured, uint32_t wire_length, packet::LinkType link) {
  packet::Headers h;
  h.truncated = captured.size() < wire_length;
  try {
    Reader reader(captured, wire_length);
    const uint64_t at = twin_link(reader, link, h);
    if (h.ethertype == 0x0800) {
      twin_ipv4(reader, at, h);
    } else {
      twin_ipv6(reader, at, h);
    }
    h.shape = packet::Shape::ip;
  } catch (const Refused& refused) {
    h.shape = packet::Shape::malformed;
    h.reason = refused.reason;
  } catch (const Done& done) {
    h.shape = done.shape;
  }
  return h;
}

std::string describe(const packet::Headers& h) {
  std::string text = fmt::format("shape {} reason {} truncated {}", static_cast<int>(h.shape),
                                 packet::name_of(h.reason), h.truncated);
  if (h.shape == packet::Shape::malformed) return text;
  text += fmt::format(" type {:04x} l3 at {} tags {} {:x} {:x}", h.ethertype, h.l3_offset, h.vlan_count,
                      h.vlan_tci[0], h.vlan_tci[1]);
  if (h.shape == packet::Shape::not_ip) return text;
  const packet::Tuple& t = h.tuple;
  text += fmt::format(" l4 at {} length {} ipv{} protocol {} {:02x} > {:02x}", h.l4_offset, h.l3_length, t.l3,
                      t.protocol, fmt::join(t.src, ""), fmt::join(t.dst, ""));
  if (h.shape == packet::Shape::ip) text += fmt::format(" ports {} {}", t.source_port(), t.destination_port());
  if (h.shape == packet::Shape::fragment) {
    text += fmt::format(" id {} offset {} more {}", h.fragment_id, h.fragment_offset, h.more_fragments);
  }
  return text;
}

std::string broken_promise(const packet::Headers& h, std::span<const uint8_t> captured, uint32_t wire_length) {
  const uint64_t wire = std::max<uint64_t>(wire_length, captured.size());
  if ((h.shape == packet::Shape::malformed) != (h.reason != packet::Reason::none)) return "a reason if and only if malformed";
  if (h.truncated != (captured.size() < wire)) return "truncated";
  if (h.l3_offset > captured.size() || h.l4_offset > captured.size())
    return "offsets within the captured bytes";
  if (h.vlan_count > packet::Headers::max_vlan_tags) return "vlan_count";
  if (h.shape == packet::Shape::malformed || h.shape == packet::Shape::not_ip) return "";
  if (h.l3_offset + uint64_t{h.l3_length} > wire) return "the IP packet is on the wire";
  if (h.l4_offset < h.l3_offset + (h.tuple.l3 == 4 ? 20u : 40u)) return "l4_offset behind the IP header";
  if (h.l3_header_length() > h.l3_length) return "the header is in the packet";
  if (h.shape == packet::Shape::fragment)
    return h.tuple.src_port == 0 && h.tuple.dst_port == 0 ? "" : "ports of a fragment";
  if (h.shape == packet::Shape::no_tuple) return "";
  if (h.tuple.zone != 0) return "zone";
  const auto other = packet::inverse(h.tuple);
  if (other && packet::inverse(*other) != h.tuple) return "inverse(inverse(t)) == t";
  const packet::Tracking kind = packet::tracking(h.tuple);
  if ((kind == packet::Tracking::flow || kind == packet::Tracking::answer) && !other) return "flows have an inverse";
  if (kind == packet::Tracking::answer && packet::tracking(*other) != packet::Tracking::flow) return "answers answer a flow";
  const auto quoted = packet::quoted_tuple(captured, h);
  if (quoted && kind != packet::Tracking::error) return "only errors quote";
  if (quoted && quoted->l3 != h.tuple.l3) return "a quoted packet is of the same family";
  return "";
}

}  // namespace bulkhead::test
