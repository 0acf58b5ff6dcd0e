#include "ipc/control/settings.h"

#include <algorithm>
#include <bit>
#include <set>

#include "common/packet/nat_range.h"
#include "ipc/control/flat_message.h"
#include "ipc/control/schema/settings.capnp.h"
#include "ipc/control/topology_message.h"

namespace bulkhead::control {
namespace {

constexpr size_t kMaxName = 64;
constexpr size_t kMaxPath = 4096;

Status between(const char* what, uint64_t value, uint64_t low, uint64_t high) {
  if (low <= value && value <= high) return {};
  return fail("settings: {} is {}, wanted: {} to {}", what, value, low, high);
}

Status check_interfaces(const Settings& settings) {
  if (settings.interfaces.size() > kMaxInterfaces)
    return fail("settings: {} interfaces, {} at most", settings.interfaces.size(), kMaxInterfaces);
  std::set<std::string> names;
  for (const auto& interface : settings.interfaces) {
    if (!is_interface_name(interface.name))
      return fail(
          "settings: interface name '{}': wanted: letters, digits, '.', '_', '-', '@', {} at most, no "
          "leading "
          "'.' or '-'",
          interface.name, kMaxName);
    if (!names.insert(interface.name).second)
      return fail("settings: interface '{}' is there twice", interface.name);
    if (interface.path.size() > kMaxPath) return fail("settings: path of '{}' is too long", interface.name);
  }
  return {};
}

constexpr uint32_t kMaxRuleWords = 1 << 28;
constexpr uint32_t kMaxRuleChanges = 1 << 22;  // journals have room for 2^24
constexpr uint32_t kMaxRules = 1 << 20;
constexpr uint32_t kMaxStates = 64;  // of a policy; one said twice counts as said last

void fill_timeouts(schema::Settings::Builder root, const std::vector<ruleset::TimeoutPolicy>& policies) {
  auto all = root.initRuleTimeouts(static_cast<unsigned>(policies.size()));
  for (unsigned i = 0; i < all.size(); ++i) {
    auto const count = static_cast<unsigned>(policies[i].states.size());
    all[i].setProtocol(policies[i].protocol);
    auto states = all[i].initStates(count);
    auto seconds = all[i].initSeconds(count);
    for (unsigned j = 0; j < count; ++j) {
      states.set(j, policies[i].states[j].which);
      seconds.set(j, policies[i].states[j].seconds);
    }
  }
}

Result<std::vector<ruleset::TimeoutPolicy>> read_timeouts(schema::Settings::Reader root) {
  std::vector<ruleset::TimeoutPolicy> policies;
  for (auto one : root.getRuleTimeouts()) {
    auto const states = one.getStates();
    auto const seconds = one.getSeconds();
    if (states.size() != seconds.size() || states.size() > kMaxStates) return fail("settings: a policy of time-outs that is none");
    ruleset::TimeoutPolicy& policy = policies.emplace_back();
    policy.protocol = one.getProtocol();
    for (unsigned i = 0; i < states.size(); ++i) {
      if (states[i] >= ruleset::TimeoutPolicy::kStates.size()) return fail("settings: a time-out of no state");
      policy.states.push_back({states[i], seconds[i]});
    }
  }
  return policies;
}

void fill_ruleset(schema::Settings::Builder root, const ruleset::Facts& ruleset) {
  root.setRulesetText(ruleset.text);
  root.setRuleWords(ruleset.words);
  root.setRuleChanges(ruleset.changes);
  root.setRuleMarks(ruleset.marks);
  root.setRuleLabels(ruleset.labels);
  root.setRuleCounts(ruleset.counts);
  root.setRuleZones(ruleset.sets_zones);
  root.setRuleCopies(ruleset.copies);
  fill_timeouts(root, ruleset.timeouts);
  root.setRuleNat(ruleset.translates);
  root.setRuleEarly(ruleset.early);
  root.setRulePieces(ruleset.pieces);
  root.setReassembles4(ruleset.reassembles[0]);
  root.setReassembles6(ruleset.reassembles[1]);
  root.setRuleTuples(ruleset.sets_tuples);
  root.setRuleChoices(ruleset.shows_choices);
  root.setRuleResets(static_cast<schema::Settings::Resets>(ruleset.resets));
  size_t count = 0;
  for (const auto& ranges : ruleset.may_become) count += ranges.size();
  auto becomes = root.initRuleBecomes(static_cast<unsigned>(count));
  unsigned at = 0;
  for (size_t part = 0; part < ruleset.may_become.size(); ++part)
    for (const auto& range : ruleset.may_become[part]) {
      becomes[at].setSource(part == static_cast<size_t>(packet::Part::source));
      becomes[at].setLow(bytes_of(range.low));
      becomes[at++].setHigh(bytes_of(range.high));
    }
  root.setRuleViews(ruleset.views);
  auto rules = root.initRules(static_cast<unsigned>(ruleset.rules.size()));
  for (unsigned i = 0; i < rules.size(); ++i) {
    rules[i].setFamily(ruleset.rules[i].family);
    rules[i].setTable(ruleset.rules[i].table);
    rules[i].setChain(ruleset.rules[i].chain);
    rules[i].setHandle(ruleset.rules[i].handle);
  }
}

Result<ruleset::Facts> read_ruleset(schema::Settings::Reader root) {
  ruleset::Facts ruleset;
  if (root.getRules().size() > kMaxRules || root.getRuleWords() > kMaxRuleWords || root.getRuleChanges() > kMaxRuleChanges)
    return fail("settings: a ruleset of {} rules and {} words of state is too large", root.getRules().size(),
                root.getRuleWords());
  ruleset.text = root.getRulesetText();
  ruleset.words = root.getRuleWords();
  ruleset.changes = root.getRuleChanges();
  ruleset.marks = root.getRuleMarks();
  ruleset.labels = root.getRuleLabels();
  ruleset.counts = root.getRuleCounts();
  ruleset.sets_zones = root.getRuleZones();
  ruleset.copies = root.getRuleCopies();
  auto timeouts = read_timeouts(root);
  if (!timeouts) return tl::unexpected(timeouts.error());
  ruleset.timeouts = std::move(*timeouts);
  ruleset.translates = root.getRuleNat();
  ruleset.early = root.getRuleEarly();
  ruleset.pieces = root.getRulePieces();
  ruleset.reassembles = {root.getReassembles4(), root.getReassembles6()};
  ruleset.sets_tuples = root.getRuleTuples();
  ruleset.shows_choices = root.getRuleChoices();
  ruleset.resets = static_cast<ruleset::Resets>(std::min<unsigned>(static_cast<unsigned>(root.getRuleResets()), 2));
  for (auto range : root.getRuleBecomes()) {
    auto low = read_address(range.getLow()), high = read_address(range.getHigh());
    if (!low || !high || low->l3 != high->l3) return fail("settings: a range of addresses that is none");
    ruleset.may_become[static_cast<size_t>(range.getSource() ? packet::Part::source : packet::Part::destination)].push_back({*low, *high});
  }
  ruleset.views = root.getRuleViews();
  for (auto rule : root.getRules())
    ruleset.rules.push_back({rule.getFamily(), rule.getTable(), rule.getChain(), rule.getHandle()});
  return ruleset;
}

void fill(schema::Settings::Builder root, const Settings& settings) {
  root.setRing(settings.ring);
  root.setBatch(settings.batch);
  root.setFlows(settings.flows);
  root.setSeed(settings.seed);
  root.setSpinUs(settings.spin_us);
  root.setHangMs(settings.hang_ms);
  root.setPacketsPerSecond(settings.packets_per_second);
  root.setVerdicts(settings.verdicts);
  root.setStrictMac(settings.strict_mac);
  root.setAnswersLimited(settings.answers_limited);
  root.setFastLane(settings.fast_lane);
  auto interfaces = root.initInterfaces(static_cast<unsigned>(settings.interfaces.size()));
  for (unsigned i = 0; i < interfaces.size(); ++i) {
    interfaces[i].setName(settings.interfaces[i].name);
    interfaces[i].setHasInput(settings.interfaces[i].has_input);
    interfaces[i].setPath(settings.interfaces[i].path);
  }
  fill_topology(root, settings.topology);
  fill_ruleset(root, settings.ruleset);
  root.setExplainedInterface(settings.explained.interface);
  root.setExplainedPacket(settings.explained.packet);
}

Result<Settings> read(schema::Settings::Reader root) {
  Settings settings;
  settings.ring = root.getRing();
  settings.batch = root.getBatch();
  settings.flows = root.getFlows();
  settings.seed = root.getSeed();
  settings.spin_us = root.getSpinUs();
  settings.hang_ms = root.getHangMs();
  settings.packets_per_second = root.getPacketsPerSecond();
  settings.verdicts = root.getVerdicts();
  settings.strict_mac = root.getStrictMac();
  settings.answers_limited = root.getAnswersLimited();
  settings.fast_lane = root.getFastLane();
  if (root.getInterfaces().size() > kMaxInterfaces)
    return fail("settings: {} interfaces, {} at most", root.getInterfaces().size(), kMaxInterfaces);
  for (auto interface : root.getInterfaces())
    settings.interfaces.push_back({interface.getName(), interface.getHasInput(), interface.getPath()});
  auto topology = read_topology(root);
  if (!topology) return tl::unexpected(topology.error());
  settings.topology = std::move(*topology);
  auto ruleset = read_ruleset(root);
  if (!ruleset) return tl::unexpected(ruleset.error());
  settings.ruleset = std::move(*ruleset);
  settings.explained = {root.getExplainedInterface(), root.getExplainedPacket()};
  if (auto fine = check(settings); !fine) return tl::unexpected(fine.error());
  return settings;
}

}  // namespace

bool is_interface_name(std::string_view name) {
  auto const fine = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._-@").find(c) != std::string_view::npos;
  };
  return !name.empty() && name.size() <= kMaxName && name[0] != '.' && name[0] != '-' &&
         std::ranges::all_of(name, fine);
}

