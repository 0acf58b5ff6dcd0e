// tests/replay/replay_lab.h: replays by the real programs, and what they must have put out.
//
// Who     every test of this folder that replays.
// Same    make_capture() gives the same file for the same words, so a reference can be made again anywhere.
// Account an output is right if each line of verdicts.jsonl, taken in order, finds its packet next in the input that it
//         names and next in the output that it names; and nothing is left over anywhere.
// Wait    nothing sleeps and hopes: see until().
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/packet/packet.h"
#include "tests/tools/instance_lab.h"

namespace bulkhead::test {

#if defined(BULKHEAD_ASAN) || defined(BULKHEAD_TSAN)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

inline const std::vector<std::string> kServiceNames{"conntrack", "nat", "pktio", "rules"};

struct ReplayLab : InstanceLab {
  ReplayLab();

  /// A file of this lab.
  [[nodiscard]] std::string path(const std::string& name) const { return folder() + "/" + name; }
  /// make-capture with these words; the last is the name of its file or folder in the lab. Gives its path.
  [[nodiscard]] std::string make_capture(std::vector<std::string> words) const;
  /// replay --in ... --out OUT, and so on. `inputs`: NAME=FILE.
  [[nodiscard]] static std::vector<std::string> replay(const std::vector<std::string>& inputs, const std::string& out,
                                                       const std::vector<std::string>& more = {});
  /// The same from two files of a folder.
  [[nodiscard]] static std::vector<std::string> replay_two(const std::string& captures, const std::string& out,
                                                           const std::vector<std::string>& more = {});
  [[nodiscard]] bool cli_ended() const;
  /// wait() for as long as a slow machine may need.
  [[nodiscard]] int wait_long();
  /// Packets that pktio has taken in; none where nobody answers.
  [[nodiscard]] std::optional<uint64_t> progress() const;
  [[nodiscard]] bool nothing_left() const;
};

struct Packet {
  uint64_t stamp_ns;
  uint32_t wire;
  std::string bytes;
  friend bool operator==(const Packet&, const Packet&) = default;
};

/// A capture as libpcap reads it.
struct ReadCapture {
  std::vector<Packet> packets;
  std::string error;  // empty: it ended where a packet ends
  int link = -1;
};
[[nodiscard]] ReadCapture read_capture(const std::string& path);

[[nodiscard]] std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& bytes);

/// Bytes of every output of a two-sided replay, by file.
using Outputs = std::map<std::string, std::string>;
[[nodiscard]] Outputs read_outputs(const std::string& directory);
/// Where they differ first, for people; empty: nowhere.
[[nodiscard]] std::string difference(const Outputs& want, const Outputs& got);

/// See Account. `inputs`: name -> file. `whole`: each input must be used up, as far as libpcap can read it. Gives what
/// is wrong; empty: nothing.
[[nodiscard]] std::string account(const std::map<std::string, std::string>& inputs, const std::string& out, bool whole);
[[nodiscard]] std::string account_two(const std::string& captures, const std::string& out, bool whole = true);

/// Lines of a verdicts.jsonl by their reason; "" are those that were accepted.
[[nodiscard]] std::map<std::string, size_t> reasons(const std::string& verdicts);

}  // namespace bulkhead::test
