// services/pktio/in/ng_source.h: a Source out of a pcapng file whose interfaces differ in link type or snapshot length, which
// libpcap refuses.
//
// Who     open_capture.h, where a survey() of the file has found such.
// Way     AsyncFile -> Prefetch -> blocks. A block that is larger than what is read ahead is read blocking.
// Links   one for all: that of all interfaces; where they differ each frame becomes Ethernet's (common/packet/link.h).
// Resume  by reading Position::packets packets again, since blocks before them define interfaces.
// Errors  State::failed, after everything that was readable.
// Thread  one.
// Source  draft-ietf-opsawg-pcapng; libpcap sf-pcapng.c for what is damaged.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "common/base/address.h"
#include "services/pktio/in/async_file.h"
#include "services/pktio/in/prefetch.h"
#include "services/pktio/in/source.h"

namespace bulkhead::pktio {

/// What the interfaces of a pcapng file are.
struct Survey {
  std::set<int> links;           // LINKTYPE_ numbers
  std::set<uint32_t> snaplens;   // bytes; 0: as long as libpcap takes
  [[nodiscard]] bool differ() const { return links.size() > 1 || snaplens.size() > 1; }
};
/// Of all blocks; what is damaged ends it, and is found again when it is read. `still_alive`: called now and then; may be empty.
[[nodiscard]] Survey survey(AsyncFile& file, const std::function<void()>& still_alive);

class NgSource : public Source {
 public:
  struct Options {
    packet::LinkType link;  // of all that it gives
    bool mixed = false;     // which some interfaces are not
    Mac own{};              // of the interface
    Position from{};
    std::function<void()> still_alive{};
  };
  static Result<std::unique_ptr<NgSource>> open(std::unique_ptr<AsyncFile> file, const Options& options);

  State peek(Arrival& arrival) override;
  void advance() override;
  [[nodiscard]] Position position() const override { return position_; }
  [[nodiscard]] packet::LinkType link() const override { return options_.link; }
  [[nodiscard]] bool is_mixed() const override { return options_.mixed; }
  [[nodiscard]] const Error& error() const override { return error_; }

 private:
  struct Interface {
    std::optional<packet::LinkType> link;
    uint32_t snaplen = 0;
    uint64_t units = 1'000'000;  // a second
    int64_t offset_s = 0;
  };
  struct Block {
    uint32_t type = 0;
    std::vector<uint8_t> body;
  };

  NgSource(std::unique_ptr<AsyncFile> file, Options options) : options_(std::move(options)), prefetch_(std::move(file)) {}
  State next();
  /// True: a packet. False: another block, or none (state_ says so).
  bool take_block();
  bool read_body(uint32_t length);
  bool section();
  void interface();
  bool packet_block();
  bool give(uint32_t interface, uint64_t stamp, uint32_t wire, size_t at, uint32_t captured);
  [[nodiscard]] uint64_t stamp_of(const Interface& interface, uint64_t units) const;
  bool fail_with(const std::string& why);
  [[nodiscard]] uint16_t number16(size_t at) const;
  [[nodiscard]] uint32_t number32(size_t at) const;

  Options options_;
  Prefetch prefetch_;
  Block block_;
  bool swapped_ = false;  // this section's byte order is not this machine's
  std::vector<Interface> interfaces_;
  std::vector<uint8_t> frame_;  // of a packet that became an Ethernet one
  State state_ = State::waiting;
  Position position_;
  Arrival arrival_{};
  Error error_;
};

}  // namespace bulkhead::pktio
