// Types and codes of ICMP, ICMPv6 and IGMP messages.
#include "common/ruleset/tree/data_type.h"

namespace bulkhead::ruleset {
namespace {

constexpr Symbol kIcmp[] = {{"echo-reply", 0}, {"destination-unreachable", 3}, {"source-quench", 4}, {"redirect", 5},
  {"echo-request", 8}, {"router-advertisement", 9}, {"router-solicitation", 10}, {"time-exceeded", 11},
  {"parameter-problem", 12}, {"timestamp-request", 13}, {"timestamp-reply", 14}, {"info-request", 15},
  {"info-reply", 16}, {"address-mask-request", 17}, {"address-mask-reply", 18}};
constexpr Symbol kIcmpCode[] = {{"net-unreachable", 0}, {"host-unreachable", 1}, {"prot-unreachable", 2},
  {"port-unreachable", 3}, {"net-prohibited", 9}, {"host-prohibited", 10}, {"admin-prohibited", 13}, {"frag-needed", 4}};
constexpr Symbol kIcmpv6[] = {{"destination-unreachable", 1}, {"packet-too-big", 2}, {"time-exceeded", 3},
  {"parameter-problem", 4}, {"echo-request", 128}, {"echo-reply", 129}, {"mld-listener-query", 130},
  {"mld-listener-report", 131}, {"mld-listener-done", 132}, {"mld-listener-reduction", 132}, {"nd-router-solicit", 133},
  {"nd-router-advert", 134}, {"nd-neighbor-solicit", 135}, {"nd-neighbor-advert", 136}, {"nd-redirect", 137},
  {"router-renumbering", 138}, {"ind-neighbor-solicit", 141}, {"ind-neighbor-advert", 142}, {"mld2-listener-report", 143}};
constexpr Symbol kIcmpv6Code[] = {{"no-route", 0}, {"admin-prohibited", 1}, {"addr-unreachable", 3},
  {"port-unreachable", 4}, {"policy-fail", 5}, {"reject-route", 6}};
constexpr Symbol kIcmpxCode[] = {{"port-unreachable", 1}, {"admin-prohibited", 3}, {"no-route", 0}, {"host-unreachable", 2}};
constexpr Symbol kIgmp[] = {{"membership-query", 17}, {"membership-report-v1", 18}, {"membership-report-v2", 22},
  {"membership-report-v3", 34}, {"leave-group", 23}};

}  // namespace

const DataType icmp_type{.name = "icmp_type", .description = "ICMP type", .bits = 8, .order = ByteOrder::network,
                         .base = &integer_type, .symbols = kIcmp};
const DataType icmp_code{.name = "icmp_code", .description = "icmp code", .bits = 8, .order = ByteOrder::network,
                         .base = &integer_type, .symbols = kIcmpCode};
const DataType icmpv6_type{.name = "icmpv6_type", .description = "ICMPv6 type", .bits = 8, .order = ByteOrder::network,
                           .base = &integer_type, .symbols = kIcmpv6};
const DataType icmpv6_code{.name = "icmpv6_code", .description = "icmpv6 code", .bits = 8, .order = ByteOrder::network,
                           .base = &integer_type, .symbols = kIcmpv6Code};
const DataType icmpx_code{.name = "icmpx_code", .description = "icmpx code", .bits = 8, .order = ByteOrder::network,
                          .base = &integer_type, .symbols = kIcmpxCode};
const DataType igmp_type{.name = "igmp_type", .description = "IGMP type", .bits = 8, .order = ByteOrder::network,
                         .base = &integer_type, .symbols = kIgmp};

}  // namespace bulkhead::ruleset