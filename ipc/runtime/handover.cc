#include "ipc/runtime/handover.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "ipc/control/control_message.h"

namespace bulkhead::runtime {
namespace {

constexpr size_t kDescriptorsRead = 4;  // room for more than we take, so that none is lost track of
constexpr int kBacklog = 64;

template <class Call>
auto retried(Call call) {
  for (;;)
    if (auto const result = call(); result >= 0 || errno != EINTR) return result;
}

/// ECONNRESET is said once, of a peer that went with something unread. What it had sent can be received all the same.
ssize_t receive_message(int socket, msghdr& message, int flags) {
  auto const receive = [&] { return retried([&] { return ::recvmsg(socket, &message, flags); }); };
  ssize_t const got = receive();
  return got < 0 && errno == ECONNRESET ? receive() : got;
}

std::vector<kj::AutoCloseFd> descriptors_of(msghdr& message) {
  std::vector<kj::AutoCloseFd> all;
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    size_t const count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
      all.emplace_back(fd);
    }
  }
  return all;
}

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail("{}: too long for a socket's path", path);
  path.copy(address.sun_path, path.size());
  return address;
}

Result<kj::AutoCloseFd> packet_socket() {
  kj::AutoCloseFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return fail_errno(errno, "unix socket");
  return socket;
}

}  // namespace

Status send_parcel(int socket, std::span<const std::byte> bytes, int descriptor, Patience patience) {
  iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (descriptor >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* const c = CMSG_FIRSTHDR(&message);
    *c = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    std::memcpy(CMSG_DATA(c), &descriptor, sizeof descriptor);
  }
  int const flags = MSG_NOSIGNAL | (patience == Patience::none ? MSG_DONTWAIT : 0);
  if (retried([&] { return ::sendmsg(socket, &message, flags); }) < 0)
    return fail_errno(errno, "sending a message");
  return {};
}

Result<std::optional<Parcel>> receive_parcel(int socket, Patience patience) {
  Parcel parcel;
  parcel.bytes.resize(control::kMaxMessage);
  iovec part{parcel.bytes.data(), parcel.bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kDescriptorsRead * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  int const flags = MSG_CMSG_CLOEXEC | (patience == Patience::none ? MSG_DONTWAIT : 0);
  ssize_t const got = receive_message(socket, message, flags);
  if (got < 0 && (errno == ECONNRESET || errno == EPIPE)) return std::nullopt;
  if (got < 0) return fail_errno(errno, "receiving a message");
  auto descriptors = descriptors_of(message);
  if (got == 0) return std::nullopt;
  if ((message.msg_flags & MSG_TRUNC) != 0) return fail("a message longer than {} bytes", control::kMaxMessage);
  if ((message.msg_flags & MSG_CTRUNC) != 0)
    return fail("a descriptor was lost on the way: too many open files? (ulimit -n)");
  if (descriptors.size() > 1) return fail("{} descriptors in one message", descriptors.size());
  parcel.bytes.resize(static_cast<size_t>(got));
  if (!descriptors.empty()) parcel.descriptor = kj::mv(descriptors.front());
  return parcel;
}

bool readable(int socket, std::chrono::milliseconds patience) {
  pollfd what{socket, POLLIN, 0};
  return retried([&] { return ::poll(&what, 1, static_cast<int>(patience.count())); }) > 0;
}

Result<ShortPath> shorten(const std::string& directory) {
  kj::AutoCloseFd handle(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (handle.get() < 0) return fail_errno(errno, "{}", directory);
  auto path = fmt::format("/proc/self/fd/{}", handle.get());
  return ShortPath{kj::mv(handle), std::move(path)};
}

Result<kj::AutoCloseFd> listen_parcels(const std::string& directory, const std::string& name, unsigned mode) {
  auto place = shorten(directory);
  if (!place) return tl::unexpected(place.error());
  auto const path = place->path + "/" + name;
  auto const address = address_of(path);
  if (!address) return tl::unexpected(address.error());
  auto socket = packet_socket();
  if (!socket) return socket;
  ::unlink(path.c_str());
  if (::bind(*socket, reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0)
    return fail_errno(errno, "{}/{}: cannot bind a socket there", directory, name);
  if (::chmod(path.c_str(), mode) != 0) return fail_errno(errno, "{}/{}: chmod", directory, name);
  if (::listen(*socket, kBacklog) != 0) return fail_errno(errno, "{}/{}: listen", directory, name);
  return socket;
}

Result<kj::AutoCloseFd> connect_parcels(const std::string& directory, const std::string& name,
                                        std::chrono::milliseconds patience) {
  auto place = shorten(directory);
  if (!place) return tl::unexpected(place.error());
  auto const address = address_of(place->path + "/" + name);
  if (!address) return tl::unexpected(address.error());
  auto socket = packet_socket();
  if (!socket) return socket;
  timeval const limit{.tv_sec = patience.count() / 1000, .tv_usec = patience.count() % 1000 * 1000};
  ::setsockopt(*socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(*socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);  // connect() waits that long too
  if (::connect(*socket, reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0)
    return fail_errno(errno, "{}/{}", directory, name);
  return socket;
}

}  // namespace bulkhead::runtime