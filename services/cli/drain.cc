#include "services/cli/drain.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "common/capture/pcap_writer.h"
#include "ipc/memory/commit.h"
#include "ipc/state/pktio_state.h"
#include "ipc/state/staging.h"

namespace bulkhead::cli {
namespace {

/// An object as it was, ours to change; `T::bytes_for()` of it, which may be less than the whole.
template <class T>
class Copy {
 public:
  Copy(Copy&&) noexcept = default;
  Copy& operator=(Copy&&) noexcept = default;
  static Result<Copy> of(const runtime::HolderClient& holder, const std::string& name) {
    auto mapping = holder.map(name);
    if (!mapping) return tl::unexpected(mapping.error());
    auto whole = memory::view<T>(name, mapping->bytes());
    if (!whole) return tl::unexpected(whole.error());
    Copy copy;
    copy.size_ = T::bytes_for((*whole)->header.capacity);
    copy.lines_.resize((copy.size_ + sizeof(Line) - 1) / sizeof(Line));
    std::memcpy(copy.lines_.data(), mapping->bytes().data(), copy.size_);
    copy.object_ = reinterpret_cast<T*>(copy.bytes().data());
    return copy;
  }
  [[nodiscard]] std::span<std::byte> bytes() { return {lines_.front().bytes.data(), size_}; }
  [[nodiscard]] T& operator*() const { return *object_; }

 private:
  Copy() = default;
  struct alignas(64) Line {
    std::array<std::byte, 64> bytes;
  };
  std::vector<Line> lines_;
  size_t size_ = 0;
  T* object_ = nullptr;
};

Status write_at(int file, std::span<const uint8_t> bytes, uint64_t offset) {
  while (!bytes.empty()) {
    ssize_t const done = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return fail("{}", std::strerror(done == 0 ? EIO : errno));
    bytes = bytes.subspan(static_cast<size_t>(done));
    offset += static_cast<uint64_t>(done);
  }
  return {};
}

Status write_rest(state::Staging& staging, size_t output, uint64_t written, uint64_t staged, int file) {
  uint64_t const capacity = staging.header.capacity;
  if (staged < written || staged - written > capacity) return fail("staged bytes that cannot be");
  while (written < staged) {
    uint64_t const part = std::min(staged - written, capacity - written % capacity);
    auto wrote = write_at(file, {staging.file(output) + written % capacity, part}, written);
    if (!wrote) return wrote;
    written += part;
  }
  return {};
}

/// A capture that nothing was written to would be no capture: libpcap refuses an empty file.
Status begin_empty_capture(int file, packet::LinkType link) {
  struct stat about {};
  if (::fstat(file, &about) != 0) return fail("{}", std::strerror(errno));
  if (about.st_size != 0) return {};
  struct Gather : capture::ByteConsumer {
    std::vector<uint8_t> all;
    void append(std::span<const uint8_t> bytes) override { all.insert(all.end(), bytes.begin(), bytes.end()); }
  } header;
  auto writer = capture::PcapWriter::open(header, link, true);
  if (!writer) return tl::unexpected(writer.error());
  if (auto flushed = (*writer)->flush(); !flushed) return flushed;
  return write_at(file, header.all, 0);
}

Status begin_empty_captures(const runtime::HolderClient& holder, const std::vector<std::string>& outputs, packet::LinkType link) {
  for (const std::string& name : outputs) {
    int const file = holder.descriptor("out." + name);
    if (file < 0 || !name.ends_with(".pcap")) continue;
    if (auto begun = begin_empty_capture(file, link); !begun) return fail("{}: {}", name, begun.error().message);
  }
  return {};
}

Status write_staged(const runtime::HolderClient& holder, const std::vector<std::string>& outputs, packet::LinkType& link, Counts& counts) {
  auto area = Copy<memory::CommitArea>::of(holder, "pktio.commit");
  auto journal = Copy<memory::Journal>::of(holder, "pktio.journal");
  auto state = Copy<state::PktioState>::of(holder, "pktio.state");
  auto memory = holder.map("pktio.staging");
  if (!area || !journal || !state || !memory) return {};
  auto const staging = memory::view<state::Staging>("pktio.staging", memory->bytes());
  if (!staging) return tl::unexpected(staging.error());
  memory::Batch(**area, **journal, state->bytes()).recover();
  counts = counts_of(**state);
  if (uint64_t const known = (**state).link.load(); known != 0) link = static_cast<packet::LinkType>(known - 1);
  Status first;
  for (size_t i = 0; i < outputs.size() && i < control::kMaxOutputs; ++i) {
    int const file = holder.descriptor("out." + outputs[i]);
    const state::PktioState::Output& output = (**state).outputs[i];
    if (file < 0) continue;
    auto wrote = write_rest(**staging, i, output.written.load(), output.staged.load(), file);
    if (!wrote && first) first = fail("{}: {}", outputs[i], wrote.error().message);
  }
  return first;
}

}  // namespace

Status drain(const runtime::HolderClient& holder, const std::vector<std::string>& outputs, Counts& counts) {
  packet::LinkType link = packet::LinkType::ethernet;
  auto staged = write_staged(holder, outputs, link, counts);
  auto begun = begin_empty_captures(holder, outputs, link);
  return staged ? begun : staged;
}

}  // namespace bulkhead::cli
