// common/ruleset/check/implied.cc: matches that a listing leaves out, since a later expression of the rule says as much.
//
// Source  observed of nft 1.0.6: a match of a protocol's number is dropped when a field of that protocol follows, with the
//         exceptions that the cases below name.
#include <algorithm>

#include "common/packet/packet.h"
#include "common/ruleset/check/checker.h"

namespace bulkhead::ruleset {
namespace {

constexpr size_t kNone = ~size_t{0};

class Pruner {
 public:
  Pruner(std::vector<Statement>& statements, std::string_view family, const Registry& registry)
      : statements_(statements), family_(family), registry_(registry) {}

  void run() {
    for (size_t i = 0; i < statements_.size(); ++i) visit(statements_[i], i);
  }

 private:
  [[nodiscard]] bool mixed() const { return family_ == "inet" || family_ == "bridge" || family_ == "netdev"; }

  void visit(const Statement& statement, size_t index) {
    own_protocol();
    if (statement.module->implies != nullptr) return drop(statement.module->implies(statement, family_), false);
    for (const Argument& one : statement.arguments) expression(one.value);
    if (statement.module->form == Form::statement) matches_.fill(kNone);  // what has an effect keeps what stands before it
    if (statement.module->role != Role::match) return;
    const Expression& left = *statement.argument("left");
    const Expression& right = *statement.argument("right");
    if (statement.argument("op")->text != "==" || !right.is(Kind::value) || !left.is(Kind::select)) return;
    Layer const said = says(left);
    if (left.module->form == Form::select && said == Layer::transport) tells_family(registry_.transport_of(right.number));
    if (said != Layer::none) matches_[static_cast<size_t>(said)] = index;
  }

  /// `meta protocol ip` in a table of family ip: whatever follows.
  void own_protocol() {
    size_t const index = matches_[static_cast<size_t>(Layer::network)];
    if (index == kNone || (family_ != "ip" && family_ != "ip6")) return;
    const Expression& left = *statements_[index].argument("left");
    Number const own = family_ == "ip" ? packet::ethertype::ipv4 : packet::ethertype::ipv6;
    if (left.key->tells == Tells::ethertype && left.module->form == Form::select && statements_[index].argument("right")->number == own)
      drop(Layer::network, false);
  }

  /// Which layer's protocol a match of this tells.
  [[nodiscard]] Layer says(const Expression& select) const {
    bool const unsure = select.module->form == Form::select && family_ == "inet";
    switch (select.key->tells) {
      case Tells::transport: return Layer::transport;
      case Tells::family: return Layer::network;
      case Tells::ethertype: return unsure ? Layer::none : Layer::network;
      default: return Layer::none;
    }
  }

  void expression(const Expression& value) {
    for (const Expression& part : value.parts) expression(part);
    for (const Argument& one : value.arguments) expression(one.value);
    if (!value.is(Kind::select)) return;
    const Module& module = *value.module;
    if (module.within != nullptr) return contradicts(*module.within) ? void() : drop(module.within->layer, false);
    if (module.form == Form::header && module.role != Role::any_transport) header(value);
  }

  /// `meta l4proto udp tcp option ...`: the match says something else.
  [[nodiscard]] bool contradicts(const Module& header) const {
    size_t const index = matches_[static_cast<size_t>(header.layer)];
    return header.layer == Layer::transport && index != kNone &&
           statements_[index].argument("right")->number != static_cast<Number>(header.above.protocol);
  }

  void header(const Expression& field) {
    Tells const tells = field.key->tells;
    tells_family(field.module);
    drop(field.module->layer, tells != Tells::nothing && tells != Tells::message);
  }

  /// `meta nfproto ipv4 meta l4proto icmp`: the protocol tells the family.
  void tells_family(const Module* transport) {
    size_t const index = matches_[static_cast<size_t>(Layer::network)];
    if (transport == nullptr || transport->layer != Layer::transport || transport->above.nf_protocol == 0 || index == kNone) return;
    if (statements_[index].argument("left")->key->tells != Tells::family) return;
    if (statements_[index].argument("right")->number == transport->above.nf_protocol) drop(Layer::network, false);
  }

  void drop(Layer layer, bool names_protocol) {
    size_t& index = matches_[static_cast<size_t>(layer)];
    if (layer == Layer::none || index == kNone) return;
    const Expression& left = *statements_[index].argument("left");
    bool const from_header = left.module->form == Form::header;
    if (mixed() && from_header && left.module->layer == Layer::network && layer == Layer::transport) return;
    if (mixed() && from_header && left.module->layer == layer && names_protocol) return;
    if (left.module->always_listed) return;
    statements_[index].hidden = true;
    index = kNone;
  }

  std::vector<Statement>& statements_;
  std::string_view family_;
  const Registry& registry_;
  std::array<size_t, 4> matches_{kNone, kNone, kNone, kNone};
};

}  // namespace

/// nft reads neighbouring fields at once, and lists them in the header's order.
bool merged_backwards(const Statement& first, const Statement& second) {
  for (const Statement* const one : {&first, &second}) {
    if (one->module->role != Role::match || one->hidden || one->argument("op")->text != "==") return false;
    const Expression& left = *one->argument("left");
    if (!left.is(Kind::select) || left.module->form != Form::header || left.module->layer == Layer::none) return false;
    if (!one->argument("right")->is(Kind::value) || left.bits % 8 != 0 || left.key->offset_bits % 8 != 0) return false;
  }
  const Expression& early = *first.argument("left");
  const Expression& late = *second.argument("left");
  if (early.module != late.module || late.key->offset_bits + late.bits != early.key->offset_bits) return false;
  unsigned const total = early.bits + late.bits;
  return total <= 128 && (total <= 32 || early.module->layer == Layer::link || early.bits > 32 || late.bits > 32);
}

void remove_implied(std::vector<Statement>& statements, std::string_view family, const Registry& registry) {
  Pruner(statements, family, registry).run();
  for (size_t i = 1; i < statements.size(); ++i)
    if (merged_backwards(statements[i - 1], statements[i])) std::swap(statements[i - 1], statements[i]);
}

}  // namespace bulkhead::ruleset
