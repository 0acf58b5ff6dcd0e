// services/pktio/in/source.h: where packets come from, one at a time, as pktio sees it.
//
// Who     pktio merges its sources by time: peek() each, take the earliest, advance() that one.
// Owner   Arrival::bytes belong to the source until advance().
// Sleep   peek() never blocks on a healthy file: waiting means that a read is under way, ask again when the
//         event loop has completed something.
// Crash   position() is all that a successor needs: a source opened there peeks the packet that was not
//         advanced past.
// Thread  one.
#pragma once

#include <cstdint>

#include "common/base/result.h"
#include "common/packet/packet.h"

namespace bulkhead::pktio {

struct Arrival {
  uint64_t stamp_ns;     // since 1970 (UTC), as captured (stamps.h); may go backwards
  uint32_t captured;     // bytes
  uint32_t wire;         // bytes; >= captured
  const uint8_t* bytes;  // `captured` of them
  uint64_t packet;       // counted from 1 in its file
};

/// Of the next packet. All zero: the start.
struct Position {
  uint64_t packets = 0;  // before it in its file
  uint64_t offset = 0;   // bytes before it in its file
  friend bool operator==(const Position&, const Position&) = default;
};

class Source {
 public:
  enum class State { ready, waiting, ended, failed };

  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  /// The next packet, the same one until advance(). `arrival` is filled in only if ready. ended, failed: for good.
  virtual State peek(Arrival& arrival) = 0;
  /// Past the packet that peek() gave; only after peek() said ready.
  virtual void advance() = 0;
  /// Of the packet that the next advance() passes.
  [[nodiscard]] virtual Position position() const = 0;
  [[nodiscard]] virtual packet::LinkType link() const = 0;
  /// Some of what it gives came with another link type.
  [[nodiscard]] virtual bool is_mixed() const { return false; }
  /// After failed: "packet 17: truncated dump file; ...". The caller puts the file's name before it.
  [[nodiscard]] virtual const Error& error() const = 0;
};

}  // namespace bulkhead::pktio
