// services/pktio/out/pcap_sink.h: a Sink into files: a capture each for the interfaces, for what was dropped and what is
// local, and verdicts.jsonl.
//
// Way     PcapWriter (libpcap) -> staging, in shared memory -> Writer, once it is committed -> the disk.
// Order   of bytes in each file: that of the calls.
// Full    a file has as much room in the staging as its written bytes have made.
// Crash   bytes go into the staging beyond what is committed; `staged` is set in the batch by store(). A successor writes
//         from `written` again, the same bytes to the same place (ipc/state/staging.h).
#pragma once

#include <memory>
#include <vector>

#include "ipc/control/outputs.h"
#include "services/pktio/out/sink.h"
#include "services/pktio/out/writer.h"

namespace bulkhead::pktio {

class PcapSink final : public Sink {
 public:
  /// `files`: by Outputs' numbers.
  PcapSink(state::Staging& staging, state::PktioState& state, control::Outputs outputs,
           std::vector<std::unique_ptr<FileWriter>> files);
  ~PcapSink() override;

  [[nodiscard]] Status resume(packet::LinkType link) override;
  [[nodiscard]] bool room(const Load& load) const override;
  [[nodiscard]] bool may_take(const Load& load) const override;
  [[nodiscard]] bool wants_lines() const override { return outputs_.verdicts != control::Outputs::kNone; }
  void leaves(size_t interface, uint64_t stamp_ns, const Frame& frame) override { put(interface, stamp_ns, frame); }
  void local(uint64_t stamp_ns, const Frame& frame) override { put(outputs_.local, stamp_ns, frame); }
  void dropped(uint64_t stamp_ns, const Frame& frame) override { put(outputs_.drops, stamp_ns, frame); }
  void line(std::string_view text) override;
  [[nodiscard]] bool unsaved() const override;
  void store(memory::Batch& batch) override;
  void start(bool all) override { writer_.start(staged_, all); }
  [[nodiscard]] bool all_out() const override { return writer_.all_written(staged_); }
  [[nodiscard]] bool failed() const override { return writer_.failed() != 0; }
  [[nodiscard]] Error error() const override;

 private:
  struct File;  // one output's bytes on their way into the staging

  void put(size_t output, uint64_t stamp_ns, const Frame& frame);

  state::Staging& staging_;
  state::PktioState& state_;
  control::Outputs outputs_;
  Writer writer_;
  std::vector<std::unique_ptr<File>> files_;
  std::vector<uint64_t> staged_;  // by output; committed once the batch being made is
};

}  // namespace bulkhead::pktio
