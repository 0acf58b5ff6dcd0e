#include "services/rules/ip_options.h"

#include <algorithm>
#include <cstring>

#include "common/packet/ip_header.h"

namespace bulkhead::rules {
namespace {

using packet::ip_header::kIpv4;

namespace type {
constexpr uint8_t end = 0, nothing = 1, record_route = 7, time_stamp = 68, loose_route = 131, security = 134, strict_route = 137,
                  router_alert = 148;
}
namespace stamp {  // flags: what is to be written
constexpr uint8_t time = 0, address_and_time = 1, prespecified = 3;
}

constexpr size_t kAddress = 4;  // bytes
constexpr uint32_t kMost = 40;

/// Milliseconds since midnight UTC.
uint32_t time_of_day(uint64_t time_ns) {
  constexpr uint64_t kMillisecond = 1'000'000, kDay = 86'400'000;
  return static_cast<uint32_t>(time_ns / kMillisecond % kDay);
}

/// Linux inet_addr_type(): only the router's own, broadcasts and groups are anything else.
bool is_of_a_host(const uint8_t* address, const Routes& routes) {
  if ((address[0] & 0xf0) == 0xe0) return false;
  IpAddress const to = packet::ip_header::address_at(address, 4);
  Way::Kind const kind = routes.way_to(to).kind;
  return load_raw<uint32_t>(address) != 0 && kind != Way::Kind::local && kind != Way::Kind::broadcast;
}

class Reader {
 public:
  Reader(std::span<uint8_t> header, const OptionWorld& world) : header_(header), world_(world) {}

  IpOptions read() {
    options_.length = static_cast<uint8_t>(header_.size() - kIpv4);
    for (size_t at = kIpv4; at < header_.size() && !options_.bad;) {
      if (header_[at] == type::end) return clear(at + 1), options_;
      if (header_[at] == type::nothing) ++at;
      else at += one(at);
    }
    return options_;
  }

 private:
  /// Behind the end there is nothing.
  void clear(size_t from) {
    auto const rest = header_.subspan(from);
    options_.changed = options_.changed || std::ranges::any_of(rest, [](uint8_t byte) { return byte != type::end; });
    std::ranges::fill(rest, type::end);
  }
  size_t one(size_t at) {
    if (header_.size() - at < 2 || header_[at + 1] < 2 || header_[at + 1] > header_.size() - at) return wrong(at), 1;
    auto const option = header_.subspan(at, header_[at + 1]);
    switch (option[0]) {
      case type::loose_route:
      case type::strict_route: source_route(option, at); break;
      case type::record_route: record_route(option, at); break;
      case type::time_stamp: time_stamp(option, at); break;
      case type::router_alert:
        if (option.size() < 4) wrong(at + 1);
        break;
      case type::security: security(option, at); break;
      default: break;
    }
    return option.size();
  }

  void source_route(std::span<const uint8_t> option, size_t at) {
    if (option.size() < 3) return wrong(at + 1);
    if (option[2] < 4) return wrong(at + 2);
    if (options_.source_route != 0) return wrong(at);
    options_.source_route = static_cast<uint8_t>(at);
  }

  void record_route(std::span<uint8_t> option, size_t at) {
    if (options_.record_route != 0) return wrong(at);
    if (option.size() < 3) return wrong(at + 1);
    if (option[2] < 4) return wrong(at + 2);
    if (option[2] <= option.size()) {
      if (option[2] + 3U > option.size()) return wrong(at + 2);
      write_own(option);
      option[2] += kAddress;
      options_.records = options_.changed = true;
    }
    options_.record_route = static_cast<uint8_t>(at);
  }

  void time_stamp(std::span<uint8_t> option, size_t at) {
    if (options_.time_stamp != 0) return wrong(at);
    if (option.size() < 4) return wrong(at + 1);
    if (option[2] < 5) return wrong(at + 2);
    if (option[2] <= option.size()) {
      if (option[2] + 3U > option.size()) return wrong(at + 2);
      if (!stamp(option)) return wrong(at + 2);
    } else if ((option[3] & 15) != stamp::prespecified) {  // no room: it is counted
      if (option[3] >> 4 == 15) return wrong(at + 3);
      option[3] += 0x10;
      options_.changed = true;
    }
    options_.time_stamp = static_cast<uint8_t>(at);
  }

