#include "tests/simulation/world.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <sstream>

#include "ipc/state/bindings.h"
#include "ipc/state/counters.h"
#include "ipc/state/flow_table.h"
#include "ipc/state/lanes.h"
#include "ipc/state/pktio_state.h"
#include "ipc/state/staging.h"

namespace bulkhead::test {
namespace {

constexpr uint64_t kStagingBytes = 16384;  // small, so that files go round in it
constexpr uint64_t kFragmentCells = 32;   // few, so that some fragments find no room

uint64_t fnv(std::span<const uint8_t> bytes) {
  uint64_t hash = 14695981039346656037U;
  for (uint8_t byte : bytes) hash = (hash ^ byte) * 1099511628211U;
  return hash;
}

void show_words(std::string& out, std::string_view name, std::span<const std::byte> object, size_t from = sizeof(memory::ObjectHeader)) {
  for (size_t at = from; at + 8 <= object.size(); at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, object.data() + at, 8);
    if (word != 0) out += fmt::format("{} +{} {:#x}\n", name, at, word);
  }
}

void show_list(std::string& out, const char* name, state::ConntrackState& state, uint32_t first) {
  uint64_t const capacity = state.header.capacity;
  out += name;
  for (uint64_t n = 0; first != 0 && first <= capacity && n <= capacity; ++n) {
    out += fmt::format(" {}", first - 1);
    first = state.entries(capacity)[first - 1].next_free.load();
  }
  out += '\n';
}

/// With what has become of it in the fast lane.
void show_flow(std::string& out, uint32_t index, const state::FlowEntry& entry, const state::LaneTable& lanes) {
  state::FlowSnapshot flow{};
  flow.expires_ns = entry.expires_ns.load();
  flow.protocol_state = entry.protocol_state.load();
  for (size_t way = 0; way < 2; ++way) {
    flow.packets[way] = entry.counters[way].packets.load();
    flow.bytes[way] = entry.counters[way].bytes.load();
  }
  bool const laned = index < lanes.flows() && lanes.lane(index).generation.load() == entry.generation.load();
  if (laned) state::add_lane(flow, entry, lanes.lane(index));
  out += fmt::format("flow {} created {} status {:#x} state {} expires {} started {} timeouts {}", index,
                     entry.created.load(), entry.status.load(), flow.protocol_state, flow.expires_ns, entry.started_ns.load(), entry.timeouts.load());
  for (size_t way = 0; way < 2; ++way) {
    out += fmt::format(" | packets {} bytes {} tuple", flow.packets[way], flow.bytes[way]);
    for (const auto& word : entry.tuples[way]) out += fmt::format(" {:x}", word.load());
  }
  if (state::tuple_of(entry.tuples[0]).protocol == packet::protocol::tcp)
    for (const auto& word : laned ? lanes.lane(index).protocol_words : entry.protocol_words) out += fmt::format(" {:x}", word.load());
  out += '\n';
}

void show_flows(std::string& out, state::ConntrackState& state, const state::LaneTable& lanes) {
  out += fmt::format(
      "table fresh {} used {} unconfirmed {} sweep {} gone {} passed {} expired {} evict {} "
      "evicted {}\n",
      state.fresh.load(), state.used.load(), state.unconfirmed.load(), state.sweep.load(),
      state.gone_count.load(), state.gone_passed.load(), state.expired.load(),
      state.evict.load(), state.evicted.load());
  uint64_t const capacity = state.header.capacity;
  uint64_t places = 0;
  for (uint64_t bucket = 0; bucket < state::ConntrackState::buckets_for(capacity); ++bucket)
    for (const auto& place : state.buckets()[bucket].places) places += place.load() != 0;
  out += fmt::format("places {}\n", places);
  show_list(out, "free", state, state.free_first.load());
  show_list(out, "dropped", state, state.dropped_first.load());
  for (uint32_t i = 0; i < capacity; ++i) {
    const state::FlowEntry& entry = state.entries(capacity)[i];
    if ((entry.status.load() & state::Status32::used) != 0) show_flow(out, i, entry, lanes);
  }
  for (uint64_t i = 0; i < std::min<uint64_t>(state.gone_count.load(), state::ConntrackState::kGone); ++i)
    out += fmt::format("gone {} {}\n", i, state.gone[i].load() & 0xffffffff);
}

/// What is kept of flows stands last, beside each its flow's generation, which may differ.
void show_rules(std::string& out, state::RulesState& rules, const state::FlowWords& flow_words, state::ConntrackState& conntrack, const state::LaneTable& lanes) {
  show_words(out, "rules", std::as_bytes(std::span(&rules, 1)), sizeof(memory::ObjectHeader) + sizeof(state::Counts));
  for (uint64_t i = 0; i < flow_words.mark(0); ++i) {
    uint64_t const word = rules.words()[i].load() + (i < lanes.words() ? lanes.word(i).load() : 0);
    if (word != 0) out += fmt::format("word {} {:#x}\n", i, word);
  }
  auto const word_of = [&](uint64_t place) { return rules.words()[place].load(); };
  for (uint64_t i = 0; i < flow_words.flows(); ++i) {
    uint32_t const generation = conntrack.entries(flow_words.flows())[i].generation.load();
    uint64_t const mark = flow_words.has_marks() ? word_of(flow_words.mark(i)) : 0;
    if (mark >> 32 == generation && mark != 0) out += fmt::format("mark {} {:#x}\n", i, mark & 0xffffffff);
    uint64_t const labels = flow_words.labels(i);
    if (flow_words.has_labels() && word_of(labels) == generation && generation != 0)
      out += fmt::format("labels {} {:#x} {:#x}\n", i, word_of(labels + 1), word_of(labels + 2));
  }
}

/// Without the flow's generation, which may differ. Empty: nobody has the entry.
std::string binding_line(const state::Binding& binding, bool chains) {
  if ((binding.flags.load() & state::Binding::used) == 0) return {};
  std::string line = fmt::format("flags {:#x}", binding.flags.load());
  for (const state::SharedTuple* tuple : {&binding.original, &binding.reply})
    for (const auto& word : *tuple) line += fmt::format(" {:x}", word.load());
  if (chains)
    for (const auto& next : binding.next) line += fmt::format(" {}", next.load());
  return line;
}

void show_bindings(std::string& out, const char* whose, const state::BindingTable& table) {
  for (uint32_t i = 0; i < table.flows(); ++i)
    if (auto const line = binding_line(table.entry(i), true); !line.empty()) out += fmt::format("{} binding {} {}\n", whose, i, line);
  for (auto chain : {state::NatState::by_original, state::NatState::by_reply, state::NatState::by_source})
    for (uint32_t i = 0; table.flows() != 0 && i < state::NatState::buckets_for(table.flows()); ++i)
      if (uint32_t const first = table.bucket(chain, i).load(); first != 0) out += fmt::format("{} bucket {} {} {}\n", whose, +chain, i, first);
}

void show_nat(std::string& out, state::NatState& nat) {
  show_words(out, "nat", std::as_bytes(std::span(&nat, 1)), sizeof(memory::ObjectHeader) + sizeof(state::Counts));
  show_bindings(out, "nat", state::BindingTable(nat));
}

state::BindingTable foreseen_of(const Memory& memory) {
  return state::foreseen_bindings(memory.as<state::RulesState>("rules.state"), memory.object("rules.state").size(), memory.as<state::NatState>("nat.state").header.capacity);
}

}  // namespace

