// Numbers that are made: `numgen`, `jhash`, `symhash`.
#include "common/ruleset/modules/all.h"
#include "common/ruleset/read/json_reader.h"
#include "common/ruleset/write/json_tree.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kNumgenKeys[] = {{.name = "inc", .bits = 32, .help = "one more with each packet"},
                               {.name = "random", .bits = 32, .help = "by chance"}};
constexpr Key kHashKeys[] = {{.name = "", .bits = 32}};
constexpr Parameter kNumgenParameters[] = {
    {.name = "mod", .takes = Takes::number, .help = "below this", .most = 0xffffffff},
    {.name = "offset", .takes = Takes::number, .help = "added to it", .most = 0xffffffff, .initial = "0"}};
constexpr Parameter kHashParameters[] = {
    {.name = "mod", .takes = Takes::number, .help = "below this", .most = 0xffffffff},
    {.name = "seed", .takes = Takes::number, .help = "of the hash", .most = 0xffffffff, .hexadecimal = true},
    {.name = "offset", .takes = Takes::number, .help = "added to it", .most = 0xffffffff, .initial = "0"}};

Json number(const Expression& select, std::string_view name) { return number_of(select.argument(name)); }

Json numgen_to_json(const Expression& numgen, const Style&) {
  return Json::named("numgen", Json::object({{"mode", numgen.key->name}, {"mod", number(numgen, "mod")}, {"offset", number(numgen, "offset")}}));
}

Expression numgen_from_json(const Module& module, const Json& json, json_in::Reader& reader) {
  Expression numgen = reader.of_key(&module, json_in::text_of(json_in::member(json, "mode")));
  json_in::take_numbers(numgen, json, {"mod", "offset"});
  return numgen;
}

Json hash_to_json(const Expression& hash, const Style& style) {
  Json inner = Json::named("mod", number(hash, "mod"));
  if (hash.argument("seed") != nullptr && !hash.parts.empty()) inner["seed"] = number(hash, "seed");
  if (!hash.parts.empty()) inner["expr"] = to_json(hash.parts[0], style);
  if (const Expression* const offset = hash.argument("offset"); offset != nullptr && offset->number != 0) inner["offset"] = number(hash, "offset");
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

}  // namespace

const Module numgen_module{.name = "numgen", .form = Form::select, .help = "a series of numbers", .keys = kNumgenKeys,
                           .parameters = kNumgenParameters, .select_to_json = numgen_to_json, .select_from_json = numgen_from_json};
const Module jhash_module{.name = "jhash", .form = Form::hash, .help = "a hash of an expression", .keys = kHashKeys,
                          .parameters = kHashParameters, .select_to_json = hash_to_json, .select_from_json = hash_from_json};
const Module symhash_module{.name = "symhash", .form = Form::select, .help = "a hash of the flow, the same both ways",
                            .keys = kHashKeys, .parameters = kHashParameters, .select_to_json = hash_to_json, .select_from_json = hash_from_json};

}  // namespace bulkhead::ruleset
