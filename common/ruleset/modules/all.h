// common/ruleset/modules/all.h: what modules' files include, and their names for the one table (modules.cc).
#pragma once

#include <algorithm>

#include "common/ruleset/check/checker.h"
#include "common/ruleset/write/out.h"

namespace bulkhead::ruleset {

extern const Module ah_module, arp_module, comp_module, counter_module, ct_module, dccp_module,
    dst_module, esp_module, ether_module, exthdr_module, frag_module, hbh_module,
    icmp_module, icmpv6_module, igmp_module, ip_module, ip6_module, ip_option_module,
    limit_module, log_module, rt_module, fib_module, socket_module, osf_module,
    match_module, mangle_module, vmap_module, meta_module, mh_module, snat_module,
    dnat_module, masquerade_module, redirect_module, numgen_module, jhash_module, symhash_module,
    ct_helper_module, ct_timeout_module, ct_expectation_module, synproxy_module, secmark_module, quota_module,
    raw_payload_module, reject_module, rt_header_module, sctp_module, sctp_chunk_module, set_update_module, meter_module,
    notrack_module, flow_module, dup_module, fwd_module, tproxy_module, ct_count_module,
    queue_module, tcp_module, tcp_option_module, reset_tcp_module, th_module, udp_module, udplite_module,
    accept_module, drop_module, continue_module, return_module, jump_module, goto_module,
    vlan_module, ipsec_module, rt0_module, srh_module;

// Shared by NAT and what else has a target.
/// ADDRESS:PORT
void print_target(const Expression& to, Out& out);
/// A field of an IPv6 extension header, or whether it is there.
uint8_t load_extension_header(const Expression& select, uint8_t to, Compiler& compiler);
/// What is looked for by its number: a field of it, or whether it is there (option.h).
Step step_of_option(const Key& key, uint8_t to, uint8_t number);
void nat_from_json(Statement& nat, const Json& json, json_in::Reader& reader);

}  // namespace bulkhead::ruleset
