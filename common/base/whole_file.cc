#include "common/base/whole_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace bulkhead {
namespace {

class Descriptor {
 public:
  explicit Descriptor(const std::string& path) : own_(path != "-"), number_(own_ ? ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY) : STDIN_FILENO) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (own_ && number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int number() const { return number_; }

 private:
  bool own_;
  int number_;
};

}  // namespace

Result<std::string> read_whole_file(const std::string& path, size_t most) {
  Descriptor const file(path);
  if (file.number() < 0) return fail("{}", std::strerror(errno));
  std::string text;
  std::array<char, 65536> block{};
  for (;;) {
    ssize_t const count = ::read(file.number(), block.data(), block.size());
    if (count == 0) return text;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail("{}", std::strerror(errno));
    text.append(block.data(), static_cast<size_t>(count));
    if (text.size() > most) return fail("larger than {} bytes", most);
  }
}

}  // namespace bulkhead
