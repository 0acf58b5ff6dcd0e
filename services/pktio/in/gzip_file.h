// services/pktio/in/gzip_file.h: what is in a gzip'd file, as if it were a file.
//
// Who     open_capture.h puts it below whatever reads the capture.
// Units   offsets: bytes of what is in it.
// Resume  going back, or a new process going on, inflates everything before again; `still_alive` is called meanwhile.
// Errors  -EBADMSG, and fault() says why: the data are damaged, or end before they should. All that comes before is given first.
// Source  RFC 1952 (several members in a row are one file; whatever else follows is ignored, as gzip does); zlib.
#pragma once

#include <memory>
#include <vector>

#include "services/pktio/in/async_file.h"

namespace bulkhead::pktio {

class GzipFile : public AsyncFile {
 public:
  GzipFile(std::unique_ptr<AsyncFile> file, std::function<void()> still_alive);
  ~GzipFile() override;

  /// Do these first bytes of a file say so?
  [[nodiscard]] static bool is_gzip(std::span<const uint8_t> begin) { return begin.size() >= 2 && begin[0] == 0x1f && begin[1] == 0x8b; }

  /// Done before it returns.
  void read(std::span<uint8_t> into, uint64_t offset, Completion done) override { done(read_now(into, offset)); }
  int64_t read_now(std::span<uint8_t> into, uint64_t offset) override;
  [[nodiscard]] std::string_view fault() const override { return fault_; }

 private:
  struct Stream;
  enum class Step : uint8_t { went, ended, failed };

  void rewind();
  Step inflate_some(std::span<uint8_t> into, size_t& got);
  [[nodiscard]] Step more_input();
  [[nodiscard]] Step next_member();
  Step fail(int64_t error, std::string_view why);

  std::unique_ptr<AsyncFile> file_;
  std::function<void()> still_alive_;
  std::unique_ptr<Stream> stream_;
  std::vector<uint8_t> input_;
  uint64_t input_at_ = 0;   // of the next bytes of the file
  uint64_t position_ = 0;   // of the next byte out of it
  bool ended_ = false;
  int64_t error_ = 0;
  std::string_view fault_;
};

}  // namespace bulkhead::pktio
