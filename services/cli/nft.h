// services/cli/nft.h: `bulkhead nft`: rulesets read, checked and listed without a kernel, as nft would.
//
// Errors  on standard error in nft's form; exit status 1 as nft's, 0 when all is well.
#pragma once

#include <string>
#include <vector>

namespace bulkhead::cli {

struct NftOptions {
  std::string file;
  std::vector<std::string> include_paths, defines, words;
  bool check = false, offline = false, json = false;
  bool handles = false, stateless = false, terse = false, numeric = false, numeric_priority = false;
  bool numeric_protocol = false, numeric_time = false, service = false, guid = false;
};

int nft(const NftOptions& options);

}  // namespace bulkhead::cli
