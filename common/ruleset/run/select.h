// common/ruleset/run/select.h: what is known of a packet beside its bytes: `meta KEY`, `ct KEY`, into register `to`.
#pragma once

#include "common/ruleset/operations.h"

namespace bulkhead::ruleset::run {

extern const StepOperation meta_length, meta_protocol, meta_nfproto, meta_l4proto, meta_mark, meta_pkttype, meta_iif, meta_oif,
    meta_iifname, meta_oifname, meta_iiftype, meta_oiftype, meta_iifgroup, meta_oifgroup, meta_priority, meta_time, meta_hour,
    meta_day;
extern const StepOperation zero;    // what is 0 of every packet of a replay
extern const StepOperation absent;  // what none has: a socket, a control group, a kind of interface

/// Of the flow: offset: of its direction, 0 original, 1 reply, 2 none named.
extern const StepOperation ct_state, ct_direction, ct_status, ct_mark, ct_label, ct_expiration, ct_id, ct_l3proto, ct_protocol, ct_saddr, ct_daddr,
    ct_proto_src, ct_proto_dst, ct_zone, ct_packets, ct_bytes, ct_avgpkt;

/// A text as registers hold it: sixteen bytes, zeros behind.
[[nodiscard]] Number text_number(std::string_view text);

}  // namespace bulkhead::ruleset::run
