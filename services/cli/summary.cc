#include "services/cli/summary.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "ipc/state/copies.h"

namespace bulkhead::cli {
namespace {

constexpr size_t kBarWidth = 30, kBarLeast = 5;

std::string text(const std::array<char, state::PktioState::kErrorBytes>& from) {
  return {from.data(), strnlen(from.data(), from.size())};
}

/// 1234567 -> 1,234,567
std::string grouped(uint64_t number) {
  std::string digits = std::to_string(number);
  for (size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

double per_second(uint64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

std::string drop_reasons(const Counts& counts) {
  std::string all;
  for (size_t reason = 0; reason < counts.drops.size(); ++reason)
    if (uint64_t const packets = counts.drops[reason]; packets != 0)
      all += fmt::format("{}{} {}", all.empty() ? "" : ", ", chain::name_of(static_cast<chain::DropReason>(reason)),
                         grouped(packets));
  return all.empty() ? all : fmt::format(" ({})", all);
}

/// What was taken otherwise than it stands in the captures.
std::string mended(const state::PktioState& state) {
  std::string lines;
  if (uint64_t const sums = state.mended_sums.load(); sums != 0)
    lines += fmt::format("unsummed  {} (no IPv4 checksum yet: the sender's card makes it, and what leaves has it)\n", grouped(sums));
  if (uint64_t const lengths = state.mended_lengths.load(); lengths != 0)
    lines += fmt::format("no length {} (IP says 0, as before segmentation by the card: the frame's length)\n", grouped(lengths));
  if (uint64_t const frames = state.super_frames.load(); frames != 0)
    lines += fmt::format("super     {} (larger than the MTU that they came by, made of several by offloading: forwarded whole)\n", grouped(frames));
  if (state.relinked.load() != 0) lines += "link type what leaves is Ethernet, since the captures' link types differ or are a log's\n";
  return lines;
}

/// What rules sent elsewhere.
std::string copied(const state::PktioState& state) {
  std::string lines;
  if (uint64_t const packets = state.forwarded.load(); packets != 0) lines += fmt::format("forwarded {} (of these, by fwd)\n", grouped(packets));
  uint64_t const copies = state.copies.load(), lost = state.copies_lost.load();
  if (copies + lost == 0) return lines;
  lines += fmt::format("copies    {} (by dup)\n", grouped(copies));
  if (lost != 0) lines += fmt::format("not sent  {} (copies too large for their way, or more than {} of a packet)\n", grouped(lost), state::Copies::kMost);
  return lines;
}

/// Taken in, and neither passed nor dropped when the run was ended.
uint64_t in_flight(const Counts& counts) {
  uint64_t const known = counts.accepted + counts.dropped;
  return counts.packets - std::min(counts.packets, known);
}

}  // namespace

std::string summary(const Outcome& outcome, const std::string& directory, std::optional<uint64_t> flows) {
  if (outcome.records.pktio == nullptr) return "nothing was processed\n";
  const state::PktioState& state = *outcome.records.pktio;
  const Counts& counts = outcome.counts;
  std::string lines;
  if (outcome.end == Outcome::End::interrupted) lines += "interrupted; what was done until then:\n";
  lines += fmt::format("packets   {} ({} bytes)\n", grouped(counts.packets), grouped(counts.bytes));
  lines += fmt::format("accepted  {}\n", grouped(counts.accepted));
  lines += copied(state);
  lines += fmt::format("dropped   {}{}\n", grouped(counts.dropped), drop_reasons(counts));
  if (uint64_t const underway = in_flight(counts); underway != 0)
    lines += fmt::format("in flight {} (read, and not yet through when the run ended)\n", grouped(underway));
  if (uint64_t const laned = state.lane_packets.load(); laned != 0) lines += fmt::format("fast lane {}\n", grouped(laned));
  if (flows) lines += fmt::format("flows     {} at the end\n", grouped(*flows));
  lines += mended(state);
  lines += fmt::format("time      {:.3f} s, {} packets a second\n", outcome.seconds,
                       grouped(static_cast<uint64_t>(per_second(counts.packets, outcome.seconds))));
  if (!directory.empty()) lines += fmt::format("output    {}\n", directory);
  return lines;
}

std::string figures(const Outcome& outcome) {
  nlohmann::ordered_json all;
  const state::PktioState* const state = outcome.records.pktio;
  uint64_t const packets = state == nullptr ? 0 : state->packets.load();
  double const each = packets == 0 ? 0 : 1 / static_cast<double>(packets);
  all["packets"] = packets;
  all["seconds"] = outcome.seconds;
  all["fast_lane"] = state == nullptr ? 0 : state->lane_packets.load();
  all["pps"] = per_second(packets, outcome.seconds);
  double cpu_ns = 0, switches = 0;
  for (const auto& [name, usage] : outcome.usage) {
    double const own_ns = static_cast<double>(usage.user_ns + usage.system_ns);
    cpu_ns += own_ns;
    switches += static_cast<double>(usage.waits + usage.preemptions);
    all["services"][name] = {{"cpu_ns_per_packet", own_ns * each}, {"user_ns", usage.user_ns},
                             {"system_ns", usage.system_ns},       {"waits", usage.waits},
                             {"preemptions", usage.preemptions},   {"peak_kib", usage.peak_kib},
                             {"processes", usage.processes}};
  }
  all["cpu_ns_per_packet"] = cpu_ns * each;
  all["context_switches_per_1000"] = switches * each * 1000;
  return all.dump();
}

std::vector<std::string> input_errors(const Outcome& outcome,
                                      const std::vector<control::Settings::Interface>& interfaces) {
  std::vector<std::string> errors;
  if (outcome.records.pktio == nullptr) return errors;
  for (size_t i = 0; i < interfaces.size(); ++i) {
    const state::PktioState::Interface& input = outcome.records.pktio->interfaces[i];
    if (input.input_ended.acquire() == 2)
      errors.push_back(interfaces[i].path + ": " + text(input.input_error));
  }
  return errors;
}

std::string progress_line(double part, uint64_t packets, double each_second, size_t columns) {
  size_t const room = columns > 1 ? columns - 1 : 1;  // in the last column some terminals begin a line
  std::string const percent = fmt::format("{:.0f} %", part * 100);
  std::string line = fmt::format("{:>5}  {} packets, {:.2f} M/s", percent, grouped(packets), each_second / 1e6);
  if (line.size() > room) line = fmt::format("{:>5}  {} packets", percent, grouped(packets));
  if (line.size() > room) line = percent;
  if (line.size() > room) return {};
  size_t const width = std::min<size_t>(kBarWidth, room - line.size() < 3 ? 0 : room - line.size() - 3);
  if (width < kBarLeast) return line;
  auto const filled = static_cast<size_t>(part * static_cast<double>(width));
  return fmt::format("[{}{}] {}", std::string(filled, '#'), std::string(width - filled, '.'), line);
}

ProgressBar::ProgressBar(uint64_t input_bytes)
    : input_bytes_(input_bytes), begin_ns_(runtime::Loop::now_ns()), terminal_(::isatty(STDERR_FILENO) != 0) {}

ProgressBar::~ProgressBar() {
  if (shown_) fmt::print(stderr, "\r\033[K");
}

void ProgressBar::show(const state::PktioState& state) {
  if (!terminal_ || input_bytes_ == 0) return;
  uint64_t read = 0;
  for (const auto& interface : state.interfaces) read += interface.read_offset.load();
  double const part = std::min(1.0, static_cast<double>(read) / static_cast<double>(input_bytes_));
  double const seconds = static_cast<double>(runtime::Loop::now_ns() - begin_ns_) / 1e9;
  winsize size{};
  bool const known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0;
  uint64_t const packets = state.packets.load();
  fmt::print(stderr, "\r\033[K{}", progress_line(part, packets, per_second(packets, seconds), known ? size.ws_col : 80));
  std::fflush(stderr);
  shown_ = true;
}

}  // namespace bulkhead::cli
