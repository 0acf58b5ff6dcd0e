#include "common/ruleset/tree/json.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

namespace bulkhead::ruleset {

Json Json::of_type(Type type) {
  Json made;
  made.type_ = type;
  return made;
}

Json Json::array(std::vector<Json> values) {
  Json made = of_type(Type::array);
  made.values_ = std::move(values);
  return made;
}

Json Json::object(std::initializer_list<Member> members) {
  Json made = of_type(Type::object);
  for (const Member& member : members) made[member.name] = std::move(member.value);
  return made;
}

Json Json::named(std::string_view name, Json value) {
  Json made = of_type(Type::object);
  made[name] = std::move(value);
  return made;
}

int64_t Json::integer() const {
  constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  return static_cast<int64_t>(is(Type::negative) ? number_ : std::min(number_, kMost));
}

std::span<const Json> Json::values() const {
  if (is(Type::object) || is(Type::array)) return values_;
  return is(Type::null) ? std::span<const Json>() : std::span<const Json>(this, 1);
}

const Json* Json::find(std::string_view name) const {
  auto const at = std::ranges::find(names_, name);
  return at == names_.end() ? nullptr : &values_[static_cast<size_t>(at - names_.begin())];
}

Json& Json::operator[](std::string_view name) {
  if (const Json* const there = find(name)) return const_cast<Json&>(*there);
  type_ = Type::object;
  names_.emplace_back(name);
  return values_.emplace_back();
}

namespace {

/// Puts each value where it belongs; `open_` are the arrays and objects around it. Their places stay, as only the
/// innermost grows.
class Maker final : public nlohmann::json_sax<nlohmann::json> {
 public:
  Json take() { return std::move(root_); }

  bool null() override { return put({}); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(int64_t value) override { return put(value); }
  bool number_unsigned(uint64_t value) override { return put(value); }
  bool number_float(double, const std::string&) override { return put(Json::of_type(Json::Type::real)); }
  bool string(std::string& value) override { return put(std::move(value)); }
  bool binary(nlohmann::json::binary_t&) override { return false; }
  bool start_object(size_t) override { return open(Json::object()); }
  bool start_array(size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(std::string& name) override {
    name_ = std::move(name);
    return true;
  }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  Json& place() {
    if (open_.empty()) return root_;
    Json& into = *open_.back();
    if (into.is(Json::Type::object)) return into[name_];
    into.push_back({});
    return const_cast<Json&>(into.values().back());
  }
  bool put(Json value) {
    place() = std::move(value);
    return true;
  }
  bool open(Json value) {
    Json& at = place();
    at = std::move(value);
    open_.push_back(&at);
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  Json root_;
  std::vector<Json*> open_;
  std::string name_;
};

void write_text(const std::string& text, std::string& out) {
  bool const plain = std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
  if (plain) (out += '"').append(text) += '"';
  else out += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void write(const Json& json, std::string& out) {
  switch (json.type()) {
    case Json::Type::boolean: out += json.is_true() ? "true" : "false"; return;
    case Json::Type::whole: out += std::to_string(json.whole()); return;
    case Json::Type::negative: out += std::to_string(json.integer()); return;
    case Json::Type::text: write_text(json.text(), out); return;
    case Json::Type::array:
    case Json::Type::object: break;
    default: out += "null"; return;
  }
  bool const object = json.is(Json::Type::object);
  out += object ? '{' : '[';
  for (size_t i = 0; i < json.size(); ++i) {
    if (i != 0) out += ", ";
    if (object) {
      write_text(json.names()[i], out);
      out += ": ";
    }
    write(json.values()[i], out);
  }
  out += object ? '}' : ']';
}

}  // namespace

std::optional<Json> parse_json(const std::string& text) {
  Maker maker;
  if (!nlohmann::json::sax_parse(text, &maker)) return std::nullopt;
  return maker.take();
}

std::string to_text(const Json& json) {
  std::string out;
  write(json, out);
  return out;
}

}  // namespace bulkhead::ruleset
