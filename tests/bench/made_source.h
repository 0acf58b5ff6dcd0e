// tests/bench/made_source.h: 64-byte packets made in memory, for measuring the chain without files.
//
// Same    packet n depends on n alone: UDP over IPv4, 1,024 flows in turn, a microsecond apart.
#pragma once

#include <array>

#include "services/pktio/in/source.h"

namespace bulkhead::test {

class MadeSource : public pktio::Source {
 public:
  MadeSource(uint64_t packets, const pktio::Position& from);
  State peek(pktio::Arrival& arrival) override;
  void advance() override { ++position_.packets; }
  [[nodiscard]] pktio::Position position() const override { return position_; }
  [[nodiscard]] packet::LinkType link() const override { return packet::LinkType::ethernet; }
  [[nodiscard]] const Error& error() const override { return error_; }

 private:
  uint64_t packets_;
  pktio::Position position_;
  std::array<uint8_t, 64> bytes_;
  Error error_;
};

}  // namespace bulkhead::test
