// ipc/chain/ring.h: one-producer one-consumer ring of descriptors between two visits.
//
// Who     Outlet: the visit that writes. Inlet: the visit that reads.
// Units   head, tail: descriptors since the start of the instance. capacity: slots, a power of two.
// Owner   a slot is the producer's until the tail passes it, then the consumer's until the head passes it.
//         The tail lies beside the slots, in the producer's object; the head in the consumer's desk
//         (ipc/chain/desk.h), so that each maps writable only what is its own.
// Order   put() fills slots beyond the published tail; publish() stores the tail (release).
//         available() loads the tail (acquire), get() copies a slot; publish() stores the head (release),
//         room() loads it (acquire).
// Trust   a tail or head that cannot be: nothing available, no room, and corrupt() counts it.
// Crash   publish() is called by the stage's commit (ipc/memory/commit.h), never before it: slots beyond the tail were
//         never sent, slots before the committed head are not seen twice.
// Source  folly ProducerConsumerQueue (cached peer index); Snabb interlink.
#pragma once

#include <bit>
#include <cstdint>

#include "ipc/chain/descriptor.h"
#include "ipc/memory/object.h"
#include "ipc/memory/word.h"

namespace bulkhead::chain {

struct Ring {
  static constexpr memory::Layout kLayout = memory::Layout::ring;
  static constexpr uint32_t kVersion = 2;
  static constexpr size_t bytes_for(uint64_t slots) { return sizeof(Ring) + slots * sizeof(Descriptor); }

  memory::ObjectHeader header;              // capacity: slots
  alignas(64) memory::Word<uint64_t> tail;  // producer writes; release

  [[nodiscard]] Descriptor* slots() { return reinterpret_cast<Descriptor*>(this + 1); }
  [[nodiscard]] const Descriptor* slots() const { return reinterpret_cast<const Descriptor*>(this + 1); }
};
static_assert(sizeof(Ring) == 128);

class Outlet {
 public:
  Outlet(Ring& ring, const memory::Word<uint64_t>& consumer_head)
      : ring_(ring), head_(consumer_head), capacity_(ring.header.capacity) {}

  /// Slots that may be put. The consumer is asked only if fewer than `wanted` were known to be free.
  [[nodiscard]] uint64_t room(uint64_t wanted = 1) noexcept {
    if (uint64_t const free = capacity_ - (tail_ - known_head_); free >= wanted) return free;
    uint64_t const head = head_.acquire();
    if (tail_ - head > capacity_) return ++corrupt_, 0;
    known_head_ = head;
    return capacity_ - (tail_ - known_head_);
  }
  /// Needs room().
  void put(const Descriptor& descriptor) noexcept {
    memory::copy_in(&ring_.slots()[tail_ & (capacity_ - 1)], &descriptor, sizeof descriptor);
    ++tail_;
    if (descriptor.kind == Kind::packet) ++packets_;
    if (memory::simulate::mistaken(memory::simulate::Mistake::tail_published_early)) publish();
  }
  [[nodiscard]] uint64_t tail() const noexcept { return tail_; }
  /// Put by this process; the rest were events.
  [[nodiscard]] uint64_t packets() const noexcept { return packets_; }
  void publish() noexcept { ring_.tail.release(tail_); }
  /// To what the commit record says. The consumer's head is looked at anew.
  void restore(uint64_t tail) noexcept {
    tail_ = tail;
    known_head_ = tail - capacity_;
  }
  [[nodiscard]] uint64_t corrupt() const noexcept { return corrupt_; }
  /// Descriptors the consumer has not taken, as far as known.
  [[nodiscard]] uint64_t depth() const noexcept { return tail_ - head_.load(); }

 private:
  Ring& ring_;
  const memory::Word<uint64_t>& head_;
  uint64_t capacity_;
  uint64_t tail_ = 0;
  uint64_t known_head_ = 0;  // at most what the consumer has published
  uint64_t packets_ = 0;
  uint64_t corrupt_ = 0;
};

class Inlet {
 public:
  Inlet(const Ring& ring, memory::Word<uint64_t>& head) : ring_(ring), published_(head), capacity_(ring.header.capacity) {}

  [[nodiscard]] uint64_t available() noexcept {
    uint64_t const tail = ring_.tail.acquire();
    if (tail - head_ > capacity_) return ++corrupt_, 0;
    return tail - head_;
  }
  /// Copies a descriptor out: the next one, or that `ahead` places behind it. Needs available() > ahead.
  void get(Descriptor& into, uint64_t ahead = 0) const noexcept {
    memory::copy_out(&into, &ring_.slots()[(head_ + ahead) & (capacity_ - 1)], sizeof into);
  }
  void advance() noexcept { ++head_; }
  [[nodiscard]] uint64_t head() const noexcept { return head_; }
  void publish() noexcept {
    if (told_ != head_) published_.release(told_ = head_);
  }
  void restore(uint64_t head) noexcept {
    head_ = head;
    told_ = ~head;
  }
  [[nodiscard]] uint64_t corrupt() const noexcept { return corrupt_; }

 private:
  const Ring& ring_;
  memory::Word<uint64_t>& published_;
  uint64_t capacity_;
  uint64_t head_ = 0;
  uint64_t told_ = 0;  // what the producer has been told
  uint64_t corrupt_ = 0;
};

}  // namespace bulkhead::chain