#include "ipc/runtime/run_dir.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "ipc/runtime/handover.h"

namespace bulkhead::runtime {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kMode = 0711;

Status ours(const std::string& directory) {
  struct stat about {};
  if (::lstat(directory.c_str(), &about) != 0) return fail_errno(errno, "{}", directory);
  if (!S_ISDIR(about.st_mode)) return fail("{}: is no directory", directory);
  if (about.st_uid != ::geteuid()) return fail("{}: belongs to user {}, not to us", directory, about.st_uid);
  return {};
}

Status make_directory(const std::string& directory) {
  if (::mkdir(directory.c_str(), kMode) != 0 && errno != EEXIST)
    return fail_errno(errno, "{}: cannot make this run directory", directory);
  if (auto fine = ours(directory); !fine) return fine;
  return {};
}

}  // namespace

std::string run_base() {
  const char* const runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime != nullptr && *runtime != '\0') return std::string(runtime) + "/bulkhead";
  return fmt::format("/tmp/bulkhead-{}", ::geteuid());
}

Result<std::string> make_run_dir(const std::string& wanted) {
  std::error_code error;
  std::string const path = fs::absolute(wanted, error).lexically_normal();
  if (error || path.empty()) return fail("{}: {}", wanted, error.message());
  std::string const parent = fs::path(path).parent_path();
  if (parent == run_base()) {
    if (auto made = make_directory(parent); !made) return tl::unexpected(made.error());
  }
  if (auto made = make_directory(path); !made) return tl::unexpected(made.error());
  if (instance_lives(path)) return fail("{}: an instance is running there", path);
  for (const char* name : {"objects.sock", "keeper.sock"}) ::unlink((path + "/" + name).c_str());
  return path;
}

void remove_run_dir(const std::string& path) {
  for (const char* name : {"objects.sock", "keeper.sock"}) ::unlink((path + "/" + name).c_str());
  ::rmdir(path.c_str());  // stays where somebody keeps something else in it
}

bool instance_lives(const std::string& run_dir) {
  auto place = shorten(run_dir);
  if (!place) return false;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string const path = place->path + "/keeper.sock";
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  kj::AutoCloseFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.get() < 0) return false;
  bool const connected = ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  return connected || errno == EAGAIN;  // EAGAIN: so many are waiting that there is no place for us
}

std::vector<std::string> live_instances() {
  std::vector<std::string> all;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(run_base(), error))
    if (instance_lives(entry.path())) all.push_back(entry.path());
  std::ranges::sort(all);
  return all;
}

}  // namespace bulkhead::runtime