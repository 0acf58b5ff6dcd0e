#include "tests/simulation/fibre.h"

#include <cstdint>
#include <utility>

#ifdef BULKHEAD_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef BULKHEAD_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace bulkhead::test {

Fibre::Fibre(std::function<void()> body)
    : body_(std::move(body)), stack_(std::make_unique_for_overwrite<char[]>(kStack)) {
  getcontext(&own_);
  own_.uc_stack.ss_sp = stack_.get();
  own_.uc_stack.ss_size = kStack;
  own_.uc_link = nullptr;
  auto const self = reinterpret_cast<uintptr_t>(this);
  makecontext(&own_, reinterpret_cast<void (*)()>(&Fibre::enter), 2, static_cast<unsigned>(self >> 32),
              static_cast<unsigned>(self));
#ifdef BULKHEAD_TSAN
  tsan_fibre_ = __tsan_create_fiber(0);
#endif
}

Fibre::~Fibre() {
#ifdef BULKHEAD_TSAN
  __tsan_destroy_fiber(tsan_fibre_);
#endif
}

void Fibre::enter(unsigned high, unsigned low) {
  reinterpret_cast<Fibre*>(uintptr_t{high} << 32 | low)->run();
}

void Fibre::run() {
#ifdef BULKHEAD_ASAN
  __sanitizer_finish_switch_fiber(fake_stack_, &scheduler_stack_, &scheduler_stack_size_);
#endif
  body_();
  finished_ = true;
  pause();
}

void Fibre::resume() {
#ifdef BULKHEAD_ASAN
  __sanitizer_start_switch_fiber(&scheduler_fake_stack_, stack_.get(), kStack);
#endif
#ifdef BULKHEAD_TSAN
  tsan_scheduler_ = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(tsan_fibre_, 0);
#endif
  swapcontext(&scheduler_, &own_);
#ifdef BULKHEAD_ASAN
  __sanitizer_finish_switch_fiber(scheduler_fake_stack_, nullptr, nullptr);
#endif
}

void Fibre::pause() {
#ifdef BULKHEAD_ASAN
  __sanitizer_start_switch_fiber(&fake_stack_, scheduler_stack_, scheduler_stack_size_);
#endif
#ifdef BULKHEAD_TSAN
  __tsan_switch_to_fiber(tsan_scheduler_, 0);
#endif
  swapcontext(&own_, &scheduler_);
#ifdef BULKHEAD_ASAN
  __sanitizer_finish_switch_fiber(fake_stack_, &scheduler_stack_, &scheduler_stack_size_);
#endif
}

}  // namespace bulkhead::test
