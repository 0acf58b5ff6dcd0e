#include "services/pktio/in/ng_source.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/packet/link.h"
#include "services/pktio/in/stamps.h"

namespace bulkhead::pktio {
namespace {

constexpr uint32_t kSection = 0x0a0d0d0a, kInterface = 1, kOldPacket = 2, kSimplePacket = 3, kPacket = 6;
constexpr uint32_t kMagic = 0x1a2b3c4d, kMagicSwapped = 0x4d3c2b1a;
constexpr uint32_t kLargestBlock = 16 * 1024 * 1024, kFrameMost = 262144;  // bytes, as libpcap's
constexpr uint16_t kOptionEnd = 0, kResolution = 9, kOffset = 14;          // options of an interface
constexpr size_t kBlockFrame = 12;                                         // type and both lengths

template <class Number>
Number load(const uint8_t* at, bool swapped) {
  auto const number = load_raw<Number>(at);
  return swapped ? bulkhead::detail::swap(number) : number;
}

/// A file's bytes in order, without reading ahead of what is asked.
class Bytes {
 public:
  explicit Bytes(AsyncFile& file) : file_(file), room_(Prefetch::chunk) {}
  bool take(std::span<uint8_t> into) {
    for (size_t done = 0; done < into.size();) {
      if (at_ < begin_ || at_ >= begin_ + there_) {
        int64_t const got = file_.read_now(room_, at_);
        if (got <= 0) return false;
        begin_ = at_;
        there_ = static_cast<size_t>(got);
      }
      size_t const part = std::min<size_t>(into.size() - done, begin_ + there_ - at_);
      std::memcpy(into.data() + done, room_.data() + (at_ - begin_), part);
      done += part;
      at_ += part;
    }
    return true;
  }
  void skip(uint64_t bytes) { at_ += bytes; }

