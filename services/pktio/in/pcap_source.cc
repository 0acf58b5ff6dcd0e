// services/pktio/in/pcap_source.cc: see pcap_source.h.
#include "services/pktio/in/pcap_source.h"

#include <pcap/pcap.h>
#include <stdio_ext.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "services/pktio/in/prefetch.h"
#include "services/pktio/in/stamps.h"

namespace bulkhead::pktio {

namespace {

constexpr uint64_t pcapng_magic = 0x0a0d0d0a;  // the same in both byte orders
constexpr uint64_t pcap_file_header = 24;      // bytes
/// The largest record of a pcap file, or block of pcapng with 4 KiB of options.
constexpr uint64_t record_room = 16 + PcapSource::frame_max + 4096;
constexpr size_t stdio_buffer = size_t{16} * 1024;  // bytes
constexpr uint64_t skipped_between_calls = 4096;    // packets

ssize_t read_cookie(void* cookie, char* into, size_t size) {
  const int64_t taken = static_cast<Prefetch*>(cookie)->take({reinterpret_cast<uint8_t*>(into), size});
  if (taken >= 0) return taken;
  errno = static_cast<int>(-taken);
  return -1;
}

/// Bytes that `file` has taken from its cookie and nobody from it. The fields are glibc's (gnulib reads them
/// so, too); ftello would say it by way of a seek for each packet.
uint64_t unread(const std::FILE* file) noexcept {
  return static_cast<uint64_t>(file->_IO_read_end - file->_IO_read_ptr);
}

}  // namespace

tl::unexpected<Error> unknown_link(int number) {
  const char* name = pcap_datalink_val_to_name(number);
  return fail("packet 1: link type {} ({}): want Ethernet, IP (raw, or of one version), Linux cooked, BSD loopback, PPP, Cisco HDLC or NFLOG",
              number, name != nullptr ? name : "unknown");
}

/// Closes the FILE too, if libpcap has not taken it.
struct PcapSource::Capture {
  std::unique_ptr<char[]> buffer = std::make_unique_for_overwrite<char[]>(stdio_buffer);
  std::FILE* file = nullptr;
  pcap_t* pcap = nullptr;
  bool pcapng = false;

  Capture() = default;
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  ~Capture() {
    if (pcap != nullptr) {
      pcap_close(pcap);
    } else if (file != nullptr) {
      std::fclose(file);
    }
  }
};

PcapSource::PcapSource(std::unique_ptr<AsyncFile> file, const Options& options)
    : prefetch_(std::make_unique<Prefetch>(std::move(file))),
      capture_(std::make_unique<Capture>()),
      frame_limit_(options.frame_limit) {}

PcapSource::~PcapSource() = default;

Result<std::unique_ptr<PcapSource>> PcapSource::open(std::unique_ptr<AsyncFile> file,
                                                     const Options& options) {
  std::unique_ptr<PcapSource> source(new PcapSource(std::move(file), options));
  if (Status started = source->start(options); !started) return tl::unexpected(started.error());
  return source;
}

Status PcapSource::start(const Options& options) {
  uint32_t magic = 0;
  prefetch_->take({reinterpret_cast<uint8_t*>(&magic), sizeof magic});
  prefetch_->seek(0);
  capture_->pcapng = magic == pcapng_magic;
  capture_->file = fopencookie(prefetch_.get(), "r", {read_cookie, nullptr, nullptr, nullptr});
  if (capture_->file == nullptr) return fail_errno(errno, "fopencookie");
  std::setvbuf(capture_->file, capture_->buffer.get(), _IOFBF, stdio_buffer);
  __fsetlocking(capture_->file, FSETLOCKING_BYCALLER);
  char why[PCAP_ERRBUF_SIZE] = "";
  capture_->pcap = pcap_fopen_offline_with_tstamp_precision(capture_->file, PCAP_TSTAMP_PRECISION_NANO, why);
  if (capture_->pcap == nullptr) return fail("not a capture file: {}", why);
  const int number = pcap_datalink(capture_->pcap);
  const auto link = packet::link_type_of(number);
  if (!link) return unknown_link(number);
  link_ = *link;
  return skip_to(options);
}

Status PcapSource::skip_to(const Options& options) {
  const Position& from = options.from;
  position_ = {0, consumed()};
  if (from == Position{}) return {};
  if (!capture_->pcapng) {
    if (from.offset < pcap_file_header)
      return fail("no packet begins at byte {} of a pcap file", from.offset);
    __fpurge(capture_->file);
    prefetch_->seek(from.offset);
    position_ = from;
    return {};
  }
  while (position_.packets < from.packets) {
    if (options.still_alive && position_.packets % skipped_between_calls == 0) options.still_alive();
    while (!prefetch_->has(record_room)) prefetch_->fill_now();
    const State state = next();
    if (state == State::failed) return tl::unexpected(error_);
    if (state != State::ready)
      return fail("packet {}: the file ends before the {} packets that were read of it",
                  position_.packets + 1, from.packets);
    advance();
  }
  return {};
}

uint64_t PcapSource::consumed() const { return prefetch_->position() - unread(capture_->file); }

Source::State PcapSource::peek(Arrival& arrival) {
  if (state_ == State::waiting) {
    prefetch_->fill();
    if (!prefetch_->has(record_room)) return State::waiting;
    state_ = next();
  }
  if (state_ == State::ready) arrival = arrival_;
  return state_;
}

void PcapSource::advance() {
  position_ = {position_.packets + 1, consumed()};
  state_ = State::waiting;
}

Source::State PcapSource::next() {
  pcap_pkthdr* header = nullptr;
  const uint8_t* bytes = nullptr;
  const int got = pcap_next_ex(capture_->pcap, &header, &bytes);
  if (got == PCAP_ERROR_BREAK) return State::ended;
  if (got != 1) return failed(prefetch_->fault().empty() ? pcap_geterr(capture_->pcap) : std::string(prefetch_->fault()).c_str());
  if (header->caplen > frame_limit_) {
    return failed(fmt::format("{} bytes captured, want at most {}", header->caplen, frame_limit_).c_str());
  }
  timeval stamp = header->ts;
  // The 32 bits of a pcap file are unsigned (to the year 2106), but libpcap extends their sign.
  if (!capture_->pcapng) stamp.tv_sec &= 0xffff'ffff;
  arrival_ = {stamp_of_seconds(stamp.tv_sec, stamp.tv_usec), header->caplen, std::max(header->len, header->caplen), bytes,
              position_.packets + 1};
  return State::ready;
}

Source::State PcapSource::failed(const char* why) {
  error_.message = fmt::format("packet {}: {}", position_.packets + 1, why);
  return State::failed;
}

}  // namespace bulkhead::pktio
