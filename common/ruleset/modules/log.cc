// `log [prefix "x"] [level info] [flags ...]`, `log group 2 [snaplen 256] [queue-threshold 20]`.
#include "common/ruleset/modules/all.h"
#include "common/ruleset/read/json_reader.h"
#include "common/ruleset/write/json_tree.h"

namespace bulkhead::ruleset {
namespace {

constexpr std::string_view kLevels[] = {"emerg", "alert", "crit", "err", "warn", "notice", "info", "debug", "audit"};
constexpr std::string_view kFlags[] = {"all", "tcp", "sequence", "options", "ip", "skuid", "ether"};
constexpr Parameter kLogParameters[] = {
    {.name = "prefix", .takes = Takes::text, .help = "begins the line, up to 127 characters"},
    {.name = "group", .takes = Takes::number, .help = "netlink group instead of the kernel's log", .most = 0xffff},
    {.name = "snaplen", .takes = Takes::number, .unit = "bytes", .help = "so much of the packet", .most = 0xffffffff},
    {.name = "queue-threshold", .takes = Takes::number, .unit = "packets", .help = "sent together", .most = 0xffff},
    {.name = "level", .takes = Takes::word, .help = "severity", .initial = "warn", .words = kLevels},
    {.name = "flags", .takes = Takes::words, .help = "more about the packet", .words = kFlags}};

enum : unsigned { sequence = 1, tcp_options = 2, ip_options = 4, user = 8, link = 32, all = 47 };

unsigned flags_of(const Statement& log) {
  unsigned flags = 0;
  std::string_view of;
  for (const Argument& argument : log.arguments) {
    if (argument.name != "flags") continue;
    for (const Expression& word : argument.value.parts) {
      if (word.text == "all") flags |= all;
      else if (word.text == "tcp" || word.text == "ip") of = word.text;
      else if (word.text == "sequence") flags |= sequence;
      else if (word.text == "options") flags |= of == "ip" ? ip_options : tcp_options;
      else if (word.text == "skuid") flags |= user;
      else flags |= link;
    }
  }
  return flags;
}

void check_log(Statement& log, Checker& checker) {
  bool const to_group = log.has("group") || log.has("snaplen") || log.has("queue-threshold");
  if (to_group && log.has("level")) checker.error(log.at, "level and group are mutually exclusive");
  else if (to_group && log.has("flags")) checker.error(log.at, "flags and group are mutually exclusive");
  const Expression* const severity = log.argument("level");
  if (severity != nullptr && severity->text == "audit" && (log.has("prefix") || log.has("flags")))
    checker.error(log.at, "log level audit doesn't support any further options");
  const Expression* const prefix = log.argument("prefix");
  if (prefix != nullptr && prefix->text.size() >= 128) checker.error(prefix->at, "log prefix is too long");
  if (const Expression* const level = log.argument("level"))
    if (std::find(std::begin(kLevels), std::end(kLevels), level->text) == std::end(kLevels))
      checker.error(level->at, "invalid log level");
}

void print_log(const Statement& log, Out& out) {
  out << "log";
  if (const Expression* const prefix = log.argument("prefix")) out << " prefix \"" << prefix->text << "\"";
  for (const char* name : {"group", "snaplen", "queue-threshold"})
    if (const Expression* const value = log.argument(name)) (out << " " << name << " ").number(value->number);
  const Expression* const level = log.argument("level");
  if (level != nullptr && level->text != "warn") out << " level " << level->text;
  unsigned const flags = flags_of(log);
  if (flags == 0) return;
  if (flags == all) {
    out << " flags all";
    return;
  }
  if ((flags & (sequence | tcp_options)) != 0) {
    out << " flags tcp ";
    if ((flags & sequence) != 0) out << "sequence" << ((flags & tcp_options) != 0 ? "," : "");
    if ((flags & tcp_options) != 0) out << "options";
  }
  if ((flags & ip_options) != 0) out << " flags ip options";
  if ((flags & user) != 0) out << " flags skuid";
  if ((flags & link) != 0) out << " flags ether";
}

Json flags_json(unsigned flags) {
  constexpr std::pair<unsigned, const char*> kNames[] = {
      {sequence, "tcp sequence"}, {tcp_options, "tcp options"}, {ip_options, "ip options"}, {user, "skuid"}, {link, "ether"}};
  if (flags == all) return "all";
  Json list = Json::array();
  for (auto const& [bit, name] : kNames)
    if ((flags & bit) != 0) list.push_back(name);
  return list.size() == 1 ? Json(list.values()[0]) : list;
}

Json log_as_json(const Statement& log, const Style&) {
  Json inner;
  if (const Expression* const prefix = log.argument("prefix")) inner["prefix"] = prefix->text;
  for (const char* name : {"group", "snaplen", "queue-threshold"})
    if (const Expression* const value = log.argument(name)) inner[name] = number_json(value->number);
  const Expression* const level = log.argument("level");
  if (level != nullptr && level->text != "warn") inner["level"] = level->text;
  if (unsigned const flags = flags_of(log); flags != 0) inner["flags"] = flags_json(flags);
  return Json::named("log", std::move(inner));
}

void add_flags(Expression& words, const std::string& flags) {
  for (size_t at = 0; at < flags.size();) {
    auto const end = std::min(flags.find(' ', at), flags.size());
    words.parts.push_back(json_in::word(flags.substr(at, end - at)));
    at = end + 1;
  }
}

void log_from_json(Statement& log, const Json& json, json_in::Reader& reader) {
  if (!reader.has_members(log, json)) return;
  for (const char* name : {"prefix", "level"})
    if (const Json* const text = json.find(name)) log.set(name, json_in::word(json_in::text_of(*text)));
  json_in::take_numbers(log, json, {"group", "snaplen", "queue-threshold"});
  const Json* const flags = json.find("flags");
  if (flags == nullptr) return;
  Expression words = json_in::made(Kind::list);
  if (flags->is(Json::Type::array))
    for (const Json& flag : flags->values()) add_flags(words, json_in::text_of(flag));
  else add_flags(words, json_in::text_of(*flags));
  log.set("flags", std::move(words));
}

void compile_log(const Statement&, Compiler&) {}  // a replay has nobody to tell

}  // namespace

const Module log_module{.name = "log", .help = "write about the packet", .parameters = kLogParameters, .check = check_log,
    .print = print_log, .to_json = log_as_json, .from_json = log_from_json, .compile = compile_log};

}  // namespace bulkhead::ruleset
