#include "ipc/chain/chain.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ipc/chain/desk.h"
#include "ipc/chain/pool.h"
#include "ipc/chain/ring.h"
#include "ipc/memory/commit.h"
#include "ipc/state/answers.h"
#include "ipc/state/bindings.h"
#include "ipc/state/copies.h"
#include "ipc/state/counters.h"
#include "ipc/state/early_marks.h"
#include "ipc/state/flow_orders.h"
#include "ipc/state/flow_table.h"
#include "ipc/state/flow_views.h"
#include "ipc/state/flow_words.h"
#include "ipc/state/header_edits.h"
#include "ipc/state/lanes.h"
#include "ipc/state/nat_orders.h"
#include "ipc/state/staging.h"
#include "ipc/state/walk.h"

namespace bulkhead::chain {
namespace {

using control::ObjectKind;
using control::Settings;
using memory::Right;

// When a row counts.
using Condition = bool (*)(const Settings&);
bool always(const Settings&) { return true; }
bool early(const Settings& settings) { return settings.ruleset.early; }
bool no_early(const Settings& settings) { return !settings.ruleset.early; }

// How many slots, cells, entries or words.
using Count = uint64_t (*)(const Settings&);
uint64_t none(const Settings&) { return 0; }
uint64_t a_number(const Settings& settings) { return settings.ring; }
uint64_t a_number_ordered(const Settings& settings) { return settings.ruleset.timeouts.empty() ? 1 : settings.ring; }
uint64_t a_number_early(const Settings& settings) { return settings.ruleset.early ? settings.ring : 1; }
uint64_t a_number_copied(const Settings& settings) { return settings.ruleset.copies ? settings.ring : 1; }
uint64_t a_number_laned(const Settings& settings) { return settings.fast_lane ? settings.ring : 1; }
uint64_t a_flow(const Settings& settings) { return settings.flows; }
uint64_t a_flow_laned(const Settings& settings) { return settings.fast_lane ? settings.flows : 0; }
uint64_t a_flow_translated(const Settings& settings) { return settings.ruleset.translates ? settings.flows : 0; }
uint64_t rule_words(const Settings& settings) {
  return state::FlowWords(settings.ruleset, settings.flows).end();
}
uint64_t rule_changes(const Settings& settings) { return settings.ruleset.changes; }
uint64_t lane_changes(const Settings& settings) {
  constexpr uint64_t words = 104;  // that a packet which goes and one which comes home change at most
  return settings.batch * words;
}
uint64_t walk_steps(const Settings& settings) { return settings.explained.packet == 0 ? 0 : state::Walk::kSteps; }
uint64_t fragment_cells(const Settings&) { return kFragmentCells; }
uint64_t bytes_of_a_file(const Settings&) { return 4 << 20; }  // four writes of 1 MiB

/// Bytes that lie behind a PktioState.
uint64_t lanes_behind(const Settings& settings) {
  uint64_t const flows = a_flow_laned(settings);
  return state::LaneTable::object_bytes(flows, settings.ruleset.words) - state::PktioState::bytes_for(flows);
}

/// Bytes that lie behind the words of RulesState.
uint64_t foreseen_behind(const Settings& settings) {
  return state::bytes_behind_words(rule_words(settings), settings.ruleset.shows_choices ? settings.flows : 0);
}

/// What lies in an object.
struct Form {
  memory::Layout layout;
  uint32_t version;
  uint64_t (*bytes_for)(uint64_t count);
};
template <class T>
constexpr Form form{T::kLayout, T::kVersion, [](uint64_t count) -> uint64_t { return T::bytes_for(count); }};
template <const PrivateLayout& own>
constexpr Form private_form{own.layout, own.version, [](uint64_t count) -> uint64_t { return own.bytes_for(count); }};

// A set of services: bits by their places in kServices.
using Services = unsigned;
constexpr Services nobody = 0, pktio = 1 << 0, conntrack = 1 << 1, rules = 1 << 2, nat = 1 << 3;

/// What every service has for itself: SERVICE.commit, .journal and .desk, which it alone writes, and bell.SERVICE, on which it
/// sleeps. Here: words that one of its batches may change beyond kJournalEntries. By kServices.
constexpr Count kChanges[] = {
    /* pktio     */ lane_changes,
    /* conntrack */ none,
    /* rules     */ rule_changes,
    /* nat       */ none,
};
static_assert(std::size(kChanges) == std::size(kServices));
constexpr uint64_t kJournalEntries = 32768;

/// The chain, in the packet's order. A visit takes descriptors out of its ring and puts them into that of the next visit which is
/// there; pktio begins, behind its own last one. So its service reads its ring, writes the next one's, and, to put and to wake,
/// sees the desk of the next service and has its bell.
struct Visit {
  const char* service;
  const char* visit;
  const char* ring;     // that it reads; the visit before writes it
  unsigned head;        // of its service's desk: how far it has read. The order in which the stage has its inlets
  Condition there;
  bool waits = false;   // it may wait for what the next one makes: that one sees this one's desk too, and has its bell
};
constexpr Visit kVisits[] = {
    // service    visit      ring           head  there      waits
    {"rules",     "early",   "ring.early",   1,   early},
    {"conntrack", "track",   "ring.sifted",  0,   early,     true},
    {"conntrack", "track",   "ring.track",   0,   no_early,  true},
    {"rules",     "rules",   "ring.rules",   0,   always},
    {"nat",       "nat",     "ring.nat",     0,   always},
    {"conntrack", "confirm", "ring.confirm", 1,   always},
    {"pktio",     "home",    "ring.home",    0,   always},
};

/// Everything else in shared memory: made whatever the settings say, if small.
struct Object {
  const char* name;
  Form form;
  Count count;
  Services writes;  // one
  Services read;
  Count behind = none;  // bytes behind the form's own
};
constexpr Object kObjects[] = {
    // object              what lies there                 one for each         writes     read
    {"pool",               form<Pool>,                     a_number,            pktio,     rules},
    {"pktio.state",        form<state::PktioState>,        a_flow_laned,        pktio,     conntrack, lanes_behind},
    {"pktio.inflight",     private_form<kInFlight>,        a_number,            pktio,     nobody},
    {"pktio.fragments",    private_form<kFragments>,       fragment_cells,      pktio,     nobody},
    {"pktio.staging",      form<state::Staging>,           bytes_of_a_file,     pktio,     nobody},
    {"pktio.laned",        form<state::LanedPackets>,      a_number_laned,      pktio,     nobody},
    {"conntrack.state",    form<state::ConntrackState>,    a_flow,              conntrack, pktio | rules | nat},
    {"conntrack.views",    form<state::FlowViews>,         a_number,            conntrack, rules},
    {"rules.state",        form<state::RulesState>,        rule_words,          rules,     nobody, foreseen_behind},
    {"rules.answers",      form<state::Answers>,           a_number,            rules,     pktio},
    {"rules.edits",        form<state::HeaderEdits>,       a_number,            rules,     pktio},
    {"rules.copies",       form<state::CopiesTable>,       a_number_copied,     rules,     pktio},
    {"rules.met_counters", form<state::MetCountersTable>,  a_number_laned,      rules,     pktio},
    {"rules.early",        form<state::EarlyMarks>,        a_number_early,      rules,     conntrack},
    {"rules.flow_orders",  form<state::FlowOrdersTable>,   a_number_ordered,    rules,     conntrack},
    {"rules.walk",         form<state::Walk>,              walk_steps,          rules,     nobody},
    {"rules.nat_orders",   form<state::NatOrdersTable>,    a_number,            rules,     nat},
    {"nat.state",          form<state::NatState>,          a_flow_translated,   nat,       rules},
    {"nat.edits",          form<state::NatEdits>,          a_number,            nat,       pktio | conntrack},
};

/// What does not follow from the above.
struct Further {
  Services who;
  const char* object;
  ObjectKind kind;
  Right right;
};
constexpr Further kFurther[] = {
    {pktio | conntrack | rules | nat, "config", ObjectKind::memory, Right::read},   // the settings
    {pktio | conntrack | rules | nat, "lifeline", ObjectKind::file, Right::read},   // hangs up when the holder is gone
    {conntrack, "ring.nat", ObjectKind::memory, Right::read},      // what rules have made of packets that have yet to come to confirm
    {pktio, "conntrack.commit", ObjectKind::memory, Right::read},  // whether what it sees of a flow is committed
    {pktio, "bell.holder", ObjectKind::bell, Right::write},        // done, or failed
    {pktio, "in.*", ObjectKind::file, Right::read},                // captures
    {pktio, "out.*", ObjectKind::file, Right::write},
};

ObjectSpec spec(std::string name, const Form& form, uint64_t capacity, uint64_t behind = 0) {
  return {std::move(name), form.layout, form.version, form.bytes_for(capacity) + behind, capacity};
}

bool matches(std::string_view pattern, std::string_view name) {
  if (!pattern.ends_with('*')) return pattern == name;
  pattern.remove_suffix(1);
  return name.starts_with(pattern) && name.size() > pattern.size();
}

/// Collects what services may have; what follows twice stands once.
class Grants {
 public:
  void add(std::string_view service, const std::string& object, ObjectKind kind, Right right) {
    auto const there = std::ranges::find_if(
        all, [&](const Grant& grant) { return grant.service == service && grant.object == object; });
    if (there == all.end()) return void(all.push_back({std::string(service), object, kind, right}));
    there->right = std::max(there->right, right);
  }
  void memory(std::string_view service, const std::string& object, Right right) {
    add(service, object, ObjectKind::memory, right);
  }
  void to_all(Services who, const char* object, ObjectKind kind, Right right) {
    for (size_t i = 0; i < std::size(kServices); ++i)
      if ((who >> i & 1) != 0) add(kServices[i], object, kind, right);
  }
  /// To see whether it sleeps and how far it has read, and to wake it.
  void neighbour(std::string_view service, std::string_view other) {
    memory(service, fmt::format("{}.desk", other), Right::read);
    add(service, fmt::format("bell.{}", other), ObjectKind::bell, Right::write);
  }

