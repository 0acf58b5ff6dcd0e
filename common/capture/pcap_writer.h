// common/capture/pcap_writer.h: packets into the bytes of a pcap file, by libpcap.
//
// Who     whoever has packets; a ByteConsumer takes what they become, in order (pktio: its staging in shared memory).
// Units   stamps: nanoseconds since 1970, before it negative in two's complement, written modulo 2^32 seconds; the file has the nanosecond magic in the byte
//         order of this machine, and snaplen 262144.
// Order   the consumer gets bytes whenever 64 KiB are full and at flush(); a record may come in two pieces between two
//         flushes, never across one.
// Crash   nothing is emitted by the destructor. A successor opens the file as not fresh and continues behind what was
//         flushed. The header itself comes with the first flush.
// Errors  open(): libpcap's. flush(): none is expected, since the consumer cannot refuse.
// Thread  one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "common/base/result.h"
#include "common/packet/packet.h"

namespace bulkhead::capture {

class ByteConsumer {
 public:
  ByteConsumer() = default;
  ByteConsumer(const ByteConsumer&) = delete;
  ByteConsumer& operator=(const ByteConsumer&) = delete;
  virtual ~ByteConsumer() = default;
  virtual void append(std::span<const uint8_t> bytes) = 0;
};

inline constexpr uint64_t kFileHeader = 24, kRecordHeader = 16;  // bytes, of pcap

class PcapWriter {
 public:
  /// `fresh`: the file has no header yet. `out` outlives the writer.
  static Result<std::unique_ptr<PcapWriter>> open(ByteConsumer& out, packet::LinkType link, bool fresh);
  PcapWriter(const PcapWriter&) = delete;
  PcapWriter& operator=(const PcapWriter&) = delete;
  ~PcapWriter();

  /// `captured` bytes at `bytes`, at most 262144; wire >= captured.
  void packet(uint64_t stamp_ns, uint32_t captured, uint32_t wire, const uint8_t* bytes) noexcept;
  /// Everything so far is with the consumer when this returns.
  Status flush();

 private:
  struct Dump;
  explicit PcapWriter(std::unique_ptr<Dump> dump);
  std::unique_ptr<Dump> dump_;
};

}  // namespace bulkhead::capture
