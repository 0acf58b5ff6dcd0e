#include "services/pktio/in/open_capture.h"

#include <pcap/pcap.h>

#include <array>
#include <utility>

#include "common/packet/link.h"
#include "services/pktio/in/gzip_file.h"
#include "services/pktio/in/ng_source.h"
#include "services/pktio/in/pcap_source.h"

namespace bulkhead::pktio {
namespace {

constexpr std::array<uint8_t, 4> kPcapng{0x0a, 0x0d, 0x0d, 0x0a};

std::vector<uint8_t> first_bytes(AsyncFile& file) {
  std::vector<uint8_t> begin(kPcapng.size());
  int64_t const got = file.read_now(begin, 0);
  begin.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return begin;
}

/// None of them may be one that nobody here reads.
Result<packet::LinkType> link_of_all(const Survey& found) {
  for (int const number : found.links)
    if (!packet::link_type_of(number)) return unknown_link(number);
  return found.links.size() == 1 ? *packet::link_type_of(*found.links.begin()) : packet::LinkType::ethernet;
}

}  // namespace

Result<std::unique_ptr<Source>> open_capture(std::unique_ptr<AsyncFile> file, const CaptureOptions& options) {
  auto begin = first_bytes(*file);
  if (GzipFile::is_gzip(begin)) {
    file = std::make_unique<GzipFile>(std::move(file), options.still_alive);
    begin = first_bytes(*file);
  }
  if (std::equal(begin.begin(), begin.end(), kPcapng.begin(), kPcapng.end())) {
    Survey const found = survey(*file, options.still_alive);
    if (found.differ()) {
      auto link = link_of_all(found);
      if (!link) return tl::unexpected(link.error());
      auto source = NgSource::open(std::move(file), {*link, found.links.size() > 1, options.own, options.from, options.still_alive});
      if (!source) return tl::unexpected(source.error());
      return std::move(*source);
    }
  }
  PcapSource::Options pcap;
  pcap.from = options.from;
  pcap.still_alive = options.still_alive;
  auto source = PcapSource::open(std::move(file), pcap);
  if (!source) return tl::unexpected(source.error());
  return std::move(*source);
}

Source::State EthernetSource::peek(Arrival& arrival) {
  constexpr size_t kMost = PcapSource::frame_max;
  State const state = source_->peek(arrival);
  if (state != State::ready) return state;
  std::array<uint8_t, packet::kEthernetHeader> header{};
  std::span<const uint8_t> const bytes(arrival.bytes, arrival.captured);
  size_t const replaced = packet::ethernet_instead(bytes, source_->link(), own_, header);
  frame_.assign(header.begin(), header.end());
  frame_.insert(frame_.end(), bytes.begin() + static_cast<ptrdiff_t>(replaced), bytes.end());
  if (frame_.size() > kMost) frame_.resize(kMost);
  arrival.wire = arrival.wire - static_cast<uint32_t>(replaced) + static_cast<uint32_t>(header.size());
  arrival.captured = static_cast<uint32_t>(frame_.size());
  arrival.bytes = frame_.data();
  return state;
}

}  // namespace bulkhead::pktio
