#include "ipc/descriptor.h"

namespace bulkhead {

std::string_view name_of(DropReason reason) noexcept {
  if (reason <= DropReason::last_malformed) return name_of(static_cast<Reason>(reason));
  switch (reason) {
    case DropReason::table_full: return "table_full";
    case DropReason::bad_descriptor: return "bad_descriptor";
    case DropReason::bad_ip_checksum: return "bad_ip_checksum";
    default: return "unknown";
  }
}

}  // namespace bulkhead
