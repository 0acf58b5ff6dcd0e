// common/ruleset/run/run.h: the functions that steps run; modules and the compiler point at them.
//
// Register  a value is one 128-bit number: big-endian fields as numbers, texts as their bytes padded with zeros behind.
// State     a step that sets state words says how many at most in ../reach.cc.
// Result    a load whose value is not there leaves the rule, as the kernel's NFT_BREAK.
#pragma once

#include "common/ruleset/run/program.h"

namespace bulkhead::ruleset::run {

// Headers: offset and bits say which part. field.cc
Next link_field(const Step& step, Evaluation& packet) noexcept;
Next network_field(const Step& step, Evaluation& packet) noexcept;
Next transport_field(const Step& step, Evaluation& packet) noexcept;
/// Goes on if the packet is of IP version `a`. / of transport protocol `a`. / of Ethernet type `a`.
Next is_family(const Step& step, Evaluation& packet) noexcept;
Next is_protocol(const Step& step, Evaluation& packet) noexcept;
Next is_ether_type(const Step& step, Evaluation& packet) noexcept;

// Registers from `to` on against the step's numbers. compare.cc
Next equal(const Step& step, Evaluation& packet) noexcept;
Next not_equal(const Step& step, Evaluation& packet) noexcept;
Next less(const Step& step, Evaluation& packet) noexcept;
Next less_or_equal(const Step& step, Evaluation& packet) noexcept;
Next greater(const Step& step, Evaluation& packet) noexcept;
Next greater_or_equal(const Step& step, Evaluation& packet) noexcept;
Next inside(const Step& step, Evaluation& packet) noexcept;
Next outside(const Step& step, Evaluation& packet) noexcept;
Next any_bit(const Step& step, Evaluation& packet) noexcept;
Next no_bit(const Step& step, Evaluation& packet) noexcept;
Next in_set(const Step& step, Evaluation& packet) noexcept;
Next not_in_set(const Step& step, Evaluation& packet) noexcept;
Next map_value(const Step& step, Evaluation& packet) noexcept;    // the set's data into `to`; b: their end behind it
Next map_verdict(const Step& step, Evaluation& packet) noexcept;  // the set's verdict
/// The same with a set that changes (run/dynamic_set.h); an element that is found runs its statements. sets.cc
Next in_dynamic(const Step& step, Evaluation& packet) noexcept;
Next not_in_dynamic(const Step& step, Evaluation& packet) noexcept;
Next dynamic_value(const Step& step, Evaluation& packet) noexcept;
Next dynamic_verdict(const Step& step, Evaluation& packet) noexcept;
/// data: a SetUpdate; the key is in registers from `to` on. A set that is full ends the rule.
Next add_element(const Step& step, Evaluation& packet) noexcept;
Next update_element(const Step& step, Evaluation& packet) noexcept;
Next delete_element(const Step& step, Evaluation& packet) noexcept;
/// to = (to & a) ^ b; / << offset; / >> offset
Next masked(const Step& step, Evaluation& packet) noexcept;
Next shifted_left(const Step& step, Evaluation& packet) noexcept;
Next shifted_right(const Step& step, Evaluation& packet) noexcept;
Next constant(const Step& step, Evaluation& packet) noexcept;  // to = a

// verdict.cc
Next accept(const Step& step, Evaluation& packet) noexcept;
Next drop(const Step& step, Evaluation& packet) noexcept;
Next jump(const Step& step, Evaluation& packet) noexcept;
Next go_to(const Step& step, Evaluation& packet) noexcept;
Next return_(const Step& step, Evaluation& packet) noexcept;
Next go_on(const Step& step, Evaluation& packet) noexcept;  // continue
/// Drop, and say so; a: ICMP code (reject_any: icmpx's). reject4 and reject6 drop the other family silently.
Next reject4(const Step& step, Evaluation& packet) noexcept;
Next reject6(const Step& step, Evaluation& packet) noexcept;
Next reject_any(const Step& step, Evaluation& packet) noexcept;
Next reset(const Step& step, Evaluation& packet) noexcept;

// nat.cc
/// What a NatTarget says, for the flow's first packet.
Next nat(const Step& step, Evaluation& packet) noexcept;
/// An ICMP redirect about a translated flow, which names an address that nobody there has: nf_nat_icmp_reply_translation drops it.
/// The source of a new flow that no rule translates, which has its port moved where somebody has it.
void keep_source(Evaluation& packet) noexcept;
[[nodiscard]] bool misleads(const Evaluation& packet) noexcept;
/// The packet as it is once that part of it is translated: its headers, and what `ct` says of its flow. False: it cannot be, nobody gets it.
[[nodiscard]] bool translate(Evaluation& packet, packet::Part part) noexcept;

// Marks and the traffic class, from register `to`. mark.cc
Next set_mark(const Step& step, Evaluation& packet) noexcept;
Next set_priority(const Step& step, Evaluation& packet) noexcept;
Next set_flow_mark(const Step& step, Evaluation& packet) noexcept;
/// A packet that is not tracked will not be; one that is stays so (Linux nft_notrack_eval).
Next untrack(const Step& step, Evaluation& packet) noexcept;
Next flow_mark(const Step& step, Evaluation& packet) noexcept;

// State words. stateful.cc
Next counter(const Step& step, Evaluation& packet) noexcept;      // word: packets, bytes
Next quota(const Step& step, Evaluation& packet) noexcept;        // word: bytes consumed; a: quota; b: 1 if `over`
Next packet_limit(const Step& step, Evaluation& packet) noexcept; // word: tokens, last; a: cost; b: most; offset: 1 if `over`
Next byte_limit(const Step& step, Evaluation& packet) noexcept;   // the same; a: nanoseconds of its unit << 64 | bytes

}  // namespace bulkhead::ruleset::run