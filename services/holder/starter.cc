#include "services/holder/starter.h"

#include <poll.h>

#include "ipc/memory/shared_memory.h"
#include "ipc/runtime/handover.h"
#include "ipc/runtime/logging.h"

namespace bulkhead::holder {
namespace {

constexpr int kFinishMs = 100;

bool has_room(int socket, int milliseconds) {
  pollfd what{socket, POLLOUT, 0};
  return ::poll(&what, 1, milliseconds) > 0;
}

Result<kj::AutoCloseFd> copy_for_starter(const std::string& name, control::ObjectKind kind, int descriptor) {
  return kind == control::ObjectKind::memory ? memory::reopen_read_only(name, descriptor)
                                             : memory::duplicate(name, descriptor);
}

}  // namespace

Starter::Starter(runtime::Loop& loop, int socket, std::function<void()> end)
    : socket_(socket),
      end_(std::move(end)),
      spoke_(loop, [this](int) { listen(); }),
      writable_(loop, [this](int) { send(); }) {
  spoke_.poll_many(socket_, POLLIN);
}

void Starter::forward(const std::string& name, control::ObjectKind kind, int descriptor) {
  if (kind != control::ObjectKind::memory && kind != control::ObjectKind::process) return;
  auto copy = copy_for_starter(name, kind, descriptor);
  if (!copy) return report_failure(copy.error().message);
  post("object " + name, control::Deposit{name, kind}, kj::mv(*copy));
}

void Starter::ask_stop() { post("stop", control::StopAll{}); }
void Starter::report_failure(const std::string& reason) { post("failed", control::Failed{reason}); }
void Starter::report_usage(const std::string& name, const control::Usage& usage) {
  post("used " + name, control::Used{name, usage});
}

void Starter::post(const std::string& subject, const control::HolderMessage& message,
                   kj::AutoCloseFd descriptor) {
  outbox_.insert_or_assign(subject, Letter{control::encode(message), kj::mv(descriptor)});
  send();
}

void Starter::send() {
  while (!outbox_.empty()) {
    if (!has_room(socket_, 0)) {
      if (!writable_.busy()) writable_.poll(socket_, POLLOUT);
      return;
    }
    auto const letter = outbox_.extract(outbox_.begin());
    auto const sent = runtime::send_parcel(socket_, letter.mapped().bytes, letter.mapped().descriptor,
                                           runtime::Patience::none);
    if (!sent) spdlog::info("{}: {}", letter.key(), sent.error().message);
  }
}

void Starter::finish() {
  while (!outbox_.empty() && has_room(socket_, kFinishMs)) send();
}

void Starter::listen() {
  if (!runtime::readable(socket_, std::chrono::milliseconds(0))) return;
  spoke_.cancel();
  auto const parcel = runtime::receive_parcel(socket_, runtime::Patience::none);
  bool const stop =
      parcel && *parcel &&
      control::decode_holder_message((*parcel)->bytes)
          .map([](const auto& message) { return std::holds_alternative<control::StopAll>(message); })
          .value_or(false);
  spdlog::info("{}", stop ? "the starter wants an end" : "the starter has gone");
  end_();
}

}  // namespace bulkhead::holder
