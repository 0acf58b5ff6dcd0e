#include "ipc/chain/stage.h"

#include <algorithm>

namespace bulkhead::chain {

Stage::Stage(const StageParts& parts, const std::vector<const Ring*>& inlets, const std::vector<Next>& outlets)
    : desk_(parts.desk), batch_(parts.area, parts.journal, parts.state), batch_size_(parts.batch) {
  for (const Ring* ring : inlets) inlets_.emplace_back(*ring, desk_.heads[inlets_.size()].value);
  for (const Next& next : outlets)
    outlets_.push_back(Sender{Outlet(next.ring, next.desk.heads[next.head].value), next.desk, next.bell, 0,
                              std::max<uint64_t>(1, next.ring.header.capacity / 8), 0});
}

void Stage::recover() {
  desk_.asleep.store(0);
  memory::Cursors const cursors = batch_.recover();
  for (size_t i = 0; i < outlets_.size(); ++i) {
    outlets_[i].ring.restore(cursors.tails[i]);
    outlets_[i].published = cursors.tails[i];
    outlets_[i].ring.publish();
  }
  for (size_t i = 0; i < inlets_.size(); ++i) {
    inlets_[i].restore(cursors.heads[i]);
    inlets_[i].publish();
  }
  recovered();
  for (Sender& sender : outlets_) ring(sender);
  if (before_.desk != nullptr) before_.bell->ring();
}

bool Stage::step() {
  if (!make()) {
    if (stalled()) ring_due();
    return false;
  }
  commit();
  if (before_.desk != nullptr && inlets_[0].available() == 0 && before_.desk->asleep.load() != 0) before_.bell->ring();
  return true;
}

void Stage::commit() {
  memory::Cursors cursors;
  for (size_t i = 0; i < inlets_.size(); ++i) cursors.heads[i] = inlets_[i].head();
  for (size_t i = 0; i < outlets_.size(); ++i) cursors.tails[i] = outlets_[i].ring.tail();
  batch_.commit(cursors);
  publish();
  desk_.batches.store(desk_.batches.load() + 1);
  count_impossible();
  committed();
}

void Stage::publish() {
  for (Sender& sender : outlets_)
    if (sender.published != sender.ring.tail()) sender.ring.publish();
  for (Inlet& inlet : inlets_) inlet.publish();
  memory::full_fence();
  for (size_t i = 0; i < outlets_.size(); ++i) consider_bell(i);
}

void Stage::consider_bell(size_t outlet) {
  Sender& sender = outlets_[outlet];
  if (sender.published != sender.ring.tail()) {
    sender.published = sender.ring.tail();
    if (sender.due_for == 0 && sender.desk.asleep.load() != 0) sender.due_for = 1;
  }
  if (sender.due_for == 0) return;
  bool const for_long = sender.due_for++ >= kPatience;
  if ((for_long && !may_ring_later(outlet)) || sender.ring.depth() >= sender.depth_to_ring) ring(sender);
}

void Stage::ring(Sender& sender) {
  sender.due_for = 0;
  desk_.bells.store(desk_.bells.load() + 1);
  sender.bell.ring();
}

void Stage::ring_due() {
  for (size_t i = 0; i < outlets_.size(); ++i)
    if (outlets_[i].due_for != 0 && !may_ring_later(i)) ring(outlets_[i]);
}

void Stage::count_impossible() {
  uint64_t now = 0;
  for (const Inlet& inlet : inlets_) now += inlet.corrupt();
  for (const Sender& sender : outlets_) now += sender.ring.corrupt();
  if (now == impossible_) return;
  count_corrupt(now - impossible_);
  impossible_ = now;
}

uint64_t Stage::packets() const {
  uint64_t all = 0;
  for (const Sender& sender : outlets_) all += sender.ring.packets();
  return all;
}

bool Stage::may_sleep() {
  ring_due();
  count_impossible();
  desk_.asleep.store(1);
  memory::full_fence();
  if (work() && !memory::simulate::mistaken(memory::simulate::Mistake::sleep_without_look)) {
    desk_.asleep.store(0);
    return false;
  }
  desk_.sleeps.store(desk_.sleeps.load() + 1);
  return true;
}

}  // namespace bulkhead::chain