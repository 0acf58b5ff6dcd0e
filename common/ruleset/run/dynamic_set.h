// common/ruleset/run/dynamic_set.h: a set or map whose elements come and go: a hash table in words of shared state.
//
// Who     the compiler makes it (compile_sets.cc), steps ask and change it (sets.cc), a listing reads it (set_listing.h).
// Shape   chains of entries by keyed hash of the key; free entries in a list; those that expire also in a heap by when they do,
//         so that a full set finds room in a bounded number of changes. An entry has the words of its statements at its end.
// Units   times: nanoseconds of the packet clock. An expiry with the top bit is a file's: counted from the first packet.
// Order   an expired entry is not there, whether or not it still lies in the table; each addition takes one away.
// Trust   indexes are checked against the set's size before use; a chain is walked no further than that.
// Cost    no allocation; changes_to_*() bound the changes of one call.
// Source  Linux nft_dynset.c, nft_set_hash.c.
#pragma once

#include <sodium.h>

#include <vector>

#include "common/ruleset/run/program.h"

namespace bulkhead::ruleset {

struct Set;

class DynamicSet {
 public:
  static constexpr size_t kFields = ConstantSet::kFields, kKeyWords = 2 * kFields;
  static constexpr uint32_t kNone = ~0U;
  static constexpr uint64_t kFromStart = uint64_t{1} << 63;
  static constexpr uint64_t kLongest = uint64_t{1} << 61;  // time-outs end here, so that sums do not overflow

  struct Layout {
    std::vector<uint8_t> key;      // words of each field: 1 or 2
    std::vector<uint8_t> data;     // and of each field of a map's data
    bool data_ranges = false;      // which has ends too
    uint32_t most = 0;             // elements
    bool timeouts = false;
    uint64_t timeout_ns = 0;       // of elements that say none; 0: they stay
  };
  /// What an element's statements do; their words count from the element's own.
  struct Body {
    std::vector<Step> steps;
    std::vector<uint64_t> initial;
    std::vector<Counted> counted;
    std::vector<uint32_t> lists;  // of its words: where lists of connections begin
    const std::vector<Statement>* statements = nullptr;  // for listings
  };
  struct Verdict {
    OperationNumber operation = kNoOperation;
    uint32_t chain = 0;
  };
  struct Element {
    std::array<Number, kFields> key{};
    MapData data{};
    uint64_t timeout_ns = 0, expires_ns = 0;  // 0: never
    uint16_t body = 0;
    uint32_t origin = 0;                      // index in the file's elements, plus 1; 0: a rule added it
    const std::vector<uint64_t>* initial = nullptr;  // of its statements; null: the body's
    uint32_t entry = kNone;                          // in a listing: where it is
  };

  DynamicSet(Layout layout, uint64_t seed);

  // While it is compiled.
  const Set* named = nullptr;  // null: a meter's
  std::vector<Body> bodies;
  std::vector<Verdict> verdicts;
  uint32_t pool = kNone;  // of lists of connections (connections.h)
  std::vector<StepRun> objects;  // that a map names
  /// Bodies are known: how many words the set takes.
  uint64_t lay_out();
  /// Where they begin; `start`: the word that has the first packet's time.
  void place(uint32_t first, uint32_t start);

  // With a packet. kNone: not there, or full.
  /// The key's element, or the one for all others (`*`).
  [[nodiscard]] uint32_t find_any(const Number* key, const StateWords& state, uint64_t now_ns) const noexcept;
  [[nodiscard]] uint32_t find(const Number* key, const StateWords& state, uint64_t now_ns) const noexcept;
  /// The entry of that key: the one that is there, or a new one, and `added` says so.
  uint32_t enter(const Element& element, StateWords& state, uint64_t now_ns, bool& added) const noexcept;
  /// `*`, of the file: before any packet.
  uint32_t enter_for_others(const Element& element, StateWords& state) const noexcept;
  void refresh(uint32_t entry, uint64_t expires_ns, StateWords& state) const noexcept;
  void remove(uint32_t entry, StateWords& state) const noexcept;

  // Of an entry.
  [[nodiscard]] MapData data(uint32_t entry, const StateWords& state) const noexcept;
  [[nodiscard]] const Body& body(uint32_t entry, const StateWords& state) const noexcept;
  [[nodiscard]] uint32_t state_of(uint32_t entry) const noexcept { return at(entry, state_part_); }
  [[nodiscard]] uint64_t timeout(uint32_t entry, const StateWords& state) const noexcept;
  [[nodiscard]] uint64_t expires(uint32_t entry, const StateWords& state) const noexcept;  // 0: never
  [[nodiscard]] const Layout& layout() const noexcept { return layout_; }

  /// Everything that is there at that time, for a listing.
  [[nodiscard]] std::vector<Element> elements(const StateWords& state, uint64_t now_ns) const;

  /// Calls of StateWords::set() at most: of enter() and of remove() or refresh().
  [[nodiscard]] uint32_t changes_to_enter() const noexcept;
  [[nodiscard]] uint32_t changes_to_move() const noexcept;

 private:
  enum Header : uint32_t { free_list, ever_used, heap_size, for_others, header_words };
  enum Part : uint32_t { next, body_part, place_part, timeout_part, expires_part };
  using Packed = std::array<uint64_t, kKeyWords>;

  [[nodiscard]] uint32_t at(uint32_t entry, uint32_t part) const noexcept { return entries_ + entry * entry_words_ + part; }
  [[nodiscard]] Packed pack(const Number* key) const noexcept;
  [[nodiscard]] uint32_t bucket(const Packed& key) const noexcept;
  [[nodiscard]] uint32_t search(const Packed& key, const StateWords& state) const noexcept;
  [[nodiscard]] bool is_expired(uint32_t entry, const StateWords& state, uint64_t now_ns) const noexcept;
  [[nodiscard]] uint32_t entry_in(uint64_t word) const noexcept;
  [[nodiscard]] uint32_t take_free(StateWords& state) const noexcept;
  void link(uint32_t entry, uint32_t bucket, StateWords& state) const noexcept;
  void fill(uint32_t entry, const Element& element, const Packed& key, StateWords& state) const noexcept;
  template <class Visit>
  void each_data_word(Visit visit) const noexcept;
  void unlink(uint32_t entry, StateWords& state) const noexcept;
  void give_lists_back(uint32_t entry, StateWords& state) const noexcept;
  // The heap.
  [[nodiscard]] uint32_t first_to_expire(const StateWords& state) const noexcept;
  void put(uint32_t position, uint32_t entry, StateWords& state) const noexcept;
  void rise(uint32_t position, uint32_t entry, StateWords& state) const noexcept;
  void sink(uint32_t position, uint32_t entry, StateWords& state) const noexcept;
  void leave_heap(uint32_t entry, StateWords& state) const noexcept;

  Layout layout_;
  std::array<uint8_t, crypto_shorthash_KEYBYTES> hash_key_{};
  uint32_t key_words_ = 0, data_words_ = 0, state_words_ = 0;
  uint32_t key_part_ = 0, data_part_ = 0, state_part_ = 0, entry_words_ = 0;
  uint32_t buckets_ = 0;  // how many, a power of two
  uint32_t first_ = 0, bucket_, heap_ = 0, entries_ = 0;  // words
  uint32_t start_ = kNone;
};

}  // namespace bulkhead::ruleset