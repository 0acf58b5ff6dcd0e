// tests/unit/capture_bytes.h: capture files in memory, written byte by byte without libpcap, and as
// descriptors.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <utility>
#include <vector>

#include "tests/tools/packets.h"

namespace bulkhead::test {

struct Captured {
  uint64_t stamp_ns;
  uint32_t wire;
  Bytes bytes;
  friend bool operator==(const Captured&, const Captured&) = default;
};

/// Numbers in either byte order.
class Writer {
 public:
  explicit Writer(bool big_endian) : big_(big_endian) {}
  Writer& put(uint64_t value, int size) {
    for (int i = 0; i < size; ++i) {
      out_.push_back(static_cast<uint8_t>(value >> 8 * (big_ ? size - 1 - i : i)));
    }
    return *this;
  }
  Writer& put(const Bytes& bytes) {
    out_.insert(out_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  Writer& pad() {
    out_.resize((out_.size() + 3) / 4 * 4);
    return *this;
  }
  [[nodiscard]] const Bytes& bytes() const { return out_; }

 private:
  bool big_;
  Bytes out_;
};

struct PcapForm {
  bool big_endian = false;
  bool nanoseconds = true;
  uint32_t snaplen = 262144;
  uint32_t link = 1;
};

inline Bytes pcap_file(const std::vector<Captured>& packets, const PcapForm& form = {}) {
  Writer out(form.big_endian);
  out.put(form.nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4, 4).put(2, 2).put(4, 2).put(0, 8);
  out.put(form.snaplen, 4).put(form.link, 4);
  for (const Captured& packet : packets) {
    const uint64_t part = packet.stamp_ns % 1'000'000'000;
    out.put(packet.stamp_ns / 1'000'000'000, 4).put(form.nanoseconds ? part : part / 1000, 4);
    out.put(packet.bytes.size(), 4).put(packet.wire, 4).put(packet.bytes);
  }
  return out.bytes();
}

/// One pcapng block: type, length, body padded to 4 bytes, length (draft-ietf-opsawg-pcapng 3.1).
inline Bytes pcapng_block(bool big_endian, uint32_t type, Bytes body) {
  body.resize((body.size() + 3) / 4 * 4);
  Writer out(big_endian);
  out.put(type, 4).put(body.size() + 12, 4).put(body).put(body.size() + 12, 4);
  return out.bytes();
}

/// Section header, one Ethernet interface with nanosecond stamps, an enhanced packet block for each packet.
/// `between`: blocks to put before the second packet.
inline Bytes pcapng_file(const std::vector<Captured>& packets, bool big_endian, const Bytes& between = {}) {
  Writer section(big_endian), interface(big_endian), out(big_endian);
  section.put(0x1a2b3c4d, 4).put(1, 2).put(0, 2).put(UINT64_MAX, 8);
  interface.put(1, 2).put(0, 2).put(262144, 4).put(9, 2).put(1, 2).put(9, 1).pad().put(0, 4);
  out.put(pcapng_block(big_endian, 0x0a0d0d0a, section.bytes()));
  out.put(pcapng_block(big_endian, 1, interface.bytes()));
  for (size_t i = 0; i < packets.size(); ++i) {
    if (i == 1) out.put(between);
    Writer body(big_endian);
    body.put(0, 4).put(packets[i].stamp_ns >> 32, 4).put(packets[i].stamp_ns & 0xffff'ffff, 4);
    body.put(packets[i].bytes.size(), 4).put(packets[i].wire, 4).put(packets[i].bytes);
    out.put(pcapng_block(big_endian, 6, body.bytes()));
  }
  return out.bytes();
}

/// A file without a name that holds `contents`; closed with the object.
class MemoryFile {
 public:
  explicit MemoryFile(const Bytes& contents) : fd_(memfd_create("capture", 0)) {
    for (size_t done = 0; done < contents.size();) {
      const ssize_t written = write(fd_, contents.data() + done, contents.size() - done);
      if (written <= 0) std::abort();
      done += static_cast<size_t>(written);
    }
  }
  MemoryFile(MemoryFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  MemoryFile& operator=(MemoryFile&&) = delete;
  ~MemoryFile() {
    if (fd_ >= 0) close(fd_);
  }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace bulkhead::test
