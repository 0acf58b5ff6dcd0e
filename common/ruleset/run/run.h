// common/ruleset/run/run.h: what steps do: rows of operations.h, which modules and the compiler emit.
//
// Register  a value is one 128-bit number: big-endian fields as numbers, texts as their bytes padded with zeros behind.
// State     a step that sets state words says how many at most in its row.
// Result    a load whose value is not there leaves the rule, as the kernel's NFT_BREAK.
#pragma once

#include "common/ruleset/operations.h"
#include "common/ruleset/run/program.h"

namespace bulkhead::ruleset::run {

// Headers: offset and bits say which part. field.cc
extern const StepOperation link_field, network_field, transport_field;
/// Goes on if the packet is of IP version `a`. / of transport protocol `a`. / of Ethernet type `a`.
extern const StepOperation is_family, is_protocol, is_ether_type;
/// Goes on if a VLAN tag, whichever kind, stands in the link header.
extern const StepOperation is_tagged;

// Registers from `to` on against the step's numbers. compare.cc
extern const StepOperation equal, not_equal, less, less_or_equal, greater, greater_or_equal, inside, outside, any_bit, no_bit;
extern const StepOperation in_set, not_in_set;
extern const StepOperation map_value;    // the set's data into `to`; b: their end behind it
extern const StepOperation map_verdict;  // the set's verdict
/// The same with a set that changes (run/dynamic_set.h); an element that is found runs its statements. sets.cc
extern const StepOperation in_dynamic, not_in_dynamic, dynamic_value, dynamic_verdict;
/// data: a SetUpdate; the key is in registers from `to` on. A set that is full ends the rule.
extern const StepOperation add_element, update_element, delete_element;
/// to = (to & a) ^ b; / << offset; / >> offset
extern const StepOperation masked, shifted_left, shifted_right;
extern const StepOperation constant;  // to = a

// verdict.cc
extern const StepOperation accept, drop, jump, go_to, return_, go_on;  // go_on: continue
/// Drop, and say so; a: ICMP code (reject_any: icmpx's). reject4 and reject6 drop the other family silently.
extern const StepOperation reject4, reject6, reject_any, reset;

// nat.cc
/// What a NatTarget says, for the flow's first packet.
extern const StepOperation order_nat;
/// An ICMP redirect about a translated flow, which names an address that nobody there has: nf_nat_icmp_reply_translation drops it.
[[nodiscard]] bool misleads(const Evaluation& packet) noexcept;
/// The source of a new flow that no rule translates, which has its port moved where somebody has it.
void keep_source(Evaluation& packet) noexcept;
/// The packet as it is once that part of it is translated: its headers, and what `ct` says of its flow. False: it cannot be, nobody gets it.
[[nodiscard]] bool translate(Evaluation& packet, packet::Part part) noexcept;

// Marks and the traffic class, from register `to`. mark.cc
extern const StepOperation set_mark, set_priority, set_flow_mark;
extern const StepOperation set_flow_label;  // those in register `to`, beside those that it has
/// data: the policy of time-outs of a flow that begins. flow_orders.cc
extern const StepOperation set_timeouts;
/// From register `to`: the zone in which the packet's flow is looked for; offset: in which direction, 2: both. Only before conntrack.
extern const StepOperation set_zone;
/// A packet that is not tracked will not be; one that is stays so (Linux nft_notrack_eval).
extern const StepOperation untrack;

/// Goes on while there are so many flows. word: the list; a: how many; b: 1 if `over`. connections.cc
extern const StepOperation count_connections;
/// What nobody hears of: a trace, an event.
extern const StepOperation ignored;

// local.cc
extern const StepOperation queue_to_nobody;  // drop: nobody listens
extern const StepOperation flow_add;         // goes on where the kernel would let the flow go round the rules
extern const StepOperation synproxy;

// copy.cc. Registers: `to` a device, or an address and, if `offset` is 1, the device behind it.
extern const StepOperation dup_to_device, dup_to_address;
extern const StepOperation fwd_to_device;
extern const StepOperation fwd_to_neighbour;  // a: IP version; the device in register `to` + 1

// State words. stateful.cc
extern const StepOperation counter;       // word: packets, bytes
extern const StepOperation quota;         // word: bytes consumed; a: quota; b: 1 if `over`
extern const StepOperation packet_limit;  // word: tokens, last; a: cost; b: most; offset: 1 if `over`
extern const StepOperation byte_limit;    // the same; a: nanoseconds of its unit << 64 | bytes

}  // namespace bulkhead::ruleset::run
