// tests/differential/compare_egress.h: what left by each interface, of the kernel and of us, frame by frame.
//
// Same     link header, IP packet, order on each interface. What may differ: the identification of an ICMP error that the
//          firewall itself sends over IPv4 (the kernel's is random), and with it the header's checksum; that of IPv6 fragments.
// Who      compare_kernel.cc. A capture that cannot be read throws.
#pragma once

#include <string>

#include "tests/differential/differences.h"

namespace bulkhead::test {

/// NAME.pcap in both folders, for each side that the kernel has one of. Gives how many frames the kernel sent.
size_t compare_egress(const std::string& kernel, const std::string& ours, Differences& found);

}  // namespace bulkhead::test
