// services/cli/main.cc: the program `bulkhead`: words of the command line, and who answers for them.
#include <CLI/CLI.hpp>  // here alone: it takes the compiler longer than all else of this program
#include <fcntl.h>

#include <cerrno>
#include <cstring>

#include "common/base/near_miss.h"
#include "ipc/runtime/logging.h"
#include "services/cli/complain.h"
#include "services/cli/explain.h"
#include "services/cli/help_text.h"
#include "services/cli/nft.h"
#include "services/cli/replay.h"
#include "services/cli/status.h"

namespace {

using bulkhead::cli::ReplayOptions;
using bulkhead::cli::StatusOptions;

constexpr const char* kTuning = "Tuning";

void add_knobs(CLI::App& command, ReplayOptions& options) {
  bulkhead::control::Settings& settings = options.settings;
  command.add_option("--pps", settings.packets_per_second, "packets a second; 0: as fast as it goes")->group(kTuning);
  command.add_option("--flows", settings.flows, "entries of the flow table, up to 16777216")->capture_default_str()->group(kTuning);
  command.add_option("--fast-lane", settings.fast_lane, "on: packets of a flow that need not be judged again pass pktio alone")
      ->transform(CLI::CheckedTransformer(std::map<std::string, bool>{{"on", true}, {"off", false}}))
      ->option_text("on|off")->group(kTuning);
  command.add_option("--batch", settings.batch, "descriptors of one commit at most, 1 to 4096")->capture_default_str()->group(kTuning);
  command.add_option("--ring", settings.ring, "slots of each ring, a power of two, 16 to 65536")->capture_default_str()->group(kTuning);
  command.add_option("--seed", settings.seed, "of everything that is chance")->capture_default_str()->group(kTuning);
  command.add_option("--hang-ms", settings.hang_ms, "a service that stands still for so long is replaced")->capture_default_str()->group(kTuning);
  command.add_option("--spin-us", settings.spin_us, "microseconds an idle service looks again before it sleeps")
      ->capture_default_str()->group(kTuning);
  command.add_option("--first-user", options.first_user, "as root: user id of the first service")->group("");
  command.add_flag("--unlimited-answers{false}", settings.answers_limited, "ICMP errors as often as there is reason, for comparisons with a kernel that does so")
      ->group("");
  command.add_option("--figures", options.figures, "write figures for the benchmark into this file")
      ->group("");
}

void add_topology(CLI::App& command, bulkhead::cli::TopologyOptions& options) {
  command.add_option("--config", options.file, "a router's interfaces (name, mac, mtu, addresses, groups), routes and neighbours, in TOML");
  command.add_option("--addr", options.addresses, "NAME=PREFIX: an address of an interface; makes it a router");
  command.add_option("--route", options.routes, "PREFIX[,VIA]=NAME: a route");
  command.add_option("--neigh", options.neighbours, "ADDR=MAC: a neighbour; others get a made-up MAC address");
  command.add_flag("--strict-mac", options.strict_mac, "take frames to the router's own MAC addresses only, as a network card does");
}

void add_replay(CLI::App& command, ReplayOptions& options) {
  command.add_option("--in", options.inputs, "NAME=FILE: an interface and its capture, gzip'd or not, - for standard input; once for each")->required();
  command.add_option("--rules", options.rules, "ruleset, in nftables' language");
  add_topology(command, options.topology);
  command.add_option("--run", options.run_dir, "run directory of this instance");
}

void add_nft(CLI::App& command, bulkhead::cli::NftOptions& options) {
  command.add_option("-f,--file", options.file, "read this file; - for standard input");
  command.add_option("-I,--includepath", options.include_paths, "folder for included files");
  command.add_option("-D,--define", options.defines, "NAME=VALUE: a variable");
  command.add_flag("-c,--check", options.check, "check only");
  command.add_flag("--offline", options.offline, "without a running firewall, beginning with an empty ruleset");
  command.add_flag("-j,--json", options.json, "JSON, in and out");
  command.add_flag("-a,--handle", options.handles, "show handles");
  command.add_flag("-s,--stateless", options.stateless, "leave out counters and the like");
  command.add_flag("-t,--terse", options.terse, "leave out elements of sets");
  command.add_flag("-n,--numeric", options.numeric, "numbers instead of words");
  command.add_flag("-y,--numeric-priority", options.numeric_priority, "priorities as numbers");
  command.add_flag("-p,--numeric-protocol", options.numeric_protocol, "protocols as numbers");
  command.add_flag("-T,--numeric-time", options.numeric_time, "times as numbers");
  command.add_flag("-S,--service", options.service, "names of ports");
  command.add_flag("-u,--guid", options.guid, "names of users and groups");
  command.add_option("command", options.words, "a command, after the file: list ruleset");
}

void set_log_level(bool verbose) {
  ::setenv("BULKHEAD_LOG", verbose ? "info" : "warn", verbose ? 1 : 0);
  bulkhead::runtime::set_up_logging("bulkhead");
}

/// A file that is opened later must not become one that we print to. Nobody may write to these, which is said then.
void occupy_standard_files() {
  for (int const standard : {0, 1, 2})
    if (::fcntl(standard, F_GETFD) < 0 && ::open("/dev/null", O_RDONLY) != standard) return;
}

/// What was printed is there, or the command has failed.
int printed(int status) {
  bool const good = std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout.flush().good();
  if (good) return status;
  bulkhead::cli::complain(fmt::format("standard output: {}", std::strerror(errno != 0 ? errno : EIO)));
  return status == 0 ? 1 : status;
}

std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* const option : command.get_options([](const CLI::Option* one) { return !one->get_group().empty(); }))
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* const one : app.get_subcommands([](const CLI::App*) { return true; })) names.push_back(one->get_name());
  return names;
}

