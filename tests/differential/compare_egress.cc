#include "tests/differential/compare_egress.h"

#include <pcap/pcap.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>
#include <vector>

#include "common/packet/icmp.h"
#include "common/packet/ip_header.h"
#include "tests/tools/packets.h"

namespace bulkhead::test {
namespace {

constexpr std::array<const char*, 3> kSides{"lan", "wan", "dmz"};
constexpr size_t kLink = 14;

/// Fresh from the firewall, whose answer may bear a translated address: no hop taken off, the precedence of internetwork control.
bool is_own_error(const Bytes& frame) {
  constexpr uint8_t kControl = 0xc0, kFresh = 64;
  if (frame.size() < kLink + 28 || frame[kLink] >> 4 != 4 || frame[kLink + 9] != packet::protocol::icmp) return false;
  size_t const icmp = kLink + packet::ip_header::length(frame[kLink]);
  return icmp < frame.size() && (frame[kLink + 1] & kControl) == kControl && frame[kLink + 8] == kFresh && packet::icmp::is_error(frame[icmp]);
}

/// Time stamps are of the day on which the kernel runs. `at`: an IPv4 header. True: it has some.
bool blank_times(Bytes& frame, size_t at) {
  constexpr uint8_t kNothing = 1, kStamp = 68;
  if (at + 20 > frame.size() || frame[at] >> 4 != 4) return false;
  size_t const end = std::min(at + packet::ip_header::length(frame[at]), frame.size());
  for (size_t one = at + 20; one < end && frame[one] != 0;) {
    size_t const length = frame[one] == kNothing ? 1 : one + 1 < end ? frame[one + 1] : 0;
    if (length == 0 || one + length > end) return false;
    if (frame[one] == kStamp && length > 4) {
      bool const times_alone = (frame[one + 3] & 15) == 0;
      for (size_t i = 4; i < length; ++i)
        if (times_alone || i % 8 < 4) frame[one + i] = 0;
      return true;
    }
    one += length;
  }
  return false;
}

Bytes without_chance(Bytes frame) {
  if (is_own_error(frame)) {
    store_be16(frame.data() + kLink + 4, 0);
    store_be16(frame.data() + kLink + 10, 0);
    size_t const icmp = kLink + packet::ip_header::length(frame[kLink]);
    if (icmp + 8 < frame.size() && blank_times(frame, icmp + 8)) store_be16(frame.data() + icmp + 2, 0);
  }
  if (frame.size() > kLink + 20 && load_be16(frame.data() + 12) == packet::ethertype::ipv4 && blank_times(frame, kLink)) store_be16(frame.data() + kLink + 10, 0);
  // A part, or all of a packet.
  bool const six = frame.size() >= kLink + 48 && load_be16(frame.data() + 12) == packet::ethertype::ipv6;
  if (six && frame[kLink + 6] == packet::protocol::fragment) store_be32(frame.data() + kLink + 44, 0);
  return frame;
}

std::vector<Bytes> read_all(const std::string& path) {
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  std::unique_ptr<pcap_t, decltype(&pcap_close)> const file(pcap_open_offline(path.c_str(), error.data()), pcap_close);
  if (!file) throw std::runtime_error(path + ": " + error.data());
  std::vector<Bytes> all;
  pcap_pkthdr* header = nullptr;
  const u_char* bytes = nullptr;
  while (pcap_next_ex(file.get(), &header, &bytes) == 1)
    all.push_back(without_chance(Bytes(bytes, bytes + header->caplen)));
  return all;
}

std::string hex(const Bytes& frame) {
  std::string text;
  for (size_t i = kLink; i < std::min<size_t>(frame.size(), kLink + 100); ++i)
    text += fmt::format("{}{:02x}", i % 4 == 2 && i != kLink ? " " : "", frame[i]);
  return text;
}

/// Frames of `all` that `others` has not, one for one.
std::vector<Bytes> lacking(const std::vector<Bytes>& all, const std::vector<Bytes>& others) {
  std::map<Bytes, int> left;
  for (const Bytes& frame : others) ++left[frame];
  std::vector<Bytes> found;
  for (const Bytes& frame : all)
    if (--left[frame] < 0) found.push_back(frame);
  return found;
}

void compare_side(const std::string& side, const std::vector<Bytes>& theirs, const std::vector<Bytes>& own,
                  Differences& found) {
  if (theirs == own) return;
  auto const only_theirs = lacking(theirs, own), only_own = lacking(own, theirs);
  for (const Bytes& frame : only_theirs) found.add("{}: only the kernel: {}", side, hex(frame));
  for (const Bytes& frame : only_own) found.add("{}: only we: {}", side, hex(frame));
  if (only_theirs.empty() && only_own.empty()) found.add("{}: the same frames in another order", side);
}

}  // namespace

size_t compare_egress(const std::string& kernel, const std::string& ours, Differences& found) {
  size_t count = 0;
  for (const std::string side : kSides) {
    std::string const file = "/" + side + ".pcap";
    if (!std::filesystem::exists(kernel + file)) continue;
    auto const theirs = read_all(kernel + file);
    compare_side(side, theirs, read_all(ours + file), found);
    count += theirs.size();
  }
  return count;
}

}  // namespace bulkhead::test
