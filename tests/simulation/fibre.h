// tests/simulation/fibre.h: a stack of its own that the simulator switches to and away from.
//
// Who     Simulation runs each process's code in one. Only resume() enters, only pause() leaves.
// Crash   abandon(): the fibre never runs again. What its stack owned on the heap is lost; that is what dying is.
// Source  makecontext(3); the sanitizers are told of each switch (sanitizer/common_interface_defs.h).
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <functional>
#include <memory>

namespace bulkhead::test {

class Fibre {
 public:
  explicit Fibre(std::function<void()> body);
  ~Fibre();
  Fibre(const Fibre&) = delete;
  Fibre& operator=(const Fibre&) = delete;

  /// From the scheduler: runs the body until it pauses or returns.
  void resume();
  /// From the body: back to the scheduler.
  void pause();
  [[nodiscard]] bool finished() const { return finished_; }

 private:
  static constexpr size_t kStack = 256 << 10;
  static void enter(unsigned high, unsigned low);
  void run();

  std::function<void()> body_;
  std::unique_ptr<char[]> stack_;
  ucontext_t own_{}, scheduler_{};
  bool finished_ = false;
  // The sanitizers'.
  [[maybe_unused]] void* fake_stack_ = nullptr;
  [[maybe_unused]] void* scheduler_fake_stack_ = nullptr;
  [[maybe_unused]] const void* scheduler_stack_ = nullptr;
  [[maybe_unused]] size_t scheduler_stack_size_ = 0;
  [[maybe_unused]] void* tsan_fibre_ = nullptr;
  [[maybe_unused]] void* tsan_scheduler_ = nullptr;
};

}  // namespace bulkhead::test
