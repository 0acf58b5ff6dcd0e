#include "services/cli/replay_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "ipc/control/outputs.h"
#include "services/cli/spool.h"

namespace bulkhead::cli {
namespace {

constexpr const char* kOtherSide = "out";
constexpr const char* kStandardInput = "standard input";

struct Input {
  control::Settings::Interface interface;
  kj::AutoCloseFd file;
  struct stat about {};
};

Result<Input> open_input(const std::string& words) {
  size_t const equals = words.find('=');
  if (equals == std::string::npos || equals + 1 == words.size())
    return fail("--in {}: wanted: NAME=FILE, the interface and its capture (-: standard input)", words);
  Input input{{words.substr(0, equals), true, words.substr(equals + 1)}, kj::AutoCloseFd(), {}};
  if (!control::is_interface_name(input.interface.name))
    return fail("--in {}: '{}' is no interface name: wanted: letters, digits and . _ - @, 64 at most", words,
                input.interface.name);
  std::string& path = input.interface.path;
  if (path == "-") {
    auto spooled = spool(STDIN_FILENO);
    if (!spooled) return tl::unexpected(spooled.error());
    input.file = kj::mv(*spooled);
    path = kStandardInput;
  } else {
    input.file =
        kj::AutoCloseFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // a FIFO must not stop us
  }
  if (input.file.get() < 0) return fail_errno(errno, "{}: cannot open this capture", path);
  if (::fstat(input.file, &input.about) != 0) return fail_errno(errno, "{}", path);
  if (!S_ISREG(input.about.st_mode))
    return fail("{}: is no regular file; replay reads captures that are stored, or one from standard input: NAME=-", path);
  ::fcntl(input.file, F_SETFL, 0);
  return input;
}

Status check_inputs(const std::vector<Input>& inputs) {
  if (inputs.empty()) return fail("no input: wanted: --in NAME=FILE");
  std::set<std::string> names;
  for (const Input& input : inputs)
    if (!names.insert(input.interface.name).second)
      return fail("interface '{}' is named twice", input.interface.name);
  return {};
}

Status wire_bridge(const std::vector<Input>& inputs, control::Settings& settings) {
  if (inputs.size() > 2)
    return fail(
        "{} inputs: bridge wiring has two interfaces, and what comes in by one leaves by the other; a router's: "
        "--config or --addr",
        inputs.size());
  if (inputs.size() == 1 && inputs[0].interface.name == kOtherSide)
    return fail("the other side of a single input is called '{}', so the input must have another name",
                kOtherSide);
  for (const Input& input : inputs) settings.interfaces.push_back(input.interface);
  if (inputs.size() == 1) settings.interfaces.push_back({kOtherSide, false, ""});
  return {};
}

Status wire_router(const std::vector<Input>& inputs, const TopologyOptions& options, control::Settings& settings) {
  std::vector<std::string> names;
  names.reserve(inputs.size());
  for (const Input& input : inputs) names.push_back(input.interface.name);
  auto topology = read_topology(options, names);
  if (!topology) return tl::unexpected(topology.error());
  for (const auto& interface : topology->interfaces) {
    auto const found = std::ranges::find(names, interface.name);
    if (found == names.end()) {
      settings.interfaces.push_back({interface.name, false, ""});
    } else {
      settings.interfaces.push_back(inputs[static_cast<size_t>(found - names.begin())].interface);
    }
  }
  settings.topology = std::move(*topology);
  return {};
}

Result<Input> open_output(const std::string& path) {
  Input output;
  output.file = kj::AutoCloseFd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644));
  if (output.file.get() < 0) return fail_errno(errno, "{}: cannot write this output", path);
  if (::fstat(output.file, &output.about) != 0) return fail_errno(errno, "{}", path);
  if (!S_ISREG(output.about.st_mode)) return fail("{}: is there already and is no regular file", path);
  ::fcntl(output.file, F_SETFL, 0);
  return output;
}

