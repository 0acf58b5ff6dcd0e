// tests/unit/tree_test.cc: the tree is what its READMEs say: who includes whom, one namespace a folder, files that are read in a sitting.
#define BOOST_TEST_MODULE tree
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

constexpr size_t kLongest = 450, kMedian = 200;  // lines of a file

const fs::path& root() {
  static const fs::path path(BULKHEAD_SOURCE_DIR);
  return path;
}

struct File {
  std::string path;  // from the root on, as includes write it
  std::vector<std::string> lines;
};

File read(const fs::path& path) {
  File file{fs::relative(path, root()).string(), {}};
  std::ifstream stream(path);
  for (std::string line; std::getline(stream, line);) file.lines.push_back(line);
  return file;
}

/// C++ sources and headers below these folders.
std::vector<File> sources(const std::vector<std::string>& folders) {
  std::vector<File> all;
  for (const std::string& folder : folders)
    for (const auto& entry : fs::recursive_directory_iterator(root() / folder))
      if (entry.path().extension() == ".cc" || entry.path().extension() == ".h") all.push_back(read(entry.path()));
  return all;
}

const std::vector<File>& product() {
  static const std::vector<File> all = sources({"common", "ipc", "services"});
  return all;
}

std::vector<std::string> includes(const File& file) {
  static const std::regex include("^#include \"([^\"]+)\"");
  std::vector<std::string> all;
  std::smatch found;
  for (const std::string& line : file.lines)
    if (std::regex_search(line, found, include)) all.push_back(found[1]);
  return all;
}

/// The first `depth` folders of a path, with a slash behind each.
std::string folder_of(const std::string& path, size_t depth) {
  size_t end = 0;
  for (size_t i = 0; i < depth; ++i) {
    end = path.find('/', end);
    if (end == std::string::npos) return path;
    ++end;
  }
  return path.substr(0, end);
}

bool may_include(const std::string& path, const std::string& included) {
  if (included.starts_with("common/")) return true;
  if (path.starts_with("common/")) return false;
  if (included.starts_with("ipc/")) return true;
  if (path.starts_with("ipc/")) return false;
  return folder_of(path, 2) == folder_of(included, 2);
}

/// Where the folder is its parent's part and shares its namespace: a rule's language, and each process.
std::string namespace_of(const std::string& path) {
  if (path.starts_with("common/base/")) return "bulkhead";
  if (path.starts_with("common/ruleset/run/")) return "bulkhead::ruleset";  // and ::run for what steps run
  std::string folder = folder_of(path, 2);
  folder.pop_back();
  return "bulkhead::" + folder.substr(folder.find('/') + 1);
}

}  // namespace

BOOST_AUTO_TEST_CASE(common_includes_common_ipc_includes_both_and_no_service_another) {
  BOOST_TEST(product().size() > 200U);
  size_t looked = 0;
  for (const File& file : product())
    for (const std::string& included : includes(file)) {
      ++looked;
      BOOST_TEST(may_include(file.path, included), file.path << " includes " << included);
    }
  BOOST_TEST(looked > 500U);
}

BOOST_AUTO_TEST_CASE(every_include_is_there_or_is_made_by_the_build) {
  for (const File& file : sources({"common", "ipc", "services", "tests"}))
    for (const std::string& included : includes(file)) {
      bool const made = included.ends_with(".capnp.h") || included.ends_with("/grammar.h");
      BOOST_TEST((made || fs::exists(root() / included)), file.path << " includes " << included);
    }
}

BOOST_AUTO_TEST_CASE(a_folder_has_one_namespace) {
  static const std::regex opening("^namespace (bulkhead[a-z_0-9:]*) \\{");
  for (const File& file : product()) {
    std::smatch found;
    for (const std::string& line : file.lines)
      if (std::regex_search(line, found, opening)) {
        std::string const name = found[1], wanted = namespace_of(file.path);
        BOOST_TEST((name == wanted || name.starts_with(wanted + "::")), file.path << " opens " << name);
        break;
      }
  }
}

BOOST_AUTO_TEST_CASE(files_are_read_in_a_sitting) {
  std::vector<size_t> lengths;
  for (const File& file : sources({"common", "ipc", "services", "tests"})) {
    BOOST_TEST(file.lines.size() <= kLongest, file.path << " has " << file.lines.size() << " lines");
    lengths.push_back(file.lines.size());
  }
  auto const middle = lengths.begin() + static_cast<std::ptrdiff_t>(lengths.size() / 2);
  std::ranges::nth_element(lengths, middle);
  BOOST_TEST(*middle <= kMedian);
}

BOOST_AUTO_TEST_CASE(what_comments_and_readmes_name_by_path_is_there) {
  static const std::regex name("\\b((?:common|ipc|services|tests|deploy|cmake)/[a-zA-Z_0-9/]+\\.(?:cc|h|sh|yy|re|capnp|md|nft|toml))\\b");
  std::vector<File> all = sources({"common", "ipc", "services", "tests"});
  all.push_back(read(root() / "README.md"));
  for (const char* folder : {"common", "ipc", "services", "tests", "deploy"})
    for (const auto& entry : fs::recursive_directory_iterator(root() / folder))
      if (entry.path().extension() == ".md") all.push_back(read(entry.path()));
  size_t looked = 0;
  for (const File& file : all)
    for (const std::string& line : file.lines)
      for (std::sregex_iterator at(line.begin(), line.end(), name), end; at != end; ++at) {
        std::string const path = (*at)[1];
        ++looked;
        bool const made = path.ends_with("/grammar.h");
        BOOST_TEST((made || fs::exists(root() / path)), file.path << " names " << path);
      }
  BOOST_TEST(looked > 500U);
}
