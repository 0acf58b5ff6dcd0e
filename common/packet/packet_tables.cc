// common/packet/packet_tables.cc: link types, names, and what Linux makes of ICMP types (nf_conntrack_proto_icmp.c,
// _icmpv6.c).
#include "common/packet/packet.h"

namespace bulkhead::packet {
namespace {

constexpr uint8_t no_inverse = 0xff;

constexpr uint8_t icmp_inverse(uint8_t type) noexcept {
  switch (type) {
    case 0:
      return 8;  // echo
    case 8:
      return 0;
    case 13:
      return 14;  // timestamp
    case 14:
      return 13;
    case 15:
      return 16;  // information
    case 16:
      return 15;
    case 17:
      return 18;  // address mask
    case 18:
      return 17;
    default:
      return no_inverse;
  }
}

constexpr uint8_t icmpv6_inverse(uint8_t type) noexcept {
  switch (type) {
    case 128:
      return 129;  // echo
    case 129:
      return 128;
    case 139:
      return 140;  // node information, RFC 4620
    case 140:
      return 139;
    default:
      return no_inverse;
  }
}

Tracking icmp_tracking(uint8_t type) noexcept {
  switch (type) {
    case 8:
    case 13:
    case 15:
    case 17:
      return Tracking::flow;
    case 0:
    case 14:
    case 16:
    case 18:
      return Tracking::answer;
    case 3:   // destination unreachable
    case 4:   // source quench
    case 5:   // redirect
    case 11:  // time exceeded
    case 12:
      return Tracking::error;  // parameter problem
    default:
      return Tracking::invalid;
  }
}

Tracking icmpv6_tracking(uint8_t type) noexcept {
  if (type < 128) return Tracking::error;
  switch (type) {
    case 128:
    case 139:
      return Tracking::flow;
    case 129:
    case 140:
      return Tracking::answer;
    case 130:  // multicast listener query, report, done
    case 131:
    case 132:
    case 133:  // router solicitation, advertisement
    case 134:
    case 135:  // neighbour solicitation, advertisement
    case 136:
    case 143:
      return Tracking::untracked;  // multicast listener report, version 2
    case 137:
      return Tracking::error;  // redirect (Linux 6.2)
    default:
      return Tracking::invalid;
  }
}

}  // namespace

namespace {

struct KnownLink {
  LinkType link;
  int number;  // LINKTYPE_, which is written; DLT_ too but for raw IP
  std::string_view name;
};
constexpr std::array<KnownLink, 10> known_links{{{LinkType::ethernet, 1, "Ethernet"},
                                                 {LinkType::raw_ip, 101, "raw IP"},
                                                 {LinkType::linux_cooked_v1, 113, "Linux cooked v1"},
                                                 {LinkType::linux_cooked_v2, 276, "Linux cooked v2"},
                                                 {LinkType::bsd_null, 0, "BSD loopback"},
                                                 {LinkType::bsd_loop, 108, "OpenBSD loopback"},
                                                 {LinkType::ppp, 9, "PPP"},
                                                 {LinkType::ppp_serial, 50, "PPP over serial"},
                                                 {LinkType::cisco_hdlc, 104, "Cisco HDLC"},
                                                 {LinkType::nflog, 239, "NFLOG"}}};
/// 12 is DLT_RAW here, 14 on OpenBSD; 228 and 229 are IPv4 and IPv6 alone.
constexpr std::array<int, 4> raw_numbers{12, 14, 228, 229};

const KnownLink& known(LinkType link) noexcept {
  for (const KnownLink& one : known_links)
    if (one.link == link) return one;
  return known_links[0];
}

}  // namespace

std::optional<LinkType> link_type_of(int dlt) noexcept {
  for (const int number : raw_numbers)
    if (number == dlt) return LinkType::raw_ip;
  for (const KnownLink& one : known_links)
    if (one.number == dlt) return one.link;
  return std::nullopt;
}

int linktype_number(LinkType link) noexcept { return known(link).number; }

std::string_view name_of(LinkType link) noexcept { return known(link).name; }

std::string_view name_of(Reason reason) noexcept {
  static constexpr std::array<std::string_view, reason_count> names = {"none",
                                                                       "short_link",
                                                                       "short_ip",
                                                                       "bad_version",
                                                                       "bad_header_length",
                                                                       "bad_total_length",
                                                                       "bad_jumbo",
                                                                       "short_extension",
                                                                       "short_l4",
                                                                       "bad_tcp_data_offset",
                                                                       "bad_udp_length"};
  const auto index = static_cast<size_t>(reason);
  return index < names.size() ? names[index] : "unknown";
}

Tracking tracking(const Tuple& tuple) noexcept {
  if (tuple.protocol == protocol::icmp) {
    return tuple.l3 == 4 ? icmp_tracking(tuple.icmp_type()) : Tracking::invalid;
  }
  if (tuple.protocol == protocol::icmpv6) {
    return tuple.l3 == 6 ? icmpv6_tracking(tuple.icmp_type()) : Tracking::invalid;
  }
  return Tracking::flow;
}

std::optional<Tuple> inverse(const Tuple& tuple) noexcept {
  Tuple other = tuple;
  other.src = tuple.dst;
  other.dst = tuple.src;
  if (!tuple.is_icmp()) {
    other.src_port = tuple.dst_port;
    other.dst_port = tuple.src_port;
    return other;
  }
  const uint8_t type = tuple.icmp_type();
  const uint8_t answer = tuple.protocol == protocol::icmp ? icmp_inverse(type) : icmpv6_inverse(type);
  if (answer == no_inverse) return std::nullopt;
  other.dst_port = to_network(static_cast<uint16_t>(answer << 8 | tuple.icmp_code()));
  return other;
}

}  // namespace bulkhead::packet