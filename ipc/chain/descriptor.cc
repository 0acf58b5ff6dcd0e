#include "ipc/chain/descriptor.h"

namespace bulkhead::chain {

std::string_view name_of(DropReason reason) noexcept {
  if (reason <= DropReason::last_malformed) return name_of(static_cast<packet::Reason>(reason));
  switch (reason) {
    case DropReason::table_full: return "table_full";
    case DropReason::bad_descriptor: return "bad_descriptor";
    case DropReason::bad_ip_checksum: return "bad_ip_checksum";
    case DropReason::nat_clash: return "nat_clash";
    case DropReason::rule: return "rule";
    case DropReason::policy: return "policy";
    case DropReason::no_listener: return "no_listener";
    case DropReason::not_ip: return "not_ip";
    case DropReason::not_unicast: return "not_unicast";
    case DropReason::martian_source: return "martian_source";
    case DropReason::martian_destination: return "martian_destination";
    case DropReason::no_route: return "no_route";
    case DropReason::ttl: return "ttl";
    case DropReason::too_big: return "too_big";
    case DropReason::beyond_scope: return "beyond_scope";
    case DropReason::group: return "group";
    case DropReason::nat_error: return "nat_error";
    case DropReason::not_ours: return "not_ours";
    case DropReason::bad_fragment: return "bad_fragment";
    case DropReason::fragments_missing: return "fragments_missing";
    case DropReason::fragments_full: return "fragments_full";
    case DropReason::source_route: return "source_route";
    case DropReason::bad_option: return "bad_option";
    case DropReason::forwarded: return "forwarded";
    default: return "unknown";
  }
}

}  // namespace bulkhead::chain