// services/pktio/in/pcap_source.h: a Source out of a capture file, by libpcap.
//
// Formats pcap (both byte orders, microseconds and nanoseconds) and pcapng, whatever libpcap reads; stamps in
//         nanoseconds.
// Way     AsyncFile -> Prefetch (a ring of 2 MiB, filled ahead in chunks) -> a FILE of fopencookie,
//         unbuffered -> libpcap. The FILE has no buffer, so what libpcap has taken from Prefetch is exactly
//         what it has consumed.
// Sleep   peek() says waiting unless the largest possible record (16 + 262144 bytes) or the end of the file
//         is in the ring. A pcapng block that is larger, or one that libpcap skips, blocks in
//         AsyncFile::read_now. open() blocks too: for the file header, and on resuming pcapng for everything
//         that is skipped.
// Resume  pcap: by offset. pcapng: by reading Position::packets packets again, since blocks before them
//         define interfaces.
// Errors  open(): not a capture file, a link type that Bulkhead does not know, a position beyond the file
//         (pcapng). Later: State::failed, after everything that was readable. A packet of more than
//         Options::frame_limit captured bytes fails.
// Thread  one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "services/pktio/in/async_file.h"
#include "services/pktio/in/source.h"

namespace bulkhead::pktio {

class Prefetch;

/// What is said of a capture with a link type that nobody here reads.
[[nodiscard]] tl::unexpected<Error> unknown_link(int number);

class PcapSource : public Source {
 public:
  static constexpr uint32_t frame_max = 262144;  // bytes; libpcap's own limit

  struct Options {
    Position from{};                   // all zero: the start
    uint32_t frame_limit = frame_max;  // bytes captured; a packet with more fails
    std::function<void()> still_alive{};  // called every few thousand packets that a resume skips; may be empty
  };

  /// Takes the file; it is destroyed before the buffer that it reads into.
  static Result<std::unique_ptr<PcapSource>> open(std::unique_ptr<AsyncFile> file, const Options& options);
  ~PcapSource() override;

  State peek(Arrival& arrival) override;
  void advance() override;
  [[nodiscard]] Position position() const override { return position_; }
  [[nodiscard]] packet::LinkType link() const override { return link_; }
  [[nodiscard]] const Error& error() const override { return error_; }

 private:
  struct Capture;  // libpcap's handle and the FILE below it

  PcapSource(std::unique_ptr<AsyncFile> file, const Options& options);
  Status start(const Options& options);
  Status skip_to(const Options& options);
  State next();
  State failed(const char* why);
  [[nodiscard]] uint64_t consumed() const;  // bytes of the file that libpcap has taken

  std::unique_ptr<Prefetch> prefetch_;
  std::unique_ptr<Capture> capture_;
  packet::LinkType link_ = packet::LinkType::ethernet;
  uint32_t frame_limit_;
  State state_ = State::waiting;  // waiting: nothing peeked
  Position position_;
  Arrival arrival_{};
  Error error_;
};

}  // namespace bulkhead::pktio
