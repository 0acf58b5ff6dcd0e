// tests/unit/rules_firewall.h: a ruleset, and packets through its hooks, as rules sees them.
#pragma once

#include <boost/test/unit_test.hpp>
#include <utility>

#include "common/ruleset/run/evaluate.h"
#include "common/ruleset/write/print.h"
#include "common/ruleset/write/set_listing.h"
#include "ipc/chain/descriptor.h"
#include "services/rules/see.h"
#include "tests/tools/packets.h"

namespace bulkhead::test {

struct PlainWords : ruleset::StateWords {
  [[nodiscard]] uint64_t get(uint32_t word) const noexcept override { return words.at(word); }
  void set(uint32_t word, uint64_t value) noexcept override {
    words.at(word) = value;
    ++changes;
  }
  std::vector<uint64_t> words;
  uint64_t changes = 0;  // calls of set()
};

/// A ruleset, and packets through its forward hook.
struct Firewall {
  explicit Firewall(const std::string& said, const ruleset::Vocabulary& vocabulary = {}) {
    auto made = ruleset::load("test", said, {{{"lan", 1}, {"wan", 2}, {"lo", ruleset::kLoopback}}}, {}, vocabulary);
    BOOST_REQUIRE_MESSAGE(made.has_value(), (made ? "" : made.error().message));
    loaded = std::move(*made);
    state.words = loaded->program.initial;
    state.words.resize(loaded->program.words + 64);
  }
  const ruleset::Evaluation& at(ruleset::At hook, const Bytes& frame, chain::FlowState flow = chain::FlowState::fresh, ruleset::Watcher* watcher = nullptr) {
    packet::Headers const headers = packet::parse(frame, static_cast<uint32_t>(frame.size()), packet::LinkType::ethernet);
    chain::Descriptor descriptor{};
    descriptor.l3_length = headers.l3_length;
    descriptor.l3_offset = headers.l3_offset;
    descriptor.l4_offset = static_cast<uint16_t>(headers.l4_offset);
    descriptor.shape = headers.shape;
    descriptor.tuple = headers.tuple;
    descriptor.state = flow;
    descriptor.flow = flow == chain::FlowState::invalid || flow == chain::FlowState::untracked ? 0 : 1;
    descriptor.time_ns = now_ns;
    descriptor.flow_generation = 7;
    packet.begin();
    BOOST_REQUIRE(rules::see(descriptor, frame, packet));
    packet.state = &state;
    packet.in = {"lan", 1, 1};
    packet.out = {"wan", 2, 1};
    packet.flow.mark_word = loaded->program.words;
    packet.flow.label_word = loaded->program.words + 1;
    packet.flow.status = status;
    packet.number = ++number;
    state.changes = 0;
    ruleset::FlowView const tracked = std::exchange(packet.flow, ruleset::untracked_yet());
    ruleset::evaluate(loaded->program, hook, packet, watcher, ruleset::Share::early);
    packet.flow = tracked;
    if (packet.verdict == ruleset::Decision::accept) ruleset::evaluate(loaded->program, hook, packet, watcher);
    BOOST_TEST(state.changes <= loaded->program.changes);
    return packet;
  }
  std::string operator()(const Bytes& frame, chain::FlowState flow = chain::FlowState::fresh) {
    const ruleset::Evaluation& seen = at(ruleset::At::forward, frame, flow);
    switch (seen.verdict) {
      case ruleset::Decision::accept: return "accept";
      case ruleset::Decision::drop: return seen.policy ? "policy" : "drop";
      case ruleset::Decision::reject: return fmt::format("reject {}/{}", seen.reject.type, seen.reject.code);
      default: return "none";
    }
  }
  /// The elements of a set or map as a listing shows them now, without the braces. No packets afterwards.
  std::string elements(const std::string& name) {
    if (text.empty()) {
      ruleset::put_state(*loaded, state, now_ns);
      text = ruleset::list_ruleset(loaded->ruleset, {});
    }
    size_t const set = text.find(fmt::format("\t{} {{", name));
    size_t const end = text.find("\n\t}", set), first = text.find("elements = { ", set);
    if (first == std::string::npos || first > end) return "";
    return text.substr(first + 13, text.find(" }", first) - first - 13);
  }
  std::string text;  // the listing, once it was asked for
  std::unique_ptr<ruleset::Loaded> loaded;
  PlainWords state;
  ruleset::Evaluation packet;
  uint64_t number = 0;
  uint32_t status = 0;  // of the flow
  uint64_t now_ns = 1'700'000'000'000'000'000;
};

inline std::string in_chain(const std::string& rules, const std::string& more = "", const std::string& policy = "drop") {
  return "table inet t {\n" + more + "\n chain c { type filter hook forward priority 0; policy " + policy + ";\n" + rules + "\n }\n}\n";
}

inline const Ends kOut{address("10.0.0.7"), address("192.0.2.1")};
inline const Ends kOut6{address("2001:db8::7"), address("2001:db8:1::1")};

inline Bytes datagram(uint16_t from, uint16_t to, const Ends& ends = kOut, size_t length = 20) {
  return ethernet(ip(ends, packet::protocol::udp, udp(ends, from, to, pattern(length))));
}
inline Bytes segment(uint16_t to, uint8_t flags, const Ends& ends = kOut) {
  Segment segment;
  segment.src_port = 40000;
  segment.dst_port = to;
  segment.flags = flags;
  return ethernet(ip(ends, packet::protocol::tcp, tcp(ends, segment)));
}
inline Bytes ping(const Ends& ends) {
  return ethernet(ip(ends, ends.src.l3 == 4 ? packet::protocol::icmp : packet::protocol::icmpv6, echo(ends, true, 1, 1, pattern(8))));
}

}  // namespace bulkhead::test
