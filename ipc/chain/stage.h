// ipc/chain/stage.h: a service's part in the chain: it takes batches from its rings, and commits them.
//
// Who     each service derives one Stage and calls step() from its loop (ipc/runtime/service_main.h), or from a fibre of
//         the simulator.
// Order   step(): make() does the work of one batch, then commit: cursors and generation (ipc/memory/commit.h),
//         then tails, then heads, then bells.
// Sleep   may_sleep() says asleep, fences, and looks again (ipc/chain/desk.h). Bells that are due are rung when a ring
//         has filled a good part, when the stage has gone on for a few more batches, and always before it sleeps: one
//         wake-up for many batches.
//         Who waits for the next service sleeps with work to do: that one, told so (wakes()), rings when it has come to the end of
//         its ring, and when it recovers.
// Crash   recover() comes first in every process: undo, publish again, ring everybody. Whatever its predecessor
//         had still meant to ring is rung by that.
#pragma once

#include <array>
#include <vector>

#include "ipc/chain/desk.h"
#include "ipc/chain/ring.h"
#include "ipc/memory/commit.h"

namespace bulkhead::chain {

class Bell {
 public:
  Bell() = default;
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;
  virtual ~Bell() = default;
  virtual void ring() noexcept = 0;
};

/// What every stage is given. References are to mapped objects.
struct StageParts {
  memory::CommitArea& area;
  memory::Journal& journal;
  Desk& desk;
  std::span<std::byte> state;  // the object whose words the batch changes
  uint32_t batch;              // descriptors of one batch at most
};

/// One ring to a neighbour, and how to wake it.
struct Next {
  Ring& ring;
  const Desk& desk;
  unsigned head;  // which of the desk's heads is this ring's
  Bell& bell;
};

/// The service before, which may wait for this one.
struct Waiting {
  const Desk* desk = nullptr;  // null: it does not
  Bell* bell = nullptr;
};

class Stage {
 public:
  Stage(const StageParts& parts, const std::vector<const Ring*>& inlets, const std::vector<Next>& outlets);
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  virtual ~Stage() = default;

  void recover();
  /// One batch. False: there was nothing to do.
  bool step();
  /// False: there is work after all. True: sleep until the bell rings, then wake().
  bool may_sleep();
  void wake() { desk_.asleep.store(0); }
  /// Packets that it has passed on.
  [[nodiscard]] uint64_t packets() const;

 protected:
  /// Work for one batch, within batch(). False: nothing was done.
  virtual bool make() = 0;
  /// Is there anything that make() could do? Looks at rings and changes nothing.
  virtual bool work() = 0;
  /// Does it wait for a neighbour? Then bells that are due ring at once.
  [[nodiscard]] virtual bool stalled() const { return false; }
  /// It will go on by itself, once those whom it waits for have: may this neighbour be left asleep until then?
  [[nodiscard]] virtual bool may_ring_later(size_t /*outlet*/) const { return false; }
  /// After the undo, with cursors restored: read back what the heap of this process should know.
  virtual void recovered() {}
  /// The generation is stored: what the batch let go may be used again.
  virtual void committed() {}

  /// Who waits for what becomes of that which it has put into the first inlet: it is woken when the stage has come to its end.
  void wakes(const Waiting& before) { before_ = before; }

  [[nodiscard]] memory::Batch& batch() { return batch_; }
  [[nodiscard]] Inlet& inlet(size_t i) { return inlets_[i]; }
  [[nodiscard]] Outlet& outlet(size_t i) { return outlets_[i].ring; }
  [[nodiscard]] Desk& desk() { return desk_; }
  [[nodiscard]] uint32_t batch_size() const { return batch_size_; }
  /// Neighbours' descriptors could not be what they say.
  void count_corrupt(uint64_t descriptors = 1) { desk_.corrupt.store(desk_.corrupt.load() + descriptors); }

 private:
  static constexpr unsigned kPatience = 8;  // batches that a due bell waits

  struct Sender {
    Outlet ring;
    const Desk& desk;
    Bell& bell;
    uint64_t published;
    uint64_t depth_to_ring;
    unsigned due_for;  // batches since it became due; 0: not due
  };

  void commit();
  void publish();
  void consider_bell(size_t outlet);
  void ring(Sender& sender);
  void ring_due();
  void count_impossible();

  Desk& desk_;
  memory::Batch batch_;
  std::vector<Inlet> inlets_;
  std::vector<Sender> outlets_;
  uint32_t batch_size_;
  Waiting before_;
  uint64_t impossible_ = 0;  // heads and tails that rings have refused, as far as the desk says
};

}  // namespace bulkhead::chain