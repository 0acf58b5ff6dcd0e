// tests/differential/compare_kernel.cc: compare-kernel tracking|ruleset KERNEL_DIR OUR_DIR SECONDS: where do we differ?
//
// Packets  tracking: KERNEL_DIR/states (run_kernel.cc) beside OUR_DIR/verdicts.jsonl: one line for each packet that got another
//          state, or was dropped by one alone. ruleset: what left, frame by frame (compare_egress.h).
// Rules    ruleset: ruleset.nft of both folders: the same text, so the same counters, quotas, named objects and elements.
// Flows    KERNEL_DIR/conntrack.txt beside OUR_DIR/conntrack.txt: the same lines but for `use` and their order; the
//          seconds left may differ by as many as the kernel's run took: SECONDS.
// Exit     0: no difference. 1: some. 2: the comparison was not possible, or there was nothing to compare.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "tests/differential/compare_egress.h"

namespace {

using bulkhead::test::Differences;

using Packet = std::pair<std::string, uint64_t>;  // interface, n

std::ifstream opened(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  return file;
}

std::map<Packet, std::string> kernels_states(const std::string& path) {
  std::map<Packet, std::string> states;
  std::ifstream file = opened(path);
  std::string in, state;
  for (uint64_t n = 0; file >> in >> n >> state;) states[{in, n}] = state;
  return states;
}

std::map<Packet, std::string> our_states(const std::string& path) {
  std::map<Packet, std::string> states;
  std::ifstream file = opened(path);
  for (std::string line; std::getline(file, line);) {
    auto const json = nlohmann::json::parse(line);
    states[{json.at("in"), json.at("n")}] =
        json.at("verdict") == "accept" ? json.at("state").get<std::string>() : "dropped";
  }
  return states;
}

/// Flow, without what may differ, to the seconds that it has left.
std::map<std::string, uint64_t> flows(const std::string& path) {
  std::map<std::string, uint64_t> all;
  std::ifstream file = opened(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string key, word, seconds;
    for (int i = 0; words >> word; ++i) {
      if (i == 4) seconds = word;
      else if (word.rfind("use=", 0) != 0) key += word + ' ';
    }
    uint64_t left = 0;
    std::from_chars(seconds.data(), seconds.data() + seconds.size(), left);
    if (!all.emplace(key, left).second) throw std::runtime_error("twice: " + line);
  }
  return all;
}

void compare_packets(const std::string& kernel, const std::string& ours, Differences& found) {
  auto const theirs = kernels_states(kernel + "/states"), own = our_states(ours + "/verdicts.jsonl");
  if (theirs.empty()) throw std::runtime_error("no packets");
  if (theirs.size() != own.size()) found.add("packets: kernel {}, we {}", theirs.size(), own.size());
  std::map<std::string, size_t> states;
  for (const auto& [packet, state] : theirs) {
    auto const at = own.find(packet);
    std::string const we = at == own.end() ? "nothing" : at->second;
    ++states[state];
    if (we != state) found.add("{} {}: kernel {}, we {}", packet.first, packet.second, state, we);
  }
  fmt::print("{} packets:", theirs.size());
  for (const auto& [state, count] : states) fmt::print(" {} {}", state, count);
  fmt::print("\n");
}

void compare_flows(const std::string& kernel, const std::string& ours, uint64_t slow_s, Differences& found) {
  auto const theirs = flows(kernel + "/conntrack.txt"), own = flows(ours + "/conntrack.txt");
  for (const auto& [flow, left] : theirs) {
    auto const at = own.find(flow);
    if (at == own.end()) found.add("only the kernel: {} {}", left, flow);
    else if (at->second + 1 < left || left + slow_s < at->second)
      found.add("seconds left: kernel {}, we {}: {}", left, at->second, flow);
  }
  for (const auto& [flow, left] : own)
    if (!theirs.contains(flow)) found.add("only we: {} {}", left, flow);
  fmt::print("{} flows\n", theirs.size());
}

/// Without the time that elements have left, which the run's own takes from.
std::string without_time(std::string line) {
  constexpr std::string_view left = " expires ";
  for (size_t at = 0; (at = line.find(left, at)) != std::string::npos;) line.erase(at, line.find_first_of(" ,", at + left.size()) - at);
  return line;
}

std::vector<std::string> lines(const std::string& path) {
  std::vector<std::string> all;
  std::ifstream file = opened(path);
  for (std::string line; std::getline(file, line);) all.push_back(without_time(line));
  return all;
}

void compare_rules(const std::string& kernel, const std::string& ours, Differences& found) {
  auto const theirs = lines(kernel + "/ruleset.nft"), own = lines(ours + "/ruleset.nft");
  if (theirs.size() != own.size()) found.add("lines of the listing: kernel {}, we {}", theirs.size(), own.size());
  size_t counted = 0;
  for (size_t i = 0; i < std::min(theirs.size(), own.size()); ++i) {
    if (theirs[i] != own[i]) found.add("rules, line {}: kernel {}\n  we {}", i + 1, theirs[i], own[i]);
    if (theirs[i].find("counter packets") != std::string::npos && theirs[i].find("packets 0 ") == std::string::npos) ++counted;
  }
  fmt::print("{} lines of rules, {} met\n", theirs.size(), counted);
}

}  // namespace

int main(int argc, char** argv) {
  std::string_view const kind = argc == 5 ? argv[1] : "";
  if (kind != "tracking" && kind != "ruleset") {
    fmt::print(stderr, "compare-kernel tracking|ruleset KERNEL_DIR OUR_DIR SECONDS\n");
    return 2;
  }
  try {
    Differences found;
    std::string const kernel = argv[2], ours = argv[3];
    if (kind == "tracking") {
      compare_packets(kernel, ours, found);
    } else {
      fmt::print("{} frames left\n", bulkhead::test::compare_egress(kernel, ours, found));
      compare_rules(kernel, ours, found);
    }
    compare_flows(kernel, ours, std::stoull(argv[4]), found);
    fmt::print("{} differences\n", found.count());
    return found.count() == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "compare-kernel: {}\n", error.what());
    return 2;
  }
}
