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
    &sctp_module, &sctp_chunk_module, &set_update_module, &meter_module, &notrack_module, &flow_module,
    &dup_module, &fwd_module, &tproxy_module, &ct_count_module, &queue_module,
    &tcp_module, &tcp_option_module, &reset_tcp_module, &th_module, &udp_module, &udplite_module,
    &accept_module, &drop_module, &continue_module, &return_module, &jump_module,
    &goto_module, &vlan_module, &ipsec_module, &rt0_module, &srh_module};

template <class Wanted>
KeyOf first_key(std::span<const Module* const> modules, Wanted wanted) {
  for (const Module* const module : modules)
    for (const Key& key : module->keys)
      if (wanted(*module, key)) return {module, &key};
  return {};
}

template <class Wanted>
const Module* first_header(std::span<const Module* const> modules, Layer layer, Wanted wanted) {
  for (const Module* const module : modules)
    if (module->form == Form::header && module->layer == layer && wanted(module->above)) return module;
  return nullptr;
}

}  // namespace

std::span<const Module* const> all_modules() { return kModules; }

uint8_t bit_of(std::string_view family) {
  constexpr std::string_view kNames[] = {"ip", "ip6", "inet", "arp", "bridge", "netdev"};
  auto const at = std::ranges::find(kNames, family) - std::begin(kNames);
  return at == std::ssize(kNames) ? uint8_t{0} : static_cast<uint8_t>(1U << at);
}

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

const Module& Registry::role(Role role) const {
  return **std::ranges::find(modules_, role, [](const Module* module) { return module->role; });
}

const Module* Registry::json_statement(std::string_view name) const {
  for (const Module* const module : modules_)
    if (module->from_json != nullptr && (module->name == name || (!name.empty() && module->json_also == name))) return module;
  return statement(name);
}

const Module* Registry::json_select(std::string_view name) const {
  for (Form const form : {Form::option, Form::select, Form::hash})
    if (const Module* const found = find(name, form)) return found;
  return nullptr;
}

const Module* Registry::transport_of(Number protocol) const {
  return first_header(modules_, Layer::transport, [&](const Above& above) { return above.protocol == static_cast<int16_t>(protocol); });
}

const Module* Registry::network_of_family(Number family) const {
  return first_header(modules_, Layer::network, [&](const Above& above) { return family != 0 && above.nf_protocol == family; });
}

const Module* Registry::network_of_type(Number type) const {
  return first_header(modules_, Layer::network, [&](const Above& above) { return type != 0 && above.ether_type == type; });
}

std::vector<std::string_view> Registry::beginnings() const {
  std::vector<std::string_view> words;
  for (const Module* const module : modules_) {
    if (module->form == Form::special) continue;
    words.push_back(module->name.substr(0, module->name.find(' ')));
    for (const Key& key : module->keys)
      if (key.bare) words.push_back(key.name);
  }
  return words;
}

KeyOf Registry::bare_key(std::string_view name) const {
  return first_key(modules_, [&](const Module&, const Key& key) { return key.bare && key.name == name; });
}

KeyOf Registry::key_setting(std::string_view object) const {
  return first_key(modules_, [&](const Module&, const Key& key) { return !object.empty() && key.object == object; });
}

KeyOf Registry::select_telling(Tells what) const {
  return first_key(modules_, [&](const Module& module, const Key& key) { return module.form == Form::select && key.tells == what; });
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
