// common/ruleset/compile/compile_edits.cc: what rules set, of compile.h: fields of headers, options, marks.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/run/edit.h"

namespace bulkhead::ruleset {
namespace {

/// A field of a header that rules may set; null: none of it.
const StepOperation* edit_of_header(const Module& header, const Key& key, Step& step) {
  if (header.layer == Layer::none || header.layer == Layer::link || key.bounds) return nullptr;
  step.offset = key.offset_bits;
  step.a = header.checksum;
  step.b = (key.pseudo_header ? run::kPseudoHeader : 0U) | (header.whole_checksum ? run::kSctp : 0U) | (key.frames ? run::kReads : 0U);
  return header.layer == Layer::network ? &run::set_network_field : &run::set_transport_field;
}

const StepOperation* edit_of(const Expression& select, Step& step) {
  const Module& module = *select.module;
  const Key& key = *select.key;
  if (key.store != nullptr) return key.store;
  step.bits = key.width();
  if (module.store != nullptr) return module.store(select, step);
  return module.form == Form::header ? edit_of_header(module, key, step) : nullptr;
}

/// May a packet, or a reset about it, have another tuple by that?
bool sets_tuple(const Expression& select) {
  const Key& key = *select.key;
  if (key.counted_from == Layer::network || key.counted_from == Layer::transport) return true;
  return select.module->form == Form::header && (select.module->layer == Layer::transport || key.pseudo_header || key.frames);
}

}  // namespace

std::optional<uint32_t> Compiler::kept_object(std::string_view kind, const Expression& name) {
  for (const Object& object : table_->objects) {
    const Module& module = *object.body.module;
    if (object.name != name.text || module.object_name != kind || module.keep == nullptr) continue;
    auto const [place, fresh] = objects_.try_emplace(&object.body, 0);
    if (fresh) place->second = module.keep(object.body, *this);
    return place->second;
  }
  return fail(name.at, fmt::format("{} \"{}\": not supported yet", kind, name.text)), std::nullopt;
}

void Compiler::store(const Expression& key, const Expression& value) {
  const Module& module = *key.module;
  bool const field = module.form == Form::header;
  Step step;
  const StepOperation* const operation = edit_of(key, step);
  if (operation == nullptr) return fail(key.at, fmt::format("{} {} set: not supported yet", module.name, key.key->name));
  if (!key.key->object.empty()) {
    if (auto const object = kept_object(key.key->object, value)) emit(*operation, {.data = *object});
    return;
  }
  step.offset = operation->sets_zone ? direction_of(key) : step.offset;
  if (load(value, 0) != 1) return;
  if (field) require(module);
  program_.sets_tuples |= sets_tuple(key);
  emit(*operation, step);
}

}  // namespace bulkhead::ruleset
