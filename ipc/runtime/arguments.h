// ipc/runtime/arguments.h: the words of programs that other programs start: `--name VALUE`, each once.
//
// Who     main() of holder and keeper. People's words are the CLI's (CLI11).
// Errors  an unknown word, one that is there twice or has no value, a bad number, a word that is missing.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "common/base/result.h"

namespace bulkhead::runtime {

struct Argument {
  std::string_view name;  // --run
  /// An optional one may be missing. Numbers are not negative.
  std::variant<std::string*, int*, uint64_t*, std::optional<uid_t>*> into;
};

/// `words`: of main(), the program's name first.
[[nodiscard]] Status read_arguments(std::span<char* const> words, std::initializer_list<Argument> table);

}  // namespace bulkhead::runtime
