#include "tests/simulation/chain.h"

#include <fmt/format.h>

#include <stdexcept>

#include "services/conntrack/make.h"
#include "services/nat/make.h"
#include "services/pktio/make.h"
#include "services/rules/make.h"
#include "tests/simulation/dropping.h"

namespace bulkhead::test {

class Chain::Capture : public pktio::Source {
 public:
  Capture(const std::vector<Frame>& frames, uint64_t from) : frames_(frames), at_(from) {}

  State peek(pktio::Arrival& arrival) override {
    if (at_ == frames_.size()) return State::ended;
    const Frame& frame = frames_[at_];
    arrival = {frame.stamp_ns, static_cast<uint32_t>(frame.bytes.size()), frame.wire, frame.bytes.data(), at_ + 1};
    return State::ready;
  }
  void advance() override { ++at_; }
  [[nodiscard]] pktio::Position position() const override { return {at_, at_}; }
  [[nodiscard]] LinkType link() const override { return LinkType::ethernet; }
  [[nodiscard]] const Error& error() const override { return error_; }

 private:
  const std::vector<Frame>& frames_;
  uint64_t at_;
  Error error_;
};

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

Chain::Chain(const Memory& memory, const Settings& settings, const Input& input, uint32_t drop_one_in)
    : memory_(memory),
      settings_(settings),
      input_(input),
      drop_one_in_(drop_one_in),
      disk_(settings.interfaces.size() + 2) {}

Result<std::unique_ptr<Stage>> Chain::make(size_t which) {
  switch (which) {
    case 0: {
      pktio::Files files;
      files.open = [this](size_t interface,
                          const pktio::Position& from) -> Result<std::unique_ptr<pktio::Source>> {
        return std::make_unique<Capture>(input_[interface], from.packets);
      };
      for (size_t output = 0; output < disk_.size(); ++output)
        files.outputs.push_back(std::make_unique<File>(*this, output));
      return pktio::make_stage(*this, settings_, std::move(files));
    }
    case kConntrackStage: return conntrack::make_stage(*this, settings_);
    case 2:
      if (drop_one_in_ == 0) return rules::make_stage(*this, settings_);
      return make_dropping_rules(*this, settings_, drop_one_in_);
    default: return nat::make_stage(*this, settings_);
  }
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
  return memory_.as<PktioState>("pktio.state").done.load() != PktioState::Done::running;
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
