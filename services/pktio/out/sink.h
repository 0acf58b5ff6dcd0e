// services/pktio/out/sink.h: where packets go, one at a time, as pktio sees it: what source.h is at the other end.
//
// Who     home tells it what has become of each packet; Pktio opens it, and lets it go on once a batch is committed.
// Owner   a frame is its caller's, and has been taken when the call returns.
// Order   frames to one interface, and lines, leave in the order of the calls.
// Full    home asks room() before a number comes home: all that it brings fits then.
// Crash   nothing leaves before it is committed. store() puts into the batch what a successor needs, start() lets go
//         what is committed; resume() goes on behind that.
// Cost    a virtual call a frame.
// Thread  one; what it has started completes on the process's loop.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "common/base/result.h"
#include "common/packet/packet.h"
#include "ipc/memory/commit.h"

namespace bulkhead::pktio {

struct Frame {
  std::span<const uint8_t> captured;
  uint32_t wire = 0;  // bytes; >= captured
  uint32_t link = 0;  // bytes of link header, where it matters
};

class Sink {
 public:
  /// What comes at once: of frames the most that any one way out may get.
  struct Load {
    uint64_t frames, bytes;
    uint64_t line_bytes;
  };

  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  virtual ~Sink() = default;

  /// After recovery. `link`: of all frames.
  [[nodiscard]] virtual Status resume(packet::LinkType link) = 0;

  [[nodiscard]] virtual bool room(const Load& load) const = 0;
  /// Whether there could ever be room for it beside one packet: what would be cut into more pieces is not cut.
  [[nodiscard]] virtual bool may_take(const Load& load) const = 0;
  [[nodiscard]] virtual bool wants_lines() const = 0;

  virtual void leaves(size_t interface, uint64_t stamp_ns, const Frame& frame) = 0;
  /// To the firewall itself.
  virtual void local(uint64_t stamp_ns, const Frame& frame) = 0;
  virtual void dropped(uint64_t stamp_ns, const Frame& frame) = 0;
  /// About one input (verdict_report.h), with its newline.
  virtual void line(std::string_view text) = 0;

  /// Is there anything to be stored, though no packet came home (a file's header)?
  [[nodiscard]] virtual bool unsaved() const = 0;
  virtual void store(memory::Batch& batch) = 0;

  /// What is committed and waits goes, if it is worth it or if `all`.
  virtual void start(bool all) = 0;
  /// Is nothing left that was committed?
  [[nodiscard]] virtual bool all_out() const = 0;
  [[nodiscard]] virtual bool failed() const = 0;
  /// After failed(): "wan.pcap: No space left on device".
  [[nodiscard]] virtual Error error() const = 0;
};

}  // namespace bulkhead::pktio
