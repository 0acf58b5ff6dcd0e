#include "services/keeper/registry.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace bulkhead::keeper {

void Registry::take(const std::string& name, runtime::HeldObject object) {
  objects_.insert_or_assign(name, Object{object.kind, kj::mv(object.descriptor), kj::AutoCloseFd(), {}});
}

Status Registry::keep(const std::string& name, control::ObjectKind kind, kj::AutoCloseFd descriptor) {
  if (auto done = holder_.deposit(name, kind, descriptor); !done) return done;
  take(name, {kind, kj::mv(descriptor)});
  return {};
}

Status Registry::make_memory(const chain::ObjectSpec& spec) {
  if (has(spec.name)) return {};
  auto memory = memory::create_memory(spec.name, spec.bytes);
  if (!memory) return tl::unexpected(memory.error());
  memory::ObjectHeader const header{memory::kObjectMagic, spec.layout, spec.version, spec.bytes, spec.capacity};
  if (::pwrite(*memory, &header, sizeof header, 0) != static_cast<ssize_t>(sizeof header))
    return fail_errno(errno, "{}: cannot write its header", spec.name);
  return keep(spec.name, control::ObjectKind::memory, kj::mv(*memory));
}

Status Registry::make_bell(const std::string& name) {
  if (has(name)) return {};
  kj::AutoCloseFd bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (bell.get() < 0) return fail_errno(errno, "{}: eventfd", name);
  return keep(name, control::ObjectKind::bell, kj::mv(bell));
}

int Registry::descriptor(std::string_view name) const {
  auto const found = objects_.find(name);
  return found == objects_.end() ? -1 : found->second.descriptor.get();
}

Result<Registry::Handout> Registry::hand_out(const std::string& name, memory::Right right) {
  auto const found = objects_.find(name);
  if (found == objects_.end()) return fail("{}: no such object", name);
  Object& object = found->second;
  if (object.kind == control::ObjectKind::memory) return hand_out_memory(name, object, right);
  bool const writable = (::fcntl(object.descriptor, F_GETFL) & O_ACCMODE) != O_RDONLY;
  if (object.kind == control::ObjectKind::file && right == memory::Right::read && writable)
    return fail("{}: is open for writing, and only to be read", name);
  return Handout{{name, object.kind, right, 0}, object.descriptor};
}

Result<Registry::Handout> Registry::hand_out_memory(const std::string& name, Object& object, memory::Right right) {
  auto const bytes = memory::memory_size(name, object.descriptor);
  if (!bytes) return tl::unexpected(bytes.error());
  control::Grant const grant{name, control::ObjectKind::memory, right, *bytes};
  if (right == memory::Right::write) return Handout{grant, object.descriptor};
  if (object.read_only.get() < 0) {
    auto opened = memory::reopen_read_only(name, object.descriptor);
    if (!opened) return tl::unexpected(opened.error());
    object.read_only = kj::mv(*opened);
  }
  return Handout{grant, object.read_only};
}

std::span<std::byte> Registry::memory(std::string_view name) {
  auto const found = objects_.find(name);
  if (found == objects_.end() || found->second.kind != control::ObjectKind::memory) return {};
  Object& object = found->second;
  if (!object.mapping.bytes().empty()) return object.mapping.bytes();
  auto const bytes = memory::memory_size(name, object.descriptor);
  if (!bytes) return {};
  auto mapping = memory::Mapping::make(name, object.descriptor, *bytes, memory::Right::read);
  if (mapping) object.mapping = std::move(*mapping);
  return object.mapping.bytes();
}

Result<memory::Mapping> Registry::writable(const std::string& name) const {
  int const fd = descriptor(name);
  auto const bytes = memory::memory_size(name, fd);
  if (!bytes) return tl::unexpected(bytes.error());
  return memory::Mapping::make(name, fd, *bytes, memory::Right::write);
}

}  // namespace bulkhead::keeper
