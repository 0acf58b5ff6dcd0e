// tests/fuzz/descriptor_fuzz.cc: a stage whose neighbours have been taken over: it does not crash, hang, or write where
// it may not.
//
// Input   byte 0: which stage, how far its world has come, and whether that is a router with rules and NAT; then orders to its neighbours, a byte each with what
//         it needs behind it: descriptors, tails, heads, headers, frames; and to the stage: one batch, or a new process.
// Walls   what the stage may not write is read-only, as the keeper maps it, but for the moment in which a neighbour
//         writes it; behind each object lies poison up to the page's end. AddressSanitizer and the kernel say
//         the rest.
// Checks  after each batch the stage's own state is still what it promises.
#include <sanitizer/asan_interface.h>
#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <stdexcept>

#include "ipc/chain/chain.h"
#include "ipc/chain/pool.h"
#include "ipc/chain/ring.h"
#include "ipc/state/flow_table.h"
#include "ipc/state/staging.h"
#include "tests/fuzz/long_inputs.h"
#include "tests/simulation/chain.h"
#include "tests/simulation/router.h"
#include "tests/simulation/workload.h"

namespace bulkhead::test {
namespace {

constexpr uint64_t kSlots = 16;
constexpr int kOrdersMost = 300;
constexpr uint64_t kRounds = 8;

enum : size_t { bridge, router, worlds };
constexpr uint32_t kFlows = 48;  // more than two windows: flows that might be evicted have lanes

const control::Settings& settings(size_t world) {
  static const std::array<control::Settings, worlds> all = [] {
    std::array<control::Settings, worlds> made{small_settings(kSlots, 8, kFlows), translating_settings(kSlots, 8, kFlows)};
    for (control::Settings& one : made) one.explained = {0, 1};
    return made;
  }();
  return all[world];
}
const Input& input() {
  static const Input all = hazards(1, 60);
  return all;
}

/// What a neighbour may write that a stage reads; and what the stage itself may write.
struct Place {
  std::vector<std::string> inlets, desks, writes, asides;  // asides: read beside the rings
};
/// As the keeper would grant it.
Place place_of(size_t world, size_t stage) {
  Place place;
  for (const chain::Grant& grant : chain::grants(settings(world))) {
    if (grant.service != chain::kServices[stage] || grant.kind != control::ObjectKind::memory) continue;
    std::string_view const name = grant.object;
    if (name == "config") continue;  // the keeper's
    if (grant.right == memory::Right::write) place.writes.push_back(grant.object);
    else if (name.starts_with("ring.")) place.inlets.push_back(grant.object);
    else if (name.ends_with(".desk")) place.desks.push_back(grant.object);
    else if (name != "pool") place.asides.push_back(grant.object);  // the pool has an order of its own
  }
  return place;
}
const Place& place(size_t world, size_t stage) {
  static const auto all = [] {
    std::array<std::array<Place, kStages>, worlds> made;
    for (size_t w = 0; w < worlds; ++w)
      for (size_t i = 0; i < kStages; ++i) made[w][i] = place_of(w, i);
    return made;
  }();
  return all[world][stage];
}

class Orders {
 public:
  Orders(const uint8_t* data, size_t size) : rest_(data, size) {}
  [[nodiscard]] bool any() const { return !rest_.empty(); }
  uint8_t byte() {
    if (rest_.empty()) return 0;
    uint8_t const value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
  }
  uint64_t word() {
    uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value = value << 8 | byte();
    return value;
  }
  void fill(std::span<std::byte> into) {
    for (std::byte& at : into) at = std::byte{byte()};
  }

 private:
  std::span<const uint8_t> rest_;
};

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

/// A world after so many rounds, in which all but the victim have gone on as far as they could: made once.
class Beginning {
 public:
  Beginning(size_t world, size_t victim, uint64_t rounds) {
    Memory const memory(settings(world));
    Chain chain(memory, settings(world), input(), 5);
    chain.start_all();
    for (uint64_t i = 0; i < rounds; ++i) chain.round();
    while (chain.round(victim)) {
    }
    constexpr std::array<std::byte, kPage> zeros{};
    for (size_t at = 0; at < memory.all().size(); at += kPage) {
      auto const page = memory.all().subspan(at, kPage);
      if (std::memcmp(page.data(), zeros.data(), kPage) != 0) pages_.push_back({at, {page.begin(), page.end()}});
    }
  }
  void copy_to(const Memory& memory) const {
    for (const Page& page : pages_) std::memcpy(memory.all().data() + page.at, page.bytes.data(), kPage);
  }

