// common/ruleset/check/check_headers.cc: what is known of the packet's headers, layer by layer, as the rule's matches say.
#include <algorithm>

#include "common/ruleset/check/checker.h"

namespace bulkhead::ruleset {
namespace {

/// The value, or the last of a set's: by that one nft goes.
std::optional<Number> last_of(const Expression& right) {
  if (right.is(Kind::value)) return right.number;
  if (!right.is(Kind::set) || right.parts.empty()) return std::nullopt;
  const Expression& last = right.parts.back();
  return last.parts.empty() || !last.parts[0].is(Kind::value) ? std::nullopt : std::optional(last.parts[0].number);
}

Expression value_of(const Key& key, Number number) {
  Expression value;
  value.kind = Kind::value;
  value.type = key.type;
  value.bits = 8;
  value.number = number;
  return value;
}

/// One of the two, or the set of both.
Expression message_types(const Key& type, const Messages& messages) {
  if (messages.types[1] < 0) return value_of(type, static_cast<Number>(messages.types[0]));
  Expression set;
  set.kind = Kind::set;
  for (int const message : messages.types) {
    Expression element;
    element.kind = Kind::element;
    element.parts = {value_of(type, static_cast<Number>(message))};
    set.parts.push_back(element);
  }
  return set;
}

/// A protocol that has no fields here: none of another can be asked for behind it.
constexpr Module kUnknownTransport{.name = "unknown", .form = Form::header, .layer = Layer::transport};

const Module* told(const Registry& registry, Tells tells, Number number, bool by_packet) {
  switch (tells) {
    case Tells::transport: {
      const Module* const found = registry.transport_of(number);
      return found != nullptr || !by_packet ? found : &kUnknownTransport;
    }
    case Tells::family: return registry.network_of_family(number);
    case Tells::ethertype: return registry.network_of_type(number);
    default: return nullptr;
  }
}

}  // namespace

/// All packets of a family have some header.
void Checker::begin() {
  known_ = {};
  either_ = {};
  message_.reset();
  for (const Module* const header : registry_.all())
    if ((header->given_in & bit_of(family())) != 0) know(header->layer, *header);
}

/// One protocol or another.
void Checker::learn_set(const Expression& set, Tells tells, bool by_packet) {
  for (const Expression& element : set.parts) {
    const Expression& key = element.parts[0];
    if (key.is(Kind::value)) either(told(registry_, tells, key.number, by_packet));
  }
}

void Checker::either(const Module* header) {
  if (header == nullptr) return;
  auto& several = either_[static_cast<size_t>(header->layer)];
  if (std::ranges::find(several, header) == several.end()) several.push_back(header);
}

/// Fields of one protocol cannot be asked for where a match has left several.
bool Checker::unambiguous(const Module& header, const Location& at) {
  auto const& several = either_[static_cast<size_t>(header.layer)];
  if (several.size() < 2 || header.role == Role::any_transport) return true;
  auto const other = std::ranges::find_if(several, [&](const Module* one) { return one != &header; });
  return error(at, fmt::format("conflicting protocols specified: {} vs. {}", (*other)->name, header.name));
}

/// What a match says of the headers behind.
void Checker::learn(const Statement& match) {
  const Expression& left = *match.argument("left");
  const Expression& right = *match.argument("right");
  if (match.argument("op")->text != "==" || !left.is(Kind::select)) return;
  Tells const tells = left.key->tells;
  bool const own_numbers = family() == "inet" && tells == Tells::ethertype && left.module->form == Form::select;
  if (own_numbers) return;  // inet knows packets by their family
  bool const by_packet = left.module->form == Form::select;
  if (right.is(Kind::set)) learn_set(right, tells, by_packet);
  if (tells == Tells::message) message_ = last_of(right);
  if (tells == Tells::transport && right.is(Kind::set) && known(Layer::transport) == nullptr)
    know(Layer::transport, registry_.role(Role::any_transport));
  if (!right.is(Kind::value)) return;
  const Module* const found = told(registry_, tells, right.number, by_packet);
  either(found);
  if (found != nullptr) know(found->layer, *found);
}

/// Fields of ICMP that only some messages have: the message's type is asked first.
bool Checker::require_message(const Expression& select) {
  const Messages& messages = select.key->messages;
  if (messages.said < 0 || before_ == nullptr) return true;
  if (!message_) return ask_message(select, messages);
  if (std::ranges::find(messages.types, static_cast<int>(*message_)) != messages.types.end()) return true;
  return error(select.at, fmt::format("incompatible icmp match: rule has {}, need {}", static_cast<int>(*message_), messages.said));
}

bool Checker::ask_message(const Expression& select, const Messages& messages) {
  message_ = static_cast<Number>(messages.said);
  Expression left = select;
  left.key = &*std::ranges::find(select.module->keys, Tells::message, &Key::tells);
  left.type = left.key->type;
  left.bits = 8;
  Expression right = message_types(*left.key, messages);
  Statement match = equal(std::move(left), std::move(right), select.at);
  match.hidden = messages.types[1] < 0;
  before_->push_back(std::move(match));
  return true;
}

Statement Checker::equal(Expression left, Expression right, const Location& at) {
  Statement match{&registry_.role(Role::match), false, at, {}, {}};
  Expression sign;
  sign.kind = Kind::text;
  sign.text = "==";
  match.set("op", std::move(sign));
  match.set("left", std::move(left));
  match.set("right", std::move(right));
  return match;
}

/// The protocol of a header that is looked at: known, or known from here on.
bool Checker::implied(const Expression& select) {
  const Module& header = *select.module;
  if (header.within != nullptr) return inside(*header.within, select.at);
  if (header.role == Role::any_transport || header.layer == Layer::none) return true;
  if (!unambiguous(header, select.at)) return false;
  const Module* const there = known(header.layer);
  if (header.layer == Layer::link) return link_header(header, select.at);
  if (there == &header) return true;
  const Module* const network = known(Layer::network);
  if (header.layer == Layer::transport && network != nullptr && network->above.nf_protocol == 0)
    return error(select.at, fmt::format("conflicting protocols specified: {} vs. {}", network->name, header.name));
  if (there == nullptr || there->role == Role::any_transport) {
    know(header.layer, header);
    // ICMP is of one family.
    bool const of_family = header.layer == Layer::transport && header.above.nf_protocol != 0 && known(Layer::network) == nullptr;
    if (of_family) know(Layer::network, *registry_.network_of_family(header.above.nf_protocol));
    return true;
  }
  return error(select.at, fmt::format("conflicting protocols specified: {} vs. {}", there->name, header.name));
}

/// A tag stands before the network header: behind a match of that none can be asked for.
bool Checker::link_header(const Module& header, const Location& at) {
  const Module* const there = known(Layer::link);
  bool const tag = header.above.ether_type != 0 && family() != "ip" && family() != "ip6";
  if (tag && there != &header && known(Layer::network) != nullptr)
    return error(at, fmt::format("conflicting protocols specified: ether vs. {}", header.name));
  if (there == nullptr || tag) know(Layer::link, header);
  return true;
}

bool Checker::inside(const Module& header, const Location& at) {
  const Module* const there = known(header.layer);
  bool const other = there != nullptr && there != &header && there->role != Role::any_transport;
  if (!other) {
    know(header.layer, header);
    return true;
  }
  std::string_view const layer = header.layer == Layer::transport ? "transport layer " : "";
  return error(at, fmt::format("conflicting {}protocols specified: {} vs. {}", layer, there->name, header.name));
}

bool Checker::require(const Module& header, const Location& at) {
  if (known(header.layer) != nullptr) return known(header.layer) == &header;
  know(header.layer, header);
  if (before_ == nullptr) return true;
  bool const transport = header.layer == Layer::transport;
  auto const [module, key] = registry_.select_telling(transport ? Tells::transport : Tells::family);
  Expression left;
  left.kind = Kind::select;
  left.module = module;
  left.key = key;
  left.type = key->type;
  left.bits = 8;
  Number const number = transport ? static_cast<Number>(header.above.protocol) : header.above.nf_protocol;
  before_->push_back(equal(std::move(left), value_of(*key, number), at));
  return true;
}

uint8_t Checker::family_said(const Statement& statement) const {
  if (statement.has("ip")) return kNfIpv4;
  if (statement.has("ip6")) return kNfIpv6;
  return family() == "ip" ? kNfIpv4 : family() == "ip6" ? kNfIpv6 : uint8_t{0};
}

bool Checker::may_be(uint8_t said, const Statement& statement) {
  const Module* const network = known(Layer::network);
  if (network == nullptr || network->above.nf_protocol == 0 || network->above.nf_protocol == said) return true;
  std::string_view const word = said == kNfIpv4 ? "ip" : said == kNfIpv6 ? "ip6" : "unknown";
  return error(statement.word_at, fmt::format("conflicting protocols specified: {} vs. {}. You must specify ip or ip6 family in {} statement",
                                              network->name, word, statement.module->translates ? "nat" : statement.module->name));
}

std::optional<uint8_t> Checker::target_family(Statement& statement) {
  uint8_t said = family_said(statement);
  const Module* const network = known(Layer::network);
  if (said == 0 && network != nullptr) said = network->above.nf_protocol;
  if (said == 0) {
    error(statement.word_at, "ip or ip6 must be specified with address for inet tables.");
    return std::nullopt;
  }
  if (!may_be(said, statement)) return std::nullopt;
  if (family() == "inet" && !statement.has("ip") && !statement.has("ip6"))
    statement.arguments.insert(statement.arguments.begin(), {said == kNfIpv4 ? "ip" : "ip6", statement.at, {}});
  return said;
}

}  // namespace bulkhead::ruleset
