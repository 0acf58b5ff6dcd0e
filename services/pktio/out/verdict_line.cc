#include "services/pktio/out/verdict_line.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <cstring>

#include "common/base/json_text.h"

namespace bulkhead::pktio {

namespace {

/// Appends until something does not fit; from then on nothing.
class Line {
 public:
  explicit Line(std::span<char> into) : at_(into.data()), begin_(at_), end_(at_ + into.size()) {}

  void raw(std::string_view text) noexcept {
    if (text.size() > room()) return overflow();
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }

  void number(uint64_t value) noexcept {
    const fmt::format_int digits(value);
    raw({digits.data(), digits.size()});
  }

  /// Seconds, a point and nine digits.
  void seconds(uint64_t nanoseconds) noexcept {
    constexpr uint64_t second = 1'000'000'000;
    if (static_cast<int64_t>(nanoseconds) < 0) {  // before 1970
      raw("-");
      nanoseconds = ~nanoseconds + 1;
    }
    number(nanoseconds / second);
    const fmt::format_int part(second + nanoseconds % second);  // a 1, then the digits with their zeros
    raw(".");
    raw({part.data() + 1, part.size() - 1});
  }

  void escaped(std::string_view text) noexcept {
    escape_json(text, [this](std::string_view piece) { raw(piece); });
  }

  [[nodiscard]] size_t written() const noexcept {
    return overflowed_ ? 0 : static_cast<size_t>(at_ - begin_);
  }

 private:
  [[nodiscard]] size_t room() const noexcept { return static_cast<size_t>(end_ - at_); }
  void overflow() noexcept {
    overflowed_ = true;
    end_ = at_;
  }

  char* at_;
  char* begin_;
  char* end_;
  bool overflowed_ = false;
};

/// ,"name":"text", or nothing if there is no text.
void optional_field(Line& line, std::string_view opening, std::string_view text) noexcept {
  if (text.empty()) return;
  line.raw(opening);
  line.escaped(text);
  line.raw("\"");
}

}  // namespace

size_t format_verdict_line(std::span<char> into, const VerdictLine& verdict) noexcept {
  Line line(into);
  line.raw("{\"n\":");
  line.number(verdict.n);
  line.raw(",\"in\":\"");
  line.escaped(verdict.in);
  line.raw("\",\"time\":\"");
  line.seconds(verdict.stamp_ns);
  line.raw("\",\"verdict\":\"");
  line.escaped(verdict.verdict);
  line.raw("\"");
  optional_field(line, ",\"out\":\"", verdict.out);
  optional_field(line, ",\"reason\":\"", verdict.reason);
  if (!verdict.rule.empty()) {
    line.raw(",\"rule\":");
    line.raw(verdict.rule);
  }
  line.raw(",\"state\":\"");
  line.escaped(verdict.state);
  line.raw("\"");
  if (!verdict.nat_source.empty() || !verdict.nat_destination.empty()) {
    line.raw(",\"nat\":{");
    optional_field(line, "\"src\":\"", verdict.nat_source);
    optional_field(line, verdict.nat_source.empty() ? "\"dst\":\"" : ",\"dst\":\"", verdict.nat_destination);
    line.raw("}");
  }
  line.raw("}\n");
  return line.written();
}

std::string_view endpoint(std::span<char> into, const packet::Tuple& tuple, packet::Part part) noexcept {
  const auto& address = part == packet::Part::source ? tuple.src : tuple.dst;
  bool const has_port = tuple.src_port != 0 && !tuple.is_icmp(), six = tuple.l3 == 6;
  char text[INET6_ADDRSTRLEN];
  if (::inet_ntop(six ? AF_INET6 : AF_INET, address.data(), text, sizeof text) == nullptr) return {};
  bool const brackets = six && has_port;
  auto end = fmt::format_to_n(into.data(), into.size(), "{}{}{}", brackets ? "[" : "", text, brackets ? "]" : "").out;
  if (has_port) {
    auto const room = into.size() - static_cast<size_t>(end - into.data());
    end = fmt::format_to_n(end, room, ":{}", part == packet::Part::source ? tuple.source_port() : tuple.destination_port()).out;
  }
  return {into.data(), static_cast<size_t>(end - into.data())};
}

}  // namespace bulkhead::pktio
