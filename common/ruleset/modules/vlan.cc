// A VLAN tag. IEEE 802.1Q.
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kVlanKeys[] = {
    {.name = "pcp", .bits = 3, .settable = true, .help = "priority"},
    {.name = "dei", .bits = 1, .offset_bits = 3, .settable = true, .help = "may be dropped first"},
    {.name = "id", .bits = 12, .offset_bits = 4, .settable = true, .help = "VLAN"},
    {.name = "type", .type = &ether_type, .offset_bits = 16, .settable = true, .help = "protocol behind it",
     .tells = Tells::ethertype},
};

}  // namespace

const Module vlan_module{.name = "vlan", .form = Form::header, .help = "VLAN tag",
    .keys = kVlanKeys, .layer = Layer::link, .above = {.ether_type = 0x8100},
    .always_listed = true};

}  // namespace bulkhead::ruleset