// services/pktio/pcap_sink.h: packets into the bytes of a pcap file, by libpcap.
//
// Who     pktio writes packets; a Bytes takes what they become, in order (pktio: its staging in shared
// memory). Units   stamps: nanoseconds since 1970, written modulo 2^32 seconds; the file has the nanosecond
// magic in the byte order
//         of this machine, and snaplen 262144.
// Order   the consumer gets bytes whenever 64 KiB are full and at flush(); a record may come in two pieces
// between two
//         flushes, never across one.
// Crash   nothing is emitted by the destructor. A successor opens with FileHeader::present and continues
// behind what was
//         flushed. The header itself comes with the first flush.
// Errors  open(): libpcap's. flush(): none is expected, since the consumer cannot refuse.
// Thread  one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "common/packet/packet.h"
#include "common/base/result.h"

namespace bulkhead::pktio {

class Bytes {
 public:
  Bytes() = default;
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  virtual ~Bytes() = default;
  virtual void append(std::span<const uint8_t> bytes) = 0;
};

class PcapSink {
 public:
  /// `fresh`: the file has no header yet. `out` outlives the sink.
  static Result<std::unique_ptr<PcapSink>> open(Bytes& out, packet::LinkType link, bool fresh);
  PcapSink(const PcapSink&) = delete;
  PcapSink& operator=(const PcapSink&) = delete;
  ~PcapSink();

  /// `captured` bytes at `bytes`, at most 262144; wire >= captured.
  void packet(uint64_t stamp_ns, uint32_t captured, uint32_t wire, const uint8_t* bytes) noexcept;
  /// Everything so far is with the consumer when this returns.
  Status flush();

 private:
  struct Dump;
  explicit PcapSink(std::unique_ptr<Dump> dump);
  std::unique_ptr<Dump> dump_;
};

}  // namespace bulkhead::pktio