Status check(const Settings& settings) {
  if (auto s = between("ring", settings.ring, 16, 65536); !s) return s;
  if (!std::has_single_bit(settings.ring))
    return fail("settings: ring is {}, wanted: a power of two", settings.ring);
  if (auto s = between("batch", settings.batch, 1, 4096); !s) return s;
  if (auto s = between("flows", settings.flows, 1, 1U << 24); !s) return s;
  if (auto s = between("spin-us", settings.spin_us, 0, 1'000'000); !s) return s;
  if (auto s = between("hang-ms", settings.hang_ms, 50, 600'000); !s) return s;
  if (auto s = between("pps", settings.packets_per_second, 0, 1'000'000'000); !s) return s;
  if (auto s = check_interfaces(settings); !s) return s;
  if (settings.explained.packet != 0 && settings.explained.interface >= settings.interfaces.size())
    return fail("settings: a packet of interface {} of {} is to be explained", settings.explained.interface, settings.interfaces.size());
  if (!settings.topology.is_router()) return {};
  const auto& routed = settings.topology.interfaces;
  if (!std::ranges::equal(settings.interfaces, routed, {}, &Settings::Interface::name, &Topology::Interface::name))
    return fail("settings: the topology's interfaces are not the instance's");
  return check(settings.topology);
}

std::vector<std::byte> encode(const Settings& settings) {
  capnp::MallocMessageBuilder message;
  fill(message.initRoot<schema::Settings>(), settings);
  return flat(message);
}

Result<Settings> decode(std::span<const std::byte> message) {
  return read_flat<schema::Settings>(message, read);
}

}  // namespace bulkhead::control