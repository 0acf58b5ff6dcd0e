#include "ipc/control/config_object.h"

#include <cstring>

namespace bulkhead::control {

namespace {

constexpr size_t kFront = ConfigObject::bytes_for(0);

}  // namespace

Result<kj::AutoCloseFd> make_config(const Settings& settings) {
  if (auto fine = check(settings); !fine) return tl::unexpected(fine.error());
  auto const message = encode(settings);
  std::vector<std::byte> content(kFront + message.size());
  memory::ObjectHeader const header{memory::kObjectMagic, ConfigObject::kLayout, ConfigObject::kVersion, content.size(), 0};
  uint64_t const length = message.size();
  std::memcpy(content.data(), &header, sizeof header);
  std::memcpy(content.data() + sizeof header, &length, sizeof length);
  std::memcpy(content.data() + kFront, message.data(), message.size());
  return memory::create_constant("config", content);
}

Result<Settings> read_config(std::span<std::byte> object) {
  auto config = memory::view<ConfigObject>("config", object);
  if (!config) return tl::unexpected(config.error());
  uint64_t const length = (*config)->length;
  if (length > object.size() - kFront)
    return fail("config: says {} bytes, has {}", length, object.size() - kFront);
  return decode(object.subspan(kFront, length));
}

}  // namespace bulkhead::control