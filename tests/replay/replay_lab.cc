#include "tests/replay/replay_lab.h"

#include <pcap/pcap.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <stdexcept>

#include "common/packet/packet.h"

namespace bulkhead::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr int kWaits = 15;  // of kDeadline each

uint64_t stamp_ns(const timeval& stamp) {  // nanoseconds in tv_usec
  return static_cast<uint64_t>(stamp.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(stamp.tv_usec);
}

/// Captures that are taken from packet by packet.
class Stock {
 public:
  const Packet* next(const std::string& name, const std::string& path) {
    auto [found, fresh] = shelves_.try_emplace(name);
    Shelf& shelf = found->second;
    if (fresh) shelf.capture = read_capture(path);
    return shelf.taken < shelf.capture.packets.size() ? &shelf.capture.packets[shelf.taken++] : nullptr;
  }
  /// The one with this number, from 1, which has not been taken.
  const Packet* take(const std::string& name, const std::string& path, uint64_t n) {
    auto [found, fresh] = shelves_.try_emplace(name);
    Shelf& shelf = found->second;
    if (fresh) shelf.capture = read_capture(path);
    if (n == 0 || n > shelf.capture.packets.size() || !shelf.numbers.insert(n).second) return nullptr;
    ++shelf.taken;
    return &shelf.capture.packets[n - 1];
  }
  /// What was not taken, or could not be read.
  [[nodiscard]] std::string rest(const std::string& name, const std::string& path, bool readable) {
    auto [found, fresh] = shelves_.try_emplace(name);
    Shelf& shelf = found->second;
    if (fresh) shelf.capture = read_capture(path);
    if (readable && !shelf.capture.error.empty()) return path + ": " + shelf.capture.error;
    size_t const left = shelf.capture.packets.size() - shelf.taken;
    return left == 0 ? "" : path + ": " + std::to_string(left) + " packets too many";
  }

 private:
  struct Shelf {
    ReadCapture capture;
    size_t taken = 0;
    std::set<uint64_t> numbers;
  };
  std::map<std::string, Shelf> shelves_;
};

class Accountant {
 public:
  Accountant(const std::map<std::string, std::string>& inputs, std::string out)
      : inputs_(inputs), out_(std::move(out)) {}

  /// What is wrong with the line; empty: nothing.
  std::string line(const std::string& text) {
    auto const verdict = Json::parse(text, nullptr, false);
    if (!verdict.is_object()) return "no JSON: " + text;
    std::string const in = verdict.value("in", "");
    if (!inputs_.contains(in)) return "no such input: " + text;
    const Packet* const came = ins_.take(in, inputs_.at(in), verdict.value("n", uint64_t{0}));
    if (came == nullptr) return "not in its input, or there twice: " + text;
    bool const cut = verdict.value("verdict", "") == "accept" && is_fragment(*came);
    if (auto wrong = cut ? "" : end_of_cut(); !wrong.empty()) return wrong + text;
    const Packet* const left = outs_.next(output(verdict), out_ + "/" + output(verdict));
    if (left == nullptr) return "not in its output: " + text;
    if (cut) {
      cut_.came.insert(as_piece(*came));
      cut_.left.insert(as_piece(*left));
    } else if (*came != *left) {
      return "not the same packet behind as before: " + text;
    }
    return "";
  }

  std::string end(bool whole) {
    if (auto wrong = end_of_cut(); !wrong.empty()) return wrong;
    for (const auto& [name, path] : inputs_)
      if (auto wrong = ins_.rest(name, path, false); whole && !wrong.empty()) return wrong;
    for (const auto& entry : fs::directory_iterator(out_)) {
      if (entry.path().extension() != ".pcap") continue;
      if (auto wrong = outs_.rest(entry.path().filename(), entry.path(), true); !wrong.empty()) return wrong;
    }
    return "";
  }

 private:
  static packet::Headers headers_of(const Packet& packet) {
    std::span const bytes(reinterpret_cast<const uint8_t*>(packet.bytes.data()), packet.bytes.size());
    return packet::parse(bytes, packet.wire, packet::LinkType::ethernet);
  }
  static bool is_fragment(const Packet& packet) { return headers_of(packet).shape == packet::Shape::fragment; }
  /// Fragments leave together, in another order perhaps, and IPv6's with another identification.
  static std::string as_piece(const Packet& packet) {
    std::string bytes = packet.bytes;
    packet::Headers const headers = headers_of(packet);
    if (headers.tuple.l3 == 6 && headers.l4_offset >= 4 && headers.l4_offset <= bytes.size()) bytes.replace(headers.l4_offset - 4, 4, 4, 0);
    return bytes;
  }
  std::string end_of_cut() {
    bool const same = cut_.came == cut_.left;
    cut_ = {};
    return same ? "" : "fragments left otherwise than they came, before: ";
  }
  static std::string output(const Json& verdict) {
    return verdict.value("verdict", "") == "accept" ? verdict.value("out", "") + ".pcap" : "drops.pcap";
  }

  const std::map<std::string, std::string>& inputs_;
  std::string out_;
  Stock ins_, outs_;
  struct Cut {
    std::multiset<std::string> came, left;
  } cut_;
};

}  // namespace

