// tests/simulation/chain.h: the four stages in one program, one after another; captures and output files in memory.
//
// Who     the single-stepper. Real form only: nothing switches or kills here.
// Disk    what pktio asks to be written is written between two steps, as its loop would: a pktio that dies within
//         a step had asked in vain.
// Owner   memory, settings and input outlive it.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ipc/chain/stage.h"
#include "ipc/chain/wiring.h"
#include "services/pktio/make.h"
#include "tests/simulation/world.h"

namespace bulkhead::test {

inline constexpr size_t kStages = std::size(chain::kServices);
inline constexpr size_t kPktioStage = 0, kConntrackStage = 1;

class Chain : public chain::Objects {
 public:
  /// `drop_one_in`: see dropping.h; 0: rules drops nothing.
  Chain(const Memory& memory, const control::Settings& settings, const Input& input, uint32_t drop_one_in);

  /// A new process in the place of stage `which`: its heap is gone, and what it had asked of the disk.
  void replace(size_t which);
  void recover(size_t which) { stages_[which]->recover(); }
  void start_all();

  /// I/O that is due, then one batch of stage `which`. False: nothing was done.
  bool step(size_t which);
  /// One batch, without I/O.
  bool bare_step(size_t which) { return stages_[which]->step(); }
  /// Each stage once, in the packet's order; `without`: not this one.
  bool round(size_t without = kStages);
  /// To the end. False: nobody has anything to do, or nobody comes to an end.
  bool finish();
  [[nodiscard]] bool done() const;

  [[nodiscard]] const Disk& disk() const { return disk_; }
  [[nodiscard]] std::string image() const { return test::image(memory_, disk_, !settings_.fast_lane); }

  [[nodiscard]] std::span<std::byte> memory(std::string_view name, memory::Right) override { return memory_.object(name); }
  [[nodiscard]] chain::Bell& bell(std::string_view) override { return bell_; }

 private:
  struct SilentBell : chain::Bell {
    void ring() noexcept override {}
  };
  class File;

  Result<std::unique_ptr<chain::Stage>> make(size_t which);
  [[nodiscard]] pktio::Files files();
  bool complete_io();

  const Memory& memory_;
  const control::Settings& settings_;
  const Input& input_;
  uint32_t drop_one_in_;
  Disk disk_;
  SilentBell bell_;
  std::array<std::unique_ptr<chain::Stage>, kStages> stages_;
  std::vector<std::function<void()>> io_;  // asked for by the pktio that lives
};

}  // namespace bulkhead::test
