// services/pktio/in/reassembly.h: fragments wait for the rest of their datagram, and go on as one packet.
//
// Who     receive.h gives it fragments and takes chains from it; home.h walks a chain and gives it back.
// Full    so many cells may wait for the rest (held_most()), and so many be of one datagram: a fragment beyond that is dropped.
//         That follows from the input alone. Cells of datagrams in flight are others; if there is none left, pktio waits for
//         one to come home (fits()).
// Crash   services/pktio/fragments.h. What is on this process's heap follows from the chains: resume() asks their fragments again.
// Trust   cells and links are pktio's own. Capture and headers may be anything.
#pragma once

#include <compare>
#include <map>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "ipc/memory/commit.h"
#include "services/pktio/fragments.h"
#include "services/pktio/in/datagram.h"
#include "services/pktio/in/source.h"

namespace bulkhead::pktio {

class Reassembly {
 public:
  /// What became of a fragment. `chain`: fragments that are no longer held, in the order of arrival; 0: none.
  struct Taken {
    enum class Fate : uint8_t {
      held,
      whole,    // the chain is a datagram, this fragment in it
      dropped,  // this fragment; and the chain, which it spoilt
      full,     // dropped, for lack of room
      passes,   // goes on as it is; the chain is dropped
    };
    Fate fate = Fate::held;
    uint32_t chain = 0;
    Datagram whole{};
  };
  struct Coming {
    const Arrival& arrival;
    const packet::Fragment& says;
    uint8_t in;
    uint64_t time_ns;
    uint32_t mark = 0;  // that chains before have left on it
  };

  Reassembly(FragmentLinks& links, FragmentCells& cells);

  /// After recovery, and when a batch is committed.
  void resume();
  void committed();

  /// Are there cells for this one? If not, some are in flight and will be.
  [[nodiscard]] bool fits(const Arrival& arrival) const;
  Taken take(const Coming& coming, memory::Batch& batch);
  /// IPv4: have so many fragments of its sender come since this one's datagram got its last that it must be another datagram by now
  /// (Linux ip_frag_too_far)? It is to be given up before take().
  [[nodiscard]] bool is_too_far(const packet::Fragment& says) const;
  uint32_t give_up(const packet::Fragment& says, memory::Batch& batch);
  /// Packet time at which the next datagram has lacked a part for too long; none: never.
  [[nodiscard]] std::optional<uint64_t> given_up_at() const;
  /// The chain of that one, or 0.
  uint32_t give_up(memory::Batch& batch);

  /// The whole datagram, behind the first fragment's link header, into `to`, of length_of() bytes.
  struct Built {
    uint32_t captured, wire;  // captured ends where a capture cut a fragment short
    uint32_t mark;            // its first fragment's
  };
  [[nodiscard]] size_t length_of(const Taken& taken) const;
  Built build(const Taken& taken, std::span<uint8_t> to) const;

  [[nodiscard]] uint32_t next(uint32_t name) const;  // fragment of a chain
  [[nodiscard]] StoredFragment stored(uint32_t name) const;
  /// Of a fragment, from `from` on; at most as many as were captured.
  void copy(uint32_t name, size_t from, std::span<uint8_t> to) const;
  void give_back(uint32_t chain, memory::Batch& batch);

 private:
  struct KeyHash {
    size_t operator()(const packet::FragmentKey& key) const noexcept;
  };
  /// When it is given up; and its first fragment, since several may be at once.
  struct Turn {
    uint64_t given_up_ns;
    uint64_t packet;
    uint8_t in;
    friend auto operator<=>(const Turn&, const Turn&) = default;
  };
  struct Waiting {
    Datagram datagram;
    uint32_t place;     // in FragmentLinks::datagrams
    uint32_t cells;
    Turn turn;
    uint32_t last = 0;  // of Sender::fragments
  };
  /// Whoever has sent a fragment of IPv4 that waits.
  struct Sender {
    uint32_t fragments = 0, waiting = 0;
  };
  using SenderAddress = std::array<uint8_t, 16>;
  using ByKey = std::unordered_map<packet::FragmentKey, Waiting, KeyHash>;

  [[nodiscard]] uint32_t held_most() const { return capacity_ / 2; }
  [[nodiscard]] uint32_t of_one_most() const { return capacity_ / 4; }
  ByKey::iterator begin(const packet::FragmentKey& key, const Turn& turn);
  uint32_t end(ByKey::iterator waiting, memory::Batch& batch);
  void keep(Waiting& waiting, const Coming& coming, memory::Batch& batch);
  [[nodiscard]] uint32_t take_cell(memory::Batch& batch);
  [[nodiscard]] uint32_t front(const Taken& taken) const;
  void write(uint32_t first, const Coming& coming);
  void recall(uint32_t place);
  void count(Waiting& waiting, const packet::FragmentKey& key, memory::Batch& batch);
  void forget(const Waiting& waiting, const packet::FragmentKey& key, memory::Batch& batch);

  FragmentLinks& links_;
  FragmentCells& cells_;
  uint32_t capacity_;
  ByKey waiting_;
  std::map<SenderAddress, Sender> senders_;
  std::map<Turn, packet::FragmentKey> turns_;
  std::vector<uint32_t> places_;  // free ones
  uint32_t held_ = 0;             // cells of those that wait
  uint32_t free_ = 0;             // cells that this batch may take
};

}  // namespace bulkhead::pktio
