#include "ipc/runtime/holder_client.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>

#include "ipc/control/config_object.h"
#include "ipc/runtime/ending.h"
#include "ipc/runtime/handover.h"
#include "ipc/runtime/run_dir.h"

namespace bulkhead::runtime {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kPatience{1000};  // for a holder that ends everything
constexpr milliseconds kLast{250};       // for one that has said all, or was killed

/// Reaps it.
std::string how_it_ended(int pidfd) {
  siginfo_t how{};
  if (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &how, WEXITED | WNOHANG) != 0 || how.si_pid == 0)
    return "ended";
  return describe_end(how.si_code, how.si_status);
}

}  // namespace

HolderClient::HolderClient(Loop& loop, std::string run_dir)
    : loop_(loop),
      run_dir_(std::move(run_dir)),
      spoke_(loop_, [this](int) { listen(); }),
      gone_(loop_, [this](int) { holder_ended(); }) {}

HolderClient::~HolderClient() { stop(); }

Result<std::unique_ptr<HolderClient>> HolderClient::start(Loop& loop, HolderOptions options) {
  std::unique_ptr<HolderClient> client(
      new HolderClient(loop, options.run_dir));  // the constructor is private
  if (auto made = client->make_objects(options); !made) return tl::unexpected(made.error());
  if (auto launched = client->launch(options); !launched) return tl::unexpected(launched.error());
  return client;
}

Status HolderClient::make_objects(HolderOptions& options) {
  auto config = control::make_config(options.settings);
  if (!config) return tl::unexpected(config.error());
  objects_["config"] = {control::ObjectKind::memory, kj::mv(*config)};
  kj::AutoCloseFd bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (bell.get() < 0) return fail_errno(errno, "bell.holder");
  bell_ = std::make_unique<Doorbell>(loop_, bell.get(), [] {});  // to wake the loop is all it does
  if (auto started = bell_->start(); !started) return started;
  objects_["bell.holder"] = {control::ObjectKind::bell, kj::mv(bell)};
  for (auto& [name, file] : options.files) objects_[name] = {control::ObjectKind::file, kj::mv(file)};
  return {};
}

Status HolderClient::launch(const HolderOptions& options) {
  auto channel = make_channel();
  if (!channel) return tl::unexpected(channel.error());
  Program program;
  program.path = program_directory() + "/bulkhead-holder";
  program.arguments = {"--run",     options.run_dir,
                       "--starter", std::to_string(kInherited),
                       "--hang-ms", std::to_string(options.settings.hang_ms)};
  if (options.first_user) {
    program.arguments.emplace_back("--first-user");
    program.arguments.push_back(std::to_string(*options.first_user));
  }
  program.inherit = channel->theirs;
  program.new_session = true;
  auto child = spawn(program);
  if (!child) return tl::unexpected(child.error());
  holder_ = std::move(*child);
  channel_ = kj::mv(channel->ours);
  gone_.poll(holder_.pidfd, POLLIN);
  spoke_.poll_many(channel_, POLLIN);
  auto given = hand_over(channel_, objects_);
  if (!given && has_ended(holder_.pidfd, kLast)) return {};  // gone_ tells how
  return given;
}

bool HolderClient::listen() {
  while (readable(channel_, milliseconds(0))) {
    auto parcel = receive_parcel(channel_, Patience::none);
    if (parcel && !*parcel) return false;
    auto heard =
        parcel ? hear((*parcel)->bytes, kj::mv((*parcel)->descriptor)) : tl::unexpected(parcel.error());
    if (heard) continue;
    fail_with(fmt::format("from the holder: {}", heard.error().message));
    send_signal(holder_.pidfd, SIGKILL);
    return false;
  }
  return true;
}

Status HolderClient::hear(std::span<const std::byte> bytes, kj::AutoCloseFd descriptor) {
  auto message = control::decode_holder_message(bytes);
  if (!message) return tl::unexpected(message.error());
  if (const auto* deposit = std::get_if<control::Deposit>(&*message)) {
    if (descriptor.get() < 0) return fail("{}: came without a descriptor", deposit->name);
    objects_.insert_or_assign(deposit->name, HeldObject{deposit->kind, kj::mv(descriptor)});
  } else if (const auto* failed = std::get_if<control::Failed>(&*message)) {
    fail_with(failed->reason);
  } else if (const auto* used = std::get_if<control::Used>(&*message)) {
    usage_[used->name] = used->usage;
  } else if (std::holds_alternative<control::StopAll>(*message)) {
    stop_asked_ = true;
  } else {
    return fail("says what only a starter says");
  }
  return {};
}

void HolderClient::holder_ended() {
  listen();
  spoke_.cancel();
  std::string const how = how_it_ended(holder_.pidfd);
  if (!stop_asked_) fail_with(fmt::format("the holder {}", how));
}

Result<memory::Mapping> HolderClient::map(const std::string& name) const {
  auto const found = objects_.find(name);
  if (found == objects_.end() || found->second.kind != control::ObjectKind::memory)
    return fail("{}: no such object", name);
  auto const bytes = memory::memory_size(name, found->second.descriptor);
  if (!bytes) return tl::unexpected(bytes.error());
  return memory::Mapping::make(name, found->second.descriptor, *bytes, memory::Right::read);
}

int HolderClient::descriptor(const std::string& name) const {
  auto const found = objects_.find(name);
  return found == objects_.end() ? -1 : found->second.descriptor.get();
}

/// While it ends, nothing that fails is news.
void HolderClient::fail_with(const std::string& reason) {
  if (!failure_ && !stopped_) failure_ = reason;
}

bool HolderClient::all_ended() const {
  return std::ranges::all_of(objects_, [](const auto& object) {
    return object.second.kind != control::ObjectKind::process || has_ended(object.second.descriptor);
  });
}

/// Hears it out, however it ends.
void HolderClient::end_holder() {
  send_signal(holder_.pidfd, SIGCONT);
  (void)send_parcel(channel_, control::encode(control::HolderMessage{control::StopAll{}}), -1,
                    Patience::none);
  auto const deadline = Clock::now() + kPatience;
  while (listen()) {
    auto const left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now());
    if (left.count() <= 0 || !readable(channel_, left)) break;
  }
  if (!has_ended(holder_.pidfd, kLast)) send_signal(holder_.pidfd, SIGKILL);
  (void)has_ended(holder_.pidfd, kLast);
  (void)how_it_ended(holder_.pidfd);
}

void HolderClient::stop() {
  if (std::exchange(stopped_, true)) return;
  for (Operation* operation : {&spoke_, &gone_}) operation->cancel();
  bell_ = nullptr;
  if (holder_.pidfd.get() >= 0) end_holder();
  channel_ = nullptr;
  if (!all_ended()) end_processes(descriptor("process.keeper"), objects_, [this] { return all_ended(); });
  remove_run_dir(run_dir_);
}

}  // namespace bulkhead::runtime
