// What pktio's files get: nothing before it is committed, the same bytes after a death, and no more than there is room for.
#define BOOST_TEST_MODULE pcap_sink
#include "services/pktio/out/pcap_sink.h"

#include <boost/test/unit_test.hpp>
#include <functional>

#include "tests/simulation/world.h"
#include "tests/unit/capture_bytes.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

constexpr uint64_t kStamp = 1'700'000'000'000'000'000;
constexpr size_t kLan = 0, kWan = 1, kDrops = 2, kLocal = 3, kVerdicts = 4;

control::Settings settings() {
  control::Settings made = small_settings(16, 8, 8);
  made.topology.interfaces = {{"lan", {0x02, 0, 0, 0, 1, 1}, 1500, {}}, {"wan", {0x02, 0, 0, 0, 1, 2}, 1500, {}}};
  return made;
}

/// Files whose writes are done when the test says so.
struct Files {
  class File : public pktio::FileWriter {
   public:
    File(Files& files, size_t output) : files_(files), output_(output) {}
    void write(std::span<const uint8_t> bytes, uint64_t offset, Completion done) override {
      files_.asked.push_back([this, bytes, offset, done = std::move(done)] {
        if (files_.error != 0) return done(-files_.error);
        write_at(files_.disk[output_], bytes, offset);
        done(static_cast<int64_t>(bytes.size()));
      });
    }

   private:
    Files& files_;
    size_t output_;
  };
  std::vector<std::unique_ptr<pktio::FileWriter>> writers() {
    std::vector<std::unique_ptr<pktio::FileWriter>> all;
    for (size_t output = 0; output < disk.size(); ++output) all.push_back(std::make_unique<File>(*this, output));
    return all;
  }
  void complete() {
    for (auto due = std::exchange(asked, {}); auto& one : due) one();
  }

  Disk disk{control::Outputs(settings()).names.size()};
  std::vector<std::function<void()>> asked;
  int error = 0;
};

/// pktio as far as its sink goes; it dies when it goes out of scope.
struct Process {
  Process(const Memory& memory, Files& its_files)
      : files(its_files),
        batch(memory.as<memory::CommitArea>("pktio.commit"), memory.as<memory::Journal>("pktio.journal"), memory.object("pktio.state")),
        sink(memory.as<state::Staging>("pktio.staging"), memory.as<state::PktioState>("pktio.state"), control::Outputs(settings()), files.writers()) {
    files.asked.clear();
    batch.recover();
    BOOST_REQUIRE(sink.resume(packet::LinkType::ethernet));
  }
  void commit() {
    sink.store(batch);
    batch.commit({});
  }
  void write_out() {
    while (!sink.all_out()) {
      sink.start(true);
      files.complete();
    }
  }

  Files& files;
  memory::Batch batch;
  pktio::PcapSink sink;
};

Captured one(uint8_t name, size_t bytes = 60) { return {kStamp + name, static_cast<uint32_t>(bytes) + 4, Bytes(bytes, name)}; }
void leaves(Process& process, size_t interface, const Captured& sent) {
  process.sink.leaves(interface, sent.stamp_ns, {sent.bytes, sent.wire});
}

