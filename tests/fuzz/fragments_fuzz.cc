// tests/fuzz/fragments_fuzz.cc: fragments as a hostile host sends them, through pktio's reassembly, whose process dies now and
// then: what comes out whole is what was kept, byte for byte, and no cell is lost.
//
// Input   records of 6 bytes: what happens (version, identification, MF, DF, codepoint, a death), offset, length, bytes cut off
//         by the capture.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>

#include "services/pktio/reassembly.h"
#include "tests/simulation/world.h"
#include "tests/tools/packets.h"

namespace {

using namespace bulkhead;
using namespace bulkhead::test;
using pktio::Reassembly;

[[noreturn]] void broken(const char* what) {
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}
void want(bool holds, const char* what) {
  if (!holds) broken(what);
}

class World {
 public:
  World() { again(); }

  void again() {
    batch_.emplace(memory_.as<memory::CommitArea>("pktio.commit"), memory_.as<memory::Journal>("pktio.journal"), memory_.object("pktio.state"));
    static_cast<void>(batch_->recover());
    reassembly_.emplace(links(), memory_.as<state::FragmentCells>("pktio.fragments"));
    reassembly_->resume();
  }
  void record(const uint8_t* bytes);
  void end() {
    while (reassembly_->given_up_at()) reassembly_->give_back(reassembly_->give_up(*batch_), *batch_);
    commit();
    want(links().free_count.load() == links().fresh.load(), "a cell is lost");
  }

 private:
  using Kept = std::map<uint32_t, uint8_t>;

  state::FragmentLinks& links() { return memory_.as<state::PktioState>("pktio.state").fragments; }
  void commit() {
    batch_->commit({});
    reassembly_->committed();
  }
  void keep(Kept& kept, const packet::Fragment& says, const Bytes& frame) {
    uint32_t const bytes = pktio::Datagram::kept_of(says);
    for (uint32_t i = 0; i < bytes; ++i) {
      want(!kept.contains(says.offset + i), "a byte is there twice");
      bool const there = says.payload_at + i < frame.size();
      kept[says.offset + i] = there ? frame[says.payload_at + i] : uint8_t{0};
    }
  }
  void check(const Reassembly::Taken& taken, const Kept& kept);

  control::Settings settings_ = small_settings(16, 8, 8);
  Memory memory_{settings_};
  std::optional<memory::Batch> batch_;
  std::optional<Reassembly> reassembly_;
  std::map<uint32_t, Kept> kept_;  // by identification and version
  uint64_t count_ = 0;
};

void World::check(const Reassembly::Taken& taken, const Kept& kept) {
  Bytes frame(reassembly_->length_of(taken));
  auto const built = reassembly_->build(taken, frame);
  size_t const header = frame.size() - taken.whole.payload();
  want(built.captured <= frame.size() && built.captured >= header, "more is there than there is");
  want(kept.size() == taken.whole.payload(), "a byte lacks");
  for (uint32_t i = 0; header + i < built.captured; ++i) want(kept.at(i) == frame[header + i], "another byte than came");
  packet::Headers const headers = packet::parse(std::span(frame).first(built.captured), built.wire, packet::LinkType::ethernet);
  want(headers.shape != packet::Shape::fragment && !(headers.shape == packet::Shape::malformed && packet::below_transport(headers.reason)),
       "the whole is no packet");
  want(headers.l3_length + headers.l3_offset == built.wire, "the whole has another length");
}

void World::record(const uint8_t* bytes) {
  bool const six = (bytes[0] & 1) != 0;
  uint32_t const id = bytes[0] >> 1 & 3;
  if (bytes[0] >= 0xf8) return again();
  uint32_t const offset = (bytes[1] & 0xfcU) == 0xfc ? 8191 - (bytes[1] & 3U) : bytes[1] & 31U;
  size_t const length = bytes[2] == 0xff ? 40'000U + bytes[3] * 100U : bytes[2] % 65U;
  Ends const ends = six ? Ends{address("2001:db8::1"), address("2001:db8::2")} : Ends{address("10.0.0.1"), address("10.0.0.2")};
  Bytes payload = pattern(length, bytes[4]);
  Bytes packet;
  if (six) {
    uint16_t const field = static_cast<uint16_t>(offset << 3 | (bytes[0] >> 3 & 1));
    Bytes const header{packet::protocol::udp, 0, static_cast<uint8_t>(field >> 8), static_cast<uint8_t>(field), 0, 0, 0, static_cast<uint8_t>(id)};
    payload.insert(payload.begin(), header.begin(), header.end());
    packet = ip(ends, packet::protocol::fragment, payload);
    packet[1] |= static_cast<uint8_t>((bytes[0] >> 5 & 3) << 4);
  } else {
    packet = ip(ends, packet::protocol::udp, payload, {.id = static_cast<uint16_t>(id), .dont_fragment = false});
    store_be16(packet.data() + 6, static_cast<uint16_t>((bytes[0] & 16U) << 10 | (bytes[0] & 8U) << 10 | offset));
    packet[1] = bytes[0] >> 5 & 3;
    store_be16(packet.data() + 10, 0);
    store_be16(packet.data() + 10, checksum(packet.data(), 20));
  }
  Bytes frame = ethernet(packet);
  auto const wire = static_cast<uint32_t>(frame.size());
  if (frame.size() > 14 + 48 + size_t{bytes[5] & 15U}) frame.resize(frame.size() - (bytes[5] & 15));
  auto const says = packet::fragment_of(frame, packet::parse(frame, wire, packet::LinkType::ethernet), 0);
  if (!says) return;
  pktio::Arrival const arrival{count_, static_cast<uint32_t>(frame.size()), wire, frame.data(), count_ + 1};
  if (!reassembly_->fits(arrival)) broken("cells lack though nothing is in flight");
  Kept& kept = kept_[id << 1 | (six ? 1U : 0U)];
  if (reassembly_->is_too_far(*says)) {
    reassembly_->give_back(reassembly_->give_up(*says, *batch_), *batch_);
    commit();
    kept.clear();
  }
  auto const taken = reassembly_->take({arrival, *says, 0, ++count_}, *batch_);
  using Fate = Reassembly::Taken::Fate;
  if (taken.fate == Fate::held || taken.fate == Fate::whole) keep(kept, *says, frame);
  if (taken.fate == Fate::whole) check(taken, kept);
  if (taken.chain != 0) reassembly_->give_back(taken.chain, *batch_);
  if (taken.chain != 0 || taken.fate == Fate::passes) kept.clear();
  commit();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  World world;
  for (size_t at = 0; at + 6 <= size && at < 6 * 200; at += 6) world.record(data + at);
  world.end();
  return 0;
}
