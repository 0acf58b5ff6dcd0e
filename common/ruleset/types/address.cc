// Addresses: IPv4, IPv6, Ethernet.
#include <arpa/inet.h>
#include <netdb.h>

#include <array>

#include "common/ruleset/tree/data_type.h"

namespace bulkhead::ruleset {
namespace {

Number from_bytes(std::span<const uint8_t> bytes) {
  Number number = 0;
  for (uint8_t const byte : bytes) number = number << 8 | byte;
  return number;
}

template <size_t N>
std::array<uint8_t, N> to_bytes(Number number) {
  std::array<uint8_t, N> bytes{};
  for (size_t i = N; i-- > 0; number >>= 8) bytes[i] = static_cast<uint8_t>(number & 0xff);
  return bytes;
}

/// A host's name; nft asks the resolver, and takes it only if there is one answer.
template <size_t N>
Result<Number> parse_address(std::string_view word, int family) {
  std::string const text(word);
  std::array<uint8_t, N> bytes{};
  if (inet_pton(family, text.c_str(), bytes.data()) == 1) return from_bytes(bytes);
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_RAW;
  addrinfo* list = nullptr;
  if (int const error = getaddrinfo(text.c_str(), nullptr, &hints, &list); error != 0)
    return fail("Could not resolve hostname: {}", gai_strerror(error));
  bool const several = list->ai_next != nullptr;
  if (family == AF_INET) {
    auto const* const address = reinterpret_cast<const sockaddr_in*>(list->ai_addr);
    std::memcpy(bytes.data(), &address->sin_addr, N);
  } else {
    auto const* const address = reinterpret_cast<const sockaddr_in6*>(list->ai_addr);
    std::memcpy(bytes.data(), &address->sin6_addr, N);
  }
  freeaddrinfo(list);
  if (several) return fail("Hostname resolves to multiple addresses");
  return from_bytes(bytes);
}

Result<Number> parse_ipv4(std::string_view word) { return parse_address<4>(word, AF_INET); }
Result<Number> parse_ipv6(std::string_view word) { return parse_address<16>(word, AF_INET6); }

Result<Number> parse_link(std::string_view word) {
  Number number = 0;
  unsigned digits = 0, groups = 1;
  for (char const c : word) {
    if (c == ':') {
      if (digits == 0) return fail("Could not parse Ethernet address");
      digits = 0;
      ++groups;
      number <<= 8;
      continue;
    }
    auto const digit = parse_number(std::string("0x") + c);
    if (!digit || ++digits > 2) return fail("Could not parse Ethernet address");
    Number const low = (number & 0xff) << 4 | *digit;
    number = (number & ~Number{0xff}) | (low & 0xff);
  }
  if (groups != 6 || digits == 0) return fail("Could not parse Ethernet address");
  return number;
}

void print_ipv4(const Expression& value, const Style&, std::string& out) {
  auto const b = to_bytes<4>(value.number);
  out += fmt::format("{}.{}.{}.{}", b[0], b[1], b[2], b[3]);
}

void print_ipv6(const Expression& value, const Style&, std::string& out) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  out += inet_ntop(AF_INET6, to_bytes<16>(value.number).data(), text.data(), text.size());
}

void print_link(const Expression& value, const Style&, std::string& out) {
  auto const b = to_bytes<6>(value.number);
  out += fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", b[0], b[1], b[2], b[3], b[4], b[5]);
}

}  // namespace

const DataType ipv4_address{.name = "ipv4_addr", .description = "IPv4 address", .bits = 32, .order = ByteOrder::network,
                            .base = &integer_type, .prefixes = true, .parse = parse_ipv4, .print = print_ipv4};
const DataType ipv6_address{.name = "ipv6_addr", .description = "IPv6 address", .bits = 128, .order = ByteOrder::network,
                            .base = &integer_type, .prefixes = true, .parse = parse_ipv6, .print = print_ipv6};
const DataType link_address{.name = "ether_addr", .description = "Ethernet address", .bits = 48,
                            .order = ByteOrder::network, .base = &integer_type, .parse = parse_link, .print = print_link};

}  // namespace bulkhead::ruleset