 private:
  static constexpr size_t kPage = 4096;
  struct Page {
    size_t at;
    std::vector<std::byte> bytes;
  };
  std::vector<Page> pages_;
};

const Beginning& beginning(size_t world, size_t victim, uint64_t rounds) {
  static std::map<std::array<uint64_t, 3>, Beginning> made;
  return made.try_emplace({world, victim, rounds}, world, victim, rounds).first->second;
}

class World {
 public:
  World(size_t world, size_t victim, uint64_t rounds) : world_(world), victim_(victim), memory_(settings(world)), chain_(memory_, settings(world), input(), 5) {
    beginning(world, victim, rounds).copy_to(memory_);
    poison(true);
    mprotect(memory_.all().data(), memory_.all().size(), PROT_READ);
    for (const std::string& name : place().writes) protect(name, PROT_READ | PROT_WRITE);
    renew();
  }
  ~World() { poison(false); }

  void obey(Orders& orders) {
    switch (uint8_t const order = orders.byte(); order % 12) {
      case 0: case 1: return step();
      case 2: return change(orders);
      case 3: return slot(orders, [&](chain::Descriptor& at) { orders.fill(std::as_writable_bytes(std::span(&at, 1))); });
      case 4: return tail(orders);
      case 5: return head(orders);
      case 6: return another(orders);
      case 7: return frame(orders);
      case 8: return header(orders);
      case 9: case 10: return aside(orders);
      default: return renew();
    }
  }
  void step() {
    static_cast<void>(chain_.step(victim_));
    check();
  }

 private:
  [[nodiscard]] const Place& place() const { return test::place(world_, victim_); }
  void renew() {
    chain_.replace(victim_);
    chain_.recover(victim_);
    check();
  }
  void protect(std::string_view name, int rights) {
    auto const object = memory_.object(name);
    mprotect(object.data(), (object.size() + 4095) / 4096 * 4096, rights);
  }
  /// A neighbour's hand in object `name`, which the stage itself cannot write.
  template <class Write>
  void write(std::string_view name, Write what) {
    protect(name, PROT_READ | PROT_WRITE);
    what();
    protect(name, PROT_READ);
  }
  template <class Write>
  void inlet(Orders& orders, Write what) {
    const std::string& name = place().inlets[orders.byte() % place().inlets.size()];
    write(name, [&] { what(memory_.as<chain::Ring>(name)); });
  }
  template <class Write>
  void slot(Orders& orders, Write what) {
    inlet(orders, [&](chain::Ring& ring) { what(ring.slots()[orders.byte() % kSlots]); });
  }

  void change(Orders& orders) {
    slot(orders, [&](chain::Descriptor& descriptor) {
      auto const bytes = std::as_writable_bytes(std::span(&descriptor, 1));
      size_t const at = orders.byte() % bytes.size();
      bytes[at] = std::byte{orders.byte()};
    });
  }
  void tail(Orders& orders) {
    inlet(orders, [&](chain::Ring& ring) {
      uint8_t const more = orders.byte();
      ring.tail.store(more < 200 ? ring.tail.load() + more % 20 : orders.word());
    });
  }
  void head(Orders& orders) {
    const std::string& name = place().desks[orders.byte() % place().desks.size()];
    write(name, [&] {
      auto& desk = memory_.as<chain::Desk>(name);
      memory::Word<uint64_t>& word = desk.heads[orders.byte() % 2].value;
      uint8_t const more = orders.byte();
      word.store(more < 200 ? word.load() + more % 20 : orders.word());
      desk.asleep.store(more);
    });
  }
  /// A descriptor that was once good, at another time and place.
  void another(Orders& orders) {
    constexpr const char* rings[] = {"ring.track", "ring.rules", "ring.nat", "ring.confirm", "ring.home"};
    const chain::Descriptor* const from = memory_.as<chain::Ring>(rings[orders.byte() % 5]).slots() + orders.byte() % kSlots;
    slot(orders, [&](chain::Descriptor& into) { into = *from; });
  }
  void frame(Orders& orders) {
    auto const pool = memory_.object("pool");
    size_t const at = sizeof(chain::Pool) + orders.word() % (kSlots * chain::Pool::kSmallBytes);
    auto const store = [&] { pool[at] = std::byte{orders.byte()}; };
    if (victim_ == 0) return store();
    write("pool", store);
  }
  /// A word of what others write; near a number that it might mean.
  void aside(Orders& orders) {
    const std::string& name = place().asides[orders.byte() % place().asides.size()];
    auto const object = memory_.object(name);
    size_t const at = (orders.word() % object.size()) & ~size_t{7};
    uint8_t const how = orders.byte();
    uint64_t const value = how < 100 ? orders.byte() : how < 180 ? uint64_t{1} << orders.byte() % 64 : orders.word();
    if (at + 8 <= object.size()) write(name, [&] { std::memcpy(object.data() + at, &value, 8); });
  }
  /// Of a ring, as its producer may write it; read by the next process.
  void header(Orders& orders) {
    inlet(orders, [&](chain::Ring& ring) {
      if (orders.byte() % 2 == 0) {
        ring.header.capacity = orders.byte() % 2 == 0 ? orders.byte() % 18 : orders.word();
        return;
      }
      auto const bytes = std::as_writable_bytes(std::span(&ring.header, 1));
      size_t const at = orders.byte() % bytes.size();
      bytes[at] = std::byte{orders.byte()};
    });
  }

