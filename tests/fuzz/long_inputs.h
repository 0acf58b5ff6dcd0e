// tests/fuzz/long_inputs.h: for inputs that mean little in ones and twos: they are long from the start.
#pragma once

#include <array>
#include <string>
#include <vector>

namespace bulkhead::test {

/// For LLVMFuzzerInitialize. `most`: bytes.
inline void make_inputs_long(int* argc, char*** argv, size_t most) {
  static std::vector<char*> all(*argv, *argv + *argc);
  static std::array<std::string, 2> more{"-len_control=0", "-max_len=" + std::to_string(most)};
  for (std::string& option : more) all.push_back(option.data());
  all.push_back(nullptr);
  *argc += 2;
  *argv = all.data();
}

}  // namespace bulkhead::test
