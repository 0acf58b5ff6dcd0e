// tests/simulation/frames.h: captures in memory, and the four stages over them.
//
// Who     the simulator and the single-stepper, each with its own way of letting I/O happen.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "services/conntrack/make.h"
#include "services/nat/make.h"
#include "services/pktio/make.h"
#include "services/rules/make.h"
#include "tests/simulation/dropping.h"
#include "tests/simulation/world.h"

namespace bulkhead::test {

/// Frames out of memory, always ready. Owner: `frames` outlive it.
class FrameSource : public pktio::Source {
 public:
  FrameSource(const std::vector<Frame>& frames, uint64_t from) : frames_(frames), at_(from) {}

  State peek(pktio::Arrival& arrival) override {
    if (at_ == frames_.size()) return State::ended;
    const Frame& frame = frames_[at_];
    arrival = {frame.stamp_ns, static_cast<uint32_t>(frame.bytes.size()), frame.wire, frame.bytes.data(), at_ + 1};
    return State::ready;
  }
  void advance() override { ++at_; }
  [[nodiscard]] pktio::Position position() const override { return {at_, at_}; }
  [[nodiscard]] packet::LinkType link() const override { return packet::LinkType::ethernet; }
  [[nodiscard]] const Error& error() const override { return error_; }

 private:
  const std::vector<Frame>& frames_;
  uint64_t at_;
  Error error_;
};

/// The settings' ruleset; one text is read once, since there are as many runs as there are stores.
inline Result<std::shared_ptr<const ruleset::Loaded>> ruleset_read_once(const control::Settings& settings) {
  static std::map<std::string, std::shared_ptr<const ruleset::Loaded>> read;
  auto& known = read[settings.ruleset.text];
  if (known) return known;
  auto loaded = ruleset::load_again(settings.ruleset, ruleset::world_of(settings.interface_names(), settings.topology, settings.seed));
  if (!loaded) return tl::unexpected(loaded.error());
  known = std::move(*loaded);
  return known;
}

/// The stage of a service. `files` is asked for pktio alone; drop_one_in: see dropping.h; 0: rules drops nothing.
template <class MakeFiles>
Result<std::unique_ptr<chain::Stage>> make_any_stage(std::string_view service, chain::Objects& objects, const control::Settings& settings,
                                              uint32_t drop_one_in, MakeFiles files) {
  if (service == "pktio") return pktio::make_stage(objects, settings, files());
  if (service == "conntrack") return conntrack::make_stage(objects, settings);
  if (service == "nat") return nat::make_stage(objects, settings);
  auto ruleset = ruleset_read_once(settings);
  if (!ruleset) return tl::unexpected(ruleset.error());
  auto decide = rules::make_work(objects, settings, *ruleset);
  if (!decide) return tl::unexpected(decide.error());
  if (drop_one_in == 0) return rules::make_stage_of(objects, settings, std::move(*decide));
  return rules::make_stage_of(objects, settings, Dropping(std::move(*decide), drop_one_in));
}

}  // namespace bulkhead::test
