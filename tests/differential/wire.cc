#include "tests/differential/wire.h"

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include "common/base/bytes.h"

namespace bulkhead::test {
namespace {

void require(bool good, const char* what) {
  if (!good) throw std::system_error(errno, std::generic_category(), what);
}

/// A card would have finished the transport's checksum.
bool is_half_done(msghdr& message) {
  const cmsghdr* const beside = CMSG_FIRSTHDR(&message);
  if (beside == nullptr || beside->cmsg_level != SOL_PACKET || beside->cmsg_type != PACKET_AUXDATA) return false;
  tpacket_auxdata known{};
  std::memcpy(&known, CMSG_DATA(beside), sizeof known);
  return (known.tp_status & TP_STATUS_CSUMNOTREADY) != 0;
}

/// The kernel leaves TCP resets of its own so.
void finish_tcp_checksum(Bytes& frame) {
  constexpr size_t kLink = 14, kTcp = 20, kSum = 16;
  size_t const at = kLink + (frame.at(kLink) >> 4 == 4 ? 20 : 40);
  if (frame.size() < at + kTcp) throw std::runtime_error("half a checksum in something that is no TCP segment");
  // What is there is the pseudo-header's sum.
  store_be16(frame.data() + at + kSum, checksum(frame.data() + at, frame.size() - at));
}

}  // namespace

Wire::Wire(const std::string& interface) : socket_(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)) {
  require(socket_ >= 0, "AF_PACKET socket");
  int const bytes = 256 << 20, yes = 1;
  require(setsockopt(socket_, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) == 0, "SO_RCVBUFFORCE");
  require(setsockopt(socket_, SOL_PACKET, PACKET_AUXDATA, &yes, sizeof yes) == 0, "PACKET_AUXDATA");
  require(setsockopt(socket_, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof yes) == 0, "PACKET_IGNORE_OUTGOING");
  sockaddr_ll at{};
  at.sll_family = AF_PACKET;
  at.sll_protocol = to_network(uint16_t{ETH_P_ALL});
  at.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
  require(at.sll_ifindex != 0, interface.c_str());
  require(bind(socket_, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0, "bind");
}

Wire::~Wire() { close(socket_); }

void Wire::send(std::span<const uint8_t> frame) {
  ssize_t sent = 0;
  do {
    sent = ::send(socket_, frame.data(), frame.size(), 0);
  } while (sent < 0 && errno == EINTR);
  require(sent == static_cast<ssize_t>(frame.size()), "send");
}

std::optional<Bytes> Wire::receive(int wait_ms) {
  pollfd waiting{socket_, POLLIN, 0};
  if (wait_ms != 0) require(poll(&waiting, 1, wait_ms) >= 0, "poll");
  iovec into{room_.data(), room_.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(tpacket_auxdata))> beside;
  msghdr message{};
  message.msg_iov = &into;
  message.msg_iovlen = 1;
  message.msg_control = beside.data();
  message.msg_controllen = beside.size();
  ssize_t const size = recvmsg(socket_, &message, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  require(size >= 0, "recvmsg");
  Bytes frame(room_.begin(), room_.begin() + size);
  if (is_half_done(message)) finish_tcp_checksum(frame);
  return frame;
}

}  // namespace bulkhead::test
