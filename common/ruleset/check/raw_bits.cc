// common/ruleset/check/raw_bits.cc: raw payload that begins or ends within a byte is listed as nft does: whole bytes and a mask.
#include "common/ruleset/check/checker.h"

namespace bulkhead::ruleset {

namespace {

/// As far left as the field stands in its last byte; a set's are listed as plain numbers.
void shift_values(Expression& values, unsigned bits, bool of_set) {
  if (values.is(Kind::value)) {
    values.number <<= bits;
    if (of_set) values.type = &integer_type;
    return;
  }
  size_t const keys = values.is(Kind::element) ? 1 : values.parts.size();  // behind an element's key are its data
  for (size_t i = 0; i < keys; ++i) shift_values(values.parts[i], bits, of_set || values.is(Kind::set));
}

bool is_raw(const Expression& expression) { return expression.is(Kind::select) && expression.module->role == Role::raw_payload; }

}  // namespace

void whole_bytes(Expression& left, Expression& right) {
  bool const masked = left.is(Kind::binary) && left.text == "&" && is_raw(left.parts[0]) && left.parts[1].is(Kind::value);
  if (!masked && !is_raw(left)) return;
  Expression& raw = masked ? left.parts[0] : left;
  auto const before = static_cast<unsigned>(raw.number % 8);
  unsigned const after = (8 - (before + raw.bits) % 8) % 8, bits = before + raw.bits + after;
  if ((before == 0 && after == 0) || bits > 128 || (masked && after != 0)) return;
  Number const mask = all_ones(raw.bits) << after;
  raw.number -= before;
  raw.bits = static_cast<uint16_t>(bits);
  if (masked) return;
  shift_values(right, after, false);
  Expression whole;
  whole.kind = Kind::binary;
  whole.at = left.at;
  whole.text = "&";
  whole.type = left.type;
  whole.bits = left.bits;
  Expression all = whole;
  all.kind = Kind::value;
  all.text.clear();
  all.number = mask;
  whole.parts = {std::move(left), std::move(all)};
  left = std::move(whole);
}

}  // namespace bulkhead::ruleset
