// `@th,16,32`: bits of a packet by base, offset and length.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/modules/all.h"
#include "common/ruleset/read/json_reader.h"
#include "common/ruleset/run/edit.h"
#include "common/ruleset/run/run.h"
#include "common/ruleset/write/json_tree.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kRawPayloadKeys[] = {{.name = "ll", .settable = true, .help = "from the link header", .counted_from = Layer::link,
     .load = &run::link_field},
                         {.name = "nh", .settable = true, .help = "from the network header", .counted_from = Layer::network,
     .load = &run::network_field},
                         {.name = "th", .settable = true, .help = "from the transport header",
     .counted_from = Layer::transport, .load = &run::transport_field},
                         {.name = "ih", .settable = true, .help = "from the transport's payload",
     .load = &run::inner_field}};

void print_raw_payload(const Expression& raw, Out& out) {
  out << fmt::format("@{},{},{}", raw.text, static_cast<unsigned>(raw.number), raw.bits);
}

Json raw_payload_as_json(const Expression& raw, const Style&) {
  return Json::named("payload", Json::object({{"base", raw.text}, {"offset", number_json(raw.number)}, {"len", raw.bits}}));
}

Expression raw_payload_from_json(const Module& module, const Json& json, json_in::Reader& reader) {
  std::string const base = json_in::text_of(json_in::member(json, "base"));
  Expression raw = reader.of_key(&module, base);
  raw.text = base;
  raw.number = json_in::number_of(json_in::member(json, "offset"));
  uint64_t const length = json_in::number_of(json_in::member(json, "len"));
  if (length == 0 || length > 128 || raw.number > 0xffff) json_in::refuse("Invalid payload: length of 1 to 128 bits expected");
  raw.bits = static_cast<uint16_t>(length);
  raw.type = &raw_integer;
  return raw;
}

uint8_t load_raw_payload(const Expression& select, uint8_t to, Compiler& compiler) {
  compiler.emit(*select.key->load, {.to = to, .bits = select.bits, .offset = static_cast<uint32_t>(select.number)});
  return 1;
}

/// In which a router reads of a packet where its header ends: byte 0 of IPv4, the version of IPv6.
bool bounds_header(const Expression& raw) { return raw.number < 8; }

/// No checksum is kept of what nobody knows, as nft has it; but that of the transport, of what lies behind it.
const StepOperation* store_raw_payload(const Expression& raw, Step& step) {
  constexpr uint32_t kReadBits = 80;  // by then protocol, fragment's offset and next header have come
  step.bits = raw.bits;
  step.offset = static_cast<uint32_t>(raw.number);
  switch (raw.key->counted_from) {
    case Layer::network:
      step.b = step.offset < kReadBits ? run::kReads : 0U;
      return bounds_header(raw) ? nullptr : &run::set_network_field;
    case Layer::transport: return &run::set_transport_field;
    case Layer::link: return nullptr;
    default: step.b = run::kPseudoHeader; return &run::set_inner_field;
  }
}

}  // namespace

const Module raw_payload_module{.name = "@", .form = Form::special, .role = Role::raw_payload,
    .help = "bits by base, offset and length", .keys = kRawPayloadKeys, .print_select = print_raw_payload, .select_to_json = raw_payload_as_json,
    .select_from_json = raw_payload_from_json, .load = load_raw_payload,
    .store = store_raw_payload};

}  // namespace bulkhead::ruleset
