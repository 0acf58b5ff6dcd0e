// common/ruleset/compile/compile_numbers.cc: `numgen`, `jhash`, `symhash`, `meta random` of compile.h.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/tree/data_type.h"
#include "common/ruleset/tree/module.h"
#include "common/ruleset/run/make_numbers.h"

namespace bulkhead::ruleset {
namespace {

uint64_t parameter(const Expression& select, std::string_view name, uint64_t otherwise) {
  const Expression* const value = select.argument(name);
  return value == nullptr ? otherwise : static_cast<uint64_t>(value->number);
}

HashedFields::Field hashed(const Expression& field) {
  const DataType* const type = field.type != nullptr ? field.type : field.key != nullptr ? field.key->type : nullptr;
  if (type != nullptr && type->text) return {.bytes = 16};
  unsigned const bits = field.bits != 0 ? field.bits : type != nullptr ? unsigned{type->bits} : 32U;
  return {.bytes = static_cast<uint8_t>(std::min((bits + 7) / 8, 16U)),
          .host_order = type != nullptr && type->order == ByteOrder::host};
}

}  // namespace

const Chance* Compiler::chance() {
  if (!program_.chance) program_.chance = std::make_shared<Chance>(world_.seed);
  return program_.chance.get();
}

uint8_t Compiler::load_made(const Expression& select, uint8_t to) {
  std::string_view const name = select.module->name;
  bool const random = name == "meta";
  uint64_t const modulus = parameter(select, "mod", 0), offset = parameter(select, "offset", 0);
  if (!random && (modulus == 0 || offset + modulus - 1 > 0xffffffff))
    return fail(select.at, fmt::format("{}: numbers from {} on, modulo {}", name, offset, modulus)), uint8_t{0};
  Step step{.to = to, .offset = made_numbers_++, .data = chance()};
  step.a = modulus;
  step.b = offset;
  if (random) {
    step.run = run::random;
  } else if (name == "symhash") {
    step.run = run::symmetric_hash;
  } else if (name == "jhash") {
    if (!hash_of(select, step)) return 0;
  } else if (select.key->name == "inc") {
    step.run = run::numgen_inc;
    step.word = words({modulus - 1});
  } else {
    step.run = run::numgen_random;
  }
  emit(step);
  return 1;
}

bool Compiler::hash_of(const Expression& select, Step& step) {
  const Expression& of = select.parts.at(0);
  uint8_t const fields = load(of, step.to);
  if (fields == 0) return false;
  if (fields > ConstantSet::kFields) return fail(of.at, "a concatenation of more than five fields"), false;
  auto made = std::make_shared<HashedFields>();
  made->count = fields;
  if (of.is(Kind::concat))
    for (size_t i = 0; i < fields; ++i) made->fields[i] = hashed(of.parts[i]);
  else made->fields[0] = hashed(of);
  const Expression* const seed = select.argument("seed");
  made->seed = static_cast<uint32_t>(seed != nullptr ? static_cast<uint64_t>(seed->number)
                                                     : (*chance())(Chance::Purpose::hash_seed, step.offset));
  step.run = run::jenkins;
  step.data = made.get();
  program_.hashed.push_back(std::move(made));
  return true;
}

}  // namespace bulkhead::ruleset