  /// False: no room for an address and a time.
  bool stamp(std::span<uint8_t> option) {
    uint8_t* const place = option.data() + option[2] - 1;
    uint8_t const flags = option[3] & 15;
    if (flags == stamp::time) {
      write_time(place);
      option[2] += kAddress;
      return true;
    }
    if (flags != stamp::address_and_time && flags != stamp::prespecified) return true;
    if (option[2] + 7U > option.size()) return false;
    if (flags == stamp::prespecified && is_of_a_host(place, world_.routes)) return true;
    if (flags == stamp::address_and_time) {
      write_own(option);
      options_.stamps_address = true;
    }
    write_time(place + kAddress);
    option[2] += 2 * kAddress;
    return true;
  }

  /// CIPSO (cipso_v4_validate): no domain of interpretation is set up here.
  void security(std::span<const uint8_t> option, size_t at) {
    if (options_.security != 0) return wrong(at);
    options_.security = static_cast<uint8_t>(at);
    if (option.size() < 8) return wrong(at + 1);
    wrong(at + 2);
  }

  void write_own(std::span<uint8_t> option) const { std::memcpy(option.data() + option[2] - 1, world_.own.bytes.data(), kAddress); }
  void write_time(uint8_t* place) {
    store_be32(place, time_of_day(world_.time_ns));
    options_.stamps_time = options_.changed = true;
  }
  void wrong(size_t at) {
    options_.bad = true;
    options_.problem = static_cast<uint8_t>(at);
  }

  std::span<uint8_t> header_;
  const OptionWorld& world_;
  IpOptions options_;
};

/// The last address that an option has, `behind` bytes before where the next one goes.
void write_back(std::span<uint8_t> header, uint8_t at, size_t behind, const IpAddress& own) {
  size_t const place = size_t{at} + header[at + 2U] - 1 - behind;
  if (place + kAddress <= header.size()) std::memcpy(header.data() + place, own.bytes.data(), kAddress);
}

class Echoer {
 public:
  Echoer(std::span<const uint8_t> header, const IpOptions& options, const OptionWorld& world)
      : header_(header), options_(options), world_(world) {}

  Echo echo() {
    if (options_.source_route != 0) refuse();  // the kernel would send it back by that
    if (options_.record_route != 0) record_route(add(options_.record_route));
    if (options_.time_stamp != 0) time_stamp(add(options_.time_stamp));
    if (options_.security != 0) add(options_.security);
    while (echo_.length % 4 != 0) echo_.bytes[echo_.length++] = type::end;
    return echo_;
  }

 private:
  std::span<uint8_t> add(uint8_t at) {
    auto const option = header_.subspan(at, header_[at + 1U]);
    auto const to = std::span(echo_.bytes).subspan(echo_.length, std::min<size_t>(option.size(), kMost - echo_.length));
    std::ranges::copy(option.first(to.size()), to.begin());
    echo_.length = static_cast<uint8_t>(echo_.length + to.size());
    return to;
  }

  void record_route(std::span<uint8_t> option) {
    if (!options_.records || option[2] > option.size()) return;
    if (option[2] + 3U > option.size()) return refuse();
    std::memcpy(option.data() + option[2] - 1, world_.own.bytes.data(), kAddress);
    option[2] += kAddress;
  }

  void time_stamp(std::span<uint8_t> option) {
    size_t next = option[2];
    if (next > option.size()) return;
    bool stamps = false;
    if (options_.stamps_address) {
      if (next + 3 > option.size()) return refuse();
      next += kAddress;
    }
    if (options_.stamps_time) {
      if (next + 3 > option.size()) return refuse();
      if ((option[3] & 15) != stamp::prespecified) {
        stamps = true;
        next += kAddress;
      } else if (next + 7 <= option.size() && !is_of_a_host(option.data() + next - 1, world_.routes)) {
        stamps = true;
        next += 2 * kAddress;
      }
    }
    option[2] = static_cast<uint8_t>(next);
    if (options_.stamps_address) write_back(option, 0, 2 * kAddress, world_.own);
    if (stamps) store_be32(option.data() + next - 1 - kAddress, time_of_day(world_.time_ns));
  }

  void refuse() { echo_.possible = false; }

  std::span<const uint8_t> header_;
  const IpOptions& options_;
  const OptionWorld& world_;
  Echo echo_;
};

}  // namespace

IpOptions read_options(std::span<uint8_t> header, const OptionWorld& world) noexcept { return Reader(header, world).read(); }

void leave_by(std::span<uint8_t> header, IpOptions& options, const IpAddress& own) noexcept {
  if (options.records) write_back(header, options.record_route, kAddress, own);
  // A time stamp keeps the address that reading gave it: Linux ip_forward_options has another for source routes alone.
  if (options.changed) packet::ip_header::renew_checksum(header);
  options.changed = false;
}

Echo echo_of(std::span<const uint8_t> header, const IpOptions& options, const OptionWorld& world) noexcept {
  return Echoer(header, options, world).echo();
}

}  // namespace bulkhead::rules
