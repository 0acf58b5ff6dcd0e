// common/base/result.h: what a call on the control path gives back: a value, or why there is none.
//
// Errors  Error::message says who, what, and what was wanted; it is printed to people as it is.
//         Packet paths do not use this: they give verdicts and counters.
// Thread  plain values; nothing shared.
// Source  std::expected (C++23) by way of tl::expected, which clang 14 can compile.
#pragma once

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace bulkhead {

struct Error {
  std::string message;
};

template <class T>
using Result = tl::expected<T, Error>;

using Status = Result<void>;

template <class... Args>
[[nodiscard]] tl::unexpected<Error> fail(fmt::format_string<Args...> form, Args&&... args) {
  return tl::unexpected<Error>(Error{fmt::format(form, std::forward<Args>(args)...)});
}

/// fail() with ": " and the text of `error` (an errno value) behind it.
template <class... Args>
[[nodiscard]] tl::unexpected<Error> fail_errno(int error, fmt::format_string<Args...> form, Args&&... args) {
  return fail("{}: {}", fmt::format(form, std::forward<Args>(args)...), std::strerror(error));
}

}  // namespace bulkhead
