// Numbers that are made: `numgen`, `jhash`, `symhash`.
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kNumgenKeys[] = {{.name = "inc", .bits = 32, .help = "one more with each packet"},
                               {.name = "random", .bits = 32, .help = "by chance"}};
constexpr Key kHashKeys[] = {{.name = "", .bits = 32}};
constexpr Parameter kNumgenParameters[] = {
    {.name = "mod", .shape = Shape::number, .help = "below this", .most = 0xffffffff},
    {.name = "offset", .shape = Shape::number, .help = "added to it", .most = 0xffffffff}};
constexpr Parameter kHashParameters[] = {
    {.name = "mod", .shape = Shape::number, .help = "below this", .most = 0xffffffff},
    {.name = "seed", .shape = Shape::number, .help = "of the hash", .most = 0xffffffff},
    {.name = "offset", .shape = Shape::number, .help = "added to it", .most = 0xffffffff}};

}  // namespace

const Module numgen_module{.name = "numgen", .form = Form::select, .help = "a series of numbers", .keys = kNumgenKeys,
                           .parameters = kNumgenParameters};
const Module jhash_module{.name = "jhash", .form = Form::hash, .help = "a hash of an expression", .keys = kHashKeys,
                          .parameters = kHashParameters};
const Module symhash_module{.name = "symhash", .form = Form::select, .help = "a hash of the flow, the same both ways",
                            .keys = kHashKeys, .parameters = kHashParameters};

}  // namespace bulkhead::ruleset