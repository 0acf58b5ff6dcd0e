// What the host gives: interfaces, marks, users, traffic classes, kinds of addresses.
#include <grp.h>
#include <pwd.h>

#include <array>

#include "common/ruleset/tree/data_type.h"

namespace bulkhead::ruleset {
namespace {

constexpr Symbol kPacketTypes[] = {{"host", 0}, {"unicast", 0}, {"broadcast", 1}, {"multicast", 2}, {"other", 3}};
constexpr Symbol kInterfaceTypes[] = {{"ether", 1}, {"ppp", 512}, {"ipip", 768}, {"ipip6", 769}, {"loopback", 772},
  {"sit", 776}, {"ipgre", 778}};
constexpr Symbol kAddressTypes[] = {{"unspec", 0}, {"unicast", 1}, {"local", 2}, {"broadcast", 3}, {"anycast", 4},
  {"multicast", 5}, {"blackhole", 6}, {"unreachable", 7}, {"prohibit", 8}};
constexpr Symbol kGroups[] = {{"default", 0}};
constexpr Symbol kRealms[] = {{"cosmos", 0}};

void print_mark(const Expression& value, const Style&, std::string& out) {
  out += fmt::format("0x{:08x}", static_cast<uint64_t>(value.number));
}

Result<Number> parse_user(std::string_view word) {
  if (auto number = parse_number(word)) return number;
  passwd storage{};
  passwd* found = nullptr;
  std::array<char, 4096> buffer{};
  std::string const text(word);
  if (getpwnam_r(text.c_str(), &storage, buffer.data(), buffer.size(), &found) == 0 && found != nullptr)
    return found->pw_uid;
  return fail("User does not exist");
}

Result<Number> parse_group(std::string_view word) {
  if (auto number = parse_number(word)) return number;
  group storage{};
  group* found = nullptr;
  std::array<char, 4096> buffer{};
  std::string const text(word);
  if (getgrnam_r(text.c_str(), &storage, buffer.data(), buffer.size(), &found) == 0 && found != nullptr)
    return found->gr_gid;
  return fail("Group does not exist");
}

void print_user(const Expression& value, const Style& style, std::string& out) {
  passwd storage{};
  passwd* found = nullptr;
  std::array<char, 4096> buffer{};
  auto const id = static_cast<uid_t>(value.number);
  if (style.guid && getpwuid_r(id, &storage, buffer.data(), buffer.size(), &found) == 0 && found != nullptr)
    out += fmt::format("\"{}\"", found->pw_name);
  else out += fmt::format("{}", id);
}

void print_group(const Expression& value, const Style& style, std::string& out) {
  group storage{};
  group* found = nullptr;
  std::array<char, 4096> buffer{};
  auto const id = static_cast<gid_t>(value.number);
  if (style.guid && getgrgid_r(id, &storage, buffer.data(), buffer.size(), &found) == 0 && found != nullptr)
    out += fmt::format("\"{}\"", found->gr_name);
  else out += fmt::format("{}", id);
}

/// `1:2`, `root`, `none`: a handle of tc(8), both halves hexadecimal.
Result<Number> parse_class(std::string_view word) {
  if (word == "root") return Number{0xffffffff};
  if (word == "none") return Number{0};
  auto const colon = word.find(':');
  if (colon == std::string_view::npos) {
    if (auto number = parse_number(word)) return number;
    return fail("Could not parse TC classid");
  }
  Number halves[2] = {0, 0};
  std::string_view const texts[2] = {word.substr(0, colon), word.substr(colon + 1)};
  for (int i = 0; i < 2; ++i) {
    if (texts[i].empty()) continue;
    auto const half = parse_number(fmt::format("0x{}", texts[i]));
    if (!half || *half > 0xffff) return fail("Could not parse TC classid");
    halves[i] = *half;
  }
  return halves[0] << 16 | halves[1];
}

void print_class(const Expression& value, const Style&, std::string& out) {
  auto const handle = static_cast<uint32_t>(value.number);
  if (handle == 0xffffffff) out += "root";
  else if (handle == 0) out += "none";
  else out += fmt::format("{:x}:{:x}", handle >> 16, handle & 0xffff);
}

void print_device_group(const Expression& value, const Style& style, std::string& out) {
  if (value.number == 0 && !style.numeric_symbol) out += "\"default\"";
  else out += fmt::format("{}", static_cast<uint32_t>(value.number));
}

/// A number that no interface has stays a number.
void print_interface(const Expression& value, const Style&, std::string& out) {
  bool const number = !value.text.empty() && value.text.find_first_not_of("0123456789") == std::string::npos;
  out += number ? value.text : fmt::format("\"{}\"", value.text);
}

void print_interface_type(const Expression& value, const Style& style, std::string& out) {
  if (!style.numeric_symbol)
    for (const Symbol& symbol : kInterfaceTypes)
      if (symbol.value == value.number) {
        out += symbol.name;
        return;
      }
  out += fmt::format("{}", static_cast<uint32_t>(value.number));
}

}  // namespace

const DataType mark{.name = "mark", .description = "packet mark", .bits = 32, .order = ByteOrder::host,
                    .base = &integer_type, .prefixes = true, .print = print_mark};
// The kernel keeps a number; the name is what survives a restart, and what replay has.
const DataType interface_index{.name = "iface_index", .description = "network interface index", .bits = 32,
                               .order = ByteOrder::host, .base = &integer_type, .text = true, .print = print_interface};
const DataType interface_name{.name = "ifname", .description = "network interface name", .bits = 128,
                              .order = ByteOrder::host, .base = &string_type, .text = true};
const DataType interface_type{.name = "iface_type", .description = "network interface type", .bits = 16,
                              .order = ByteOrder::host, .base = &integer_type, .symbols = kInterfaceTypes,
                              .print = print_interface_type};
const DataType packet_type{.name = "pkt_type", .description = "packet type", .bits = 8, .order = ByteOrder::host,
                           .base = &integer_type, .symbols = kPacketTypes};
const DataType user_id{.name = "uid", .description = "user ID", .bits = 32, .order = ByteOrder::host,
                       .base = &integer_type, .parse = parse_user, .print = print_user};
const DataType group_id{.name = "gid", .description = "group ID", .bits = 32, .order = ByteOrder::host,
                        .base = &integer_type, .parse = parse_group, .print = print_group};
const DataType class_id{.name = "classid", .description = "TC classid", .bits = 32, .order = ByteOrder::host,
                        .base = &integer_type, .parse = parse_class, .print = print_class};
const DataType realm{.name = "realm", .description = "routing realm", .bits = 32, .order = ByteOrder::host,
                     .base = &integer_type, .symbols = kRealms};
const DataType device_group{.name = "devgroup", .description = "devgroup name", .bits = 32, .order = ByteOrder::host,
                            .base = &integer_type, .symbols = kGroups, .print = print_device_group};
const DataType fib_address_type{.name = "fib_addrtype", .description = "fib address type", .bits = 32,
                                .order = ByteOrder::host, .base = &integer_type, .symbols = kAddressTypes};
const DataType cgroupv2{.name = "cgroupsv2", .description = "cgroupsv2 path", .bits = 64, .order = ByteOrder::host,
                        .base = &integer_type, .text = true};

}  // namespace bulkhead::ruleset