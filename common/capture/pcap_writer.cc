// common/capture/pcap_writer.cc: see pcap_writer.h.
#include "common/capture/pcap_writer.h"

#include <pcap/pcap.h>
#include <stdio_ext.h>

#include <cstdio>
#include <utility>

namespace bulkhead::capture {

namespace {

constexpr int snaplen = 262144;                    // bytes
constexpr size_t buffer_size = size_t{64} * 1024;  // bytes

/// The number that libpcap wants in memory: LINKTYPE_RAW has another in the file.
int dlt_number(packet::LinkType link) noexcept { return link == packet::LinkType::raw_ip ? DLT_RAW : packet::linktype_number(link); }

}  // namespace

struct PcapWriter::Dump {
  ByteConsumer& out;
  bool emit;  // false: what stdio writes goes nowhere
  std::unique_ptr<char[]> buffer = std::make_unique_for_overwrite<char[]>(buffer_size);
  std::FILE* file = nullptr;
  pcap_t* pcap = nullptr;
  pcap_dumper_t* dumper = nullptr;

  Dump(ByteConsumer& consumer, bool emits) : out(consumer), emit(emits) {}
  Dump(const Dump&) = delete;
  Dump& operator=(const Dump&) = delete;

  ~Dump() {
    emit = false;
    if (dumper != nullptr) {
      pcap_dump_close(dumper);
    } else if (file != nullptr) {
      std::fclose(file);
    }
    if (pcap != nullptr) pcap_close(pcap);
  }

  static ssize_t write_cookie(void* cookie, const char* from, size_t size) {
    auto* dump = static_cast<Dump*>(cookie);
    if (dump->emit) dump->out.append({reinterpret_cast<const uint8_t*>(from), size});
    return static_cast<ssize_t>(size);
  }
};

PcapWriter::PcapWriter(std::unique_ptr<Dump> dump) : dump_(std::move(dump)) {}
PcapWriter::~PcapWriter() = default;

Result<std::unique_ptr<PcapWriter>> PcapWriter::open(ByteConsumer& out, packet::LinkType link, bool fresh) {
  auto dump = std::make_unique<Dump>(out, fresh);
  dump->file = fopencookie(dump.get(), "w", {nullptr, Dump::write_cookie, nullptr, nullptr});
  if (dump->file == nullptr) return fail_errno(errno, "fopencookie");
  std::setvbuf(dump->file, dump->buffer.get(), _IOFBF, buffer_size);
  __fsetlocking(dump->file, FSETLOCKING_BYCALLER);
  dump->pcap = pcap_open_dead_with_tstamp_precision(dlt_number(link), snaplen, PCAP_TSTAMP_PRECISION_NANO);
  if (dump->pcap == nullptr) return fail("pcap_open_dead: no memory");
  dump->dumper = pcap_dump_fopen(dump->pcap, dump->file);
  if (dump->dumper == nullptr) return fail("pcap_dump_fopen: {}", pcap_geterr(dump->pcap));
  if (!fresh) {
    pcap_dump_flush(dump->dumper);  // the header, nowhere
    dump->emit = true;
  }
  return std::unique_ptr<PcapWriter>(new PcapWriter(std::move(dump)));
}

void PcapWriter::packet(uint64_t stamp_ns, uint32_t captured, uint32_t wire, const uint8_t* bytes) noexcept {
  pcap_pkthdr header{};
  constexpr int64_t second = 1'000'000'000;
  auto const stamp = static_cast<int64_t>(stamp_ns), part = (stamp % second + second) % second;
  header.ts.tv_sec = static_cast<time_t>((stamp - part) / second);
  header.ts.tv_usec = static_cast<suseconds_t>(part);
  header.caplen = captured;
  header.len = wire;
  pcap_dump(reinterpret_cast<uint8_t*>(dump_->dumper), &header, bytes);
}

Status PcapWriter::flush() {
  if (pcap_dump_flush(dump_->dumper) != 0) return fail_errno(errno, "pcap_dump_flush");
  return {};
}

}  // namespace bulkhead::capture
