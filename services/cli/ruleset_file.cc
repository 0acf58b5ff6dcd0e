#include "services/cli/ruleset_file.h"

#include <algorithm>
#include <fstream>

#include "common/base/whole_file.h"
#include "common/ruleset/compile/facts.h"
#include "common/ruleset/compile/hooks.h"
#include "common/ruleset/write/print.h"
#include "common/ruleset/write/set_listing.h"
#include "services/cli/complain.h"

namespace bulkhead::cli {
namespace {

/// The words as the services left them: what a program begins with is added where it is read (ipc/state/counters.h).
class FinalWords : public ruleset::StateWords {
 public:
  FinalWords(const state::RulesState& state, const state::LaneTable& lanes, const ruleset::Program& program)
      : state_(state), lanes_(lanes), program_(program) {}
  [[nodiscard]] uint64_t get(uint32_t word) const noexcept override {
    uint64_t const first = word < program_.initial.size() ? program_.initial[word] : 0;
    uint64_t const by_lane = word < lanes_.words() ? lanes_.word(word).load() : 0;
    return word < state_.header.capacity ? state_.words()[word].load() + first + by_lane : 0;
  }
  void set(uint32_t, uint64_t) noexcept override {}

 private:
  const state::RulesState& state_;
  const state::LaneTable& lanes_;
  const ruleset::Program& program_;
};

}  // namespace

Result<std::unique_ptr<ruleset::Loaded>> read_ruleset_file(const std::string& path, control::Settings& settings) {
  auto text = read_whole_file(path, ruleset::kMostBytes);
  if (!text) return fail("{}: cannot read this ruleset: {}", path, text.error().message);
  ruleset::ReadOptions options;
  options.include_paths.emplace_back("/etc");
  auto const world = ruleset::world_of(settings.interface_names(), settings.topology, settings.seed);
  auto loaded = ruleset::load(path, *text, world, options);
  if (!loaded) return tl::unexpected(loaded.error());
  for (const std::string& one : ruleset::unmet((*loaded)->ruleset, world)) warn(fmt::format("{}: {}", path, one));
  settings.ruleset = ruleset::facts_of(**loaded, settings.topology);
  // The services read the listing.
  if (auto again = ruleset::load_again(settings.ruleset, world); !again) return fail("{}: as it is listed: {}", path, again.error().message);
  return loaded;
}

Status write_ruleset(const std::string& path, ruleset::Loaded& loaded, const state::RulesState& state, const state::LaneTable& lanes, uint64_t now_ns) {
  ruleset::put_state(loaded, FinalWords(state, lanes, loaded.program), now_ns);
  std::ofstream file(path);
  file << ruleset::list_ruleset(loaded.ruleset, {});
  if (file.flush()) return {};
  return fail_errno(errno, "{}: cannot write the ruleset", path);
}

}  // namespace bulkhead::cli
