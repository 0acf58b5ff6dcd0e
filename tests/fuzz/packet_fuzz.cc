// tests/fuzz/packet_fuzz.cc: any bytes through packet::parse(): its promises hold, and it agrees with its slow twin.
//
// Input   byte 0: link type (2 bits) and how the wire length comes about; the rest is the frame, copied to a
// place of its
//         exact size, so that AddressSanitizer sees a read beyond it.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "common/packet/packet.h"
#include "tests/unit/packet_twin.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bulkhead;
  if (size == 0) return 0;
  const std::vector<uint8_t> frame(data + 1, data + size);
  const auto link = static_cast<packet::LinkType>(data[0] & 3);
  const uint32_t more = (data[0] & 4) == 0 ? 0 : (data[0] & 8) == 0 ? data[0] >> 4 : 70'000;
  const uint32_t wire = static_cast<uint32_t>(frame.size()) + more;
  const packet::Headers headers = packet::parse(frame, wire, link);
  const std::string broken = test::broken_promise(headers, frame, wire);
  const std::string ours = test::describe(headers),
                    twins = test::describe(test::twin_parse(frame, wire, link));
  if (!broken.empty() || ours != twins) {
    std::fprintf(stderr, "broken: %s\nours: %s\ntwin: %s\n", broken.c_str(), ours.c_str(), twins.c_str());
    std::abort();
  }
  return 0;
}
