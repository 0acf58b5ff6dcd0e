// common/ruleset/modules/modules.cc: the table of all modules; a new one is a row here.
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

constexpr std::array kModules = {
    &ah_module, &arp_module, &comp_module, &counter_module, &ct_module,
    &dccp_module, &dst_module, &esp_module, &ether_module, &exthdr_module,
    &frag_module, &hbh_module, &icmp_module, &icmpv6_module, &igmp_module,
    &ip_module, &ip6_module, &ip_option_module, &limit_module, &log_module,
    &rt_module, &fib_module, &socket_module, &osf_module, &match_module,
    &mangle_module, &vmap_module, &meta_module, &mh_module, &snat_module,
    &dnat_module, &masquerade_module, &redirect_module, &numgen_module, &jhash_module,
    &symhash_module, &ct_helper_module, &ct_timeout_module, &ct_expectation_module, &synproxy_module,
    &secmark_module, &quota_module, &raw_payload_module, &reject_module, &rt_header_module,
    &sctp_module, &set_update_module, &meter_module, &notrack_module, &flow_module,
    &dup_module, &fwd_module, &tproxy_module, &ct_count_module, &queue_module,
    &tcp_module, &tcp_option_module, &th_module, &udp_module, &udplite_module,
    &accept_module, &drop_module, &continue_module, &return_module, &jump_module,
    &goto_module, &vlan_module};

}  // namespace

std::span<const Module* const> all_modules() { return kModules; }

const Module* Registry::find(std::string_view name, Form form) const {
  for (const Module* const module : modules_)
    if (module->form == form && module->name == name) return module;
  return nullptr;
}

const Module* Registry::expression(std::string_view name) const {
  for (Form const form : {Form::header, Form::select, Form::option, Form::hash})
    if (const Module* const found = find(name, form)) return found;
  return nullptr;
}

const Module* Registry::statement(std::string_view name) const {
  for (Form const form : {Form::statement, Form::verdict, Form::target})
    if (const Module* const found = find(name, form)) return found;
  return nullptr;
}

const Module* Registry::object(std::string_view name) const {
  for (const Module* const module : modules_)
    if (module->object && module->object_name == name) return module;
  return nullptr;
}

const Key* find_key(const Module& module, std::string_view name) {
  for (const Key& key : module.keys)
    if (key.name == name && !name.empty()) return &key;
  return nullptr;
}

const Parameter* find_parameter(const Module& module, std::string_view name) {
  for (const Parameter& parameter : module.parameters)
    if (parameter.name == name) return &parameter;
  return nullptr;
}

}  // namespace bulkhead::ruleset