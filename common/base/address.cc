#include "common/base/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace bulkhead {

Prefix Prefix::network() const noexcept {
  Prefix cut = *this;
  for (unsigned byte = 0; byte < cut.address.size(); ++byte) {
    auto const kept = static_cast<unsigned>(std::clamp(int{length} - static_cast<int>(byte * 8), 0, 8));
    cut.address.bytes[byte] &= static_cast<uint8_t>(0xff00 >> kept);
  }
  return cut;
}

bool Prefix::contains(const IpAddress& one) const noexcept {
  return one.l3 == address.l3 && Prefix{one, length}.network().address == network().address;
}

Result<IpAddress> parse_address(std::string_view text) {
  std::string const ended(text);
  IpAddress address;
  address.l3 = text.find(':') == std::string_view::npos ? 4 : 6;
  if (inet_pton(address.l3 == 4 ? AF_INET : AF_INET6, ended.c_str(), address.bytes.data()) == 1) return address;
  return fail("'{}' is no IP address", text);
}

Result<Prefix> parse_prefix(std::string_view text) {
  if (text == "default") return Prefix{{{}, 4}, 0};
  size_t const slash = text.find('/');
  auto address = parse_address(text.substr(0, slash));
  if (!address) return tl::unexpected(address.error());
  uint8_t length = static_cast<uint8_t>(address->size() * 8);
  if (slash != std::string_view::npos) {
    auto const number = text.substr(slash + 1);
    uint8_t given = 0;
    auto const [end, bad] = std::from_chars(number.data(), number.data() + number.size(), given);
    if (bad != std::errc() || end != number.data() + number.size() || given > length)
      return fail("'{}': wanted: a prefix length of 0 to {}", text, length);
    length = given;
  }
  return Prefix{*address, length};
}

Result<Mac> parse_mac(std::string_view text) {
  Mac mac{};
  size_t at = 0;
  for (uint8_t& byte : mac) {
    bool const last = &byte == &mac.back();
    auto const [end, bad] = std::from_chars(text.data() + at, text.data() + text.size(), byte, 16);
    at = static_cast<size_t>(end - text.data());
    bool const separated = last ? at == text.size() : at < text.size() && text[at] == ':';
    if (bad != std::errc() || !separated) return fail("'{}' is no MAC address: wanted: 02:00:00:00:00:01", text);
    ++at;
  }
  return mac;
}

std::string text_of(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(address.l3 == 4 ? AF_INET : AF_INET6, address.bytes.data(), text.data(), text.size());
  return text.data();
}

std::string text_of(const Prefix& prefix) { return fmt::format("{}/{}", text_of(prefix.address), prefix.length); }

std::string text_of(const Mac& mac) { return fmt::format("{:02x}", fmt::join(mac, ":")); }

}  // namespace bulkhead
