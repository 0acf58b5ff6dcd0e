// tests/simulation/spoil.h: takes from a dead stage's image what recovery needs, to see that the tests notice.
#pragma once

#include <string>

#include "ipc/memory/commit.h"
#include "tests/simulation/world.h"

namespace bulkhead::test {

enum class Spoil : uint8_t { none, journal_cut, records_swapped, oldest_first, generation_ahead };

struct SpoilName {
  Spoil spoil;
  const char* text;
  bool only_conntrack;  // the others set no word twice in a batch
};
inline constexpr SpoilName kSpoils[] = {
    {Spoil::journal_cut, "the journal is cut before the undo", false},
    {Spoil::records_swapped, "the other commit record is taken", false},
    {Spoil::generation_ahead, "an unfinished batch is taken for a committed one", false},
    {Spoil::oldest_first, "the journal is undone oldest first", true},
};

inline void reverse_unfinished(memory::CommitArea& area, memory::Journal& journal) {
  uint64_t const tail = journal.tail.load();
  uint64_t const count = tail & ((uint64_t{1} << memory::Journal::kCountBits) - 1);
  if (tail >> memory::Journal::kCountBits != area.generation.load() + 1) return;
  for (uint64_t i = 0; i < count / 2; ++i) {
    memory::Journal::Entry& a = journal.entries()[i];
    memory::Journal::Entry& b = journal.entries()[count - 1 - i];
    uint64_t const place = a.place.load(), old = a.old.load();
    a.place.store(b.place.load());
    a.old.store(b.old.load());
    b.place.store(place);
    b.old.store(old);
  }
}

inline void spoil(const Memory& memory, const std::string& service, Spoil how) {
  auto& area = memory.as<memory::CommitArea>(service + ".commit");
  auto& journal = memory.as<memory::Journal>(service + ".journal");
  switch (how) {
    case Spoil::none: break;
    case Spoil::journal_cut: journal.tail.store(0); break;
    case Spoil::oldest_first: reverse_unfinished(area, journal); break;
    case Spoil::generation_ahead: area.generation.store(area.generation.load() + 1); break;
    case Spoil::records_swapped:
      for (unsigned i = 0; i < chain::kMaxRings; ++i) {
        for (auto member : {&memory::CommitArea::Record::heads, &memory::CommitArea::Record::tails}) {
          memory::Word<uint64_t>& a = (area.records[0].*member)[i];
          memory::Word<uint64_t>& b = (area.records[1].*member)[i];
          uint64_t const was = a.load();
          a.store(b.load());
          b.store(was);
        }
      }
  }
}

}  // namespace bulkhead::test
