// common/base/near_miss.h: the word that was meant, where one is written that nobody knows.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace bulkhead {

/// Of the words the nearest one: a letter or two that are lacking, too many, wrong, or in each other's place. Empty: none is near, or it is one of them.
std::string_view nearest_word(std::string_view word, std::span<const std::string_view> words);

/// `; did you mean "saddr"?`, or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> words);

}  // namespace bulkhead
