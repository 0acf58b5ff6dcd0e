// common/ruleset/read/keywords.h: the words of the language that nothing may be named by.
#pragma once

#include <string_view>

namespace bulkhead::ruleset {

bool is_keyword(std::string_view word);

}  // namespace bulkhead::ruleset
