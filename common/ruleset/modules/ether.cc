// Ethernet's header.
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kEtherKeys[] = {
    {.name = "daddr", .type = &link_address, .settable = true, .help = "destination address"},
    {.name = "saddr", .type = &link_address, .offset_bits = 48, .settable = true, .help = "source address"},
    {.name = "type", .type = &ether_type, .offset_bits = 96, .settable = true, .help = "protocol behind it",
     .tells = Tells::ethertype},
};

}  // namespace

const Module ether_module{.name = "ether", .form = Form::header, .help = "Ethernet header",
    .keys = kEtherKeys, .layer = Layer::link,
    .given_in = only(Family::bridge) | only(Family::netdev)};

}  // namespace bulkhead::ruleset