// common/ruleset/types/data_types.cc: the list of all data types that have a name.
#include <array>

#include "common/ruleset/tree/data_type.h"

namespace bulkhead::ruleset {
namespace {

constexpr std::array kTypes = {
    &integer_type, &bitmask_type, &string_type, &boolean_type, &verdict_type,
    &ipv4_address, &ipv6_address, &link_address,
    &inet_protocol, &inet_service, &nf_protocol, &ether_type, &arp_operation, &dscp, &ecn, &tcp_flag, &dccp_packet_type,
    &mh_type,
    &icmp_type, &icmp_code, &icmpv6_type, &icmpv6_code, &icmpx_code, &igmp_type,
    &ct_state, &ct_status, &ct_direction, &ct_label, &ct_event,
    &mark, &interface_index, &interface_name, &interface_type, &packet_type, &user_id, &group_id, &class_id, &realm,
    &device_group, &fib_address_type, &cgroupv2,
    &relative_time, &time_of_day, &day_of_week};

}  // namespace

std::span<const DataType* const> data_types() { return kTypes; }

const DataType* find_data_type(std::string_view name) {
  for (const DataType* const type : kTypes)
    if (type->name == name) return type;
  return nullptr;
}

}  // namespace bulkhead::ruleset