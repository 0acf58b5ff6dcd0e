// tests/tools/capture_file.cc: see capture_file.h.
#include "tests/tools/capture_file.h"

#include <pcap/pcap.h>

#include <array>

namespace bulkhead::test {

namespace {

constexpr int snaplen = 262144;  // bytes
constexpr uint64_t second = 1'000'000'000;

class PcapFile : public CaptureFile {
 public:
  PcapFile(std::string path, packet::LinkType link) : path_(std::move(path)) {
    pcap_ = pcap_open_dead_with_tstamp_precision(link == packet::LinkType::raw_ip ? DLT_RAW : packet::linktype_number(link),
                                                 snaplen, PCAP_TSTAMP_PRECISION_NANO);
    dumper_ = pcap_dump_open(pcap_, path_.c_str());
  }
  ~PcapFile() override {
    if (dumper_ != nullptr) pcap_dump_close(dumper_);
    pcap_close(pcap_);
  }

  [[nodiscard]] Status opened() const {
    if (dumper_ == nullptr) return fail("{}", pcap_geterr(pcap_));
    return {};
  }

  void write(uint64_t stamp_ns, const Bytes& bytes, uint32_t wire) override {
    pcap_pkthdr header{};
    header.ts.tv_sec = static_cast<time_t>(stamp_ns / second);
    header.ts.tv_usec = static_cast<suseconds_t>(stamp_ns % second);
    header.caplen = static_cast<uint32_t>(bytes.size());
    header.len = wire == 0 ? header.caplen : wire;
    pcap_dump(reinterpret_cast<uint8_t*>(dumper_), &header, bytes.data());
  }

  Status close() override {
    if (pcap_dump_flush(dumper_) != 0 || std::ferror(pcap_dump_file(dumper_)) != 0) {
      return fail_errno(errno, "{}", path_);
    }
    return {};
  }

 private:
  std::string path_;
  pcap_t* pcap_ = nullptr;
  pcap_dumper_t* dumper_ = nullptr;
};

/// draft-ietf-opsawg-pcapng: section header, one interface, enhanced packet blocks; in this machine's byte
/// order.
class PcapngFile : public CaptureFile {
 public:
  PcapngFile(std::string path, packet::LinkType link)
      : path_(std::move(path)), file_(std::fopen(path_.c_str(), "wbe")) {
    if (file_ == nullptr) return;
    section();
    interface(link);
  }
  ~PcapngFile() override {
    if (file_ != nullptr) std::fclose(file_);
  }

  [[nodiscard]] Status opened() const {
    if (file_ == nullptr) return fail_errno(errno, "{}", path_);
    return {};
  }

  void write(uint64_t stamp_ns, const Bytes& bytes, uint32_t wire) override {
    const auto captured = static_cast<uint32_t>(bytes.size());
    put32({0, static_cast<uint32_t>(stamp_ns >> 32), static_cast<uint32_t>(stamp_ns), captured,
           wire == 0 ? captured : wire});
    body_.insert(body_.end(), bytes.begin(), bytes.end());
    block(6);
  }

  Status close() override {
    if (std::fflush(file_) != 0 || std::ferror(file_) != 0) return fail_errno(errno, "{}", path_);
    return {};
  }

 private:
  void put32(std::initializer_list<uint32_t> values) {
    for (const uint32_t value : values) {
      std::array<uint8_t, 4> bytes{};
      store_raw(bytes.data(), value);
      body_.insert(body_.end(), bytes.begin(), bytes.end());
    }
  }
  static uint32_t pair(uint16_t first, uint16_t second_half) {
    return std::endian::native == std::endian::little ? static_cast<uint32_t>(second_half) << 16 | first
                                                      : static_cast<uint32_t>(first) << 16 | second_half;
  }

  void section() {
    put32({0x1a2b3c4d, pair(1, 0), UINT32_MAX, UINT32_MAX});
    block(0x0a0d0d0a);
  }

  void interface(packet::LinkType link) {
    put32({pair(static_cast<uint16_t>(packet::linktype_number(link)), 0), snaplen,
           pair(9, 1)});                      // if_tsresol, one byte
    body_.insert(body_.end(), {9, 0, 0, 0});  // 10^-9 seconds
    put32({0});                               // end of options
    block(1);
  }

  /// Writes `body_`, padded, as a block, and empties it.
  void block(uint32_t type) {
    body_.resize((body_.size() + 3) / 4 * 4);
    const auto length = static_cast<uint32_t>(body_.size() + 12);
    const std::array<uint32_t, 2> head{type, length};
    std::fwrite(head.data(), sizeof head, 1, file_);
    std::fwrite(body_.data(), body_.size(), 1, file_);
    std::fwrite(&length, sizeof length, 1, file_);
    body_.clear();
  }

  std::string path_;
  std::FILE* file_ = nullptr;
  Bytes body_;
};

template <class File>
Result<std::unique_ptr<CaptureFile>> create_as(const std::string& path, packet::LinkType link) {
  auto file = std::make_unique<File>(path, link);
  if (Status opened = file->opened(); !opened) return tl::unexpected(opened.error());
  return file;
}

}  // namespace

Result<std::unique_ptr<CaptureFile>> CaptureFile::create(const std::string& path, Format format,
                                                         packet::LinkType link) {
  return format == Format::pcap ? create_as<PcapFile>(path, link) : create_as<PcapngFile>(path, link);
}

Status write_capture(const std::string& path, Format format, packet::LinkType link,
                     const std::vector<Stamped>& packets) {
  auto file = CaptureFile::create(path, format, link);
  if (!file) return tl::unexpected(file.error());
  for (const Stamped& packet : packets) (*file)->write(packet.stamp_ns, packet.bytes, packet.wire);
  return (*file)->close();
}

}  // namespace bulkhead::test
