#include "services/cli/replay.h"

#include <charconv>
#include <fstream>

#include "ipc/control/outputs.h"
#include "services/cli/complain.h"
#include "services/cli/flow_listing.h"
#include "services/cli/replay_files.h"
#include "services/cli/ruleset_file.h"
#include "services/cli/summary.h"

namespace bulkhead::cli {
namespace {

Status write_figures(const std::string& path, const Outcome& outcome) {
  std::ofstream file(path);
  file << figures(outcome) << '\n';
  if (file.flush()) return {};
  return fail_errno(errno, "{}: cannot write the figures", path);
}

/// The table as it is at the last packet's time; how many flows that are, or nothing where there never was one.
Result<std::optional<uint64_t>> write_flows(const std::string& directory, const Records& records, const ruleset::Facts& ruleset) {
  if (records.pktio == nullptr || records.conntrack == nullptr || records.conntrack_commit == nullptr)
    return std::nullopt;
  auto written = write_flow_listing(directory + "/" + kFlowListing, *records.conntrack,
                                    *records.conntrack_commit, state::LaneTable(*records.pktio, records.pktio_memory.bytes().size()), records.pktio->time_ns.load(),
                                    {ruleset.marks ? records.rules : nullptr, ruleset.words});
  if (!written) return tl::unexpected(written.error());
  return *written;
}

/// pktio knows its files by their names alone.
std::string with_folder(const std::string& failure, const std::string& directory, const control::Settings& settings) {
  for (const std::string& name : control::Outputs(settings).names)
    if (failure.starts_with(name + ": ")) return fmt::format("{}/{}", directory, failure);
  return failure;
}

/// NAME:N
Result<control::Settings::Explained> find_packet(const std::string& said, const control::Settings& settings) {
  size_t const colon = said.rfind(':');
  uint64_t number = 0;
  const char* const end = said.data() + said.size();
  if (colon == std::string::npos || std::from_chars(said.data() + colon + 1, end, number).ptr != end || number == 0)
    return fail("{}: want NAME:N, the packet's interface and its number from 1 in that capture", said);
  for (uint32_t i = 0; i < settings.interfaces.size(); ++i)
    if (settings.interfaces[i].name == said.substr(0, colon) && settings.interfaces[i].has_input) return control::Settings::Explained{i, number};
  return fail("{}: no capture comes in by '{}'", said, said.substr(0, colon));
}

int exit_status(const Outcome& outcome, bool bad_input) {
  switch (outcome.end) {
    case Outcome::End::failed:
      return 1;
    case Outcome::End::interrupted:
      return outcome.signal == 0 ? 1 : 128 + outcome.signal;
    case Outcome::End::done:
      return bad_input ? 2 : 0;
  }
  return 1;
}

InstanceOptions instance(const ReplayOptions& options) {
  InstanceOptions all;
  all.name = "replay";
  all.run_dir = options.run_dir;
  all.settings = options.settings;
  all.first_user = default_first_user();
  if (all.first_user && options.first_user >= 0) all.first_user = static_cast<uid_t>(options.first_user);
  return all;
}

}  // namespace

Result<Replayed> run_replay(ReplayOptions options) {
  if (auto fine = control::check(options.settings); !fine) return tl::unexpected(fine.error());
  Replayed replayed;
  auto const before_outputs = [&](control::Settings& settings) -> Status {
    if (!options.packet.empty()) {
      auto found = find_packet(options.packet, settings);
      if (!found) return tl::unexpected(found.error());
      settings.explained = *found;
    }
    if (!options.rules.empty()) {
      auto loaded = read_ruleset_file(options.rules, settings);
      if (!loaded) return tl::unexpected(loaded.error());
      replayed.ruleset = std::move(*loaded);
    }
    hold_signals();
    return {};
  };
  auto files = open_replay_files(options.inputs, options.topology, options.directory, options.settings, before_outputs);
  if (!files) return tl::unexpected(files.error());
  replayed.settings = options.settings;
  InstanceOptions run = instance(options);
  run.files = std::move(files->files);
  ProgressBar bar(files->input_bytes);
  auto outcome = run_instance(std::move(run), [&bar](const state::PktioState& state) { bar.show(state); });
  if (!outcome) return tl::unexpected(outcome.error());
  replayed.outcome = std::move(*outcome);
  replayed.outcome.failure = with_folder(replayed.outcome.failure, options.directory, replayed.settings);
  replayed.folder = std::move(files->folder);
  return replayed;
}

int replay(const ReplayOptions& options) {
  auto replayed = run_replay(options);
  if (!replayed) return complain(replayed.error().message);
  const Outcome& outcome = replayed->outcome;
  const control::Settings& settings = replayed->settings;
  auto const flows = write_flows(options.directory, outcome.records, settings.ruleset);
  fmt::print("{}", summary(outcome, options.directory, flows ? *flows : std::nullopt));
  if (replayed->ruleset)
    for (const std::string& note : replayed->ruleset->notes) fmt::print("note      {}\n", note);
  if (!outcome.failure.empty()) complain(outcome.failure);
  auto const bad = input_errors(outcome, settings.interfaces);
  for (const auto& error : bad) complain(error);
  int status = exit_status(outcome, !bad.empty());
  if (!flows) status = complain(flows.error().message);
  if (replayed->ruleset && outcome.records.rules != nullptr && outcome.records.pktio != nullptr)
    if (auto written = write_ruleset(options.directory + "/" + kRulesetListing, *replayed->ruleset, *outcome.records.rules,
                                     state::LaneTable(*outcome.records.pktio, outcome.records.pktio_memory.bytes().size()), outcome.records.pktio->time_ns.load());
        !written)
      status = complain(written.error().message);
  if (!options.figures.empty())
    if (auto written = write_figures(options.figures, outcome); !written)
      status = complain(written.error().message);
  return status;
}

}  // namespace bulkhead::cli
