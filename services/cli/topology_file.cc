#include "services/cli/topology_file.h"

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <string_view>

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "common/base/whole_file.h"
#include "ipc/control/settings.h"

namespace bulkhead::cli {
namespace {

class File {
 public:
  File(const std::string& path, TopologyBuilder& builder) : path_(path), builder_(builder) {}

  Status read(const toml::table& root) {
    constexpr std::array<std::string_view, 3> sections{"interface", "route", "neighbour"};
    if (auto known = only(root, sections); !known) return known;
    if (auto done = each(root, "interface", &File::interface); !done) return done;
    if (auto done = each(root, "route", &File::route); !done) return done;
    return each(root, "neighbour", &File::neighbour);
  }

  tl::unexpected<Error> wrong(const toml::source_region& where, const std::string& why) const {
    return fail("{}:{}:{}: {}", path_, where.begin.line, where.begin.column, why);
  }

 private:
  Status only(const toml::table& table, std::span<const std::string_view> keys) const {
    for (const auto& [key, value] : table)
      if (std::ranges::find(keys, key.str()) == keys.end())
        return wrong(key.source(), fmt::format("'{}' is not known here; wanted: {}", key.str(), fmt::join(keys, ", ")));
    return {};
  }

  Status each(const toml::table& root, const char* name, Status (File::*one)(const toml::table&)) {
    const toml::node* node = root.get(name);
    if (node == nullptr) return {};
    const toml::array* array = node->as_array();
    if (array == nullptr) return wrong(node->source(), fmt::format("wanted: [[{}]]", name));
    for (const toml::node& element : *array) {
      const toml::table* table = element.as_table();
      if (table == nullptr) return wrong(element.source(), fmt::format("wanted: [[{}]]", name));
      if (auto done = (this->*one)(*table); !done) return done;
    }
    return {};
  }

  /// Empty if it is not there.
  Status text(const toml::table& table, const char* key, std::string& into) const {
    const toml::node* node = table.get(key);
    if (node == nullptr) return {};
    auto const value = node->value<std::string>();
    if (!node->is_string() || !value) return wrong(node->source(), fmt::format("{}: wanted: a string", key));
    into = *value;
    return {};
  }
  Status number(const toml::table& table, const char* key, uint32_t& into) const {
    const toml::node* node = table.get(key);
    if (node == nullptr) return {};
    auto const value = node->value<int64_t>();
    if (!node->is_integer() || !value || *value < 0 || *value > UINT32_MAX)
      return wrong(node->source(), fmt::format("{}: wanted: a number, 0 to {}", key, UINT32_MAX));
    into = static_cast<uint32_t>(*value);
    return {};
  }
  Status needed(const toml::table& table, const char* key, std::string& into) const {
    if (auto done = text(table, key, into); !done) return done;
    if (into.empty()) return wrong(table.source(), fmt::format("'{}' is missing", key));
    return {};
  }
  Status at(const toml::table& table, const Status& result) const {
    if (!result) return wrong(table.source(), result.error().message);
    return {};
  }

  Status interface(const toml::table& table) {
    constexpr std::array<std::string_view, 5> keys{"name", "mac", "mtu", "addresses", "groups"};
    if (auto known = only(table, keys); !known) return known;
    std::string name, mac;
    if (auto done = needed(table, "name", name); !done) return done;
    if (!control::is_interface_name(name)) return wrong(table.source(), fmt::format("'{}' is no interface name", name));
    if (!named_.insert(name).second) return wrong(table.source(), fmt::format("interface '{}' is there twice", name));
    Topology::Interface& interface = builder_.interface(name);
    if (auto done = text(table, "mac", mac); !done) return done;
    if (auto done = number(table, "mtu", interface.mtu); !done) return done;
    if (!mac.empty()) {
      auto parsed = parse_mac(mac);
      if (!parsed) return wrong(table.get("mac")->source(), parsed.error().message);
      interface.mac = *parsed;
    }
    if (auto done = texts(table, "addresses", "10.0.0.1/24", parse_prefix, interface.addresses); !done) return done;
    return texts(table, "groups", "224.0.0.251", parse_address, interface.groups);
  }

  template <class Parse, class Value>
  Status texts(const toml::table& table, const char* key, const char* example, Parse parse, std::vector<Value>& into) const {
    const toml::node* node = table.get(key);
    if (node == nullptr) return {};
    const toml::array* array = node->as_array();
    if (array == nullptr) return wrong(node->source(), fmt::format("{}: wanted: [\"{}\", ...]", key, example));
    for (const toml::node& element : *array) {
      auto const value = element.value<std::string>();
      if (!element.is_string() || !value) return wrong(element.source(), fmt::format("{}: wanted: strings", key));
      auto parsed = parse(*value);
      if (!parsed) return wrong(element.source(), parsed.error().message);
      into.push_back(*parsed);
    }
    return {};
  }

  Status route(const toml::table& table) {
    constexpr std::array<std::string_view, 4> keys{"dst", "via", "dev", "metric"};
    if (auto known = only(table, keys); !known) return known;
    TopologyBuilder::Route words{};
    if (auto done = needed(table, "dst", words.destination); !done) return done;
    if (auto done = text(table, "via", words.via); !done) return done;
    if (auto done = text(table, "dev", words.device); !done) return done;
    if (auto done = number(table, "metric", words.metric); !done) return done;
    return at(table, builder_.add(words));
  }

  Status neighbour(const toml::table& table) {
    constexpr std::array<std::string_view, 3> keys{"addr", "mac", "dev"};
    if (auto known = only(table, keys); !known) return known;
    TopologyBuilder::Neighbour words;
    if (auto done = needed(table, "addr", words.address); !done) return done;
    if (auto done = needed(table, "mac", words.mac); !done) return done;
    if (auto done = text(table, "dev", words.device); !done) return done;
    return at(table, builder_.add(words));
  }

  const std::string& path_;
  TopologyBuilder& builder_;
  std::set<std::string> named_;
};

}  // namespace

Status read_topology_file(const std::string& path, TopologyBuilder& builder) {
  constexpr size_t kMostBytes = 16 << 20;
  auto const text = read_whole_file(path, kMostBytes);
  if (!text) return fail("{}: {}", path, text.error().message);
  toml::parse_result const parsed = toml::parse(*text, path);
  File file(path, builder);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    if (error.source().begin.line == 0) return fail("{}: {}", path, error.description());
    return file.wrong(error.source(), std::string(error.description()));
  }
  return file.read(parsed.table());
}

}  // namespace bulkhead::cli
