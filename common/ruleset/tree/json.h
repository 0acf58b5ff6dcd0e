// common/ruleset/tree/json.h: a JSON value, for modules and the readers and writers of rules.
//
// Who     a module makes and takes its own form with it; json.cc alone knows the JSON library, which is dear to compile.
// Order   members stand as they were set, as libnftables prints them.
// Owner   plain values.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::ruleset {

class Json {
 public:
  enum class Type : uint8_t { null, boolean, whole, negative, real, text, array, object };
  struct Member;

  Json() = default;
  Json(std::nullptr_t) {}
  Json(bool value) : type_(Type::boolean), number_(value ? 1 : 0) {}
  template <std::unsigned_integral Integer>
  Json(Integer value) : type_(Type::whole), number_(value) {}
  template <std::signed_integral Integer>
  Json(Integer value) : type_(value < 0 ? Type::negative : Type::whole), number_(static_cast<uint64_t>(static_cast<int64_t>(value))) {}
  Json(std::string value) : type_(Type::text), text_(std::move(value)) {}
  Json(std::string_view value) : Json(std::string(value)) {}
  Json(const char* value) : Json(std::string(value)) {}
  static Json of_type(Type type);
  static Json array(std::vector<Json> values = {});
  static Json object(std::initializer_list<Member> members = {});
  /// {"name": value}
  static Json named(std::string_view name, Json value);

  [[nodiscard]] Type type() const { return type_; }
  [[nodiscard]] bool is(Type type) const { return type_ == type; }
  [[nodiscard]] bool is_true() const { return type_ == Type::boolean && number_ != 0; }
  [[nodiscard]] bool is_integer() const { return type_ == Type::whole || type_ == Type::negative; }
  [[nodiscard]] uint64_t whole() const { return number_; }
  [[nodiscard]] int64_t integer() const;  // of a whole number beyond it the largest
  [[nodiscard]] const std::string& text() const { return text_; }

  /// Members of an object or an array; of what is neither, what a loop over it should see: itself, or nothing if null.
  [[nodiscard]] std::span<const Json> values() const;
  [[nodiscard]] std::span<const std::string> names() const { return names_; }  // of an object, beside values()
  [[nodiscard]] bool empty() const { return values_.empty(); }
  [[nodiscard]] size_t size() const { return values_.size(); }
  void push_back(Json value) { values_.push_back(std::move(value)); }
  /// An object's; null if it has none of that name, or is no object.
  [[nodiscard]] const Json* find(std::string_view name) const;
  [[nodiscard]] bool contains(std::string_view name) const { return find(name) != nullptr; }
  /// The member of that name, made where it is not there; null becomes an object.
  Json& operator[](std::string_view name);

 private:
  Type type_ = Type::null;
  uint64_t number_ = 0;
  std::string text_;
  std::vector<std::string> names_;
  std::vector<Json> values_;
};

/// `value` is moved from: a list of initialisers is only there to be used up.
struct Json::Member {
  std::string_view name;
  mutable Json value;
};

/// nullopt: not JSON.
std::optional<Json> parse_json(const std::string& text);
/// In a line, with a space after each colon and comma, as jansson writes.
std::string to_text(const Json& json);

}  // namespace bulkhead::ruleset
