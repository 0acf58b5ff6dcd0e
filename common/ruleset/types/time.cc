// Durations, the time of a packet, the hour, the day of the week.
#include <ctime>

#include "common/ruleset/tree/data_type.h"

namespace bulkhead::ruleset {
namespace {

constexpr Symbol kDays[] = {{"Sunday", 0}, {"Monday", 1}, {"Tuesday", 2}, {"Wednesday", 3}, {"Thursday", 4},
  {"Friday", 5}, {"Saturday", 6}};
constexpr uint64_t kSecondNs = 1'000'000'000, kDaySeconds = 86'400;

long seconds_east() {
  std::time_t const now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  return local.tm_gmtoff;
}

/// Up to three fields of two digits: 17, 17:30, 17:30:05.
Result<uint64_t> parse_clock(std::string_view word) {
  unsigned fields[3] = {0, 0, 0};
  size_t count = 0;
  while (!word.empty() && count < 3) {
    auto const end = std::min(word.find(':'), word.size());
    auto const field = word.substr(0, end);
    if (field.empty() || field.size() > 2 || field.find_first_not_of("0123456789") != std::string_view::npos)
      return fail("Can't parse time");
    fields[count] = 0;
    for (char const c : field) fields[count] = fields[count] * 10 + static_cast<unsigned>(c - '0');
    ++count;
    word.remove_prefix(std::min(end + 1, word.size()));
  }
  if (!word.empty() || count < 2 || fields[0] > 23 || fields[1] > 59 || fields[2] > 59) return fail("Can't parse time");
  return fields[0] * 3600 + fields[1] * 60 + fields[2];
}

Result<Number> parse_hour(std::string_view word) {
  if (auto number = parse_number(word)) return number;
  auto const seconds = parse_clock(word);
  if (!seconds) return fail("wrong time format");
  auto const utc = static_cast<int64_t>(*seconds) - seconds_east();
  auto const day = static_cast<int64_t>(kDaySeconds);
  return static_cast<Number>((utc % day + day) % day);
}

void print_hour(const Expression& value, const Style&, std::string& out) {
  auto const day = static_cast<int64_t>(kDaySeconds);
  int64_t const seconds = ((static_cast<int64_t>(value.number) + seconds_east()) % day + day) % day;
  out += fmt::format("\"{:02}:{:02}", seconds / 3600, seconds / 60 % 60);
  if (seconds % 60 != 0) out += fmt::format(":{:02}", seconds % 60);
  out += '"';
}

Result<Number> parse_date(std::string_view word) {
  if (auto number = parse_number(word)) return *number * kSecondNs;
  std::string const text(word);
  for (const char* form : {"%Y-%m-%d %T", "%Y-%m-%d %R", "%Y-%m-%d"}) {
    std::tm date{};
    date.tm_isdst = -1;
    const char* const end = strptime(text.c_str(), form, &date);
    if (end == nullptr || *end != '\0') continue;
    std::time_t const seconds = std::mktime(&date);
    if (seconds < 0) break;
    return static_cast<Number>(seconds) * kSecondNs;
  }
  return fail("Cannot parse date");
}

void print_date(const Expression& value, const Style&, std::string& out) {
  auto const seconds = static_cast<std::time_t>(value.number / kSecondNs);
  std::tm date{};
  localtime_r(&seconds, &date);
  out += fmt::format("\"{:04}-{:02}-{:02} {:02}:{:02}:{:02}\"", date.tm_year + 1900, date.tm_mon + 1, date.tm_mday,
                     date.tm_hour, date.tm_min, date.tm_sec);
}

Result<Number> parse_day(std::string_view word) {
  auto number = parse_number(word);
  if (number && *number <= 6) return number;
  for (const Symbol& day : kDays)
    if (day.name == word) return day.value;
  return fail("Could not parse Day of week of packet reception");
}

void print_day(const Expression& value, const Style& style, std::string& out) {
  if (!style.numeric_symbol)
    for (const Symbol& day : kDays)
      if (day.value == value.number) {
        out += fmt::format("\"{}\"", day.name);
        return;
      }
  out += print_decimal(value.number);
}

Result<Number> parse_relative(std::string_view word) {
  auto const milliseconds = parse_duration(word);
  if (!milliseconds) return tl::unexpected(milliseconds.error());
  return static_cast<Number>(*milliseconds);
}

void print_relative(const Expression& value, const Style& style, std::string& out) {
  out += print_duration(static_cast<uint64_t>(value.number), style);
}

}  // namespace

Result<uint64_t> parse_duration(std::string_view word) {
  uint64_t total = 0, digits = 0;
  bool number = false;
  auto const add = [&](uint64_t unit) {
    total += digits * unit;
    digits = 0;
    number = false;
  };
  for (size_t i = 0; i < word.size(); ++i) {
    char const c = word[i];
    if (c >= '0' && c <= '9') {
      digits = digits * 10 + static_cast<uint64_t>(c - '0');
      number = true;
      if (digits > 100'000'000'000) return fail("Could not parse relative time");
      continue;
    }
    if (!number) return fail("Could not parse relative time");
    if (c == 'd') add(86'400'000);
    else if (c == 'h') add(3'600'000);
    else if (c == 'm' && i + 1 < word.size() && word[i + 1] == 's') add(1), ++i;
    else if (c == 'm') add(60'000);
    else if (c == 's') add(1000);
    else return fail("Could not parse relative time");
  }
  if (number) add(1000);
  if (word.empty()) return fail("Could not parse relative time");
  return total;
}

std::string print_duration(uint64_t milliseconds, const Style& style) {
  if (style.numeric_time) return fmt::format("{}s", milliseconds / 1000);
  std::string out;
  struct Unit {
    uint64_t size;
    std::string_view name;
  };
  for (auto const& [size, name] : {Unit{86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1000, "s"}, {1, "ms"}}) {
    if (milliseconds >= size) out += fmt::format("{}{}", milliseconds / size, name);
    milliseconds %= size;
  }
  return out.empty() ? "0s" : out;
}

const DataType relative_time{.name = "time", .description = "relative time", .bits = 64, .order = ByteOrder::host,
                             .base = &integer_type, .parse = parse_relative, .print = print_relative};
const DataType time_of_day{.name = "hour", .description = "Hour of day of packet reception", .bits = 32, .order = ByteOrder::host,
                           .base = &integer_type, .circular = true, .parse = parse_hour, .print = print_hour};
const DataType day_of_week{.name = "day", .description = "Day of week of packet reception", .bits = 8,
                           .order = ByteOrder::host, .base = &integer_type, .parse = parse_day, .print = print_day};
const DataType packet_time{.name = "", .description = "Relative time of packet reception", .bits = 64,
                           .order = ByteOrder::host, .base = &integer_type, .parse = parse_date, .print = print_date};

}  // namespace bulkhead::ruleset