// tests/tools/capture_file.h: writes capture files: pcap by libpcap (nanosecond magic), pcapng by itself.
//
// Units   stamps: nanoseconds since 1970. wire: bytes; 0: as many as captured.
// Errors  Result: path and what the system says.
// Same    a file depends on what was written alone: no program name, no time of day in it.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "tests/tools/packets.h"

namespace bulkhead::test {

enum class Format { pcap, pcapng };

class CaptureFile {
 public:
  static Result<std::unique_ptr<CaptureFile>> create(const std::string& path, Format format, packet::LinkType link);
  CaptureFile() = default;
  CaptureFile(const CaptureFile&) = delete;
  CaptureFile& operator=(const CaptureFile&) = delete;
  virtual ~CaptureFile() = default;

  virtual void write(uint64_t stamp_ns, const Bytes& bytes, uint32_t wire = 0) = 0;
  /// Once, after the last write: says whether everything is in the file.
  virtual Status close() = 0;
};

struct Stamped {
  uint64_t stamp_ns = 0;
  Bytes bytes{};
  uint32_t wire = 0;
};

Status write_capture(const std::string& path, Format format, packet::LinkType link,
                     const std::vector<Stamped>& packets);

}  // namespace bulkhead::test
