// tests/unit/packet_twin.h: the packet parser again, slow and obvious, to check parse() against.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "common/packet/packet.h"

namespace bulkhead::test {

/// What parse() must give for shape and reason, and for whatever is valid in that shape.
packet::Headers twin_parse(std::span<const uint8_t> captured, uint32_t wire_length, packet::LinkType link);

/// Everything that `headers` promises, as text: two parsers agree if their texts are equal.
std::string describe(const packet::Headers& headers);

/// Empty, or the promise of packet.h that `headers`, parsed from `captured`, breaks.
std::string broken_promise(const packet::Headers& headers, std::span<const uint8_t> captured, uint32_t wire_length);

}  // namespace bulkhead::test