/// The one of these that was meant, or nothing.
std::string meant(std::string_view word, const std::vector<std::string>& known) {
  std::vector<std::string_view> const words(known.begin(), known.end());
  std::string_view const nearest = bulkhead::nearest_word(word, words);
  return nearest.empty() ? std::string() : fmt::format("; did you mean '{}'?", nearest);
}

/// Help and version are printed. Of what is wrong, a word that nobody knows is named first, with the one that may have been meant.
int answer(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return app.exit(error);
  auto const commands = app.get_subcommands();
  const CLI::App& command = commands.empty() ? app : *commands.front();
  std::string const name = commands.empty() ? "bulkhead" : "bulkhead " + command.get_name();
  std::string why = error.what();
  if (auto const unknown = app.remaining(true); !unknown.empty()) {
    std::string const word = unknown.front().substr(0, unknown.front().find('='));
    bool const option = word.starts_with("-");
    why = option            ? fmt::format("no option '{}'{}", word, meant(word, option_names(command)))
          : commands.empty() ? fmt::format("no command '{}'{}", word, meant(word, command_names(app)))
                             : fmt::format("'{}' is one word too many", word);
  } else if (commands.empty()) {
    why = fmt::format("a command is missing: {}", fmt::join(command_names(app), ", "));
  }
  fmt::print(stderr, "{}: {}\n{} --help says more\n", name, why, name);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  occupy_standard_files();
  CLI::App app("Bulkhead, a firewall of processes that may die", "bulkhead");
  app.require_subcommand(1);
  app.set_version_flag("--version", "bulkhead " BULKHEAD_VERSION);
  app.footer(bulkhead::cli::kCommandsHelp);
  bool verbose = false;
  app.add_flag("-v,--verbose", verbose, "log what happens to the processes");

  ReplayOptions replay;
  bool no_verdicts = false;
  auto* replay_command = app.add_subcommand("replay", "send captures through the firewall")->footer(bulkhead::cli::kReplayHelp);
  add_replay(*replay_command, replay);
  replay_command->add_option("--out", replay.directory, "folder for the results")->required();
  replay_command->add_flag("--no-verdicts", no_verdicts, "do not write verdicts.jsonl");
  replay_command->add_flag("-v,--verbose", verbose, "log what happens to the processes");
  add_knobs(*replay_command, replay);

  ReplayOptions explained;
  auto* explain_command =
      app.add_subcommand("explain", "the way of one packet of a replay through the rules")->footer(bulkhead::cli::kExplainHelp);
  explain_command->add_option("--packet", explained.packet, "NAME:N: interface, and number from 1 in its capture")->required();
  add_replay(*explain_command, explained);
  add_knobs(*explain_command, explained);

  StatusOptions question;
  auto* status_command = app.add_subcommand("status", "what the processes of an instance are doing")->footer(bulkhead::cli::kStatusHelp);
  status_command->add_flag("--json", question.json, "for programs");
  status_command->add_option("--run", question.run_dir, "run directory of the instance; none: the only one");
  auto* stop_command = app.add_subcommand("stop", "end an instance")->footer(bulkhead::cli::kStopHelp);
  stop_command->add_option("--run", question.run_dir, "run directory of the instance; none: the only one");

  bulkhead::cli::NftOptions rules;
  auto* nft_command = app.add_subcommand("nft", "check and list rulesets in nft's language")->footer(bulkhead::cli::kNftHelp);
  add_nft(*nft_command, rules);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return printed(answer(app, error));
  }
  if (*nft_command) return printed(bulkhead::cli::nft(rules));
  set_log_level(verbose);
  replay.settings.verdicts = !no_verdicts;
  if (*replay_command) return printed(bulkhead::cli::replay(replay));
  if (*explain_command) return printed(bulkhead::cli::explain(std::move(explained)));
  if (*status_command) return printed(bulkhead::cli::status(question));
  return printed(bulkhead::cli::stop(question));
}
