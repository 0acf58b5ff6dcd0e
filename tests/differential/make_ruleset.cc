// tests/differential/make_ruleset.cc: make-ruleset SEED: the ruleset of that seed, on standard output.
#include <cstdio>
#include <cstdlib>

#include "tests/differential/made_ruleset.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("make-ruleset SEED\n", stderr);
    return 2;
  }
  std::fputs(bulkhead::test::made_ruleset(std::strtoull(argv[1], nullptr, 10)).c_str(), stdout);
  return 0;
}