  void poison(bool on) {
    for (size_t stage = 0; stage < kStages; ++stage)
      for (const std::string& name : test::place(world_, stage).writes) {
        auto const object = memory_.object(name);
        size_t const slack = (4096 - object.size() % 4096) % 4096;
        if (on) ASAN_POISON_MEMORY_REGION(object.data() + object.size(), slack);
        else ASAN_UNPOISON_MEMORY_REGION(object.data() + object.size(), slack);
      }
  }

  void check() {
    if (victim_ == 0) check_pktio();
    if (victim_ == kConntrackStage) check_table();
  }
  void check_pktio() {
    auto& state = memory_.as<state::PktioState>("pktio.state");
    require(state.home_number.load() <= state.next_number.load(), "more came home than went out");
    require(state.next_number.load() - state.home_number.load() <= kSlots, "more are out than there are slots");
    uint64_t const capacity = memory_.as<state::Staging>("pktio.staging").header.capacity;
    for (const auto& output : state.outputs)
      require(output.staged.load() - output.written.load() <= capacity, "the staging overflows");
  }
  void check_table() {
    auto& state = memory_.as<state::ConntrackState>("conntrack.state");
    constexpr uint32_t capacity = kFlows;
    uint32_t used = 0, unconfirmed = 0, places = 0, free = 0;
    for (uint32_t i = 0; i < capacity; ++i) {
      uint32_t const status = state.entries(capacity)[i].status.load();
      used += (status & state::Status32::used) != 0;
      unconfirmed += (status & state::Status32::used) != 0 && (status & state::Status32::confirmed) == 0;
    }
    for (uint64_t bucket = 0; bucket < state::ConntrackState::buckets_for(capacity); ++bucket)
      for (const auto& at : state.buckets()[bucket].places) places += at.load() != 0;
    for (uint32_t first : {state.free_first.load(), state.dropped_first.load()})
      for (; first != 0 && free <= capacity; ++free) {
        require(first <= capacity, "a free list leaves the table");
        first = state.entries(capacity)[first - 1].next_free.load();
      }
    require(used == state.used.load(), "flows are miscounted");
    require(unconfirmed == state.unconfirmed.load(), "unconfirmed flows are miscounted");
    require(places == 2 * used, "a flow is not in the table under both tuples");
    require(free + used == state.fresh.load(), "an entry is lost");
    require(state.gone_passed.load() <= state.gone_count.load(), "more deletions have passed than there were");
  }

  size_t world_, victim_;
  Memory memory_;
  Chain chain_;
};

void play(const uint8_t* data, size_t size) {
  Orders orders(data, size);
  uint8_t const first = orders.byte();
  constexpr size_t kBeginnings = kStages * kRounds;
  World world(first / kBeginnings % worlds, first % kStages, first / kStages % kRounds);
  for (int i = 0; i < kOrdersMost && orders.any(); ++i) world.obey(orders);
  for (int i = 0; i < 8; ++i) world.step();
}

}  // namespace
}  // namespace bulkhead::test

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  bulkhead::test::make_inputs_long(argc, argv, 600);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    bulkhead::test::play(data, size);
  } catch (const std::runtime_error&) {
    // An object that is none was refused, and the process would end.
  }
  return 0;
}
