#include "services/pktio/out/pcap_sink.h"

#include <algorithm>
#include <cstring>

#include "common/capture/pcap_writer.h"

namespace bulkhead::pktio {

using capture::kFileHeader, capture::kRecordHeader;

struct PcapSink::File : capture::ByteConsumer {
  File(state::Staging& staging_object, size_t index) : staging(staging_object), output(index) {}

  void append(std::span<const uint8_t> bytes) override {
    uint64_t const capacity = staging.header.capacity;
    while (!bytes.empty()) {
      uint64_t const at = length % capacity;
      size_t const part = std::min<size_t>(bytes.size(), capacity - at);
      memory::copy_in(staging.file(output) + at, bytes.data(), part);
      length += part;
      bytes = bytes.subspan(part);
    }
  }

  state::Staging& staging;
  size_t output;
  uint64_t length = 0;                           // bytes in the staging
  uint64_t promised = 0;                         // and those that libpcap holds back
  std::unique_ptr<capture::PcapWriter> pcap;     // none: verdicts.jsonl
  bool dirty = false;                            // libpcap may hold bytes back
};

PcapSink::PcapSink(state::Staging& staging, state::PktioState& state, control::Outputs outputs,
                   std::vector<std::unique_ptr<FileWriter>> files)
    : staging_(staging),
      state_(state),
      outputs_(std::move(outputs)),
      writer_(staging, state, std::move(files)),
      staged_(writer_.size()) {}

PcapSink::~PcapSink() = default;

Status PcapSink::resume(packet::LinkType link) {
  files_.clear();
  for (size_t output = 0; output < writer_.size(); ++output) {
    auto file = std::make_unique<File>(staging_, output);
    file->length = staged_[output] = state_.outputs[output].staged.load();
    if (output != outputs_.verdicts) {
      auto pcap = capture::PcapWriter::open(*file, link, file->length == 0);
      if (!pcap) return tl::unexpected(pcap.error());
      file->pcap = std::move(*pcap);
      file->dirty = file->length == 0;
    }
    file->promised = file->dirty ? kFileHeader : file->length;
    files_.push_back(std::move(file));
  }
  return {};
}

bool PcapSink::room(const Load& load) const {
  uint64_t const record_bytes = load.frames * kRecordHeader + load.bytes;
  for (size_t output = 0; output < files_.size(); ++output) {
    uint64_t const need = output == outputs_.verdicts ? load.line_bytes : record_bytes;
    if (writer_.room(output, files_[output]->promised) < need) return false;
  }
  return true;
}

bool PcapSink::may_take(const Load& load) const {
  return load.frames * kRecordHeader + load.bytes <= staging_.header.capacity / 8 * 3;
}

void PcapSink::put(size_t output, uint64_t stamp_ns, const Frame& frame) {
  File& file = *files_[output];
  auto const captured = static_cast<uint32_t>(frame.captured.size());
  file.pcap->packet(stamp_ns, captured, frame.wire, frame.captured.data());
  file.promised += kRecordHeader + captured;
  file.dirty = true;
}

void PcapSink::line(std::string_view text) {
  File& file = *files_[outputs_.verdicts];
  file.append({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  file.promised = file.length;
}

bool PcapSink::unsaved() const {
  return std::ranges::any_of(files_, [](const auto& file) { return file->dirty; });
}

void PcapSink::store(memory::Batch& batch) {
  for (size_t output = 0; output < files_.size(); ++output) {
    File& file = *files_[output];
    if (file.dirty) static_cast<void>(file.pcap->flush());  // cannot fail: a File takes everything
    file.dirty = false;
    if (file.length == staged_[output]) continue;
    batch.set(state_.outputs[output].staged, file.length);
    staged_[output] = file.length;
  }
}

Error PcapSink::error() const {
  return Error{fmt::format("{}: {}", outputs_.names.at(writer_.failed_output()), std::strerror(-writer_.failed()))};
}

}  // namespace bulkhead::pktio
