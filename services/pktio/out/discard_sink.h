// services/pktio/out/discard_sink.h: a Sink that keeps nothing, for measuring the chain without files.
#pragma once

#include "services/pktio/out/sink.h"

namespace bulkhead::pktio {

class DiscardSink final : public Sink {
 public:
  Status resume(packet::LinkType /*link*/) override { return {}; }
  [[nodiscard]] bool room(const Load& /*load*/) const override { return true; }
  [[nodiscard]] bool may_take(const Load& /*load*/) const override { return true; }
  [[nodiscard]] bool wants_lines() const override { return false; }
  void leaves(size_t /*interface*/, uint64_t /*stamp_ns*/, const Frame& /*frame*/) override {}
  void local(uint64_t /*stamp_ns*/, const Frame& /*frame*/) override {}
  void dropped(uint64_t /*stamp_ns*/, const Frame& /*frame*/) override {}
  void line(std::string_view /*text*/) override {}
  [[nodiscard]] bool unsaved() const override { return false; }
  void store(memory::Batch& /*batch*/) override {}
  void start(bool /*all*/) override {}
  [[nodiscard]] bool all_out() const override { return true; }
  [[nodiscard]] bool failed() const override { return false; }
  [[nodiscard]] Error error() const override { return {}; }
};

}  // namespace bulkhead::pktio
