// Numbers that are made: `numgen`, `jhash`, `symhash`.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/modules/all.h"
#include "common/ruleset/read/json_reader.h"
#include "common/ruleset/run/make_numbers.h"
#include "common/ruleset/write/json_tree.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kNumgenKeys[] = {{.name = "inc", .bits = 32, .help = "one more with each packet", .load = &run::numgen_inc},
                               {.name = "random", .bits = 32, .help = "by chance", .load = &run::numgen_random}};
constexpr Key kHashKeys[] = {{.name = "", .bits = 32}};
constexpr Parameter kNumgenParameters[] = {
    {.name = "mod", .takes = Takes::number, .help = "below this", .most = 0xffffffff},
    {.name = "offset", .takes = Takes::number, .help = "added to it", .most = 0xffffffff, .initial = "0"}};
constexpr Parameter kHashParameters[] = {
    {.name = "mod", .takes = Takes::number, .help = "below this", .most = 0xffffffff},
    {.name = "seed", .takes = Takes::number, .help = "of the hash", .most = 0xffffffff, .hexadecimal = true},
    {.name = "offset", .takes = Takes::number, .help = "added to it", .most = 0xffffffff, .initial = "0"}};

/// From `offset` on, so many as `mod` says.
bool check_series(Expression& series, Checker& checker) {
  const Expression* const modulus = series.argument("mod");
  const Expression* const offset = series.argument("offset");
  if (modulus == nullptr) return checker.error(series.at, fmt::format("syntax error, {} without mod", series.module->name));
  if (modulus->number == 0) return checker.error(series.at, "Could not process rule: Numerical result out of range");
  Number const most = modulus->number - 1 + (offset != nullptr ? offset->number : Number{0});
  return most <= all_ones(32) || checker.error(series.at, "Could not process rule: Value too large for defined data type");
}

Number most_of_series(const Expression& series) {
  const Expression* const modulus = series.argument("mod");
  const Expression* const offset = series.argument("offset");
  Number const first = offset != nullptr ? offset->number : Number{0};
  return modulus == nullptr || modulus->number == 0 ? all_ones(32) : first + modulus->number - 1;
}

Json number_numbers(const Expression& select, std::string_view name) { return number_of(select.argument(name)); }

Json numgen_to_json(const Expression& numgen, const Style&) {
  return Json::named("numgen", Json::object({{"mode", numgen.key->name}, {"mod", number_numbers(numgen, "mod")}, {"offset", number_numbers(numgen, "offset")}}));
}

Expression numgen_from_json(const Module& module, const Json& json, json_in::Reader& reader) {
  Expression numgen = reader.of_key(&module, json_in::text_of(json_in::member(json, "mode")));
  json_in::take_numbers(numgen, json, {"mod", "offset"});
  return numgen;
}

Json hash_to_json(const Expression& hash, const Style& style) {
  Json inner = Json::named("mod", number_numbers(hash, "mod"));
  if (hash.argument("seed") != nullptr && !hash.parts.empty()) inner["seed"] = number_numbers(hash, "seed");
  if (const Expression* const offset = hash.argument("offset"); offset != nullptr && offset->number != 0) inner["offset"] = number_numbers(hash, "offset");
  if (!hash.parts.empty()) inner["expr"] = to_json(hash.parts[0], style);
  return Json::named(hash.module->name, std::move(inner));
}

Expression hash_from_json(const Module& module, const Json& json, json_in::Reader& reader) {
  Expression hash = json_in::made(Kind::select);
  hash.module = &module;
  hash.key = module.keys.data();
  if (module.form == Form::hash) hash.parts.push_back(reader.expression(json_in::member(json, "expr")));
  else static_cast<void>(json_in::member(json, "mod"));
  json_in::take_numbers(hash, json, {"mod", "seed", "offset"});
  return hash;
}

uint64_t parameter(const Expression& select, std::string_view name) {
  const Expression* const value = select.argument(name);
  return value == nullptr ? 0 : static_cast<uint64_t>(value->number);
}

/// Of what is below `mod`, from `offset` on; nothing: refused.
std::optional<Step> begin(const Expression& select, uint8_t to, Compiler& compiler) {
  uint64_t const modulus = parameter(select, "mod"), offset = parameter(select, "offset");
  if (modulus == 0 || offset + modulus - 1 > 0xffffffff) {
    compiler.fail(select.at, fmt::format("{}: numbers from {} on, modulo {}", select.module->name, offset, modulus));
    return std::nullopt;
  }
  return Step{.to = to, .offset = compiler.next_made_number(), .a = modulus, .b = offset};
}

/// `inc` keeps the number_numbers given last.
uint8_t load_numgen(const Expression& select, uint8_t to, Compiler& compiler) {
  auto step = begin(select, to, compiler);
  if (!step) return 0;
  if (select.key->load == &run::numgen_inc) step->word = compiler.words({static_cast<uint64_t>(step->a) - 1});
  compiler.emit(*select.key->load, *step);
  return 1;
}

uint8_t load_symhash(const Expression& select, uint8_t to, Compiler& compiler) {
  auto const step = begin(select, to, compiler);
  if (step) compiler.emit(run::symmetric_hash, *step);
  return step ? 1 : 0;
}

HashedFields::Field hashed(const Expression& field) {
  const DataType* const type = field.type != nullptr ? field.type : field.key != nullptr ? field.key->type : nullptr;
  if (type != nullptr && type->text) return {.bytes = 16};
  unsigned const bits = field.bits != 0 ? field.bits : type != nullptr ? unsigned{type->bits} : 32U;
  return {.bytes = static_cast<uint8_t>(std::min((bits + 7) / 8, 16U)),
          .host_order = type != nullptr && type->order == ByteOrder::host};
}

uint8_t load_jhash(const Expression& select, uint8_t to, Compiler& compiler) {
  auto step = begin(select, to, compiler);
  if (!step) return 0;
  const Expression& of = select.parts.at(0);
  uint8_t const count = compiler.load(of, to);
  if (count == 0) return 0;
  if (count > ConstantSet::kFields) return compiler.fail(of.at, "a concatenation of more than five fields"), uint8_t{0};
  HashedFields fields{.count = count};
  for (size_t i = 0; i < count; ++i) fields.fields[i] = hashed(of.is(Kind::concat) ? of.parts[i] : of);
  fields.seed = select.argument("seed") != nullptr
                    ? static_cast<uint32_t>(parameter(select, "seed"))
                    : static_cast<uint32_t>(compiler.chance()(Chance::Purpose::hash_seed, step->offset));
  step->data = compiler.keep(fields);
  compiler.emit(run::jenkins, *step);
  return 1;
}

}  // namespace

const Module numgen_module{.name = "numgen", .form = Form::select, .help = "a series of numbers", .keys = kNumgenKeys,
    .parameters = kNumgenParameters, .check_select = check_series, .most = most_of_series, .select_to_json = numgen_to_json, .select_from_json = numgen_from_json,
    .load = load_numgen};
const Module jhash_module{.name = "jhash", .form = Form::hash, .help = "a hash of an expression", .keys = kHashKeys,
    .parameters = kHashParameters, .check_select = check_series, .most = most_of_series, .select_to_json = hash_to_json, .select_from_json = hash_from_json, .load = load_jhash};
const Module symhash_module{.name = "symhash", .form = Form::select, .help = "a hash of the flow, the same both ways",
    .keys = kHashKeys, .parameters = kHashParameters, .check_select = check_series, .most = most_of_series, .select_to_json = hash_to_json, .select_from_json = hash_from_json,
    .load = load_symhash};

}  // namespace bulkhead::ruleset
