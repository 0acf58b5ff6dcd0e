#include "common/packet/checksum.h"
#include "tests/differential/cases.h"

namespace bulkhead::test {
namespace {

enum Chunk : uint8_t {
  data, init, init_ack, selective_ack, heartbeat, heartbeat_ack, abort_, shutdown, shutdown_ack, error, cookie_echo,
  cookie_ack, complete = 14
};

class SctpCase {
 public:
  SctpCase(uint64_t seed, const Parties& parties) : random_(seed), ends_(parties.ends) {
    if (parties.client_port != 0) ports_[0] = parties.client_port;
    if (parties.server_port != 0) ports_[1] = parties.server_port;
    for (uint32_t& tag : tags_) tag = static_cast<uint32_t>(random_.next()) | 1;
  }
  Case make() {
    if (random_.below(4) != 0) associate();
    for (uint32_t steps = 3 + random_.below(15); steps > 0; --steps) step(random_.below(2));
    return std::move(packets_);
  }

 private:
  struct One {
    uint8_t type;
    uint8_t flags = 0;
    size_t length = 4;
    uint32_t tag = 0;  // of INIT and INIT ACK
  };

  void send(size_t i, uint32_t tag, const std::vector<One>& chunks) {
    Bytes l4(12);
    store_be16(l4.data(), ports_[i]);
    store_be16(l4.data() + 2, ports_[1 - i]);
    store_be32(l4.data() + 4, tag);
    for (const One& one : chunks) {
      size_t const at = l4.size();
      bool const inits = one.type == init || one.type == init_ack;
      size_t const length = inits ? std::max<size_t>(one.length, random_.below(20) == 0 ? 8 : 20) : one.length;
      l4.resize(at + (length + 3) / 4 * 4);
      l4[at] = one.type;
      l4[at + 1] = one.flags;
      store_be16(l4.data() + at + 2, static_cast<uint16_t>(random_.below(60) == 0 ? 0 : length));
      if (inits) store_be32(l4.data() + at + 4, one.tag);
    }
    uint32_t const crc = packet::sctp_checksum(l4) ^ (random_.below(40) == 0 ? 1U : 0U);
    for (size_t b = 0; b < 4; ++b) l4[8 + b] = static_cast<uint8_t>(crc >> (8 * b));
    packets_.push_back(
        {i == 0 ? Side::lan : Side::wan, i == 0 ? ends_ : ends_.back(), packet::protocol::sctp, std::move(l4)});
  }
  /// The tag that packets of `i` bear: that of the other end, or now and then another.
  uint32_t tag_from(size_t i) {
    switch (random_.below(12)) {
      case 0: return 0;
      case 1: return tags_[i];
      case 2: return static_cast<uint32_t>(random_.next());
      default: return tags_[1 - i];
    }
  }
  void associate() {
    send(0, 0, {{init, 0, 20, tags_[0]}});
    if (random_.below(6) == 0) send(1, 0, {{init, 0, 20, tags_[1]}});
    send(1, tags_[0], {{init_ack, 0, 20, tags_[1]}});
    send(0, tags_[1], {{cookie_echo, 0, 16}});
    if (random_.below(4) != 0) send(1, tags_[0], {{cookie_ack}});
  }
  void close(size_t i) {
    send(i, tags_[1 - i], {{shutdown, 0, 8}});
    send(1 - i, tags_[i], {{shutdown_ack}});
    send(i, tags_[1 - i], {{complete}});
  }
  void step(size_t i) {
    constexpr uint8_t types[] = {data, init, init_ack, selective_ack, heartbeat, heartbeat_ack, abort_, shutdown,
                                 shutdown_ack, error, cookie_echo, cookie_ack, complete, 99};
    auto const any = [&] {
      uint8_t const type = types[random_.below(std::size(types))];
      return One{type, static_cast<uint8_t>(random_.below(4) == 0 ? 1 : 0), 4 + random_.below(20), tags_[i]};
    };
    // Drawn before the tag, whatever order a compiler takes arguments in.
    auto const say = [&](const std::vector<One>& chunks) { send(i, tag_from(i), chunks); };
    // More than a descriptor has room for. Those that must stand alone or first are not among them, but now and then.
    auto const many = [&] {
      constexpr uint8_t behind[] = {heartbeat, heartbeat, heartbeat_ack, heartbeat_ack, shutdown, shutdown_ack, error, abort_, data};
      std::vector<One> chunks;
      if (random_.below(3) == 0) chunks.push_back({random_.below(2) == 0 ? cookie_echo : cookie_ack});
      size_t const kinds = 1 + random_.below(std::size(behind));
      for (uint32_t count = 10 + random_.below(30); count > 0; --count)
        chunks.push_back({behind[random_.below(static_cast<uint32_t>(kinds))], static_cast<uint8_t>(random_.below(4) == 0 ? 1 : 0)});
      return chunks;
    };
    switch (random_.below(16)) {
      case 0: return associate();
      case 1: return close(i);
      case 2: return send(i, 0, {{init, 0, 20, tags_[i]}});
      case 3: case 4: return say({{heartbeat, 0, 12}});
      case 5: case 6: return say({{heartbeat_ack, 0, 12}});
      case 7: return say({any(), any()});
      case 8: return say({{selective_ack, 0, 16}, {data, 3, 20}});
      case 9: case 10: case 11: return say({any()});
      case 12: return say(many());
      default: return send(i, tags_[1 - i], {{data, 3, 20}});
    }
  }

  Random random_;
  Ends ends_;
  std::array<uint16_t, 2> ports_{4000, 5000};
  std::array<uint32_t, 2> tags_{};
  Case packets_;
};

}  // namespace

Case sctp_case(uint64_t seed, const Parties& parties) { return SctpCase(seed, parties).make(); }

}  // namespace bulkhead::test
