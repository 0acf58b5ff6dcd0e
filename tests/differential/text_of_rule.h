// tests/differential/text_of_rule.h: one rule by chance: matches that go together, what it counts and changes, a verdict.
//
// Where    which verdicts there are, and what must be asked first.
#pragma once

#include <string>

#include "tests/tools/packets.h"

namespace bulkhead::test {

enum class Where { anywhere, prerouting, within, postrouting };
enum class Aside { early, output, resetting };  // before conntrack; of what the router says; resets

class RuleText {
 public:
  /// Chains c`first` to c`end - 1` may be jumped to.
  RuleText(Random& random, const char* family, size_t first, size_t end)
      : random_(random), family_(family), first_(first), end_(end) {}
  [[nodiscard]] std::string rule(Where where) const;
  [[nodiscard]] std::string rule(Aside where) const;

 private:
  [[nodiscard]] std::string answer_matches(int l3) const;
  [[nodiscard]] std::string early_verdict(int l3, bool tcp) const;
  [[nodiscard]] std::string matches(int l3, const char* protocol) const;
  [[nodiscard]] std::string network(int l3, bool any_protocol) const;
  [[nodiscard]] std::string transport(const char* protocol) const;
  [[nodiscard]] std::string of_packet(Where where, bool any_protocol) const;
  [[nodiscard]] std::string of_flow(int l3) const;
  [[nodiscard]] std::string setting(int l3, const char* protocol) const;
  [[nodiscard]] std::string effects(int l3, const char* protocol) const;
  [[nodiscard]] std::string verdict(Where where, int l3) const;
  [[nodiscard]] std::string port() const;
  [[nodiscard]] std::string address4() const;
  [[nodiscard]] std::string address6() const;
  /// A value or a few: `x`, `!= x`, `{ x, y }`, `!= { x, y }`.
  template <class Make>
  [[nodiscard]] std::string some(Make make) const;
  template <size_t n>
  [[nodiscard]] const char* one(const char* const (&all)[n]) const {
    return all[random_.below(n)];
  }
  [[nodiscard]] bool chance(uint32_t of) const { return random_.below(of) == 0; }

  Random& random_;
  std::string_view family_;
  size_t first_, end_;
};

}  // namespace bulkhead::test
