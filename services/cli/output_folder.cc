#include "services/cli/output_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace bulkhead::cli {
namespace {

constexpr const char* kRunFile = ".bulkhead-run";

}  // namespace

Result<OutputFolder> OutputFolder::take(std::string path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return fail("{}: cannot make this output folder: {}", path, error.message());
  kj::AutoCloseFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0 && errno == ENOTDIR) return fail("{}: is no folder", path);
  if (folder.get() < 0) return fail_errno(errno, "{}: cannot open this output folder", path);
  // Some network file systems know no such lock; a run goes on without it there.
  if (::flock(folder, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    return fail("{}: another run is writing into this output folder", path);
  return OutputFolder(std::move(path), kj::mv(folder));
}

void OutputFolder::clear(const std::vector<std::string>& names, const std::function<bool(dev_t, ino_t)>& spared) const {
  std::ifstream file(path_ + "/" + kRunFile);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    ino_t number = 0;
    std::string name;
    if (!(words >> number) || !std::getline(words >> std::ws, name) || name.find('/') != std::string::npos) continue;
    if (std::ranges::find(names, name) != names.end()) continue;
    struct stat about {};
    if (::fstatat(folder_, name.c_str(), &about, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(about.st_mode)) continue;
    if (about.st_ino == number && !spared(about.st_dev, about.st_ino)) ::unlinkat(folder_, name.c_str(), 0);
  }
}

Status OutputFolder::remember(const std::vector<std::string>& names) const {
  ::unlinkat(folder_, kRunFile, 0);  // never through a link that somebody put there
  kj::AutoCloseFd const file(::openat(folder_, kRunFile, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (file.get() < 0 && errno == EACCES) return {};  // where nothing may be made, nothing is left either
  if (file.get() < 0) return fail_errno(errno, "{}/{}", path_, kRunFile);
  std::string text;
  for (const std::string& name : names) {
    struct stat about {};
    if (::fstatat(folder_, name.c_str(), &about, AT_SYMLINK_NOFOLLOW) == 0) text += fmt::format("{} {}\n", about.st_ino, name);
  }
  auto const written = ::write(file, text.data(), text.size());
  if (written < 0) return fail_errno(errno, "{}/{}", path_, kRunFile);
  return static_cast<size_t>(written) == text.size() ? Status{} : fail("{}/{}: cannot be written whole", path_, kRunFile);
}

Result<kj::AutoCloseFd> OutputFolder::lock() const {
  kj::AutoCloseFd copy(::fcntl(folder_, F_DUPFD_CLOEXEC, 0));
  if (copy.get() < 0) return fail_errno(errno, "{}", path_);
  return kj::mv(copy);
}

}  // namespace bulkhead::cli
