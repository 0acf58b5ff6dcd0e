#include "ipc/runtime/keeper_client.h"

#include <unistd.h>

#include <algorithm>
#include <thread>

#include "ipc/runtime/handover.h"

namespace bulkhead::runtime {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr size_t kMaxGrants = 1024;
constexpr milliseconds kPause{10};  // between two tries

struct Attempt {
  Result<Grants> grants;
  bool final;  // trying again will not help
};

Attempt again(const Error& error) { return {tl::unexpected(error), false}; }
Attempt never(const Error& error) { return {tl::unexpected(error), true}; }

/// The run directory. The keeper starts a service in it, so that a service's user need not be able to walk
/// there.
std::string place(const std::string& run_dir) {
  bool const out_of_reach = ::access(run_dir.c_str(), X_OK) != 0 && errno == EACCES;
  return out_of_reach ? "." : run_dir;
}

Attempt take_grants(int socket) {
  Grants grants;
  for (size_t count = 0; count <= kMaxGrants;) {
    auto parcel = receive_parcel(socket, Patience::wait);
    if (!parcel) return again(parcel.error());
    if (!*parcel) return again(Error{"the keeper hung up"});
    auto message = control::decode_to_service((*parcel)->bytes);
    if (!message) return never(message.error());
    if (const auto* grant = std::get_if<control::Grant>(&*message)) {
      if (auto added = grants.add(*grant, kj::mv((*parcel)->descriptor)); !added) return never(added.error());
      ++count;
    } else if (const auto* done = std::get_if<control::Done>(&*message)) {
      if (done->grants == count) return {std::move(grants), true};
      return never(Error{fmt::format("the keeper says {} grants, {} came", done->grants, count)});
    } else {
      return never(Error{fmt::format("refused by the keeper: {}", std::get<control::Refused>(*message).reason)});
    }
  }
  return never(Error{"grants without end"});
}

Attempt try_once(const std::string& run_dir, std::string_view service, milliseconds patience) {
  auto socket = connect_parcels(place(run_dir), "objects.sock", std::max(patience, kPause));
  if (!socket) {
    bool const no_instance = ::access(run_dir.c_str(), F_OK) != 0 && errno == ENOENT;
    return no_instance ? never(socket.error()) : again(socket.error());
  }
  auto const sent = send_parcel(*socket, control::encode(control::Hello{std::string(service)}), -1, Patience::wait);
  if (!sent) return again(sent.error());
  return take_grants(*socket);
}

}  // namespace

std::span<std::byte> Grants::memory(std::string_view name) const {
  auto const found = items_.find(name);
  return found == items_.end() ? std::span<std::byte>{} : found->second.mapping.bytes();
}

int Grants::descriptor(std::string_view name) const {
  auto const found = items_.find(name);
  return found == items_.end() ? -1 : found->second.descriptor.get();
}

memory::Right Grants::right(std::string_view name) const {
  auto const found = items_.find(name);
  return found == items_.end() ? memory::Right::read : found->second.grant.right;
}

std::vector<std::string> Grants::names() const {
  std::vector<std::string> all;
  for (const auto& [name, item] : items_) all.push_back(name);
  return all;
}

Status Grants::add(const control::Grant& grant, kj::AutoCloseFd descriptor) {
  if (descriptor.get() < 0) return fail("{}: granted without a descriptor", grant.name);
  if (items_.contains(grant.name)) return fail("{}: granted twice", grant.name);
  Item item{grant, kj::mv(descriptor), {}};
  if (grant.kind == control::ObjectKind::memory) {
    auto mapping = memory::Mapping::make(grant.name, item.descriptor, grant.bytes, grant.right);
    if (!mapping) return tl::unexpected(mapping.error());
    item.mapping = std::move(*mapping);
  }
  items_.emplace(grant.name, std::move(item));
  return {};
}

Result<Grants> attach(const std::string& run_dir, std::string_view service, milliseconds patience) {
  for (auto const end = Clock::now() + patience;;) {
    auto const left = std::chrono::duration_cast<milliseconds>(end - Clock::now());
    auto attempt = try_once(run_dir, service, left);
    if (attempt.grants) return std::move(attempt.grants);
    if (attempt.final || Clock::now() >= end)
      return fail("{}: no objects from the keeper of {}: {}", service, run_dir,
                  attempt.grants.error().message);
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace bulkhead::runtime