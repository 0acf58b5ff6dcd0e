#include "services/cli/status.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "ipc/control/schema/keeper.capnp.h"
#include "ipc/runtime/handover.h"
#include "ipc/runtime/rpc.h"
#include "ipc/runtime/run_dir.h"
#include "services/cli/complain.h"

namespace bulkhead::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kPatienceNs = 8 * kSecond;
constexpr int64_t kAnswerMs = 1500;  // of one try

Json read_service(schema::Status::Service::Reader service) {
  Json rings = Json::array(), drops = Json::object();
  for (auto ring : service.getRings())
    rings.push_back(
        {{"name", ring.getName().cStr()}, {"depth", ring.getDepth()}, {"capacity", ring.getCapacity()}});
  for (auto drop : service.getDrops()) drops[drop.getReason().cStr()] = drop.getPackets();
  return {{"name", service.getName().cStr()},
          {"pid", service.getPid()},
          {"state", service.getState().cStr()},
          {"uptime_ms", service.getUptimeMs()},
          {"restarts", service.getRestarts()},
          {"batches", service.getBatches()},
          {"packets_in", service.getPacketsIn()},
          {"packets_out", service.getPacketsOut()},
          {"sleeps", service.getSleeps()},
          {"bells", service.getBells()},
          {"corrupt", service.getCorrupt()},
          {"rings", rings},
          {"drops", drops}};
}

Json read_status(schema::Status::Reader status) {
  auto progress = status.getProgress();
  Json services = Json::array();
  for (auto service : status.getServices()) services.push_back(read_service(service));
  return {
      {"run", status.getRunDir().cStr()},
      {"uptime_ms", status.getUptimeMs()},
      {"settings", status.getSettings().cStr()},
      {"keeper",
       {{"pid", status.getKeeperPid()}, {"restarts", std::max<uint64_t>(status.getKeeperStarts(), 1) - 1}}},
      {"progress",
       {{"packets", progress.getPackets()},
        {"bytes", progress.getBytes()},
        {"accepted", progress.getAccepted()},
        {"dropped", progress.getDropped()},
        {"state", progress.getDone().cStr()}}},
      {"services", services}};
}

Result<std::string> which_instance(const std::string& wanted) {
  if (!wanted.empty()) return wanted;
  auto const live = runtime::live_instances();
  if (live.size() == 1) return live[0];
  if (live.empty()) return fail("no instance is running under {} (one elsewhere: --run DIR)", runtime::run_base());
  std::string list;
  for (const auto& one : live) list += "\n  --run " + one;
  return fail("several instances are running; say which:{}", list);
}

/// One try. `call` makes the request of a Keeper and promises what it was told.
template <class Call>
Result<Json> ask_once(runtime::ControlLoop& control, const std::string& path, Call call) {
  auto client = control.await(runtime::RpcClient::connect(control, path));
  if (!client) return tl::unexpected(client.error());
  auto too_late = control.timer().afterDelay(kAnswerMs * kj::MILLISECONDS).then([]() -> kj::Promise<Json> {
    return KJ_EXCEPTION(OVERLOADED, "the keeper does not answer");
  });
  kj::Promise<Json> answer = call((*client)->bootstrap().template castAs<schema::Keeper>());
  return control.await(answer.exclusiveJoin(kj::mv(too_late)));
}

template <class Call>
Result<Json> ask(const std::string& wanted, Call call) {
  auto const run_dir = which_instance(wanted);
  if (!run_dir) return tl::unexpected(run_dir.error());
  auto const place = runtime::shorten(*run_dir);
  if (!place) return tl::unexpected(place.error());
  auto control = runtime::ControlLoop::create();
  if (!control) return tl::unexpected(control.error());
  for (uint64_t const end = runtime::Loop::now_ns() + kPatienceNs;;) {
    auto answer = ask_once(**control, place->path + "/keeper.sock", call);
    if (answer) return answer;
    if (!runtime::instance_lives(*run_dir)) return fail("{}: no instance is running there", *run_dir);
    if (runtime::Loop::now_ns() >= end) return fail("{}: {}", *run_dir, answer.error().message);
    (*control)->wait_for(20'000'000);
  }
}

std::string duration(uint64_t ms) {
  if (ms < 10'000) return fmt::format("{}.{:03} s", ms / 1000, ms % 1000);
  uint64_t const s = ms / 1000;
  return s < 3600 ? fmt::format("{}:{:02}", s / 60, s % 60)
                  : fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

void print_table(const Json& status) {
  fmt::print("{}  up {}\n{}\n", status["run"].get<std::string>(), duration(status["uptime_ms"]),
             status["settings"].get<std::string>());
  const Json& progress = status["progress"];
  fmt::print("{} packets, {} accepted, {} dropped: {}\n\n", progress["packets"].get<uint64_t>(),
             progress["accepted"].get<uint64_t>(), progress["dropped"].get<uint64_t>(),
             progress["state"].get<std::string>());
  constexpr auto row = "{:<10} {:>8} {:<9} {:>10} {:>8} {:>13} {:>13} {:>11}  {}\n";
  fmt::print(fmt::runtime(row), "service", "pid", "state", "up", "restarts", "in", "out", "batches", "rings");
  fmt::print(fmt::runtime(row), "keeper", status["keeper"]["pid"].get<uint64_t>(), "running", "",
             status["keeper"]["restarts"].get<uint64_t>(), "", "", "", "");
  for (const Json& one : status["services"]) {
    std::string rings;
    for (const Json& ring : one["rings"])
      rings += fmt::format("{} {}/{}  ", ring["name"].get<std::string>(), ring["depth"].get<uint64_t>(),
                           ring["capacity"].get<uint64_t>());
    fmt::print(fmt::runtime(row), one["name"].get<std::string>(), one["pid"].get<uint64_t>(),
               one["state"].get<std::string>(), duration(one["uptime_ms"]), one["restarts"].get<uint64_t>(),
               one["packets_in"].get<uint64_t>(), one["packets_out"].get<uint64_t>(),
               one["batches"].get<uint64_t>(), rings);
  }
  for (const Json& one : status["services"])
    for (const auto& [reason, packets] : one["drops"].items())
      fmt::print("dropped by {}: {} {}\n", one["name"].get<std::string>(), reason, packets.get<uint64_t>());
}

}  // namespace

int status(const StatusOptions& options) {
  auto answer = ask(options.run_dir, [](schema::Keeper::Client keeper) {
    return keeper.statusRequest().send().then(
        [](auto&& response) { return read_status(response.getStatus()); });
  });
  if (!answer) return complain(answer.error().message);
  if (options.json) {
    fmt::print("{}\n", answer->dump(2));
  } else {
    print_table(*answer);
  }
  return 0;
}

int stop(const StatusOptions& options) {
  auto const run_dir = which_instance(options.run_dir);
  if (!run_dir) return complain(run_dir.error().message);
  if (!runtime::instance_lives(*run_dir)) return complain(fmt::format("{}: no instance is running there", *run_dir));
  auto answer = ask(*run_dir, [](schema::Keeper::Client keeper) {
    return keeper.stopRequest().send().then([](auto&&) { return Json(); });
  });
  for (uint64_t const end = runtime::Loop::now_ns() + kPatienceNs; runtime::instance_lives(*run_dir); ::usleep(5000))
    if (runtime::Loop::now_ns() >= end) return complain(answer ? "it does not end" : answer.error().message);
  return 0;  // the keeper may be gone before its answer has been sent
}

}  // namespace bulkhead::cli
