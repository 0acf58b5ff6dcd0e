#include "services/pktio/pktio.h"

#include <algorithm>

#include "common/packet/link.h"
#include "services/pktio/in/open_capture.h"

namespace bulkhead::pktio {
namespace {

// What is committed as come home; with the mistake, what an unfinished batch has taken home.
uint64_t early(uint64_t committed, uint64_t now) {
  return memory::simulate::mistaken(memory::simulate::Mistake::frame_reused_early) ? now : committed;
}

}  // namespace

Pktio::Pktio(Parts parts)
    : chain::Stage(parts.stage, {&parts.home}, {parts.first}),
      state_(parts.state),
      settings_(parts.settings),
      open_(std::move(parts.open)),
      pace_(std::move(parts.pace)),
      holder_(parts.holder),
      sink_(std::move(parts.sink)),
      reassembly_(links_in(parts.state), parts.fragments),
      lanes_({parts.state, parts.stage.state.size(), parts.inflight, parts.laned, parts.met_counters, parts.conntrack, parts.conntrack_bytes, parts.conntrack_commit}, parts.settings),
      receive_({parts.state, parts.inflight, parts.pool, reassembly_, lanes_}, parts.settings),
      home_({parts.state, parts.inflight, reassembly_, lanes_, parts.pool, parts.answers, parts.edits, parts.copies, parts.translations}, parts.settings, *sink_) {}

void Pktio::recovered() {
  packet::LinkType link = packet::LinkType::ethernet;
  reassembly_.resume();
  lanes_.resume(state_.home_number.load(), state_.next_number.load());
  receive_.resume(open_sources(link));
  home_.resume(link);
  if (Status const opened = sink_->resume(link); !opened) fail_all(opened.error().message);
  home_committed_ = home_.number();
  large_committed_ = home_.large();
  done_ = state_.done.load() == state::PktioState::Done::failed;
}

/// All frames have one link type: Ethernet where the captures' differ.
std::vector<std::unique_ptr<Source>> Pktio::open_sources(packet::LinkType& link) {
  std::vector<std::unique_ptr<Source>> sources;
  for (size_t i = 0; i < settings_.interfaces.size(); ++i) sources.push_back(open_source(i));
  if (uint64_t const known = state_.link.load(); known != 0) link = static_cast<packet::LinkType>(known - 1);
  else decide_link(sources, link);
  for (size_t i = 0; i < sources.size(); ++i)
    if (sources[i] && sources[i]->link() != link) sources[i] = std::make_unique<EthernetSource>(std::move(sources[i]), mac_of(i));
  return sources;
}

void Pktio::decide_link(const std::vector<std::unique_ptr<Source>>& sources, packet::LinkType& link) {
  std::optional<packet::LinkType> first;
  bool same = true, mixed = false;
  for (const auto& source : sources) {
    if (!source) continue;
    same = same && source->link() == first.value_or(source->link());
    mixed = mixed || source->is_mixed();
    first = first.value_or(source->link());
  }
  if (!first) return;
  link = same && packet::is_written(*first) ? *first : packet::LinkType::ethernet;
  state_.relinked.store(mixed || link != *first || !same ? 1 : 0);
  state_.link.store(static_cast<uint64_t>(link) + 1);
}

Mac Pktio::mac_of(size_t interface) const {
  const auto& all = settings_.topology.interfaces;
  return interface < all.size() ? all[interface].mac : Mac{};
}

std::unique_ptr<Source> Pktio::open_source(size_t interface) {
  state::PktioState::Interface& own = state_.interfaces[interface];
  if (!settings_.interfaces[interface].has_input || own.input_ended.load() != 0) return nullptr;
  auto source = open_(interface, Position{own.read_packets.load(), own.read_offset.load()});
  if (!source) return input_failed(interface, source.error().message), nullptr;
  return std::move(*source);
}

// Stored at once: a successor comes to the same end, and writes the same.
void Pktio::input_failed(size_t interface, const std::string& why) {
  state::PktioState::Interface& own = state_.interfaces[interface];
  memory::copy_in(own.input_error.data(), why.c_str(), std::min(why.size() + 1, state::PktioState::kErrorBytes - 1));
  memory::program_order();
  own.input_ended.store(2);
}

void Pktio::fail_all(const std::string& why) {
  memory::copy_in(state_.error.data(), why.c_str(), std::min(why.size() + 1, state::PktioState::kErrorBytes - 1));
  state_.done.release(state::PktioState::Done::failed);
  done_ = true;
  holder_.ring();
}

uint64_t Pktio::allowed() {
  if (!pace_) return batch_size();
  uint64_t const by_now = pace_();
  return by_now > receive_.packets() ? std::min<uint64_t>(batch_size(), by_now - receive_.packets()) : 0;
}

bool Pktio::work() {
  if (done_) return false;
  if (home_.ready(inlet(0), receive_.numbered()) || sink_->failed()) return true;
  if (all_home() && sink_->all_out()) return true;
  return receivable(home_committed_, large_committed_) != 0;
}

uint64_t Pktio::receivable(uint64_t home, uint64_t large_home) {
  if (outlet(0).room(2) < 2 || !receive_.ready(home, large_home)) return 0;
  return allowed();
}

bool Pktio::make() {
  if (done_) return false;
  bool const home_ready = home_.ready(inlet(0), receive_.numbered());
  if (home_ready) take_home();
  uint64_t const home = early(home_committed_, home_.number()), large = early(large_committed_, home_.large());
  uint64_t const most = receivable(home, large);
  if (!home_ready && most == 0) {
    finish_if_done();
    return false;
  }
  if (most != 0) receive_.some(outlet(0), batch(), most, home, large);
  home_.store(batch());
  receive_.store(batch());
  return true;
}

void Pktio::take_home() {
  uint64_t const before = home_.corrupt();
  home_.some(inlet(0), batch(), batch_size(), receive_.numbered());
  if (home_.corrupt() != before) count_corrupt(home_.corrupt() - before);
}

void Pktio::committed() {
  home_committed_ = home_.number();
  large_committed_ = home_.large();
  reassembly_.committed();
  sink_->start(all_home());
}

bool Pktio::all_home() const { return receive_.ended() && receive_.numbered() == home_committed_; }

void Pktio::finish_if_done() {
  if (sink_->failed()) return fail_all(sink_->error().message);
  bool const full = inlet(0).available() != 0;  // packets wait for room
  sink_->start(all_home() || full);
  if (!all_home() || !sink_->all_out()) return;
  done_ = true;
  state_.done.release(state::PktioState::Done::finished);
  holder_.ring();
}

}  // namespace bulkhead::pktio
