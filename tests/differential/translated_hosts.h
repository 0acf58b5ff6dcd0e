// tests/differential/translated_hosts.h: the hosts behind the wires, when the firewall translates: who gets a packet with another source
// answers that one, and who gets one with another destination answers as that.
//
// Way     came() sees each packet that is no such answer beside what the firewall made of it; answer() turns a packet that was made for the untranslated
//         flow into the one that its host would send, and says on which side that host is. The quote of an ICMP error too.
// Trust   bytes that no tuple can be read of are left as they are.
#pragma once

#include <cstring>
#include <map>
#include <optional>

#include "tests/tools/packets.h"

namespace bulkhead::test {

class TranslatedHosts {
 public:
  /// `left`: how `sent` came out, on `side`.
  void came(const Bytes& sent, const Bytes& left, size_t side);
  /// Changes `frame`; the side that it comes from now. None: it is not about a translated flow.
  [[nodiscard]] std::optional<size_t> answer(Bytes& frame) const;

 private:
  struct Less {
    bool operator()(const packet::Tuple& a, const packet::Tuple& b) const { return std::memcmp(&a, &b, sizeof a) < 0; }
  };
  struct Seen {
    packet::Tuple tuple;
    size_t side;
  };
  std::map<packet::Tuple, Seen, Less> flows_;  // tuple as the client sent it: how it was seen at the other end
};

}  // namespace bulkhead::test