  std::vector<Grant> all;
};

}  // namespace

std::vector<ObjectSpec> catalog(const control::Settings& settings) {
  std::vector<ObjectSpec> all;
  for (size_t i = 0; i < std::size(kServices); ++i) {
    std::string const service = kServices[i];
    all.push_back(spec(service + ".commit", form<memory::CommitArea>, 0));
    all.push_back(spec(service + ".journal", form<memory::Journal>, kJournalEntries + kChanges[i](settings)));
    all.push_back(spec(service + ".desk", form<Desk>, 0));
  }
  for (const Visit& visit : kVisits)
    if (visit.there(settings)) all.push_back(spec(visit.ring, form<Ring>, settings.ring));
  for (const Object& object : kObjects)
    all.push_back(spec(object.name, object.form, object.count(settings), object.behind(settings)));
  return all;
}

std::vector<Grant> grants(const control::Settings& settings) {
  Grants to;
  for (std::string const service : kServices) {
    for (const char* own : {".commit", ".journal", ".desk"}) to.memory(service, service + own, Right::write);
    to.add(service, "bell." + service, ObjectKind::bell, Right::write);
  }
  for (const Place& place : places(settings)) {
    to.memory(place.service, std::string(place.from), Right::read);
    to.memory(place.service, std::string(place.to), Right::write);
    to.neighbour(place.service, place.next);
    if (!place.waited_by.empty()) to.neighbour(place.service, place.waited_by);
  }
  for (const Object& object : kObjects) {
    to.to_all(object.writes, object.name, ObjectKind::memory, Right::write);
    to.to_all(object.read, object.name, ObjectKind::memory, Right::read);
  }
  for (const Further& further : kFurther) to.to_all(further.who, further.object, further.kind, further.right);
  return std::move(to.all);
}

const Grant* entitled(std::span<const Grant> grants, std::string_view service, std::string_view object) {
  auto const found = std::ranges::find_if(
      grants, [&](const Grant& grant) { return grant.service == service && matches(grant.object, object); });
  return found == grants.end() ? nullptr : &*found;
}

std::vector<Place> places(const control::Settings& settings) {
  std::vector<const Visit*> there;
  for (const Visit& visit : kVisits)
    if (visit.there(settings)) there.push_back(&visit);
  std::vector<Place> all;
  for (size_t i = 0; i < there.size(); ++i) {
    const Visit& own = *there[i];
    const Visit& next = *there[(i + 1) % there.size()];
    const Visit& before = *there[(i + there.size() - 1) % there.size()];
    all.push_back({own.service, own.visit, own.ring, own.head, next.ring, next.service, next.head,
                   before.waits ? before.service : std::string_view()});
  }
  return all;
}

std::optional<Place> place_of(const control::Settings& settings, std::string_view visit) {
  for (const Place& place : places(settings))
    if (place.visit == visit) return place;
  return std::nullopt;
}

}  // namespace bulkhead::chain
