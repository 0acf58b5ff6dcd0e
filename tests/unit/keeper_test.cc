// What the keeper hands out, to whom, and what the kernel then refuses; settings and control messages against
// garbage.
#define BOOST_TEST_MODULE keeper
#include <fcntl.h>
#include <grp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <random>

#include "ipc/control/config_object.h"
#include "ipc/control/control_message.h"
#include "ipc/runtime/handover.h"
#include "ipc/runtime/keeper_client.h"
#include "ipc/runtime/spawn.h"
#include "tests/unit/loop_fixtures.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

constexpr uid_t kSomebody = 61777;

kj::AutoCloseFd memory_or_die(uint64_t bytes) {
  auto memory = memory::create_memory("test", bytes);
  if (!memory) std::abort();
  return kj::mv(*memory);
}

bool can_map_for_writing(int fd, size_t bytes) {
  void* const at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) return false;
  ::munmap(at, bytes);
  return true;
}

control::Settings some_settings() {
  control::Settings settings;
  settings.ring = 64;
  settings.flows = 77;
  settings.seed = 0xfeedfacecafebeef;
  settings.verdicts = false;
  settings.interfaces = {{"lan", true, "/a/b.pcap"}, {"wan@1", false, ""}};
  return settings;
}

/// Every message with a byte changed, cut short or invented is refused or gives something in its limits.
template <class Decode, class Fine>
void batter(const std::vector<std::byte>& good, Decode decode, Fine fine) {
  std::mt19937 chance(42);
  auto const any = [&](size_t below) { return std::uniform_int_distribution<size_t>(0, below - 1)(chance); };
  for (size_t cut = 0; cut < good.size(); ++cut) {
    auto const decoded = decode(std::span(good).first(cut));
    BOOST_TEST((!decoded || fine(*decoded)));
  }
  for (int round = 0; round < 5000; ++round) {
    auto bytes = good;
    for (size_t changes = 1 + any(4); changes > 0; --changes)
      bytes[any(bytes.size())] = static_cast<std::byte>(any(256));
    auto const decoded = decode(std::span<const std::byte>(bytes));
    if (decoded && !fine(*decoded)) BOOST_ERROR("round " << round << " gave something out of its limits");
  }
  for (int round = 0; round < 5000; ++round) {
    std::vector<std::byte> bytes(any(200));
    for (auto& byte : bytes) byte = static_cast<std::byte>(any(256));
    auto const decoded = decode(std::span<const std::byte>(bytes));
    if (decoded && !fine(*decoded)) BOOST_ERROR("garbage was taken for a message");
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(memory_for_reading_cannot_be_written) {
  auto const memory = memory_or_die(8192);
  auto const read_only = memory::reopen_read_only("test", memory);
  BOOST_REQUIRE(read_only.has_value());
  BOOST_TEST(can_map_for_writing(memory, 8192));
  BOOST_TEST(!can_map_for_writing(*read_only, 8192));
  BOOST_TEST(!memory::Mapping::make("test", *read_only, 8192, memory::Right::write));
  auto const mapping = memory::Mapping::make("test", *read_only, 8192, memory::Right::read);
  BOOST_REQUIRE(mapping.has_value());
  BOOST_TEST(::mprotect(mapping->bytes().data(), 8192, PROT_READ | PROT_WRITE) == -1);
  BOOST_TEST(::pwrite(*read_only, "x", 1, 0) == -1);
  BOOST_TEST(::ftruncate(memory, 4096) == -1);
  BOOST_TEST(::ftruncate(memory, 16384) == -1);
  BOOST_TEST(::fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE) == -1);
}

BOOST_AUTO_TEST_CASE(another_user_cannot_open_read_only_memory_anew) {
  if (::geteuid() != 0) {
    BOOST_TEST_MESSAGE("skipped: not root, so there is no other user to be");
    return;
  }
  auto const memory = memory_or_die(4096);
  auto const read_only = memory::reopen_read_only("test", memory);
  std::string const path = "/proc/self/fd/" + std::to_string(read_only->get());
  BOOST_TEST(in_child([&] {
               if (::setgroups(0, nullptr) != 0 || ::setresgid(kSomebody, kSomebody, kSomebody) != 0 ||
                   ::setresuid(kSomebody, kSomebody, kSomebody) != 0)
                 return 2;
               return ::open(path.c_str(), O_RDWR) < 0 && errno == EACCES ? 0 : 1;
             }) == 0);
}

BOOST_AUTO_TEST_CASE(memory_that_could_shrink_or_has_another_size_is_refused) {
  kj::AutoCloseFd loose(::memfd_create("loose", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  BOOST_TEST(::ftruncate(loose, 4096) == 0);
  BOOST_TEST(!memory::Mapping::make("loose", loose, 4096, memory::Right::read));
  auto const memory = memory_or_die(4096);
  BOOST_TEST(!memory::Mapping::make("test", memory, 8192, memory::Right::read));
  runtime::Grants grants;
  BOOST_TEST(!grants.add({"loose", control::ObjectKind::memory, memory::Right::read, 4096}, kj::mv(loose)));
  BOOST_TEST(!grants.add({"none", control::ObjectKind::memory, memory::Right::read, 4096}, kj::AutoCloseFd()));
  BOOST_TEST(!memory::create_memory("empty", 0));
}

BOOST_AUTO_TEST_CASE(settings_come_back_as_they_were_and_nobody_can_change_them) {
  auto const config = control::make_config(some_settings());
  BOOST_REQUIRE(config.has_value());
  auto const bytes = memory::memory_size("config", *config);
  BOOST_REQUIRE(bytes.has_value());
  int const anew = ::open(("/proc/self/fd/" + std::to_string(config->get())).c_str(), O_RDWR | O_CLOEXEC);
  BOOST_TEST(anew >= 0);  // the maker may open it anew, and still
  BOOST_TEST(::pwrite(anew, "x", 1, 0) == -1);
  ::close(anew);
  auto mapping = memory::Mapping::make("config", *config, *bytes, memory::Right::read);
  BOOST_REQUIRE(mapping.has_value());
  auto const back = control::read_config(mapping->bytes());
  BOOST_REQUIRE(back.has_value());
  BOOST_TEST((control::encode(*back) == control::encode(some_settings())));
  BOOST_TEST(back->interfaces[0].path == "/a/b.pcap");
  BOOST_TEST(back->seed == 0xfeedfacecafebeef);
}

BOOST_AUTO_TEST_CASE(settings_beyond_their_limits_are_refused) {
  auto const refused = [](auto change) {
    control::Settings settings = some_settings();
    change(settings);
    return !control::decode(control::encode(settings)) && !control::make_config(settings);
  };
  BOOST_TEST(!refused([](control::Settings&) {}));
  BOOST_TEST(refused([](control::Settings& s) { s.ring = 100; }));
  BOOST_TEST(refused([](control::Settings& s) { s.ring = 8; }));
  BOOST_TEST(refused([](control::Settings& s) { s.batch = 0; }));
  BOOST_TEST(refused([](control::Settings& s) { s.batch = 4097; }));
  BOOST_TEST(refused([](control::Settings& s) { s.flows = (1U << 24) + 1; }));
  BOOST_TEST(refused([](control::Settings& s) { s.hang_ms = 0; }));
  BOOST_TEST(refused([](control::Settings& s) { s.interfaces[1].name = "lan"; }));
  BOOST_TEST(refused([](control::Settings& s) { s.interfaces[1].name = "../x"; }));
  BOOST_TEST(refused([](control::Settings& s) { s.interfaces[1].name = ""; }));
  BOOST_TEST(refused([](control::Settings& s) { s.interfaces.resize(65); }));
}

BOOST_AUTO_TEST_CASE(settings_out_of_garbage_are_refused_or_within_their_limits) {
  batter(
      control::encode(some_settings()), [](auto bytes) { return control::decode(bytes); },
      [](const control::Settings& settings) { return control::check(settings).has_value(); });
}

BOOST_AUTO_TEST_CASE(control_messages_out_of_garbage_are_refused_or_have_sane_names) {
  auto const any = [](const auto&) { return true; };
  batter(
      control::encode(control::Hello{"conntrack"}), [](auto bytes) { return control::decode_hello(bytes); },
      [](const control::Hello& hello) { return control::is_object_name(hello.service); });
  batter(
      control::encode(control::ToService{control::Grant{"pool", control::ObjectKind::memory, memory::Right::write, 1234}}),
      [](auto bytes) { return control::decode_to_service(bytes); },
      [](const control::ToService& message) {
        const auto* grant = std::get_if<control::Grant>(&message);
        return grant == nullptr || (control::is_object_name(grant->name) && grant->kind <= control::ObjectKind::process);
      });
  batter(
      control::encode(control::ToService{control::Refused{"because"}}), [](auto bytes) { return control::decode_to_service(bytes); }, any);
  for (const control::HolderMessage& message :
       {control::HolderMessage{control::Held{"config", control::ObjectKind::memory}}, control::HolderMessage{control::AllHeld{3}},
        control::HolderMessage{control::StopAll{}}, control::HolderMessage{control::Deposit{"process.nat", control::ObjectKind::process}},
        control::HolderMessage{control::Deposited{"x"}}, control::HolderMessage{control::Failed{"so"}},
        control::HolderMessage{control::Used{"nat", {1, 2, 3, 4, 5, 6}}}}) {
    auto const back = control::decode_holder_message(control::encode(message));
    BOOST_REQUIRE(back.has_value());
    BOOST_TEST(back->index() == message.index());
    batter(
        control::encode(message), [](auto bytes) { return control::decode_holder_message(bytes); }, any);
  }
}

BOOST_AUTO_TEST_CASE(a_parcel_brings_its_descriptor_close_on_exec) {
  SocketPair const pair(SOCK_SEQPACKET);
  auto const memory = memory_or_die(4096);
  auto const message = control::encode(control::Hello{"nat"});
  BOOST_REQUIRE(runtime::send_parcel(pair.left, message, memory, runtime::Patience::none).has_value());
  BOOST_REQUIRE(runtime::send_parcel(pair.left, message, -1, runtime::Patience::none).has_value());
  auto first = runtime::receive_parcel(pair.right, runtime::Patience::none);
  BOOST_REQUIRE((first && *first));
  BOOST_TEST(((*first)->bytes == message));
  BOOST_TEST(::fcntl((*first)->descriptor, F_GETFD) == FD_CLOEXEC);
  auto second = runtime::receive_parcel(pair.right, runtime::Patience::none);
  BOOST_REQUIRE((second && *second));
  BOOST_TEST((*second)->descriptor.get() == -1);
  BOOST_TEST(!runtime::receive_parcel(pair.right, runtime::Patience::none));
  ::shutdown(pair.left, SHUT_RDWR);
  auto const end = runtime::receive_parcel(pair.right, runtime::Patience::wait);
  BOOST_TEST((end && !*end));
}

BOOST_AUTO_TEST_CASE(too_long_a_parcel_and_too_many_descriptors_are_refused_and_none_stays_open) {
  SocketPair const pair(SOCK_SEQPACKET);
  std::vector<std::byte> const large(control::kMaxMessage + 1);
  BOOST_REQUIRE(runtime::send_parcel(pair.left, large, -1, runtime::Patience::none).has_value());
  BOOST_TEST(!runtime::receive_parcel(pair.right, runtime::Patience::none));

  Pipe pipe;
  std::array<int, 3> const three{pipe.in, pipe.in, pipe.in};
  char byte = 'x';
  iovec part{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof three)> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* const c = CMSG_FIRSTHDR(&message);
  *c = {.cmsg_len = CMSG_LEN(sizeof three), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  std::memcpy(CMSG_DATA(c), three.data(), sizeof three);
  BOOST_REQUIRE(::sendmsg(pair.left, &message, 0) == 1);
  BOOST_TEST(!runtime::receive_parcel(pair.right, runtime::Patience::none));
  pipe.close_in();
  BOOST_TEST(::read(pipe.out, &byte, 1) == 0);  // nobody holds the writing end any more
}

BOOST_AUTO_TEST_CASE(a_child_behind_a_gate_does_nothing_until_it_opens_and_ends_with_its_parent) {
  Pipe const pipe;
  runtime::Program program;
  program.path = "/bin/sh";
  program.arguments = {"-c", "echo ran >&3"};
  program.inherit = pipe.in;
  program.gated = true;
  auto child = runtime::spawn(program);
  BOOST_REQUIRE(child.has_value());
  BOOST_TEST(!runtime::has_ended(child->pidfd));
  child->gate = nullptr;  // as when the parent dies
  BOOST_TEST(runtime::readable(child->pidfd, std::chrono::seconds(10)));
  BOOST_TEST(!runtime::readable(pipe.out, std::chrono::milliseconds(0)));

  auto second = runtime::spawn(program);
  BOOST_REQUIRE(second.has_value());
  BOOST_TEST(runtime::pid_of(second->pidfd) == second->pid);
  runtime::open_gate(*second);
  BOOST_TEST(runtime::readable(pipe.out, std::chrono::seconds(10)));
  BOOST_TEST(runtime::readable(second->pidfd, std::chrono::seconds(10)));
  for (pid_t pid : {child->pid, second->pid}) ::waitpid(pid, nullptr, 0);
  BOOST_TEST(runtime::pid_of(second->pidfd) == 0);
}

BOOST_AUTO_TEST_CASE(gated_children_do_not_hold_each_others_gates_open) {
  runtime::Program program;
  program.path = "/bin/true";
  program.gated = true;
  auto first = runtime::spawn(program), second = runtime::spawn(program);
  BOOST_REQUIRE((first && second));
  first->gate = nullptr;
  second->gate = nullptr;
  for (auto* child : {&*first, &*second}) {
    BOOST_TEST(runtime::readable(child->pidfd, std::chrono::seconds(10)));
    ::waitpid(child->pid, nullptr, 0);
  }
}
