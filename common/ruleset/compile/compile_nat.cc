// common/ruleset/compile/compile_nat.cc: snat, dnat, masquerade and redirect.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/run/run.h"

namespace bulkhead::ruleset {
namespace {

constexpr uint8_t kAddress = 0, kPort = 6;  // registers of what comes from maps and packets

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
    auto const map = looked_up(address, kAddress);
    if (!map) return;
    bool const pairs = compiler_.gives_pairs(address);
    target_.address_end_register = pairs ? kAddress : kAddress + 1;
    if (pairs) {
      target_.range.flags |= packet::NatRange::proto_specified;
      target_.ports_from_register = true;
      target_.port_register = target_.port_end_register = kAddress + 1;
    }
    for (const auto& range : compiler_.program().sets[*map].ranges())
      compiler_.may_become(target_.part, address_of(range.data, target_.l3),
                           address_of(pairs ? range.data : range.data_end, target_.l3));
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
    if (!port.is(Kind::lookup)) {
      if (compiler_.load(port, kPort) != 1) compiler_.fail(port.at, "want one port");
    } else if (looked_up(port, kPort)) {
      target_.port_end_register = kPort + 1;
    }
  }

  void computed(const Expression& value, uint8_t to) {
    if (compiler_.load(value, to) != 1) compiler_.fail(value.at, "want one address");
    compiler_.may_become(target_.part, address_of(0, target_.l3), address_of(~Number{0}, target_.l3));
  }

  /// The map's data, and the end or second field of them, into registers from `to` on.
  std::optional<uint32_t> looked_up(const Expression& lookup, uint8_t to) {
    uint8_t const fields = compiler_.load(lookup.parts.at(0), to);
    if (fields == 0) return std::nullopt;
    if (compiler_.dynamic_set(lookup.parts.at(1), fields))
      return compiler_.fail(lookup.at, "a map that changes is not supported yet as a target"), std::nullopt;
    auto const map = compiler_.constant_set(lookup.parts.at(1), fields);
    if (map) compiler_.emit(run::map_value, {.to = to, .count = fields, .data = *map, .b = 1});
    return map;
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