bool same_file(const Input& a, const Input& b) {
  return a.about.st_dev == b.about.st_dev && a.about.st_ino == b.about.st_ino;
}

Status check_names(const std::vector<std::string>& names) {
  std::set<std::string> seen;
  for (const auto& name : names)
    if (!seen.insert(name).second)
      return fail("two outputs would be called {}: name the interface otherwise", name);
  return {};
}

Result<std::map<std::string, Input>> open_outputs(const std::string& directory,
                                                  const std::vector<std::string>& names,
                                                  const std::vector<Input>& inputs) {
  std::map<std::string, Input> outputs;
  for (const auto& name : names) {
    auto output = open_output(fmt::format("{}/{}", directory, name));
    if (!output) return tl::unexpected(output.error());
    for (const Input& input : inputs)
      if (same_file(*output, input))
        return fail("{}/{} would overwrite the input {}", directory, name, input.interface.path);
    for (const auto& [other, file] : outputs)
      if (same_file(*output, file)) return fail("{}/{} and {} are the same file", directory, name, other);
    outputs.emplace(name, std::move(*output));
  }
  return outputs;
}

}  // namespace

Result<ReplayFiles> open_replay_files(const std::vector<std::string>& words, const TopologyOptions& topology,
                                      const std::string& directory, control::Settings& settings,
                                      const BeforeOutputs& before_outputs) {
  std::vector<Input> inputs;
  if (std::ranges::count_if(words, [](const std::string& word) { return word.ends_with("=-"); }) > 1)
    return fail("--in NAME=-: standard input is one capture, not two");
  for (const auto& word : words) {
    auto input = open_input(word);
    if (!input) return tl::unexpected(input.error());
    inputs.push_back(std::move(*input));
  }
  if (auto fine = check_inputs(inputs); !fine) return tl::unexpected(fine.error());
  if (topology.strict_mac && !topology.any()) return fail("--strict-mac: a bridge takes every frame; only a router has MAC addresses");
  settings.strict_mac = topology.strict_mac;
  settings.interfaces.clear();
  auto wired = topology.any() ? wire_router(inputs, topology, settings) : wire_bridge(inputs, settings);
  if (!wired) return tl::unexpected(wired.error());
  if (auto fine = control::check(settings); !fine) return tl::unexpected(fine.error());
  if (auto fine = before_outputs(settings); !fine) return tl::unexpected(fine.error());
  auto names = control::Outputs(settings).names;
  if (!settings.ruleset.text.empty()) names.emplace_back(kRulesetListing);
  names.emplace_back(kFlowListing);
  if (auto fine = check_names(names); !fine) return tl::unexpected(fine.error());
  auto folder = OutputFolder::take(directory);
  if (!folder) return tl::unexpected(folder.error());
  auto outputs = open_outputs(directory, names, inputs);
  if (!outputs) return tl::unexpected(outputs.error());
  folder->clear(names, [&](dev_t device, ino_t number) {
    return std::ranges::any_of(inputs, [&](const Input& input) { return input.about.st_dev == device && input.about.st_ino == number; });
  });
  if (auto kept = folder->remember(names); !kept) return tl::unexpected(kept.error());
  auto lock = folder->lock();
  if (!lock) return tl::unexpected(lock.error());
  ReplayFiles all{.files = {}, .input_bytes = 0, .folder = std::move(*folder)};
  all.files.emplace("lock.out", kj::mv(*lock));  // the holder's, who gives it to nobody
  for (auto& [name, output] : *outputs) {
    if (::ftruncate(output.file, 0) != 0) return fail_errno(errno, "{}/{}", directory, name);
    if (name != kFlowListing && name != kRulesetListing) all.files.emplace("out." + name, kj::mv(output.file));
  }
  for (Input& input : inputs) {
    all.input_bytes += static_cast<uint64_t>(input.about.st_size);
    all.files.emplace("in." + input.interface.name, kj::mv(input.file));
  }
  return all;
}

}  // namespace bulkhead::cli