 private:
  AsyncFile& file_;
  std::vector<uint8_t> room_;
  uint64_t at_ = 0, begin_ = 0;
  size_t there_ = 0;
};

}  // namespace

Survey survey(AsyncFile& file, const std::function<void()>& still_alive) {
  constexpr unsigned kBlocksBetweenCalls = 4096;
  Survey found;
  Bytes bytes(file);
  bool swapped = false;
  std::array<uint8_t, kBlockFrame> begin{};
  for (unsigned blocks = 0; bytes.take(begin); ++blocks) {
    if (still_alive && blocks % kBlocksBetweenCalls == 0) still_alive();
    if (load_raw<uint32_t>(begin.data()) == kSection) {
      uint32_t const magic = load_raw<uint32_t>(begin.data() + 8);
      if (magic != kMagic && magic != kMagicSwapped) break;
      swapped = magic == kMagicSwapped;
    }
    uint32_t const type = load<uint32_t>(begin.data(), swapped), length = load<uint32_t>(begin.data() + 4, swapped);
    if (length < kBlockFrame) break;
    uint64_t left = ((uint64_t{length} + 3) & ~uint64_t{3}) - begin.size();
    if (type == kInterface && length >= kBlockFrame + 8) {
      std::array<uint8_t, 4> snaplen{};
      if (!bytes.take(snaplen)) break;
      left -= snaplen.size();
      found.links.insert(load<uint16_t>(begin.data() + 8, swapped));
      found.snaplens.insert(load<uint32_t>(snaplen.data(), swapped));
    }
    bytes.skip(left);
  }
  return found;
}

Result<std::unique_ptr<NgSource>> NgSource::open(std::unique_ptr<AsyncFile> file, const Options& options) {
  std::unique_ptr<NgSource> source(new NgSource(std::move(file), options));
  for (uint64_t at = 0; at < options.from.packets; ++at) {
    if (options.still_alive && at % 4096 == 0) options.still_alive();
    if (source->next() != State::ready)
      return fail("packet {}: the file ends before the {} packets that were read of it", at + 1, options.from.packets);
    source->state_ = State::ready;
    source->advance();
  }
  return source;
}

Source::State NgSource::peek(Arrival& arrival) {
  constexpr uint64_t kUsualBlock = kFrameMost + 4096;
  if (state_ == State::waiting) {
    prefetch_.fill();
    if (!prefetch_.has(kUsualBlock)) return State::waiting;
    state_ = next();
  }
  if (state_ == State::ready) arrival = arrival_;
  return state_;
}

void NgSource::advance() {
  position_ = {position_.packets + 1, prefetch_.position()};
  state_ = State::waiting;
}

Source::State NgSource::next() {
  state_ = State::waiting;
  while (state_ == State::waiting)
    if (take_block()) return State::ready;
  return state_;
}

bool NgSource::take_block() {
  std::array<uint8_t, 8> begin{};
  size_t done = 0;
  while (done < begin.size()) {
    int64_t const got = prefetch_.take(std::span(begin).subspan(done));
    if (got < 0) return fail_with(prefetch_.fault().empty() ? std::strerror(static_cast<int>(-got)) : std::string(prefetch_.fault()));
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  if (done == 0) {
    state_ = State::ended;
    return false;
  }
  if (done < begin.size()) return fail_with("truncated pcapng dump file");
  block_.type = load_raw<uint32_t>(begin.data());
  if (block_.type == kSection) {  // its own byte order says how long it is
    block_.body.resize(4);
    if (prefetch_.take(block_.body) != 4) return fail_with("truncated pcapng dump file");
    uint32_t const magic = load_raw<uint32_t>(block_.body.data());
    if (magic != kMagic && magic != kMagicSwapped) return fail_with("a section of pcapng in no byte order");
    swapped_ = magic == kMagicSwapped;
    interfaces_.clear();
    uint32_t const length = load<uint32_t>(begin.data() + 4, swapped_);
    if (length < 28 || length > kLargestBlock) return fail_with("a pcapng section header of wrong length");
    read_body(((length + 3) & ~3U) - 12);
    return false;
  }
  block_.type = load<uint32_t>(begin.data(), swapped_);
  uint32_t const length = load<uint32_t>(begin.data() + 4, swapped_);
  if (length < kBlockFrame || length > kLargestBlock) return fail_with(fmt::format("a pcapng block of {} bytes", length));
  if (!read_body(((length + 3) & ~3U) - 8)) return false;
  block_.body.resize(block_.body.size() - 4);
  if (block_.type == kInterface) return interface(), false;
  return packet_block();
}

bool NgSource::read_body(uint32_t length) {
  block_.body.resize(length);
  for (size_t done = 0; done < length;) {
    int64_t const got = prefetch_.take(std::span(block_.body).subspan(done));
    if (got > 0) done += static_cast<size_t>(got);
    else return fail_with(got == 0 ? "truncated pcapng dump file" : prefetch_.fault().empty() ? std::strerror(static_cast<int>(-got)) : std::string(prefetch_.fault()));
  }
  return true;
}

void NgSource::interface() {
  Interface fresh;
  const auto& body = block_.body;
  if (body.size() < 8) return void(fail_with("a pcapng interface description that is too short"));
  fresh.link = packet::link_type_of(number16(0));
  fresh.snaplen = number32(4);
  for (size_t at = 8; at + 4 <= body.size();) {
    uint16_t const code = number16(at), length = number16(at + 2);
    at += 4;
    if (code == kOptionEnd || at + length > body.size()) break;
    if (code == kResolution && length == 1) fresh.units = units_of(body[at]);
    if (code == kOffset && length == 8) fresh.offset_s = static_cast<int64_t>(load<uint64_t>(body.data() + at, swapped_));
    at += (size_t{length} + 3) & ~size_t{3};
  }
  interfaces_.push_back(fresh);
}

bool NgSource::packet_block() {
  const auto& body = block_.body;
  size_t const header = block_.type == kSimplePacket ? 4 : 20;
  bool const known = block_.type == kPacket || block_.type == kOldPacket || block_.type == kSimplePacket;
  if (!known) return false;
  if (body.size() < header) return fail_with("a pcapng packet block that is too short");
  if (block_.type == kSimplePacket) {
    uint32_t const wire = number32(0), snaplen = interfaces_.empty() ? 0 : interfaces_[0].snaplen;
    uint32_t const most = std::min(snaplen == 0 ? kFrameMost : snaplen, static_cast<uint32_t>(body.size() - header));
    return give(0, 0, wire, header, std::min(wire, most));
  }
  uint32_t const interface = block_.type == kPacket ? number32(0) : number16(0);
  return give(interface, uint64_t{number32(4)} << 32 | number32(8), number32(16), header, number32(12));
}

bool NgSource::give(uint32_t interface, uint64_t stamp, uint32_t wire, size_t at, uint32_t captured) {
  if (interface >= interfaces_.size()) return fail_with(fmt::format("a packet of interface {}, which nothing describes", interface));
  if (captured > block_.body.size() - at) return fail_with(fmt::format("{} bytes captured in a block of {}", captured, block_.body.size() - at));
  if (captured > kFrameMost) return fail_with(fmt::format("{} bytes captured, want at most {}", captured, kFrameMost));
  const Interface& from = interfaces_[interface];
  if (!from.link) return fail_with(fmt::format("interface {} has a link type that nobody here reads", interface));
  std::span<const uint8_t> bytes(block_.body.data() + at, captured);
  wire = std::max(wire, captured);
  if (*from.link != options_.link) {
    std::array<uint8_t, packet::kEthernetHeader> header{};
    size_t const replaced = packet::ethernet_instead(bytes, *from.link, options_.own, header);
    frame_.assign(header.begin(), header.end());
    frame_.insert(frame_.end(), bytes.begin() + static_cast<ptrdiff_t>(replaced), bytes.end());
    frame_.resize(std::min<size_t>(frame_.size(), kFrameMost));
    wire = wire - static_cast<uint32_t>(replaced) + static_cast<uint32_t>(header.size());
    bytes = frame_;
  }
  uint64_t const stamp_ns = block_.type == kSimplePacket ? 0 : stamp_of(from, stamp);
  arrival_ = {stamp_ns, static_cast<uint32_t>(bytes.size()), wire, bytes.data(), position_.packets + 1};
  return true;
}

uint64_t NgSource::stamp_of(const Interface& interface, uint64_t units) const {
  uint64_t const part = units % interface.units;
  auto const part_ns = static_cast<int64_t>(static_cast<unsigned __int128>(part) * 1'000'000'000 / interface.units);
  return stamp_of_seconds(static_cast<int64_t>(units / interface.units) + interface.offset_s, part_ns);
}

bool NgSource::fail_with(const std::string& why) {
  error_.message = fmt::format("packet {}: {}", position_.packets + 1, why);
  state_ = State::failed;
  return false;
}

uint16_t NgSource::number16(size_t at) const { return load<uint16_t>(block_.body.data() + at, swapped_); }
uint32_t NgSource::number32(size_t at) const { return load<uint32_t>(block_.body.data() + at, swapped_); }

}  // namespace bulkhead::pktio
