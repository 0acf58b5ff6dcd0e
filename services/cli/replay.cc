#include "services/cli/replay.h"

#include <fstream>

#include "services/cli/flow_listing.h"
#include "services/cli/instance.h"
#include "services/cli/replay_files.h"
#include "services/cli/ruleset_file.h"
#include "services/cli/summary.h"

namespace bulkhead::cli {
namespace {

int complain(const std::string& why) {
  fmt::print(stderr, "bulkhead: {}\n", why);
  return 1;
}

Status write_figures(const std::string& path, const Outcome& outcome) {
  std::ofstream file(path);
  file << figures(outcome) << '\n';
  if (file.flush()) return {};
  return fail("{}: cannot write the figures", path);
}

/// The table as it is at the last packet's time; nothing where there never was one.
Status write_flows(const std::string& directory, const Records& records, bool marks, uint32_t first_mark) {
  if (records.pktio == nullptr || records.conntrack == nullptr || records.conntrack_commit == nullptr)
    return {};
  auto written = write_flow_listing(directory + "/" + kFlowListing, *records.conntrack,
                                    *records.conntrack_commit, records.pktio->time_ns.load(),
                                    {marks ? records.rules : nullptr, first_mark});
  return written.map([](uint64_t) {});
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

InstanceOptions instance(const char* name, ReplayOptions& options) {
  InstanceOptions all;
  all.name = name;
  all.run_dir = options.run_dir;
  all.settings = options.settings;
  all.first_user = default_first_user();
  if (all.first_user && options.first_user >= 0) all.first_user = static_cast<uid_t>(options.first_user);
  return all;
}

}  // namespace

int replay(ReplayOptions options) {
  if (auto fine = check(options.settings); !fine) return complain(fine.error().message);
  std::unique_ptr<rules::Loaded> ruleset;
  auto const before_outputs = [&](Settings& settings) -> Status {
    if (!options.rules.empty()) {
      auto loaded = read_ruleset_file(options.rules, settings);
      if (!loaded) return tl::unexpected(loaded.error());
      ruleset = std::move(*loaded);
    }
    hold_signals();
    return {};
  };
  auto files =
      open_replay_files(options.inputs, options.topology, options.directory, options.settings, before_outputs);
  if (!files) return complain(files.error().message);
  auto const interfaces = options.settings.interfaces;
  bool const marks = options.settings.ruleset.marks;
  uint32_t const first_mark = options.settings.ruleset.words;
  InstanceOptions run = instance("replay", options);
  run.files = std::move(files->files);
  auto outcome = [&] {
    ProgressBar bar(files->input_bytes);
    return run_instance(std::move(run), [&bar](const PktioState& state) { bar.show(state); });
  }();
  if (!outcome) return complain(outcome.error().message);
  fmt::print("{}", summary(*outcome, options.directory));
  if (!outcome->failure.empty()) complain(outcome->failure);
  auto const bad = input_errors(*outcome, interfaces);
  for (const auto& error : bad) complain(error);
  int status = exit_status(*outcome, !bad.empty());
  if (auto written = write_flows(options.directory, outcome->records, marks, first_mark); !written)
    status = complain(written.error().message);
  if (ruleset && outcome->records.rules != nullptr && outcome->records.pktio != nullptr)
    if (auto written = write_ruleset(options.directory + "/" + kRulesetListing, *ruleset, *outcome->records.rules,
                                     outcome->records.pktio->time_ns.load());
        !written)
      status = complain(written.error().message);
  if (!options.figures.empty())
    if (auto written = write_figures(options.figures, *outcome); !written)
      status = complain(written.error().message);
  return status;
}

int empty_chain(ReplayOptions options) {
  options.settings.chain = Settings::Chain::empty;
  options.settings.verdicts = false;
  options.settings.interfaces = {{"a", false, ""}, {"b", false, ""}};
  if (auto fine = check(options.settings); !fine) return complain(fine.error().message);
  auto outcome = run_instance(instance("empty-chain", options), {});
  if (!outcome) return complain(outcome.error().message);
  if (!outcome->failure.empty()) complain(outcome->failure);
  fmt::print("{}\n", figures(*outcome));
  return exit_status(*outcome, false);
}

}  // namespace bulkhead::cli
