#include "ipc/control/control_message.h"

#include <algorithm>

#include "ipc/control/flat_message.h"
#include "ipc/control/schema/holder.capnp.h"
#include "ipc/control/schema/keeper.capnp.h"

namespace bulkhead::control {
namespace {

template <class... F>
struct Each : F... {
  using F::operator()...;
};
template <class... F>
Each(F...) -> Each<F...>;

std::string text(capnp::Text::Reader from) { return {from.begin(), from.size()}; }

Result<ObjectKind> kind_of(schema::ObjectKind kind) {
  if (static_cast<uint16_t>(kind) > static_cast<uint16_t>(schema::ObjectKind::PROCESS))
    return fail("object kind {}: unknown", static_cast<uint16_t>(kind));
  return static_cast<ObjectKind>(kind);
}

Status check_name(const std::string& name) {
  if (is_object_name(name)) return {};
  return fail("object name of {} bytes: want 1 to 255 printable characters without '/'", name.size());
}

template <class Object>
void fill(schema::Object::Builder builder, const Object& object) {
  builder.setName(object.name);
  builder.setKind(static_cast<schema::ObjectKind>(object.kind));
}

template <class Object>
Result<HolderMessage> read_object(schema::Object::Reader reader) {
  auto kind = kind_of(reader.getKind());
  if (!kind) return tl::unexpected(kind.error());
  Object object{text(reader.getName()), *kind};
  if (auto fine = check_name(object.name); !fine) return tl::unexpected(fine.error());
  return object;
}

void fill(schema::Used::Builder builder, const Used& used) {
  builder.setName(used.name);
  builder.setUserNs(used.usage.user_ns);
  builder.setSystemNs(used.usage.system_ns);
  builder.setWaits(used.usage.waits);
  builder.setPreemptions(used.usage.preemptions);
  builder.setPeakKib(used.usage.peak_kib);
  builder.setProcesses(used.usage.processes);
}

Result<HolderMessage> read_used(schema::Used::Reader reader) {
  Used used{text(reader.getName()),
            {.user_ns = reader.getUserNs(),
             .system_ns = reader.getSystemNs(),
             .waits = reader.getWaits(),
             .preemptions = reader.getPreemptions(),
             .peak_kib = reader.getPeakKib(),
             .processes = reader.getProcesses()}};
  if (auto fine = check_name(used.name); !fine) return tl::unexpected(fine.error());
  return used;
}

Result<ToService> read_grant(schema::Grant::Reader reader) {
  auto kind = kind_of(reader.getKind());
  if (!kind) return tl::unexpected(kind.error());
  if (static_cast<uint16_t>(reader.getRight()) > 1)
    return fail("right {}: unknown", static_cast<uint16_t>(reader.getRight()));
  Grant grant{text(reader.getName()), *kind, static_cast<memory::Right>(reader.getRight()), reader.getBytes()};
  if (auto fine = check_name(grant.name); !fine) return tl::unexpected(fine.error());
  return grant;
}

}  // namespace

bool is_object_name(std::string_view name) {
  return !name.empty() && name.size() <= 255 &&
         std::ranges::all_of(name, [](char c) { return c >= ' ' && c <= '~' && c != '/'; });
}

Bytes encode(const Hello& hello) {
  capnp::MallocMessageBuilder message;
  message.initRoot<schema::ToKeeper>().setHello(hello.service);
  return flat(message);
}

Bytes encode(const ToService& what) {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<schema::ToService>();
  std::visit(Each{[&](const Grant& grant) {
                    auto builder = root.initGrant();
                    builder.setName(grant.name);
                    builder.setKind(static_cast<schema::ObjectKind>(grant.kind));
                    builder.setRight(static_cast<schema::Right>(grant.right));
                    builder.setBytes(grant.bytes);
                  },
                  [&](const Done& done) { root.setDone(done.grants); },
                  [&](const Refused& refused) { root.setRefused(refused.reason); }},
             what);
  return flat(message);
}

Bytes encode(const HolderMessage& what) {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<schema::HolderMessage>();
  std::visit(Each{[&](const Held& held) { fill(root.initHeld(), held); },
                  [&](const AllHeld& all) { root.setAllHeld(all.objects); },
                  [&](const Deposit& deposit) { fill(root.initDeposit(), deposit); },
                  [&](const Deposited& deposited) { root.setDeposited(deposited.name); },
                  [&](const StopAll&) { root.setStop(); },
                  [&](const Failed& failed) { root.setFailed(failed.reason); },
                  [&](const Used& used) { fill(root.initUsed(), used); }},
             what);
  return flat(message);
}

Result<Hello> decode_hello(std::span<const std::byte> bytes) {
  return read_flat<schema::ToKeeper>(bytes, [](schema::ToKeeper::Reader root) -> Result<Hello> {
    if (!root.isHello()) return fail("not a Hello");
    Hello hello{text(root.getHello())};
    if (auto fine = check_name(hello.service); !fine) return tl::unexpected(fine.error());
    return hello;
  });
}

Result<ToService> decode_to_service(std::span<const std::byte> bytes) {
  return read_flat<schema::ToService>(bytes, [](schema::ToService::Reader root) -> Result<ToService> {
    switch (root.which()) {
      case schema::ToService::GRANT:
        return read_grant(root.getGrant());
      case schema::ToService::DONE:
        return Done{root.getDone()};
      case schema::ToService::REFUSED:
        return Refused{text(root.getRefused())};
    }
    return fail("message {} of the keeper: unknown", static_cast<uint16_t>(root.which()));
  });
}

Result<HolderMessage> decode_holder_message(std::span<const std::byte> bytes) {
  return read_flat<schema::HolderMessage>(
      bytes, [](schema::HolderMessage::Reader root) -> Result<HolderMessage> {
        switch (root.which()) {
          case schema::HolderMessage::HELD:
            return read_object<Held>(root.getHeld());
          case schema::HolderMessage::ALL_HELD:
            return AllHeld{root.getAllHeld()};
          case schema::HolderMessage::DEPOSIT:
            return read_object<Deposit>(root.getDeposit());
          case schema::HolderMessage::DEPOSITED:
            return Deposited{text(root.getDeposited())};
          case schema::HolderMessage::STOP:
            return StopAll{};
          case schema::HolderMessage::FAILED:
            return Failed{text(root.getFailed())};
          case schema::HolderMessage::USED:
            return read_used(root.getUsed());
        }
        return fail("message {} between starter, holder and keeper: unknown", static_cast<uint16_t>(root.which()));
      });
}

}  // namespace bulkhead::control