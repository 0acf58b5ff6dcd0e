// services/rules/refusable.h: may a rule's reject say anything about a packet whose checksum is what it is?
//
// Who     decide.cc, for what a rule refuses; errors of the router itself do not ask.
// Source  Linux nf_reject_verify_csum(), nf_ip_checksum(), nf_ip6_checksum(): protocols that are not known are taken for
//         ones with a 16-bit sum over the whole payload.
// Trust   offsets are checked against the frame. What the capture cut short cannot be verified, and passes.
#pragma once

#include "services/rules/header_view.h"

namespace bulkhead::rules {

/// `head`: its headers as rules have changed them; empty: they have not. A datagram without a checksum gets a wrong one by that
/// (nft_payload_csum_inet), which nobody had verified before. `unsummed`: options of the IPv4 header were filled in, its checksum
/// follows as it leaves; until then the sum over all of a forwarded packet is wrong, where nobody verified it before.
[[nodiscard]] bool is_refusable(const chain::Descriptor& descriptor, const HeaderView& packet, std::span<const uint8_t> frame,
                                std::span<const uint8_t> head, bool unsummed) noexcept;

}  // namespace bulkhead::rules