control::Settings small_settings(uint32_t ring, uint32_t batch, uint32_t flows) {
  control::Settings settings;
  settings.ring = ring;
  settings.batch = batch;
  settings.flows = flows;
  settings.seed = 1;
  settings.interfaces = {{"lan", true, "lan.pcap"}, {"wan", true, "wan.pcap"}};
  return settings;
}

Memory::Memory(const control::Settings& settings, bool shared) : flow_words_(settings.ruleset, settings.flows) {
  std::vector<chain::ObjectSpec> specs = chain::catalog(settings);
  for (chain::ObjectSpec& spec : specs) {
    if (spec.layout == memory::Layout::staging) {
      spec.capacity = kStagingBytes;
      spec.bytes = state::Staging::bytes_for(kStagingBytes);
    }
    if (spec.layout == memory::Layout::fragments) {
      spec.capacity = kFragmentCells;
      spec.bytes = chain::kFragments.bytes_for(kFragmentCells);
    }
    bytes_ += (spec.bytes + 4095) / 4096 * 4096;
  }
  int const sharing = shared ? MAP_SHARED : MAP_PRIVATE;
  base_ = static_cast<std::byte*>(
      mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  std::byte* at = base_;
  for (const chain::ObjectSpec& spec : specs) {
    *reinterpret_cast<memory::ObjectHeader*>(at) =
        memory::ObjectHeader{memory::kObjectMagic, spec.layout, spec.version, spec.bytes, spec.capacity};
    objects_[spec.name] = {at, spec.bytes};
    at += (spec.bytes + 4095) / 4096 * 4096;
  }
}

Memory::~Memory() { munmap(base_, bytes_); }

std::span<std::byte> Memory::object(std::string_view name) const {
  auto const found = objects_.find(name);
  return found == objects_.end() ? std::span<std::byte>{} : found->second;
}

void write_at(std::vector<uint8_t>& file, std::span<const uint8_t> bytes, uint64_t offset) {
  if (file.size() < offset + bytes.size()) file.resize(offset + bytes.size());
  std::copy(bytes.begin(), bytes.end(), file.begin() + static_cast<ptrdiff_t>(offset));
}

std::string image(const Memory& memory, const Disk& disk, bool counted) {
  std::string out;
  for (size_t output = 0; output < disk.size(); ++output) {
    out += fmt::format("file {} bytes {} hash {:x}\n", output, disk[output].size(), fnv(disk[output]));
    if (output + 1 == disk.size()) out.append(disk[output].begin(), disk[output].end());
  }
  show_words(out, "pktio", memory.object("pktio.state").first(offsetof(state::PktioState, own)));
  state::LaneTable const lanes(memory.as<state::PktioState>("pktio.state"), memory.object("pktio.state").size());
  if (counted) {
    for (const state::Counts* counts : {&memory.as<state::RulesState>("rules.state").counts, &memory.as<state::NatState>("nat.state").counts})
      show_words(out, "counts", std::as_bytes(std::span(counts, 1)), 0);
    out += fmt::format("tracked {}\n", memory.as<state::ConntrackState>("conntrack.state").packets.load());
  }
  show_rules(out, memory.as<state::RulesState>("rules.state"), memory.flow_words(), memory.as<state::ConntrackState>("conntrack.state"), lanes);
  show_nat(out, memory.as<state::NatState>("nat.state"));
  show_bindings(out, "foreseen", foreseen_of(memory));
  show_flows(out, memory.as<state::ConntrackState>("conntrack.state"), lanes);
  return out;
}

std::string unforeseen(const Memory& memory) {
  state::BindingTable const nat(memory.as<state::NatState>("nat.state")), foreseen = foreseen_of(memory);
  auto const is_echo = [](const state::Binding& binding) { return state::tuple_of(binding.original).is_icmp(); };
  bool all = false;
  for (uint32_t i = 0; i < foreseen.flows(); ++i) all |= !binding_line(foreseen.entry(i), false).empty() && !is_echo(foreseen.entry(i));
  for (uint32_t i = 0; i < foreseen.flows(); ++i) {
    std::string wanted = binding_line(nat.entry(i), all);
    if (!all && !is_echo(nat.entry(i))) wanted.clear();
    std::string const found = binding_line(foreseen.entry(i), all);
    bool const same_flow = wanted.empty() || nat.entry(i).generation.load() == foreseen.entry(i).generation.load();
    if (wanted != found || !same_flow) return fmt::format("flow {}: nat has bound [{}], rules foresaw [{}]", i, wanted, found);
  }
  return {};
}

std::string first_difference(const std::string& wanted, const std::string& found) {
  std::istringstream one(wanted), two(found);
  for (std::string a, b;;) {
    bool const more_a = static_cast<bool>(std::getline(one, a));
    bool const more_b = static_cast<bool>(std::getline(two, b));
    if (!more_a && !more_b) return {};
    if (!more_a || !more_b || a != b)
      return fmt::format("wanted: {}\nfound:  {}", more_a ? a : "(end)", more_b ? b : "(end)");
  }
}

}  // namespace bulkhead::test
