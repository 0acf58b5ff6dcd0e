// common/ruleset/tree/data_type.h: a kind of value: how wide, how it is written, and which words stand for which numbers.
//
// Who     one file of types/ for each family of types; data_types.cc lists them. Modules point at them.
// Order   in which the kernel keeps it: matters for sorting and for the width of masks, numbers here are plain.
// Numeric which option of nft (-n, -y, -p, -T, -S, -u) prints the number instead of the word.
#pragma once

#include <span>

#include "common/base/result.h"
#include "common/ruleset/tree/generic.h"

namespace bulkhead::ruleset {

enum class ByteOrder : uint8_t { none, host, network };

/// What a listing shows, as nft's options say.
struct Style {
  bool handles = false, stateless = false, terse = false;
  bool numeric_symbol = false, numeric_priority = false, numeric_protocol = false, numeric_time = false;
  bool service = false, guid = false;
  bool label_numbers = false;  // of conntrack's labels, though the host may name them
  void all_numeric() { numeric_symbol = numeric_priority = numeric_protocol = numeric_time = true; }
};

struct Symbol {
  std::string_view name;
  Number value;
};

struct DataType {
  std::string_view name;         // ipv4_addr; empty: cannot be named in a set
  std::string_view description;  // IPv4 address
  uint16_t bits = 0;             // 0: as wide as what it is compared with
  ByteOrder order = ByteOrder::none;
  const DataType* base = nullptr;  // integer, bitmask, string
  bool bitmask = false;
  bool text = false;      // the value is Expression::text
  bool prefixes = false;  // a range of a power of two prints as a prefix
  bool circular = false;  // the lowest value follows the highest one: hours
  std::span<const Symbol> symbols{};
  /// A word that is no symbol; null: a number, decimal or 0x.
  Result<Number> (*parse)(std::string_view word) = nullptr;
  /// null: the symbol, else decimal.
  void (*print)(const Expression& value, const Style& style, std::string& out) = nullptr;
  bool Style::*numeric = &Style::numeric_symbol;
};

/// The type of that name, or null.
const DataType* find_data_type(std::string_view name);
std::span<const DataType* const> data_types();

Result<Number> parse_number(std::string_view word);
Result<Number> parse_word(const DataType& type, std::string_view word);
void print_value(const Expression& value, const Style& style, std::string& out);
std::string print_decimal(Number number);
/// nft's own words for durations: 1d2h3m4s5ms.
std::string print_duration(uint64_t milliseconds, const Style& style);
Result<uint64_t> parse_duration(std::string_view word);  // milliseconds; a bare number is seconds

constexpr Number all_ones(unsigned bits) {
  return bits >= 128 ? ~Number{0} : (Number{1} << bits) - 1;
}

// types/integer.cc
extern const DataType integer_type, bitmask_type, string_type, boolean_type, invalid_type, verdict_type, raw_integer;
// types/address.cc
extern const DataType ipv4_address, ipv6_address, link_address;
// types/inet.cc
extern const DataType inet_protocol, inet_service, nf_protocol, ether_type, arp_operation, dscp, ecn;
extern const DataType tcp_flag, dccp_packet_type, mh_type;
// types/icmp.cc
extern const DataType icmp_type, icmp_code, icmpv6_type, icmpv6_code, icmpx_code, igmp_type;
// types/conntrack.cc
extern const DataType ct_state, ct_status, ct_direction, ct_label, ct_event, ct_helper_name;
// types/host.cc
extern const DataType mark, interface_index, interface_name, interface_type, packet_type, user_id, group_id, class_id;
extern const DataType realm, device_group, fib_address_type, cgroupv2;
// types/time.cc
extern const DataType relative_time, time_of_day, day_of_week, packet_time;

}  // namespace bulkhead::ruleset