// tests/differential/wire.h: one end of a veth pair: frames in, frames out.
//
// Errors  a socket that fails throws: a test that cannot see its wire has no result.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "tests/tools/packets.h"

namespace bulkhead::test {

class Wire {
 public:
  explicit Wire(const std::string& interface);
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  ~Wire();

  void send(std::span<const uint8_t> frame);
  /// The next frame that came, if there is one; waits up to `wait_ms` for it.
  [[nodiscard]] std::optional<Bytes> receive(int wait_ms);

 private:
  int socket_;
  Bytes room_ = Bytes(70'000);  // for the longest frame
};

}  // namespace bulkhead::test
