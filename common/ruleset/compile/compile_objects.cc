// common/ruleset/compile/compile_objects.cc: state of compile.h: statements that have some, named objects, and what elements do.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/run/element.h"

namespace bulkhead::ruleset {

Compiler::Stateful Compiler::stateful(const Statement& statement, size_t count) {
  if (&statement == object_) return {&statement, words_of(statement, count)};
  const Expression* const name = statement.argument("name");
  if (name == nullptr) {
    Stateful const made{&statement, words(std::vector<uint64_t>(count))};
    counts(statement, made.word);
    return made;
  }
  std::string_view const kind = statement.module->object_name;
  if (body_ != nullptr)
    fail(name->at, fmt::format("{} \"{}\": elements have statements of their own only", statement.module->name, name->text));
  else if (name->is(Kind::lookup)) object_by_map(kind, *name);
  else if (const Statement* const found = object(kind, *name)) return {found, words_of(*found, count)};
  return {nullptr, 0};
}

const Statement* Compiler::object(std::string_view kind, const Expression& name) {
  for (const Object& one : table_->objects)
    if (one.name == name.text && one.body.module->object_name == kind) return &one.body;
  fail(name.at, fmt::format("{} \"{}\": there is none", kind, name.text));
  return nullptr;
}

uint32_t Compiler::words_of(const Statement& object, size_t count) {
  auto const [place, fresh] = objects_.try_emplace(&object, 0);
  if (!fresh) return place->second;
  DynamicSet::Body* const body = std::exchange(body_, nullptr);
  place->second = words(std::vector<uint64_t>(count));
  counts(object, place->second);
  body_ = body;
  return place->second;
}

StepRun Compiler::element_steps(const std::vector<const Statement*>& statements) {
  std::vector<Step> own;
  std::vector<Step>* const outer = std::exchange(acts_, &own);
  for (const Statement* const one : statements)
    if (!failed()) statement(*one);
  acts_ = outer;
  std::vector<Step>& all = program_.element_steps;
  StepRun const made{static_cast<uint32_t>(all.size()), static_cast<uint32_t>(own.size())};
  all.insert(all.end(), own.begin(), own.end());
  return made;
}

StepRun Compiler::object_steps(std::string_view kind, const Expression& name) {
  const Statement* const named = object(kind, name);
  if (named == nullptr) return {};
  if (auto const known = object_steps_.find(named); known != object_steps_.end()) return known->second;
  const Statement* const outer = std::exchange(object_, named);
  StepRun const made = element_steps({named});
  object_ = outer;
  return object_steps_[named] = made;
}

void Compiler::object_by_map(std::string_view kind, const Expression& lookup) {
  uint8_t const fields = load(lookup.parts.at(0), 0);
  if (fields != 0) look_up({.map = lookup.parts.at(1), .fields = fields, .object = kind}, run::object_by_map, run::object_by_dynamic_map);
}

}  // namespace bulkhead::ruleset
