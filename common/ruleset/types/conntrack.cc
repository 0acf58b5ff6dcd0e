// What conntrack knows of a flow.
#include "common/ruleset/tree/data_type.h"
#include "common/ruleset/types/label_names.h"

namespace bulkhead::ruleset {
namespace {

constexpr Symbol kState[] = {{"invalid", 1}, {"new", 8}, {"established", 2}, {"related", 4}, {"untracked", 64}};
constexpr Symbol kStatus[] = {{"expected", 1}, {"seen-reply", 2}, {"assured", 4}, {"confirmed", 8},
  {"snat", 16}, {"dnat", 32}, {"dying", 512}};
constexpr Symbol kDirection[] = {{"original", 0}, {"reply", 1}};
constexpr Symbol kEvent[] = {{"new", 1}, {"related", 2}, {"destroy", 4}, {"reply", 8}, {"assured", 16},
  {"protoinfo", 32}, {"helper", 64}, {"mark", 128}, {"seqadj", 256}, {"secmark", 512}, {"label", 1024}};

/// A name of the host's, or the number of a bit.
Result<Number> parse_label(std::string_view word) {
  constexpr unsigned kBits = 128;
  auto const named = host_label_names().number_of(word);
  auto const bit = named ? Result<Number>(*named) : parse_number(word);
  if (!bit) return fail("{}: could not parse conntrack label \"{}\"", kLabelFile, word);
  if (*bit >= kBits) return fail("{}: bit {} out of range ({} max)", word, print_decimal(*bit), kBits);
  return Number{1} << static_cast<unsigned>(*bit);
}

void print_label(const Expression& value, const Style& style, std::string& out) {
  std::string_view separator;
  for (unsigned bit = 0; bit < 128; ++bit) {
    if ((value.number >> bit & 1) == 0) continue;
    std::string_view const name = style.label_numbers ? std::string_view() : host_label_names().name_of(bit);
    out += name.empty() ? fmt::format("{}{}", separator, bit) : fmt::format("{}\"{}\"", separator, name);
    separator = ",";
  }
  if (value.number == 0) out += "0";
}

}  // namespace

const DataType ct_state{.name = "ct_state", .description = "conntrack state", .bits = 32, .order = ByteOrder::host,
                        .base = &bitmask_type, .bitmask = true, .symbols = kState};
const DataType ct_status{.name = "ct_status", .description = "conntrack status", .bits = 32, .order = ByteOrder::host,
                         .base = &bitmask_type, .bitmask = true, .symbols = kStatus};
const DataType ct_direction{.name = "ct_dir", .description = "conntrack direction", .bits = 8, .order = ByteOrder::host,
                            .base = &integer_type, .symbols = kDirection};
const DataType ct_label{.name = "ct_label", .description = "conntrack label", .bits = 128, .order = ByteOrder::host,
                        .base = &bitmask_type, .bitmask = true, .parse = parse_label, .print = print_label};
const DataType ct_event{.name = "ct_event", .description = "conntrack event bits", .bits = 32, .order = ByteOrder::host,
                        .base = &bitmask_type, .bitmask = true, .symbols = kEvent};
const DataType ct_helper_name{.name = "", .description = "conntrack helper", .order = ByteOrder::host,
                              .base = &string_type, .text = true};

}  // namespace bulkhead::ruleset