// common/ruleset/compile/compile_edits.cc: what rules set, of compile.h: fields of headers, options, marks.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/run/edit.h"

namespace bulkhead::ruleset {
namespace {

/// A field of a header that rules may set; null: none of it.
const StepOperation* edit_of_header(const Module& header, const Key& key, Step& step) {
  if (header.layer == Layer::none || header.layer == Layer::link || key.frames) return nullptr;
  step.offset = key.offset_bits;
  step.a = header.checksum;
  step.b = (key.pseudo_header ? run::kPseudoHeader : 0U) | (header.whole_checksum ? run::kSctp : 0U);
  return header.layer == Layer::network ? &run::set_network_field : &run::set_transport_field;
}

const StepOperation* edit_of(const Module& module, const Key& key, Step& step) {
  if (key.store != nullptr) return key.store;
  step.bits = key.width();
  if (module.store != nullptr) return module.store(key, step);
  return module.form == Form::header ? edit_of_header(module, key, step) : nullptr;
}

}  // namespace

void Compiler::store(const Expression& key, const Expression& value) {
  const Module& module = *key.module;
  bool const field = module.form == Form::header;
  Step step;
  const StepOperation* const operation = edit_of(module, *key.key, step);
  if (operation == nullptr) return fail(key.at, fmt::format("{} {} set: not supported yet", module.name, key.key->name));
  if (load(value, 0) != 1) return;
  if (field) require(module);
  program_.sets_tuples |= field && (module.layer == Layer::transport || key.key->pseudo_header);
  emit(*operation, step);
}

}  // namespace bulkhead::ruleset
