// common/ruleset/operations.cc: the table of all operations; a new one is a row here.
#include "common/ruleset/operations.h"

#include <array>

#include "common/ruleset/run/edit.h"
#include "common/ruleset/run/element.h"
#include "common/ruleset/run/fib.h"
#include "common/ruleset/run/make_numbers.h"
#include "common/ruleset/run/option.h"
#include "common/ruleset/run/run.h"
#include "common/ruleset/run/select.h"

namespace bulkhead::ruleset {
namespace {

constexpr std::array kOperations = {
    &run::link_field, &run::network_field, &run::transport_field, &run::is_family, &run::is_protocol, &run::is_tagged,
    &run::is_ether_type, &run::equal, &run::not_equal, &run::less, &run::less_or_equal, &run::greater,
    &run::greater_or_equal, &run::inside, &run::outside, &run::any_bit, &run::no_bit, &run::in_set,
    &run::not_in_set, &run::map_value, &run::map_verdict, &run::in_dynamic, &run::not_in_dynamic,
    &run::dynamic_value, &run::dynamic_verdict, &run::add_element, &run::update_element,
    &run::delete_element, &run::masked, &run::shifted_left, &run::shifted_right, &run::constant,
    &run::accept, &run::drop, &run::jump, &run::go_to, &run::return_, &run::go_on, &run::reject4,
    &run::reject6, &run::reject_any, &run::reset, &run::order_nat, &run::set_mark, &run::set_priority,
    &run::set_flow_mark, &run::set_flow_label, &run::set_timeouts, &run::set_zone, &run::queue_to_nobody, &run::flow_add, &run::synproxy, &run::ignored,
    &run::dup_to_device, &run::dup_to_address, &run::fwd_to_device, &run::fwd_to_neighbour,
    &run::untrack, &run::counter, &run::quota, &run::packet_limit, &run::byte_limit, &run::count_connections,
    &run::meta_length, &run::meta_protocol, &run::meta_nfproto, &run::meta_l4proto, &run::meta_mark,
    &run::meta_pkttype, &run::meta_iif, &run::meta_oif, &run::meta_iifname, &run::meta_oifname,
    &run::meta_iiftype, &run::meta_oiftype, &run::meta_iifgroup, &run::meta_oifgroup, &run::meta_priority,
    &run::meta_time, &run::meta_hour, &run::meta_day, &run::zero, &run::absent, &run::ct_state,
    &run::ct_direction, &run::ct_status, &run::ct_mark, &run::ct_label, &run::ct_expiration, &run::ct_id, &run::ct_l3proto,
    &run::ct_protocol, &run::ct_saddr, &run::ct_daddr, &run::ct_proto_src, &run::ct_proto_dst,
    &run::ct_zone, &run::ct_packets, &run::ct_bytes, &run::ct_avgpkt,
    &run::fib_oif, &run::fib_oifname, &run::fib_type, &run::route_mss,
    &run::tcp_option, &run::ip_option, &run::sctp_chunk, &run::ip6_header, &run::set_tcp_option, &run::strip_tcp_option,
    &run::set_network_field, &run::set_transport_field, &run::inner_field, &run::set_inner_field,
    &run::in_set_that_acts, &run::map_value_that_acts, &run::map_verdict_that_acts,
    &run::object_by_map, &run::object_by_dynamic_map,
    &run::numgen_inc, &run::numgen_random, &run::random, &run::jenkins, &run::symmetric_hash};

}  // namespace

std::span<const StepOperation* const> all_operations() { return kOperations; }

}  // namespace bulkhead::ruleset
