// ipc/control/flat_message.h: one Cap'n Proto message as a run of bytes, and back.
//
// Who     ipc/control/settings.cc, ipc/control/control_message.cc.
// Trust   read_flat() takes any bytes; what Cap'n Proto throws becomes an Error. The message is walked once.
#pragma once

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

#include "common/base/result.h"

namespace bulkhead::control {

inline std::vector<std::byte> flat(capnp::MessageBuilder& message) {
  auto const words = capnp::messageToFlatArray(message);
  std::vector<std::byte> bytes(words.size() * sizeof(capnp::word));
  std::memcpy(bytes.data(), words.begin(), bytes.size());
  return bytes;
}

/// read(Root::Reader) gives a Result; so does this.
template <class Root, class Read>
auto read_flat(std::span<const std::byte> bytes, Read read) -> decltype(read(typename Root::Reader())) {
  if (bytes.empty() || bytes.size() % sizeof(capnp::word) != 0)
    return fail("message of {} bytes: not a Cap'n Proto message", bytes.size());
  auto words = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
  std::memcpy(words.begin(), bytes.data(), bytes.size());
  try {
    capnp::FlatArrayMessageReader message(
        words, {.traversalLimitInWords = 2 * words.size() + 64, .nestingLimit = 8});
    return read(message.template getRoot<Root>());
  } catch (const kj::Exception& error) {
    return fail("message of {} bytes: {}", bytes.size(), error.getDescription().cStr());
  }
}

}  // namespace bulkhead::control