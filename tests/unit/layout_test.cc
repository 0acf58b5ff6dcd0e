// Objects in shared memory: their headers are believed only as far as they fit, and cells do not overlap.
#define BOOST_TEST_MODULE layout
#include <boost/test/unit_test.hpp>
#include <set>

#include "ipc/chain/pool.h"
#include "ipc/chain/ring.h"
#include "ipc/state/flow_table.h"
#include "services/pktio/inflight.h"
#include "tests/simulation/world.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

constexpr uint64_t kWindow = 16;

struct Range {
  uint64_t first, last;
  friend bool operator<(const Range& a, const Range& b) { return a.last < b.first; }  // overlapping ones are equal
};

}  // namespace

BOOST_AUTO_TEST_CASE(cells_of_the_pool_lie_in_it_and_apart) {
  std::set<Range> cells;
  size_t const size = chain::Pool::bytes_for(kWindow);
  for (uint64_t number = 0; number < kWindow; ++number) {
    uint64_t const at = uint64_t{chain::Pool::small_cell(number, kWindow)} * memory::kCacheLine;
    BOOST_TEST(at >= sizeof(chain::Pool));
    BOOST_TEST(cells.insert({at, at + chain::Pool::kSmallBytes - 1}).second);
  }
  for (uint64_t turn = 0; turn < chain::Pool::kLargeCells; ++turn) {
    uint64_t const at = uint64_t{chain::Pool::large_cell(turn, kWindow)} * memory::kCacheLine;
    BOOST_TEST(at + chain::Pool::kLargeBytes <= size);
    BOOST_TEST(cells.insert({at, at + chain::Pool::kLargeBytes - 1}).second);
  }
}

BOOST_AUTO_TEST_CASE(numbers_a_window_apart_share_a_cell_and_no_others_do) {
  for (uint64_t number = 1; number < 100; ++number)
    for (uint64_t other = number + 1; other < number + kWindow; ++other)
      BOOST_TEST(chain::Pool::small_cell(number, kWindow) != chain::Pool::small_cell(other, kWindow));
  BOOST_TEST(chain::Pool::small_cell(7, kWindow) == chain::Pool::small_cell(7 + kWindow, kWindow));
  BOOST_TEST(chain::Pool::large_cell(1, kWindow) == chain::Pool::large_cell(1 + chain::Pool::kLargeCells, kWindow));
}

BOOST_AUTO_TEST_CASE(frames_that_leave_the_pool_are_none) {
  Memory const memory(small_settings(kWindow, 8, 8));
  auto& pool = memory.as<chain::Pool>("pool");
  size_t const size = memory.object("pool").size();
  auto const last = static_cast<uint32_t>(size / memory::kCacheLine);
  struct Row {
    uint32_t frame, bytes;
    bool good;
  };
  const Row rows[] = {{0, 1, false},
                      {1, 0, true},
                      {1, static_cast<uint32_t>(size - memory::kCacheLine), true},
                      {1, static_cast<uint32_t>(size - memory::kCacheLine + 1), false},
                      {last, 1, false},
                      {last - 1, memory::kCacheLine, true},
                      {last - 1, memory::kCacheLine + 1, false},
                      {0xffffffff, 1, false},
                      {0xffffffff, 0xffffffff, false},
                      {1, 0xffffffff, false}};
  for (const Row& row : rows)
    BOOST_TEST((pool.frame(row.frame, row.bytes, size) != nullptr) == row.good,
               "frame " << row.frame << ", bytes " << row.bytes);
}

BOOST_AUTO_TEST_CASE(every_object_of_the_catalog_holds_what_its_header_says) {
  for (uint32_t ring : {16U, 4096U, 65536U}) {
    for (const chain::ObjectSpec& spec : chain::catalog(small_settings(ring, 8, 3 * ring))) {
      if (spec.layout != memory::Layout::conntrack_state) continue;
      BOOST_TEST(state::ConntrackState::buckets_for(spec.capacity) * state::FlowBucket::kPlaces >= spec.capacity * 4);
      BOOST_TEST(spec.bytes == state::ConntrackState::bytes_for(spec.capacity));
    }
  }
}

BOOST_AUTO_TEST_CASE(headers_that_cannot_be_are_refused) {
  struct Row {
    const char* what;
    memory::ObjectHeader header;
  };
  constexpr uint64_t bytes = sizeof(chain::Ring) + 16 * sizeof(chain::Descriptor);
  const Row rows[] = {
      {"no magic", {1, memory::Layout::ring, chain::Ring::kVersion, bytes, 16}},
      {"another layout", {memory::kObjectMagic, memory::Layout::pool, chain::Ring::kVersion, bytes, 16}},
      {"a later version", {memory::kObjectMagic, memory::Layout::ring, chain::Ring::kVersion + 1, bytes, 16}},
      {"more bytes than mapped", {memory::kObjectMagic, memory::Layout::ring, chain::Ring::kVersion, bytes + 1, 16}},
      {"more slots than fit", {memory::kObjectMagic, memory::Layout::ring, chain::Ring::kVersion, bytes, 32}},
      {"so many slots that their bytes wrap to none", {memory::kObjectMagic, memory::Layout::ring, chain::Ring::kVersion, bytes, uint64_t{1} << 57}},
      {"so many that they wrap to few", {memory::kObjectMagic, memory::Layout::ring, chain::Ring::kVersion, bytes, (uint64_t{1} << 57) + 8}},
  };
  alignas(64) std::array<std::byte, bytes> memory{};
  std::span<std::byte> const all(memory);
  memory::make_object<chain::Ring>(all, 16);
  BOOST_TEST(memory::view<chain::Ring>("ring", all).has_value());
  for (const Row& row : rows) {
    *reinterpret_cast<memory::ObjectHeader*>(memory.data()) = row.header;
    BOOST_TEST(!memory::view<chain::Ring>("ring", all).has_value(), row.what);
  }
  BOOST_TEST(!memory::view<chain::Ring>("ring", all.first(8)).has_value());
}

BOOST_AUTO_TEST_CASE(flow_table_of_impossible_size_is_refused_at_once) {
  std::vector<state::FlowBucket> room(state::ConntrackState::bytes_for(8) / sizeof(state::FlowBucket) + 1);
  std::span<std::byte> const all(reinterpret_cast<std::byte*>(room.data()), state::ConntrackState::bytes_for(8));
  for (uint64_t capacity : {uint64_t{1} << 62, uint64_t{1} << 63, ~uint64_t{0}, (uint64_t{1} << 58) + 1}) {
    memory::make_object<state::ConntrackState>(all, capacity);
    BOOST_TEST(!memory::view<state::ConntrackState>("conntrack.state", all).has_value());
  }
}
