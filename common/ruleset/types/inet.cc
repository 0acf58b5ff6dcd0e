// Protocols, ports and header flags of the Internet's layers.
#include <arpa/inet.h>
#include <netdb.h>

#include <array>

#include "common/ruleset/tree/data_type.h"

namespace bulkhead::ruleset {
namespace {

// The first name of a number is the one that is printed.
constexpr Symbol kProtocols[] = {{"ip", 0}, {"icmp", 1}, {"igmp", 2}, {"ggp", 3}, {"ipencap", 4}, {"st", 5}, {"tcp", 6},
  {"egp", 8}, {"igp", 9}, {"pup", 12}, {"udp", 17}, {"hmp", 20}, {"xns-idp", 22}, {"rdp", 27}, {"iso-tp4", 29},
  {"dccp", 33}, {"xtp", 36}, {"ddp", 37}, {"idpr-cmtp", 38}, {"ipv6", 41}, {"ipv6-route", 43}, {"ipv6-frag", 44},
  {"idrp", 45}, {"rsvp", 46}, {"gre", 47}, {"esp", 50}, {"ah", 51}, {"skip", 57}, {"ipv6-icmp", 58}, {"icmpv6", 58},
  {"ipv6-nonxt", 59}, {"ipv6-opts", 60}, {"rspf", 73}, {"vmtp", 81}, {"eigrp", 88}, {"ospf", 89}, {"ax.25", 93},
  {"ipip", 94}, {"etherip", 97}, {"encap", 98}, {"pim", 103}, {"ipcomp", 108}, {"comp", 108}, {"vrrp", 112},
  {"l2tp", 115}, {"isis", 124}, {"sctp", 132}, {"fc", 133}, {"mobility-header", 135}, {"udplite", 136},
  {"mpls-in-ip", 137}, {"manet", 138}, {"hip", 139}, {"shim6", 140}, {"wesp", 141}, {"rohc", 142}, {"ethernet", 143}};
constexpr Symbol kFamilies[] = {{"ipv4", 2}, {"ipv6", 10}};
constexpr Symbol kEtherTypes[] = {{"ip", 0x0800}, {"arp", 0x0806}, {"ip6", 0x86dd}, {"8021q", 0x8100},
  {"8021ad", 0x88a8}, {"vlan", 0x8100}};
constexpr Symbol kArp[] = {{"request", 1}, {"reply", 2}, {"rrequest", 3}, {"rreply", 4}, {"inrequest", 8},
  {"inreply", 9}, {"nak", 10}};
constexpr Symbol kDscp[] = {{"cs0", 0}, {"cs1", 0x08}, {"cs2", 0x10}, {"cs3", 0x18}, {"cs4", 0x20}, {"cs5", 0x28},
  {"cs6", 0x30}, {"cs7", 0x38}, {"df", 0}, {"be", 0}, {"lephb", 1}, {"af11", 0x0a}, {"af12", 0x0c}, {"af13", 0x0e},
  {"af21", 0x12}, {"af22", 0x14}, {"af23", 0x16}, {"af31", 0x1a}, {"af32", 0x1c}, {"af33", 0x1e}, {"af41", 0x22},
  {"af42", 0x24}, {"af43", 0x26}, {"va", 0x2c}, {"ef", 0x2e}};
constexpr Symbol kEcn[] = {{"not-ect", 0}, {"ect1", 1}, {"ect0", 2}, {"ce", 3}};
constexpr Symbol kTcpFlags[] = {{"fin", 1}, {"syn", 2}, {"rst", 4}, {"psh", 8}, {"ack", 16}, {"urg", 32}, {"ecn", 64},
  {"cwr", 128}};
constexpr Symbol kDccp[] = {{"request", 0}, {"response", 1}, {"data", 2}, {"ack", 3}, {"dataack", 4}, {"closereq", 5},
  {"close", 6}, {"reset", 7}, {"sync", 8}, {"syncack", 9}};
constexpr Symbol kMobility[] = {{"binding-refresh-request", 0}, {"home-test-init", 1}, {"careof-test-init", 2},
  {"home-test", 3}, {"careof-test", 4}, {"binding-update", 5}, {"binding-acknowledgement", 6}, {"binding-error", 7},
  {"fast-binding-update", 8}, {"fast-binding-acknowledgement", 9}, {"fast-binding-advertisement", 10},
  {"experimental-mobility-header", 11}, {"home-agent-switch-message", 12}};

Result<Number> parse_protocol(std::string_view word) {
  if (auto number = parse_number(word)) {
    if (*number > 255) return fail("protocol number out of range");
    return number;
  }
  protoent storage{};
  protoent* found = nullptr;
  std::array<char, 1024> buffer{};
  std::string const text(word);
  if (getprotobyname_r(text.c_str(), &storage, buffer.data(), buffer.size(), &found) == 0 && found != nullptr)
    return static_cast<Number>(found->p_proto);
  return fail("Could not resolve protocol name");
}

Result<Number> parse_service(std::string_view word) {
  if (auto number = parse_number(word)) {
    if (*number > 65535) return fail("Service out of range");
    return number;
  }
  servent storage{};
  servent* found = nullptr;
  std::array<char, 2048> buffer{};
  std::string const text(word);
  for (const char* protocol : {"tcp", "udp", static_cast<const char*>(nullptr)})
    if (getservbyname_r(text.c_str(), protocol, &storage, buffer.data(), buffer.size(), &found) == 0 && found != nullptr)
      return static_cast<Number>(ntohs(static_cast<uint16_t>(found->s_port)));
  return fail("Could not resolve service: Servname not supported for ai_socktype");
}

void print_service(const Expression& value, const Style& style, std::string& out) {
  servent storage{};
  servent* found = nullptr;
  std::array<char, 2048> buffer{};
  auto const port = static_cast<uint16_t>(value.number);
  if (style.service && getservbyport_r(htons(port), nullptr, &storage, buffer.data(), buffer.size(), &found) == 0 &&
      found != nullptr)
    out += fmt::format("\"{}\"", found->s_name);
  else
    out += fmt::format("{}", port);
}

template <int Width>
void print_hexadecimal(const Expression& value, const Style& style, std::string& out) {
  if (!(style.*(value.type->numeric)))
    for (const Symbol& symbol : value.type->symbols)
      if (symbol.value == value.number) {
        out += symbol.name;
        return;
      }
  out += fmt::format("0x{:0{}x}", static_cast<uint64_t>(value.number), Width);
}

}  // namespace

const DataType inet_protocol{.name = "inet_proto", .description = "Internet protocol", .bits = 8,
                             .order = ByteOrder::network, .base = &integer_type, .symbols = kProtocols,
                             .parse = parse_protocol, .numeric = &Style::numeric_protocol};
const DataType inet_service{.name = "inet_service", .description = "internet network service", .bits = 16,
                            .order = ByteOrder::network, .base = &integer_type, .parse = parse_service,
                            .print = print_service};
const DataType nf_protocol{.name = "nf_proto", .description = "netfilter protocol", .bits = 8, .order = ByteOrder::host,
                           .base = &integer_type, .symbols = kFamilies};
const DataType ether_type{.name = "ether_type", .description = "Ethernet protocol", .bits = 16,
                          .order = ByteOrder::network, .base = &integer_type, .symbols = kEtherTypes,
                          .print = print_hexadecimal<4>};
const DataType arp_operation{.name = "arp_op", .description = "ARP operation", .bits = 16, .order = ByteOrder::network,
                             .base = &integer_type, .symbols = kArp};
const DataType dscp{.name = "dscp", .description = "Differentiated Services Code Point", .bits = 6,
                    .order = ByteOrder::network, .base = &integer_type, .symbols = kDscp, .print = print_hexadecimal<2>};
const DataType ecn{.name = "ecn", .description = "Explicit Congestion Notification", .bits = 2,
                   .order = ByteOrder::network, .base = &integer_type, .symbols = kEcn, .print = print_hexadecimal<1>};
const DataType tcp_flag{.name = "tcp_flag", .description = "TCP flag", .bits = 8, .order = ByteOrder::network,
                        .base = &bitmask_type, .bitmask = true, .symbols = kTcpFlags};
const DataType dccp_packet_type{.name = "dccp_pkttype", .description = "DCCP packet type", .bits = 4,
                                .order = ByteOrder::network, .base = &integer_type, .symbols = kDccp};
const DataType mh_type{.name = "mh_type", .description = "Mobility Header Type", .bits = 8, .order = ByteOrder::network,
                       .base = &integer_type, .symbols = kMobility};

}  // namespace bulkhead::ruleset