// tests/bench/empty_chain.cc: the limit of this way: the processes, rings and commits of a replay, with packets made in memory,
// no files, and stages that pass on.
//
//   empty-chain --packets N      prints one line of JSON, as `bulkhead replay --figures` writes it
//
// Programs  it lies in a folder of its own (build/*/bench), beside the real keeper, which starts bulkhead-SERVICE from its own
//           folder: here making.cc and passing.cc.
#include <fmt/format.h>

#include <string_view>

#include "services/cli/instance.h"
#include "services/cli/summary.h"

namespace bulkhead::test {
namespace {

int run(const std::string& packets) {
  cli::InstanceOptions options;
  options.name = "empty-chain";
  options.first_user = cli::default_first_user();
  options.settings.verdicts = false;
  options.settings.fast_lane = false;
  options.settings.interfaces = {{"a", true, packets}, {"b", false, ""}};  // making.cc makes so many
  auto const outcome = cli::run_instance(std::move(options), {});
  if (!outcome) return fmt::print(stderr, "{}\n", outcome.error().message), 1;
  if (!outcome->failure.empty()) fmt::print(stderr, "{}\n", outcome->failure);
  fmt::print("{}\n", cli::figures(*outcome));
  return outcome->end == cli::Outcome::End::done ? 0 : 1;
}

}  // namespace
}  // namespace bulkhead::test

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--packets") return bulkhead::test::run(argv[2]);
  fmt::print(stderr, "usage: {} --packets N\n", argv[0]);
  return 2;
}
