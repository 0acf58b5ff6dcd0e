// services/pktio/made_source.h: 64-byte packets made in memory, for measuring the chain without files.
//
// Same    packet n depends on n alone: UDP over IPv4, 1,024 flows in turn, a microsecond apart.
#pragma once

#include <array>

#include "services/pktio/in/source.h"

namespace bulkhead::pktio {

class MadeSource : public Source {
 public:
  MadeSource(uint64_t packets, const Position& from);
  State peek(Arrival& arrival) override;
  void advance() override { ++position_.packets; }
  [[nodiscard]] Position position() const override { return position_; }
  [[nodiscard]] packet::LinkType link() const override { return packet::LinkType::ethernet; }
  [[nodiscard]] const Error& error() const override { return error_; }

 private:
  uint64_t packets_;
  Position position_;
  std::array<uint8_t, 64> bytes_;
  Error error_;
};

}  // namespace bulkhead::pktio
