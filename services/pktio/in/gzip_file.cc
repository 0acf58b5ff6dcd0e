#include "services/pktio/in/gzip_file.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace bulkhead::pktio {
namespace {

constexpr size_t kInput = size_t{64} * 1024, kSkipped = size_t{256} * 1024;  // bytes at once
constexpr int kGzipAlone = 16 + MAX_WBITS;

}  // namespace

struct GzipFile::Stream {
  Stream() { good = inflateInit2(&z, kGzipAlone) == Z_OK; }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() {
    if (good) inflateEnd(&z);
  }
  z_stream z{};
  bool good = false;
};

GzipFile::GzipFile(std::unique_ptr<AsyncFile> file, std::function<void()> still_alive)
    : file_(std::move(file)), still_alive_(std::move(still_alive)), input_(kInput) {
  rewind();
}

GzipFile::~GzipFile() = default;

void GzipFile::rewind() {
  stream_ = std::make_unique<Stream>();
  input_at_ = position_ = 0;
  ended_ = false;
  error_ = stream_->good ? 0 : -ENOMEM;
  fault_ = {};
}

int64_t GzipFile::read_now(std::span<uint8_t> into, uint64_t offset) {
  if (offset < position_) rewind();
  std::vector<uint8_t> skipped;
  size_t got = 0;
  while (position_ < offset && !ended_ && error_ == 0) {
    if (skipped.empty()) skipped.resize(kSkipped);
    inflate_some(std::span(skipped).first(std::min<uint64_t>(kSkipped, offset - position_)), got);
    if (still_alive_) still_alive_();
  }
  got = 0;
  if (!ended_ && error_ == 0) inflate_some(into, got);
  return got == 0 && error_ != 0 ? error_ : static_cast<int64_t>(got);
}

/// Fills `into`, but at the end.
GzipFile::Step GzipFile::inflate_some(std::span<uint8_t> into, size_t& got) {
  z_stream& z = stream_->z;
  z.next_out = into.data();
  z.avail_out = static_cast<uInt>(into.size());
  Step step = Step::went;
  while (z.avail_out != 0 && step == Step::went) {
    if (z.avail_in == 0) step = more_input();
    if (step != Step::went) break;
    int const said = inflate(&z, Z_NO_FLUSH);
    if (said == Z_STREAM_END) step = next_member();
    else if (said != Z_OK && said != Z_BUF_ERROR) step = fail(-EBADMSG, "its gzip data are damaged");
  }
  got = into.size() - z.avail_out;
  position_ += got;
  ended_ = step == Step::ended;
  return step;
}

GzipFile::Step GzipFile::more_input() {
  int64_t got = 0;
  do {
    got = file_->read_now(input_, input_at_);
  } while (got == -EINTR || got == -EAGAIN);
  if (got < 0) return fail(got, {});
  if (got == 0) return fail(-EBADMSG, "its gzip data end too early");
  stream_->z.next_in = input_.data();
  stream_->z.avail_in = static_cast<uInt>(got);
  input_at_ += static_cast<uint64_t>(got);
  return Step::went;
}

/// Behind a member: another one, or the end.
GzipFile::Step GzipFile::next_member() {
  z_stream& z = stream_->z;
  std::array<uint8_t, 2> begin{};
  uint64_t const at = input_at_ - z.avail_in;
  int64_t const got = file_->read_now(begin, at);
  if (got != static_cast<int64_t>(begin.size()) || !is_gzip(begin)) return Step::ended;
  return inflateReset(&z) == Z_OK ? Step::went : fail(-ENOMEM, {});
}

GzipFile::Step GzipFile::fail(int64_t error, std::string_view why) {
  error_ = error;
  fault_ = why;
  return Step::failed;
}

}  // namespace bulkhead::pktio
