// tests/tools/dummy_service.cc: a service that has nothing to do but live; keeper_lab_test installs it
// under the names of all services.
//
// Checks  that it cannot write what it was given to read: exit 9.
// Shows   it is alive by counting batches in its desk; a successor goes on counting where the last one died.
// Obeys   BULKHEAD_DUMMY: `SERVICE exit`, `SERVICE crash` (as soon as it is ready), `SERVICE deaf` (ignores
//         SIGTERM).
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "ipc/chain/desk.h"
#include "ipc/runtime/service_main.h"

namespace {

using namespace bulkhead;

bool can_write(const std::string& name, const runtime::Grants& grants) {
  int const fd = grants.descriptor(name);
  auto const memory = grants.memory(name);
  if (::mprotect(memory.data(), memory.size(), PROT_READ | PROT_WRITE) == 0) return true;
  if (void* at = ::mmap(nullptr, memory.size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0); at != MAP_FAILED)
    return true;
  char const byte = 1;
  if (::pwrite(fd, &byte, 1, 0) >= 0) return true;
  if (::getuid() < 61000 || ::getuid() > 61007)
    return false;  // runs as the keeper does: the last wall is missing
  int const again = ::open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDWR | O_CLOEXEC);
  return again >= 0;
}

class Dummy final : public runtime::Runnable {
 public:
  Dummy(chain::Desk& desk, std::string order) : desk_(desk), order_(std::move(order)) {}
  ~Dummy() override {
    while (order_ == "deaf") ::usleep(1000);
  }

  void recover() override {
    if (order_ == "deaf") ::signal(SIGTERM, SIG_IGN);
  }
  bool step() override {
    if (order_ == "crash" && desk_.ready.load() == static_cast<uint64_t>(::getpid())) std::abort();
    desk_.batches.store(desk_.batches.load() + 1);
    if (order_ == "deaf") ::usleep(1000);
    return order_ == "deaf";
  }
  bool prepare_sleep() override { return true; }
  void wake() override {}

 private:
  chain::Desk& desk_;
  std::string order_;
};

}  // namespace

int main(int argc, char** argv) {
  std::string const service =
      std::filesystem::path(argv[0]).filename().string().substr(sizeof "bulkhead-" - 1);
  const char* const orders = std::getenv("BULKHEAD_DUMMY");
  std::string order = orders == nullptr ? "" : orders;
  order = order.starts_with(service + " ") ? order.substr(service.size() + 1) : "";
  if (order == "exit") return 3;
  return runtime::service_main(
      argc, argv, service.c_str(),
      [&](runtime::Grants& grants, const control::Settings&, runtime::ControlLoop&) -> Result<std::unique_ptr<runtime::Runnable>> {
        for (const auto& name : grants.names())
          if (!grants.memory(name).empty() && grants.right(name) == memory::Right::read && can_write(name, grants))
            ::_exit(9);
        auto desk = grants.object<chain::Desk>(service + ".desk");
        if (!desk) return tl::unexpected(desk.error());
        return std::make_unique<Dummy>(**desk, order);
      });
}
