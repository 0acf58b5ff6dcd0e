#include "tests/simulation/chain.h"

#include <fmt/format.h>

#include <stdexcept>

#include "tests/simulation/frames.h"

namespace bulkhead::test {

class Chain::File : public pktio::FileWriter {
 public:
  File(Chain& chain, size_t output) : chain_(chain), output_(output) {}
  void write(std::span<const uint8_t> bytes, uint64_t offset, Completion done) override {
    chain_.io_.push_back([this, bytes, offset, done = std::move(done)] {
      write_at(chain_.disk_[output_], bytes, offset);
      done(static_cast<int64_t>(bytes.size()));
    });
  }

 private:
  Chain& chain_;
  size_t output_;
};

Chain::Chain(const Memory& memory, const control::Settings& settings, const Input& input, uint32_t drop_one_in)
    : memory_(memory),
      settings_(settings),
      input_(input),
      drop_one_in_(drop_one_in),
      disk_(control::Outputs(settings).names.size()) {}

pktio::Files Chain::files() {
  pktio::Files files;
  files.open = [this](size_t interface, const pktio::Position& from) -> Result<std::unique_ptr<pktio::Source>> {
    return std::make_unique<FrameSource>(input_[interface], from.packets);
  };
  for (size_t output = 0; output < disk_.size(); ++output)
    files.outputs.push_back(std::make_unique<File>(*this, output));
  return files;
}

Result<std::unique_ptr<chain::Stage>> Chain::make(size_t which) {
  return make_any_stage(chain::kServices[which], *this, settings_, drop_one_in_, [this] { return files(); });
}

void Chain::replace(size_t which) {
  if (which == 0) io_.clear();
  stages_[which].reset();
  auto made = make(which);
  if (!made) throw std::runtime_error(made.error().message);
  stages_[which] = std::move(*made);
}

void Chain::start_all() {
  for (size_t which = 0; which < kStages; ++which) {
    replace(which);
    recover(which);
  }
}

bool Chain::complete_io() {
  auto const due = std::exchange(io_, {});
  for (const auto& io : due) io();
  return !due.empty();
}

bool Chain::step(size_t which) {
  bool const moved = which == 0 && complete_io();
  return bare_step(which) || moved;
}

bool Chain::round(size_t without) {
  bool moved = false;
  for (size_t which = 0; which < kStages; ++which)
    if (which != without && step(which)) moved = true;
  return moved || (without != 0 && !io_.empty());
}

bool Chain::done() const {
  return memory_.as<state::PktioState>("pktio.state").done.load() != state::PktioState::Done::running;
}

bool Chain::finish() {
  constexpr int kRoundsMost = 100'000;
  for (int rounds = 0; rounds < kRoundsMost; ++rounds) {
    bool const moved = round();
    if (done()) return true;
    if (!moved) return false;
  }
  return false;
}

}  // namespace bulkhead::test
