#include "services/cli/summary.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

namespace bulkhead::cli {
namespace {

constexpr unsigned kBarWidth = 30;

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

std::string drop_reasons(const state::PktioState& state) {
  std::string all;
  for (size_t reason = 0; reason < state.drops.size(); ++reason)
    if (uint64_t const packets = state.drops[reason].load(); packets != 0)
      all += fmt::format("{}{} {}", all.empty() ? "" : ", ", chain::name_of(static_cast<chain::DropReason>(reason)),
                         grouped(packets));
  return all.empty() ? all : fmt::format(" ({})", all);
}

}  // namespace

std::string summary(const Outcome& outcome, const std::string& directory) {
  if (outcome.records.pktio == nullptr) return "nothing was processed\n";
  const state::PktioState& state = *outcome.records.pktio;
  uint64_t const packets = state.packets.load();
  std::string lines;
  if (outcome.end == Outcome::End::interrupted) lines += "interrupted; what was done until then:\n";
  lines += fmt::format("packets   {} ({} bytes)\n", grouped(packets), grouped(state.bytes.load()));
  lines += fmt::format("accepted  {}\n", grouped(state.accepted.load()));
  lines += fmt::format("dropped   {}{}\n", grouped(state.dropped.load()), drop_reasons(state));
  if (uint64_t const laned = state.lane_packets.load(); laned != 0) lines += fmt::format("fast lane {}\n", grouped(laned));
  if (outcome.records.conntrack != nullptr)
    lines += fmt::format("flows     {} at the end\n", grouped(outcome.records.conntrack->used.load()));
  lines += fmt::format("time      {:.3f} s, {} packets a second\n", outcome.seconds,
                       grouped(static_cast<uint64_t>(per_second(packets, outcome.seconds))));
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
  auto const filled = static_cast<unsigned>(part * kBarWidth);
  double const seconds = static_cast<double>(runtime::Loop::now_ns() - begin_ns_) / 1e9;
  fmt::print(stderr, "\r\033[K[{:#<{}}{:.<{}}] {:3.0f} %  {} packets, {:.2f} M/s", "", filled, "",
             kBarWidth - filled, part * 100, grouped(state.packets.load()),
             per_second(state.packets.load(), seconds) / 1e6);
  std::fflush(stderr);
  shown_ = true;
}

}  // namespace bulkhead::cli
