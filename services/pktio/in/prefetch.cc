// services/pktio/in/prefetch.cc: see prefetch.h. Also the plain forms of AsyncFile.
#include "services/pktio/in/prefetch.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace bulkhead::pktio {

namespace {
bool try_again(int64_t result) { return result == -EINTR || result == -EAGAIN; }
}  // namespace

Prefetch::Prefetch(std::unique_ptr<AsyncFile> file)
    : ring_(std::make_unique_for_overwrite<uint8_t[]>(capacity)), file_(std::move(file)) {}

void Prefetch::seek(uint64_t offset) {
  position_ = fetched_ = offset;
  finished_ = false;
}

void Prefetch::fill() {
  if (under_way_ || finished_) return;
  fetched_ = std::max(fetched_, position_);
  const uint64_t length = chunk - fetched_ % chunk;
  if (capacity - buffered() < length) return;
  under_way_ = true;
  file_->read({ring_.get() + fetched_ % capacity, length}, fetched_,
              [this](int64_t result) { completed(result); });
}

void Prefetch::fill_now() {
  fetched_ = std::max(fetched_, position_);
  const uint64_t length = chunk - fetched_ % chunk;
  arrived(file_->read_now({ring_.get() + fetched_ % capacity, length}, fetched_));
}

void Prefetch::arrived(int64_t result) {
  if (result > 0) {
    fetched_ += static_cast<uint64_t>(result);
  } else if (!try_again(result)) {
    finished_ = true;
  }
}

void Prefetch::completed(int64_t result) {
  under_way_ = false;
  arrived(result);
  fill();
}

int64_t Prefetch::take(std::span<uint8_t> into) {
  const uint64_t length = std::min<uint64_t>(into.size(), buffered());
  if (length == 0) return take_blocking(into);
  const uint64_t at = position_ % capacity;
  const uint64_t first = std::min(length, capacity - at);
  std::memcpy(into.data(), ring_.get() + at, first);
  std::memcpy(into.data() + first, ring_.get(), length - first);
  position_ += length;
  return static_cast<int64_t>(length);
}

int64_t Prefetch::take_blocking(std::span<uint8_t> into) {
  for (;;) {
    const int64_t result = file_->read_now(into, position_);
    if (try_again(result)) continue;
    if (result > 0) position_ += static_cast<uint64_t>(result);
    return result;
  }
}

int64_t PreadFile::read_now(std::span<uint8_t> into, uint64_t offset) {
  const ssize_t result = pread(fd_, into.data(), into.size(), static_cast<off_t>(offset));
  return result < 0 ? -errno : result;
}

void HeldFile::read(std::span<uint8_t> into, uint64_t offset, Completion done) {
  into_ = into;
  offset_ = offset;
  done_ = std::move(done);
}

void HeldFile::complete(uint64_t most) {
  const int64_t result = read_now(into_.first(std::min<uint64_t>(into_.size(), most)), offset_);
  std::exchange(done_, nullptr)(result);
}

void HeldFile::complete_with_error(int error) { std::exchange(done_, nullptr)(-error); }

}  // namespace bulkhead::pktio
