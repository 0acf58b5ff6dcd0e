#include "services/cli/spool.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <span>
#include <vector>

namespace bulkhead::cli {
namespace {

constexpr size_t kAtOnce = size_t{256} * 1024;  // bytes

kj::AutoCloseFd nameless_file() {
  std::error_code error;
  auto const folder = std::filesystem::temp_directory_path(error);
  if (!error)
    if (int const fd = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600); fd >= 0) return kj::AutoCloseFd(fd);
  return kj::AutoCloseFd(::memfd_create("standard input", MFD_CLOEXEC));
}

Status write_all(int file, std::span<const char> bytes) {
  while (!bytes.empty()) {
    ssize_t const done = ::write(file, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return fail_errno(done == 0 ? EIO : errno, "standard input: cannot keep it in the folder for temporary files");
    bytes = bytes.subspan(static_cast<size_t>(done));
  }
  return {};
}

/// Services take an input only if nobody can write to it by that descriptor.
Result<kj::AutoCloseFd> only_to_be_read(int file) {
  kj::AutoCloseFd read(::open(fmt::format("/proc/self/fd/{}", file).c_str(), O_RDONLY | O_CLOEXEC));
  if (read.get() < 0) return fail_errno(errno, "standard input: cannot be opened again");
  return kj::mv(read);
}

}  // namespace

Result<kj::AutoCloseFd> spool(int from) {
  struct stat about {};
  if (::fstat(from, &about) != 0) return fail_errno(errno, "standard input");
  if (S_ISREG(about.st_mode)) return only_to_be_read(from);
  kj::AutoCloseFd file = nameless_file();
  if (file.get() < 0) return fail_errno(errno, "standard input: no file to keep it in");
  std::vector<char> room(kAtOnce);
  for (;;) {
    ssize_t const got = ::read(from, room.data(), room.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, "standard input");
    if (got == 0) return only_to_be_read(file.get());
    if (auto kept = write_all(file, std::span(room).first(static_cast<size_t>(got))); !kept) return tl::unexpected(kept.error());
  }
}

}  // namespace bulkhead::cli
