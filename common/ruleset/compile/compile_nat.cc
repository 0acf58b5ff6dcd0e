// common/ruleset/compile/compile_nat.cc: snat, dnat, masquerade and redirect.
#include "common/ruleset/compile/compile.h"

#include <algorithm>

#include "common/ruleset/run/run.h"

namespace bulkhead::ruleset {
namespace {

constexpr uint8_t kAddress = 0, kPort = 6;  // registers of what comes from maps and packets
static_assert(kAddress + std::tuple_size_v<MapData> <= kPort);

IpAddress address_of(Number number, uint8_t l3) {
  IpAddress address;
  address.l3 = l3;
  if (l3 == 4) {
    store_be32(address.bytes.data(), static_cast<uint32_t>(number));
  } else {
    for (size_t i = 0; i < 16; ++i) address.bytes[i] = static_cast<uint8_t>(number >> (120 - 8 * i));
  }
  return address;
}

bool is_computed(const Expression& value) {
  return value.is(Kind::lookup) || value.is(Kind::select) || value.is(Kind::binary);
}

uint16_t flags_of(const Statement& statement) {
  uint16_t flags = 0;
  if (statement.has("random")) flags |= packet::NatRange::proto_random;
  if (statement.has("fully-random")) flags |= packet::NatRange::proto_random_fully;
  if (statement.has("persistent")) flags |= packet::NatRange::persistent;
  return flags;
}

class Target {
 public:
  Target(const Statement& statement, packet::Part part, NatTarget::Address address, Compiler& compiler)
      : statement_(statement), compiler_(compiler) {
    std::string_view const family = compiler.family();
    target_.part = part;
    target_.address = address;
    target_.l3 = family == "ip6" || statement.has("ip6") ? 6 : family == "ip" || statement.has("ip") ? 4 : 0;
    target_.keeps_host = statement.has("prefix");
    target_.range.flags = flags_of(statement);
  }

  [[nodiscard]] NatTarget made() {
    if (target_.address != NatTarget::Address::none) compiler_.may_become_local(target_.part);
    const Expression* const to = statement_.argument("to");
    if (to == nullptr) return target_;
    if (const Expression& address = to->parts[0]; !address.is(Kind::none)) this->address(address);
    if (const Expression& port = to->parts[1]; !port.is(Kind::none)) this->port(port);
    return target_;
  }

 private:
  void address(const Expression& address) {
    if (!is_computed(address)) {
      Number low = 0, high = 0;
      if (!compiler_.constant(address, low, high)) return;
      target_.address = NatTarget::Address::constant;
      target_.range.flags |= packet::NatRange::map_ips;
      target_.range.min_address = address_of(low, target_.l3);
      target_.range.max_address = address_of(high, target_.l3);
      return compiler_.may_become(target_.part, target_.range.min_address, target_.range.max_address);
    }
    target_.address = NatTarget::Address::registers;
    target_.address_register = kAddress;
    if (!address.is(Kind::lookup)) return target_.address_end_register = kAddress, computed(address, kAddress);
    target_.address_end_register = kAddress + 1;
    if (compiler_.gives_pairs(address)) {
      target_.range.flags |= packet::NatRange::proto_specified;
      target_.ports_from_register = true;
      target_.port_register = kAddress + 2;
      target_.port_end_register = kAddress + 3;
    }
    auto const map = looked_up(address, kAddress, std::tuple_size_v<MapData>);
    if (!gives_port_ranges(address, map)) target_.port_end_register = target_.port_register;
    if (!map) return any_address();
    for (const auto& range : compiler_.program().sets[*map].ranges())
      compiler_.may_become(target_.part, address_of(range.data[0], target_.l3), address_of(range.data[1], target_.l3));
  }

  void port(const Expression& port) {
    target_.range.flags |= packet::NatRange::proto_specified;
    if (!is_computed(port)) {
      Number low = 0, high = 0;
      if (!compiler_.constant(port, low, high)) return;
      target_.range.min_port = static_cast<uint16_t>(low);
      target_.range.max_port = static_cast<uint16_t>(high);
      return;
    }
    target_.ports_from_register = true;
    target_.port_register = target_.port_end_register = kPort;
    if (port.is(Kind::lookup)) {
      target_.port_end_register = kPort + 1;
      static_cast<void>(looked_up(port, kPort, 2));
    } else if (compiler_.load(port, kPort) != 1) {
      compiler_.fail(port.at, "want one port");
    }
  }

  void computed(const Expression& value, uint8_t to) {
    if (compiler_.load(value, to) != 1) compiler_.fail(value.at, "want one address");
    any_address();
  }

  /// What says one port is not moved unasked (choices.h).
  [[nodiscard]] bool gives_port_ranges(const Expression& lookup, std::optional<uint32_t> map) {
    auto const several = [](const ConstantSet::Range& range) { return range.data[2] != range.data[3]; };
    if (map) return std::ranges::any_of(compiler_.program().sets[*map].ranges(), several);
    const Expression& key = lookup.parts.at(0);
    auto const changing = compiler_.dynamic_set(lookup.parts.at(1), key.is(Kind::concat) ? key.parts.size() : 1);
    return changing && compiler_.program().dynamic_sets[*changing]->layout().data_ranges;
  }

  void any_address() { compiler_.may_become(target_.part, address_of(0, target_.l3), address_of(~Number{0}, target_.l3)); }

  /// The map's data into `gives` registers from `to` on; gives the map, if it stays.
  std::optional<uint32_t> looked_up(const Expression& lookup, uint8_t to, uint8_t gives) {
    uint8_t const fields = compiler_.load(lookup.parts.at(0), to);
    if (fields == 0) return std::nullopt;
    return compiler_.look_up({.map = lookup.parts.at(1), .fields = fields, .to = to, .gives = gives}, run::map_value, run::dynamic_value);
  }

  const Statement& statement_;
  Compiler& compiler_;
  NatTarget target_;
};

}  // namespace

void compile_nat(const Statement& statement, packet::Part part, NatTarget::Address address, Compiler& compiler) {
  NatTarget const made = Target(statement, part, address, compiler).made();
  if (!compiler.failed()) compiler.emit(run::order_nat, {.data = compiler.keep(made)});
}

}  // namespace bulkhead::ruleset
