// A host that refuses: no room, no right to write, no io_uring. An error that says which, exit 1, and nothing left.
//
// Root    the full disk is a small tmpfs in a mount namespace of this test's own; skipped where there may be none.
#define BOOST_TEST_MODULE host_trouble
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <filesystem>

#include "tests/replay/replay_lab.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

namespace fs = std::filesystem;

/// For this process and all that it starts; cannot be undone.
bool refuse_io_uring() {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog const program{std::size(code), code};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/// Runs `body` in a child; gives its exit status.
int in_a_child(const std::function<int()>& body) {
  pid_t const child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// A mount namespace of this process's own, so that nothing is left on the host should it be killed. Refused without
/// the right to it, and within a plain chroot, whose "/" is no mount.
bool own_mounts() {
  return ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

/// Otherwise the test is reported as skipped.
boost::test_tools::assertion_result may_mount(boost::unit_test::test_unit_id) {
  bool const may = ::geteuid() == 0 && in_a_child([] { return own_mounts() ? 0 : 1; }) == 0;
  boost::test_tools::assertion_result result(may);
  if (!may) result.message() << "skipped: no mount namespace here";
  return result;
}

/// A file system that is full soon, unmounted at the end.
class SmallDisk {
 public:
  SmallDisk(std::string place, const char* size) : place_(std::move(place)) {
    fs::create_directory(place_);
    fs::permissions(place_, fs::perms(0777));
    mounted_ = own_mounts() && ::mount("tmpfs", place_.c_str(), "tmpfs", 0, size) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount(place_.c_str());
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  [[nodiscard]] bool mounted() const { return mounted_; }

 private:
  std::string place_;
  bool mounted_ = false;
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_full_disk_is_reported_with_the_file_that_did_not_fit,
                     *boost::unit_test::precondition(may_mount)) {
  ReplayLab lab;
  SmallDisk const disk(lab.path("small"), "size=3m");
  BOOST_REQUIRE(disk.mounted());
  auto const captures = lab.make_capture({"mixed", "--packets", "30000", "in"});
  auto const ran = lab.run(ReplayLab::replay_two(captures, lab.path("small/out"), {"--run", lab.run_dir()}));
  BOOST_TEST(ran.status == 1, ran.text);
  BOOST_TEST(ran.text.find("small/out/lan.pcap: No space left on device") != std::string::npos, ran.text);
  BOOST_TEST(lab.nothing_left());
}

BOOST_AUTO_TEST_CASE(a_file_that_may_not_grow_is_reported) {
  ReplayLab lab;
  auto const captures = lab.make_capture({"mixed", "--packets", "30000", "in"});
  int const status = in_a_child([&] {
    rlimit const small{1 << 20, 1 << 20};
    ::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &small);
    return lab.run(ReplayLab::replay_two(captures, lab.path("out"), {"--run", lab.run_dir()})).status;
  });
  BOOST_TEST(status == 1);
  std::string const text = read_file(lab.path("answer"));
  BOOST_TEST(text.find("File too large") != std::string::npos, text);
  BOOST_TEST(lab.nothing_left());
}

BOOST_AUTO_TEST_CASE(io_uring_refused_is_reported_with_the_setting_to_change) {
  ReplayLab lab;
  auto const captures = lab.make_capture({"sample", "in"});
  for (bool status_only : {false, true}) {
    int const status = in_a_child([&] {
      if (!refuse_io_uring()) return 99;
      return status_only ? lab.run({"status", "--run", lab.folder()}).status
                         : lab.run(ReplayLab::replay_two(captures, lab.path("out"), {"--run", lab.run_dir()})).status;
    });
    BOOST_TEST(status == 1);
    std::string const text = read_file(lab.path("answer"));
    BOOST_TEST(text.find("io_uring is refused") != std::string::npos, text);
    BOOST_TEST(text.find("kernel.io_uring_disabled") != std::string::npos, text);
    BOOST_TEST(text.find("seccomp") != std::string::npos, text);
    BOOST_TEST(lab.nothing_left());
  }
}

BOOST_AUTO_TEST_CASE(an_output_folder_that_cannot_be_written_is_named) {
  ReplayLab lab;
  auto const captures = lab.make_capture({"sample", "in"});
  auto const complains = [&](const std::string& out, const std::string& about) {
    auto const ran = lab.run(ReplayLab::replay_two(captures, out, {"--run", lab.run_dir()}));
    BOOST_TEST(ran.status == 1, ran.text);
    BOOST_TEST(ran.text.find(about) != std::string::npos, ran.text);
    BOOST_TEST(lab.nothing_left());
  };
  complains("/proc/nowhere", "/proc/nowhere: cannot make this output folder");
  complains("/proc/self", "/proc/self/lan.pcap: cannot write this output");  // a folder where not even root makes files
  complains(captures + "/lan.pcap", "output folder");
  complains(captures, "would overwrite the input");
  fs::create_directories(lab.path("out/wan.pcap"));
  complains(lab.path("out"), "out/wan.pcap");
}

BOOST_AUTO_TEST_CASE(a_run_directory_that_cannot_be_made_is_named) {
  ReplayLab lab;
  auto const captures = lab.make_capture({"sample", "in"});
  auto const ran = lab.run(ReplayLab::replay_two(captures, lab.path("out"), {"--run", "/proc/nowhere"}));
  BOOST_TEST(ran.status == 1, ran.text);
  BOOST_TEST(ran.text.find("/proc/nowhere: cannot make this run directory") != std::string::npos, ran.text);
  BOOST_TEST(lab.processes().empty());
}

BOOST_AUTO_TEST_CASE(an_interface_named_twice_is_an_error) {
  ReplayLab lab;
  auto const captures = lab.make_capture({"sample", "in"});
  std::string const lan = "lan=" + captures + "/lan.pcap";
  auto const ran = lab.run(ReplayLab::replay({lan, lan}, lab.path("out"), {"--run", lab.run_dir()}));
  BOOST_TEST(ran.status == 1, ran.text);
  BOOST_TEST(ran.text.find("interface 'lan' is named twice") != std::string::npos, ran.text);
  BOOST_TEST(lab.nothing_left());
}

// UBSan itself needs descriptors, to find out what may be read.
BOOST_AUTO_TEST_CASE(too_few_descriptors_are_reported, *boost::unit_test::enable_if<!kSanitized>()) {
  ReplayLab lab;
  auto const captures = lab.make_capture({"sample", "in"});
  int const status = in_a_child([&] {
    rlimit const few{24, 24};
    ::setrlimit(RLIMIT_NOFILE, &few);
    return lab.run(ReplayLab::replay_two(captures, lab.path("out"), {"--run", lab.run_dir()})).status;
  });
  BOOST_TEST(status == 1);
  std::string const text = read_file(lab.path("answer"));
  BOOST_TEST(text.find("oo many open files") != std::string::npos, text);
  BOOST_TEST(lab.nothing_left());
}