struct Fixture {
  Memory memory{settings()};
  Files files;
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(each_has_its_file, Fixture) {
  Process process(memory, files);
  leaves(process, kLan, one(1));
  leaves(process, kWan, one(2));
  process.sink.dropped(one(3).stamp_ns, {one(3).bytes, one(3).wire});
  process.sink.local(one(4).stamp_ns, {one(4).bytes, one(4).wire});
  BOOST_REQUIRE(process.sink.wants_lines());
  process.sink.line("{\"n\":1}\n");
  process.commit();
  process.write_out();
  for (size_t output : {kLan, kWan, kDrops, kLocal})
    BOOST_TEST(files.disk[output] == pcap_file({one(static_cast<uint8_t>(output + 1))}), boost::test_tools::per_element());
  BOOST_TEST(std::string(files.disk[kVerdicts].begin(), files.disk[kVerdicts].end()) == "{\"n\":1}\n");
}

BOOST_FIXTURE_TEST_CASE(nothing_leaves_before_it_is_committed, Fixture) {
  Process process(memory, files);
  leaves(process, kLan, one(1));
  process.sink.start(true);
  BOOST_TEST(files.asked.empty());
  process.commit();
  process.sink.start(true);
  BOOST_TEST(!files.asked.empty());
}

BOOST_FIXTURE_TEST_CASE(a_capture_without_a_packet_has_its_header, Fixture) {
  Process process(memory, files);
  BOOST_TEST(process.sink.unsaved());
  process.commit();
  BOOST_TEST(!process.sink.unsaved());
  process.write_out();
  BOOST_TEST(files.disk[kWan] == pcap_file({}), boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_successor_goes_on_behind_what_was_committed, Fixture) {
  {
    Process process(memory, files);
    leaves(process, kLan, one(1));
    process.commit();
    process.sink.start(true);  // and dies before the write is done
    leaves(process, kLan, one(2));
    process.sink.store(process.batch);
  }
  Process successor(memory, files);
  BOOST_TEST(!successor.sink.all_out());
  leaves(successor, kLan, one(3));
  successor.commit();
  successor.write_out();
  BOOST_TEST(files.disk[kLan] == pcap_file({one(1), one(3)}), boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(there_is_room_for_as_much_as_the_staging_has_and_again_when_it_is_written, Fixture) {
  constexpr size_t kBytes = 1000;
  uint64_t const capacity = memory.as<state::Staging>("pktio.staging").header.capacity;
  Process process(memory, files);
  std::vector<Captured> sent;
  for (int round = 0; round < 3; ++round) {
    size_t const before = sent.size();
    while (process.sink.room({1, kBytes, 0})) {
      sent.push_back(one(static_cast<uint8_t>(sent.size()), kBytes));
      leaves(process, kLan, sent.back());
      if (sent.size() % 4 == 0) process.commit();  // what is not yet with the staging counts too
    }
    uint64_t const there = (sent.size() - before) * (kBytes + 16) + (round == 0 ? 24 : 0);
    BOOST_TEST((there <= capacity && there + kBytes + 16 > capacity));
    process.commit();
    process.write_out();
  }
  BOOST_CHECK(files.disk[kLan] == pcap_file(sent));
}

BOOST_FIXTURE_TEST_CASE(lines_take_no_room_of_captures_nor_frames_that_of_lines, Fixture) {
  uint64_t const capacity = memory.as<state::Staging>("pktio.staging").header.capacity;
  Process process(memory, files);
  BOOST_TEST(process.sink.room({1, 100, capacity}));
  BOOST_TEST(!process.sink.room({1, 100, capacity + 1}));
  BOOST_TEST(process.sink.room({1, capacity - 24 - 16, 0}));
  BOOST_TEST(!process.sink.room({1, capacity - 24 - 15, 0}));
  BOOST_TEST(!process.sink.room({2, capacity - 24 - 16, 0}));
}

BOOST_FIXTURE_TEST_CASE(pieces_count_with_their_records, Fixture) {
  uint64_t const most = memory.as<state::Staging>("pktio.staging").header.capacity / 8 * 3;
  Process process(memory, files);
  BOOST_TEST(process.sink.may_take({10, most - 160, 0}));
  BOOST_TEST(!process.sink.may_take({10, most - 159, 0}));
}

BOOST_FIXTURE_TEST_CASE(a_write_that_fails_names_its_file, Fixture) {
  Process process(memory, files);
  process.commit();
  BOOST_TEST(!process.sink.failed());
  files.error = ENOSPC;
  process.sink.start(true);
  files.complete();
  BOOST_REQUIRE(process.sink.failed());
  BOOST_TEST(process.sink.error().message == "lan.pcap: No space left on device");
}