ReplayLab::ReplayLab()
    : InstanceLab({{"bulkhead", BULKHEAD_BIN "/bulkhead"},
                   {"bulkhead-holder", BULKHEAD_BIN "/bulkhead-holder"},
                   {"bulkhead-keeper", BULKHEAD_BIN "/bulkhead-keeper"},
                   {"bulkhead-pktio", BULKHEAD_BIN "/bulkhead-pktio"},
                   {"bulkhead-conntrack", BULKHEAD_BIN "/bulkhead-conntrack"},
                   {"bulkhead-rules", BULKHEAD_BIN "/bulkhead-rules"},
                   {"bulkhead-nat", BULKHEAD_BIN "/bulkhead-nat"}}) {}

std::string ReplayLab::make_capture(std::vector<std::string> words) const {
  words.back() = path(words.back());
  std::string command = BULKHEAD_BIN "/make-capture";
  for (const auto& word : words) command += " '" + word + "'";
  if (std::system(command.c_str()) != 0) throw std::runtime_error(command);
  return words.back();
}

std::vector<std::string> ReplayLab::replay(const std::vector<std::string>& inputs, const std::string& out,
                                           const std::vector<std::string>& more) {
  std::vector<std::string> words{"replay", "--out", out};
  for (const auto& input : inputs) words.insert(words.end(), {"--in", input});
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

std::vector<std::string> ReplayLab::replay_two(const std::string& captures, const std::string& out,
                                               const std::vector<std::string>& more) {
  return replay({"lan=" + captures + "/lan.pcap", "wan=" + captures + "/wan.pcap"}, out, more);
}

bool ReplayLab::cli_ended() const {
  siginfo_t how{};
  return cli() == 0 || ::waitid(P_PID, static_cast<id_t>(cli()), &how, WEXITED | WNOHANG | WNOWAIT) != 0 || how.si_pid != 0;
}

int ReplayLab::wait_long() {
  for (int i = 0; i < kWaits; ++i)
    if (auto const status = wait()) return *status;
  return -1;
}

std::optional<uint64_t> ReplayLab::progress() const {
  auto const answer = status();
  return answer ? std::optional(answer->packets) : std::nullopt;
}

bool ReplayLab::nothing_left() const { return processes().empty() && !fs::exists(run_dir()); }

ReadCapture read_capture(const std::string& path) {
  ReadCapture all;
  char why[PCAP_ERRBUF_SIZE] = "";
  pcap_t* const pcap = pcap_open_offline_with_tstamp_precision(path.c_str(), PCAP_TSTAMP_PRECISION_NANO, why);
  if (pcap == nullptr) {
    all.error = why;
    return all;
  }
  all.link = pcap_datalink(pcap);
  pcap_pkthdr* header = nullptr;
  const u_char* bytes = nullptr;
  int got = 0;
  while ((got = pcap_next_ex(pcap, &header, &bytes)) == 1)
    all.packets.push_back({stamp_ns(header->ts),
                           header->len, std::string(reinterpret_cast<const char*>(bytes), header->caplen)});
  if (got != PCAP_ERROR_BREAK) all.error = pcap_geterr(pcap);
  pcap_close(pcap);
  return all;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  if (!file.flush()) throw std::runtime_error(path);
}

Outputs read_outputs(const std::string& directory) {
  Outputs all;
  for (const char* name : {"lan.pcap", "wan.pcap", "drops.pcap", "verdicts.jsonl", "conntrack.txt"})
    all[name] = read_file(directory + "/" + name);
  for (const char* name : {"local.pcap", "ruleset.nft"})  // of a router, of a ruleset
    if (std::filesystem::exists(directory + "/" + name)) all[name] = read_file(directory + "/" + name);
  return all;
}

std::string difference(const Outputs& want, const Outputs& got) {
  for (const auto& [name, bytes] : want) {
    if (!got.contains(name)) return name + ": is missing";
    const std::string& other = got.at(name);
    if (bytes == other) continue;
    auto const at = std::mismatch(bytes.begin(), bytes.end(), other.begin(), other.end()).first - bytes.begin();
    auto const from = static_cast<size_t>(std::max<ptrdiff_t>(at - 60, 0));
    std::ostringstream text;
    text << name << ": " << bytes.size() << " bytes wanted, " << other.size() << " there, different from byte " << at;
    if (!name.ends_with(".pcap")) text << "\n  " << bytes.substr(from, 200) << "\n  " << other.substr(from, 200);
    return text.str();
  }
  return "";
}

std::string account(const std::map<std::string, std::string>& inputs, const std::string& out, bool whole) {
  std::string const verdicts = read_file(out + "/verdicts.jsonl");
  if (!verdicts.empty() && verdicts.back() != '\n') return "verdicts.jsonl ends within a line";
  Accountant accountant(inputs, out);
  std::istringstream lines(verdicts);
  for (std::string line; std::getline(lines, line);)
    if (auto wrong = accountant.line(line); !wrong.empty()) return wrong;
  return accountant.end(whole);
}

std::string account_two(const std::string& captures, const std::string& out, bool whole) {
  return account({{"lan", captures + "/lan.pcap"}, {"wan", captures + "/wan.pcap"}}, out, whole);
}

std::map<std::string, size_t> reasons(const std::string& verdicts) {
  std::map<std::string, size_t> all;
  std::istringstream lines(read_file(verdicts));
  for (std::string line; std::getline(lines, line);) ++all[Json::parse(line).value("reason", "")];
  return all;
}

}  // namespace bulkhead::test
