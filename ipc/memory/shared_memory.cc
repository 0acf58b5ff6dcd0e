#include "ipc/memory/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

namespace bulkhead::memory {
namespace {

constexpr uint64_t kMaxBytes = uint64_t{1} << 40;
constexpr int kSizeSeals = F_SEAL_SHRINK | F_SEAL_GROW;

Result<kj::AutoCloseFd> unsealed(std::string_view name, uint64_t bytes) {
  if (bytes == 0 || bytes > kMaxBytes) return fail("{}: {} bytes of memory make no sense", name, bytes);
  kj::AutoCloseFd fd(::memfd_create(std::string(name).c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (fd.get() < 0) return fail_errno(errno, "{}: memfd_create", name);
  if (::fchmod(fd, 0600) != 0) return fail_errno(errno, "{}: fchmod", name);
  if (::ftruncate(fd, static_cast<off_t>(bytes)) != 0) return fail_errno(errno, "{}: {} bytes", name, bytes);
  return fd;
}

Result<kj::AutoCloseFd> seal(std::string_view name, kj::AutoCloseFd fd, int seals) {
  if (::fcntl(fd, F_ADD_SEALS, seals | F_SEAL_SEAL) != 0)
    return fail_errno(errno, "{}: cannot seal it", name);
  return fd;
}

}  // namespace

Mapping::~Mapping() {
  if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

Result<Mapping> Mapping::make(std::string_view name, int fd, uint64_t bytes, Right right) {
  auto size = memory_size(name, fd);
  if (!size) return tl::unexpected(size.error());
  if (*size != bytes || bytes == 0) return fail("{}: has {} bytes, {} were promised", name, *size, bytes);
  int const protection = right == Right::write ? PROT_READ | PROT_WRITE : PROT_READ;
  void* const at = ::mmap(nullptr, bytes, protection, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) return fail_errno(errno, "{}: cannot map {} bytes", name, bytes);
  Mapping mapping;
  mapping.bytes_ = {static_cast<std::byte*>(at), bytes};
  return mapping;
}

Result<kj::AutoCloseFd> create_memory(std::string_view name, uint64_t bytes) {
  auto fd = unsealed(name, bytes);
  if (!fd) return fd;
  return seal(name, std::move(*fd), kSizeSeals);
}

Result<kj::AutoCloseFd> create_constant(std::string_view name, std::span<const std::byte> content) {
  auto fd = unsealed(name, content.size());
  if (!fd) return fd;
  if (::pwrite(fd->get(), content.data(), content.size(), 0) != static_cast<ssize_t>(content.size()))
    return fail_errno(errno, "{}: cannot write its {} bytes", name, content.size());
  auto sealed = seal(name, std::move(*fd), kSizeSeals | F_SEAL_WRITE);
  if (!sealed) return sealed;
  return reopen_read_only(name, sealed->get());
}

Result<kj::AutoCloseFd> reopen_read_only(std::string_view name, int fd) {
  kj::AutoCloseFd read(::open(fmt::format("/proc/self/fd/{}", fd).c_str(), O_RDONLY | O_CLOEXEC));
  if (read.get() < 0) return fail_errno(errno, "{}: cannot open it read-only through /proc/self/fd", name);
  return read;
}

Result<uint64_t> memory_size(std::string_view name, int fd) {
  int const seals = ::fcntl(fd, F_GET_SEALS);
  if (seals < 0) return fail_errno(errno, "{}: not a memfd", name);
  if ((seals & F_SEAL_SHRINK) == 0) return fail("{}: could shrink under its readers", name);
  struct stat about {};
  if (::fstat(fd, &about) != 0) return fail_errno(errno, "{}: fstat", name);
  return static_cast<uint64_t>(about.st_size);
}

Result<kj::AutoCloseFd> duplicate(std::string_view name, int fd) {
  kj::AutoCloseFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (copy.get() < 0) return fail_errno(errno, "{}: cannot duplicate descriptor {}", name, fd);
  return copy;
}

}  // namespace bulkhead::memory