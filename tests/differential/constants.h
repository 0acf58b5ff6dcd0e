// tests/differential/constants.h: what the rules of a ruleset compare packets with, so that packets can be made that meet them.
//
// Key      "tcp dport", "meta iifname", "ct saddr"; also without a module where several have the field: see Draw.
// Sets     named and anonymous ones, maps and verdict maps: their keys. A concatenation counts for each of its fields.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/ruleset/tree/generic.h"
#include "tests/tools/packets.h"

namespace bulkhead::test {

struct Constants {
  struct Range {
    ruleset::Number low, high;
  };
  std::map<std::string, std::vector<Range>> ranges;
  std::map<std::string, std::vector<std::string>> names;  // of interfaces, without the *

  [[nodiscard]] bool has(std::string_view module) const;  // any field of that header
};

/// Of each rule that compares anything.
std::vector<Constants> constants_of(const ruleset::Ruleset& ruleset);

/// Draws values that meet a rule, and some that just do not.
class Draw {
 public:
  Draw(Random& random, const Constants& constants) : random_(random), constants_(constants) {}
  /// For the first of `keys` that the rule names: an end of a range or one beside it; `otherwise` where it names none.
  ruleset::Number value(std::initializer_list<const char*> keys, ruleset::Number otherwise);
  /// One of the names, or an empty one.
  std::string name(std::initializer_list<const char*> keys);

 private:
  Random& random_;
  const Constants& constants_;
};

}  // namespace bulkhead::test
