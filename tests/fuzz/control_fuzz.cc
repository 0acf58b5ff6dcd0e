// Everything that is decoded from another process's bytes on the control path: Hello, grants, the messages of starter,
// holder and keeper, settings. The first byte says which.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "ipc/control/config_object.h"
#include "ipc/control/control_message.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bulkhead;
  if (size == 0) return 0;
  auto const bytes = std::as_bytes(std::span(data, size)).subspan(1);
  switch (data[0] % 5) {
    case 0:
      if (auto hello = control::decode_hello(bytes); hello && !control::is_object_name(hello->service)) std::abort();
      break;
    case 1:
      if (auto message = control::decode_to_service(bytes)) (void)control::encode(*message);
      break;
    case 2:
      if (auto message = control::decode_holder_message(bytes)) (void)control::encode(*message);
      break;
    case 3:
      if (auto settings = control::decode(bytes)) {
        if (!control::check(*settings) || !control::decode(control::encode(*settings))) std::abort();
      }
      break;
    default: {
      std::vector<memory::ObjectHeader> place(bytes.size() / sizeof(memory::ObjectHeader) + 1);  // objects are aligned so
      auto const object = std::as_writable_bytes(std::span(place)).first(bytes.size());
      std::ranges::copy(bytes, object.begin());
      if (auto settings = control::read_config(object); settings && !control::check(*settings)) std::abort();
    }
  }
  return 0;
}
