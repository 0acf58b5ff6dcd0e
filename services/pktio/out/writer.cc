#include "services/pktio/out/writer.h"

#include <algorithm>

namespace bulkhead::pktio {

Writer::Writer(state::Staging& staging, state::PktioState& state, std::vector<std::unique_ptr<FileWriter>> files)
    : staging_(staging), state_(state) {
  for (auto& file : files) files_.push_back(File{std::move(file)});
}

void Writer::start(std::span<const uint64_t> staged, bool all) {
  uint64_t const capacity = staging_.header.capacity;
  uint64_t const enough = std::min(kEnough, capacity / 4);
  for (size_t output = 0; output < files_.size(); ++output) {
    File& file = files_[output];
    if (file.busy || failed_ != 0) continue;
    uint64_t const from = state_.outputs[output].written.load();
    uint64_t const waiting = staged[output] - from;
    if (waiting == 0 || (!all && waiting < enough)) continue;
    uint64_t const until_wrap = capacity - from % capacity;
    file.busy = true;
    file.file->write({staging_.file(output) + from % capacity, std::min(waiting, until_wrap)}, from,
                     [this, output](int64_t result) { written(output, result); });
  }
}

void Writer::written(size_t output, int64_t result) {
  files_[output].busy = false;
  if (result <= 0) {
    if (failed_ == 0) {
      failed_ = result == 0 ? -EIO : static_cast<int>(result);
      failed_output_ = output;
    }
    return;
  }
  memory::Word<uint64_t>& word = state_.outputs[output].written;
  word.store(word.load() + static_cast<uint64_t>(result));
}

uint64_t Writer::room(size_t output, uint64_t staged) const {
  return staging_.header.capacity - (staged - state_.outputs[output].written.load());
}

bool Writer::all_written(std::span<const uint64_t> staged) const {
  for (size_t output = 0; output < files_.size(); ++output)
    if (state_.outputs[output].written.load() != staged[output]) return false;
  return true;
}

}  // namespace bulkhead::pktio
