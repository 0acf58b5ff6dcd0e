// services/pktio/in/open_capture.h: a capture file, whatever it is, becomes a Source.
//
// Formats what libpcap reads, gzip'd or not; pcapng whose interfaces differ (ng_source.h).
// Links   common/packet/link.h; others are refused by name. EthernetSource makes Ethernet frames of another link type's.
// Owner   takes the file.
#pragma once

#include <functional>
#include <memory>

#include "common/base/address.h"
#include "services/pktio/in/async_file.h"
#include "services/pktio/in/source.h"

namespace bulkhead::pktio {

struct CaptureOptions {
  Position from{};
  Mac own{};                            // of the interface that it comes in by
  std::function<void()> still_alive{};  // called now and then while everything before a position is read again; may be empty
};
Result<std::unique_ptr<Source>> open_capture(std::unique_ptr<AsyncFile> file, const CaptureOptions& options);

class EthernetSource : public Source {
 public:
  EthernetSource(std::unique_ptr<Source> source, const Mac& own) : source_(std::move(source)), own_(own) {}

  State peek(Arrival& arrival) override;
  void advance() override { source_->advance(); }
  [[nodiscard]] Position position() const override { return source_->position(); }
  [[nodiscard]] packet::LinkType link() const override { return packet::LinkType::ethernet; }
  [[nodiscard]] bool is_mixed() const override { return true; }
  [[nodiscard]] const Error& error() const override { return source_->error(); }

 private:
  std::unique_ptr<Source> source_;
  Mac own_;
  std::vector<uint8_t> frame_;
};

}  // namespace bulkhead::pktio
