// Left out: what the kernel decides by chance, and a replay otherwise: answers to everybody, of which it lets through about fifty;
//          rules of postrouting that ask where a packet came in see none of the router's own.
#include "tests/differential/made_ruleset.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/differential/text_of_rule.h"

namespace bulkhead::test {
namespace {

struct Hook {
  const char *name, *priorities[4];
};
constexpr Hook kHooks[] = {{"prerouting", {"mangle", "-100", "0", "filter"}},
                           {"input", {"-10", "filter", "security", "0"}},
                           {"forward", {"mangle", "filter", "0", "10"}},
                           {"forward", {"-5", "filter", "5", "security"}},
                           {"postrouting", {"mangle", "0", "100", "srcnat"}}};

class MakeTable {
 public:
  MakeTable(Random& random, const char* family, size_t number) : random_(random), family_(family), number_(number) {}

  std::string make() {
    std::string all = fmt::format("table {} t{} {{\n{}", family_, number_, named());
    size_t const helpers = random_.below(3);
    for (size_t i = helpers; i-- > 0;) all += plain_chain(i, helpers);
    helpers_ = helpers;
    for (uint32_t i = 1 + random_.below(3); i > 0; --i) all += base_chain(i);
    return all + "}\n";
  }

 private:
  std::string named() {
    std::string all = "\tcounter met {\n\t}\n\tquota much {\n\t\tover 20 kbytes\n\t}\n\tlimit few {\n\t\trate 3/hour burst 20 packets\n\t}\n";
    all += "\tset ports {\n\t\ttype inet_service\n\t\tflags interval\n\t\telements = { 20-25, 53, 400-450, 8000-8100 }\n\t}\n";
    return all + "\tmap marks {\n\t\ttype inet_service : mark\n\t\telements = { 22 : 0x16, 53 : 0x35, 80 : 0x50 }\n\t}\n";
  }
  /// Jumps go to chains of a higher number, which stand before.
  std::string plain_chain(size_t number, size_t count) {
    RuleText const text(random_, family_, number + 1, count);
    std::string all = fmt::format("\tchain c{} {{\n", number);
    for (uint32_t i = 1 + random_.below(4); i > 0; --i) all += fmt::format("\t\t{}\n", text.rule(Where::anywhere));
    return all + "\t}\n";
  }
  std::string base_chain(size_t number) {
    const Hook& hook = kHooks[random_.below(std::size(kHooks))];
    bool const last = std::string_view(hook.name) == "postrouting";
    RuleText const text(random_, family_, last ? helpers_ : 0, helpers_);
    bool const drops = !last && random_.below(5) == 0;
    std::string all = fmt::format("\tchain b{} {{\n\t\ttype filter hook {} priority {}; policy {};\n", number, hook.name,
                                  hook.priorities[random_.below(4)], drops ? "drop" : "accept");
    if (drops) all += "\t\tct state established,related counter accept\n";
    Where const where = last ? Where::postrouting : std::string_view(hook.name) == "prerouting" ? Where::prerouting : Where::within;
    for (uint32_t i = 2 + random_.below(7); i > 0; --i) all += fmt::format("\t\t{}\n", text.rule(where));
    return all + "\t}\n";
  }

  Random& random_;
  const char* family_;
  size_t number_, helpers_ = 0;
};

/// Chains before conntrack, resets, and what the router itself says.
std::string aside(Random& random, const char* family) {
  struct Chain {
    const char *name, *hook;
    Aside where;
  };
  constexpr Chain chains[] = {{"early", "prerouting priority raw", Aside::early}, {"resets", "forward priority 20", Aside::resetting},
                              {"own", "output priority filter", Aside::output}};
  RuleText const text(random, family, 0, 0);
  std::string all = fmt::format("table {} aside {{\n\tset ports {{\n\t\ttype inet_service\n\t\tflags interval\n\t\telements = {{ 20-25, 400-450 }}\n\t}}\n", family);
  for (const Chain& chain : chains) {
    if (random.below(3) == 0) continue;
    all += fmt::format("\tchain {} {{\n\t\ttype filter hook {}; policy accept;\n", chain.name, chain.hook);
    for (uint32_t i = 1 + random.below(4); i > 0; --i) all += fmt::format("\t\t{}\n", text.rule(chain.where));
    all += "\t}\n";
  }
  return all + "}\n";
}

}  // namespace

std::string made_ruleset(uint64_t seed) {
  Random random(seed);
  constexpr const char* families[] = {"inet", "inet", "ip", "ip6"};
  std::string all;
  for (uint32_t i = 1 + random.below(3); i > 0; --i) all += MakeTable(random, families[random.below(4)], i).make();
  if (random.below(2) == 0) all += aside(random, families[random.below(4)]);
  return all;
}

}  // namespace bulkhead::test
