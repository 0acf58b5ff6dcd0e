// common/ruleset/tree/module.h: what a match, a statement or an object says of itself.
//
// Who     one file of modules/ each, and its row in modules.cc; main passes the table on (Registry).
// Gives   names, where it may stand, keys and parameters with type, unit, default, help: from these come lexing, parsing,
//         checking, printing, JSON, completion and `describe`. A function is set only where the general way does not do.
// Steps   a statement compiles itself, a select's keys name the operation (operations.h) that loads or sets them; a rule that
//         needs what a module lacks is refused by the module's name.
// Owner   constant data, living as long as the program.
#pragma once

#include <array>
#include <functional>
#include <span>

#include "common/ruleset/tree/data_type.h"

namespace bulkhead::ruleset {

class Json;
namespace json_in {
class Reader;
}

enum class Family : uint8_t { ip = 1, ip6 = 2, inet = 4, arp = 8, bridge = 16, netdev = 32 };
constexpr uint8_t kAllFamilies = 63;
constexpr uint8_t only(Family family) { return static_cast<uint8_t>(family); }
uint8_t bit_of(std::string_view family);  // 0: there is none of that name
constexpr uint8_t kInetFamilies = 7;
enum Hook : uint8_t { prerouting = 1, input = 2, forward = 4, output = 8, postrouting = 16, ingress = 32, egress = 64 };
constexpr uint8_t kAllHooks = 127;

/// How a module's words stand in a line; the grammar knows these and no module.
enum class Form : uint8_t {
  header,     // tcp dport: word and field
  option,     // tcp option maxseg size
  select,     // meta mark, ct original saddr, numgen inc mod 2
  hash,       // jhash EXPRESSION mod 2 seed 3
  statement,  // word and parameters
  verdict,    // accept
  target,     // jump CHAIN
  special,    // the grammar's own: match, set, vmap, add @set; objects that are no statements
};

/// The one module that the grammar, the check or a listing cannot do without; each has at most one.
enum class Role : uint8_t {
  none,
  match,          // EXPRESSION [OPERATOR] VALUE
  mangle,         // EXPRESSION set VALUE
  vmap,           // EXPRESSION vmap SET
  update,         // add @set { ... }
  meter,          // meter NAME { ... }
  raw_payload,    // @th,16,32
  any_transport,  // the header of whatever transport protocol there is
  presence,       // the header whose keys are headers, there or not
};

enum class Layer : uint8_t { none, link, network, transport };

struct StepOperation;  // ../operations.h
struct Step;       // ../run/step.h
class Compiler;    // ../compile/compile.h

/// What the value of a key says of the headers behind, when a match asks for it.
enum class Tells : uint8_t { nothing, family, ethertype, transport, message };

/// ICMP's messages that have a field; `said` is the one that errors name.
struct Messages {
  std::array<int16_t, 2> types{-1, -1};
  int16_t said = -1;
};

/// A header's field, or what a select can be asked for.
struct Key {
  std::string_view name;
  const DataType* type = &integer_type;
  uint16_t bits = 0;         // 0: the type's
  uint16_t offset_bits = 0;  // fields: within the header; options: within the option
  bool settable = false;
  bool bare = false;         // meta: may stand without `meta`
  bool bare_print = false;   // and is printed so
  std::string_view help{};
  uint8_t number = 0;        // extension headers and options: of the header or option itself
  Tells tells = Tells::nothing;
  Messages messages{};            // only these have the field; their type is asked first
  std::string_view object{};      // what is set is the name of such an object: `ct helper`
  Layer counted_from = Layer::none;  // raw payload
  uint8_t families = kAllFamilies;  // whose tables may ask for it
  std::string_view elsewhere{};     // what the others are told; empty: the kernel's refusal
  uint8_t hooks = kAllHooks, set_hooks = kAllHooks;  // where a chain that asks for it, or sets it, may be hooked
  bool write_only = false;
  // Compiling. Fields of headers need none of these.
  const StepOperation* load = nullptr;   // what loads it; null: see Module::load
  const StepOperation* store = nullptr;  // what sets it, from a register
  bool frames = false;         // fields: says how the packet is to be read
  bool bounds = false;         // fields: says where the header ends, so rules cannot set it yet
  bool pseudo_header = false;  // fields: the transport's checksum covers it
  [[nodiscard]] uint16_t width() const { return bits != 0 ? bits : type->bits; }
};

/// What follows the name of a parameter.
enum class Takes : uint8_t {
  flag,    // random
  word,    // level warn
  words,   // flags tcp sequence,options
  text,    // prefix "x"
  number,  // group 5
  size,    // over 10 mbytes
  rate,    // rate over 10/second burst 5 packets
  value,   // any expression
  target,  // to ADDRESS:PORT
  block,   // policy = { established : 5 }
  time,    // timeout 5m
};

struct Parameter {
  std::string_view name;
  Takes takes = Takes::flag;
  const DataType* type = nullptr;
  std::string_view unit{}, help{};
  Number most = all_ones(64);
  std::string_view initial{};                    // default; a select's is not listed
  std::span<const std::string_view> words{};     // word, words: all that there are; empty: any
  bool hexadecimal = false;                      // of a select, in a listing
  uint8_t rank = 0;                              // in a text they stand in this order, of each rank one at most; 0: anywhere
  bool before_key = false;                       // of a select: it stands before the key
};

constexpr uint8_t kAtTheEnd = 254, kTogether = 255;  // ranks of which there may be several, the latter with commas between them

/// What says that a header is this one: the number in a lower header or in meta.
struct Above {
  uint16_t ether_type = 0;  // 0: none
  uint8_t nf_protocol = 0;  // 0: none
  int16_t protocol = -1;    // -1: none
};

constexpr uint8_t kNfIpv4 = 2, kNfIpv6 = 10;  // Above::nf_protocol

class Checker;
class Out;
using StateWord = std::function<uint64_t(uint32_t)>;

struct Module {
  std::string_view name;
  Form form = Form::statement;
  Role role = Role::none;
  std::string_view help{};
  uint8_t families = kAllFamilies;
  uint8_t hooks = kAllHooks;         // where a base chain that gets to it may be hooked
  uint8_t bridge_hooks = kAllHooks;  // the same of family bridge
  bool translates = false;           // and that chain is one of type nat
  std::span<const Key> keys{};
  std::span<const Parameter> parameters{};
  std::span<const std::string_view> modifiers{};  // select: words before the key
  std::string_view between = " ";                 // and what a listing has between them
  const Key *numbered = nullptr, *raw = nullptr;  // option: asked for by its number; bits of one, by number, offset, length
  bool may_be_missing = false;                    // select: `exists` or `missing` may be asked of any key
  bool positional = false;                        // statements: a value may stand without a parameter's name
  bool object = false;                            // may be named: counter, quota...
  bool stateful = false;                          // elements of sets may have their own
  std::string_view object_name{};                 // `ct helper`

  bool terminal = false;           // statements: nothing behind it in a rule has an effect
  bool asks_first = false;         // what it asks of the packet's protocol stands before the rule's other matches
  bool target_without_to = false;  // `dnat tcp dport map ...`: the old way, without `to`
  bool of_flowtables = false;      // may be a flowtable's property
  bool may_be_reset = false;       // objects: `reset counters`
  bool tracks = false;             // needs conntrack, or the reassembly that comes with it
  std::string_view json_also{};    // a second name in JSON

  Layer layer = Layer::none;       // headers
  Above above{};
  uint8_t given_in = 0;            // headers: families whose packets all have it
  const Module* within = nullptr;  // extension headers and options: the header that they belong to
  bool always_listed = false;      // headers: a match of theirs is listed, whatever a later one implies

  /// Selects: once the type is known.
  bool (*check_select)(Expression& select, Checker& checker) = nullptr;
  /// Selects: where a base chain that gets to it may be hooked, if that is not the key's to say.
  uint8_t (*asked_in)(const Expression& select) = nullptr;
  /// Selects: the greatest value; null: what the width allows.
  Number (*most)(const Expression& select) = nullptr;
  /// null: name, modifiers, key, parameters.
  void (*print_select)(const Expression& select, Out& out) = nullptr;
  /// The layer whose protocol the statement itself tells: a match before it that says as much is not listed.
  Layer (*implies)(const Statement& statement, std::string_view family) = nullptr;

  /// After the general check of keys and parameters; errors go to the checker.
  void (*check)(Statement& statement, Checker& checker) = nullptr;
  /// null: name and arguments in their order.
  void (*print)(const Statement& statement, Out& out) = nullptr;
  /// Named objects: the lines of the block. null: parameters in their order, a line each.
  void (*print_body)(const Statement& body, Out& out) = nullptr;
  /// A listing's numbers, as packets have made them: `word` gives the statement's own, from 0.
  void (*put_state)(Statement& statement, const StateWord& word) = nullptr;

  // JSON; null: the general form, of names, keys and parameters. tree/json.h has the values, json_reader.h what reads them.
  Json (*to_json)(const Statement& statement, const Style& style) = nullptr;
  void (*from_json)(Statement& statement, const Json& json, json_in::Reader& reader) = nullptr;
  Json (*select_to_json)(const Expression& select, const Style& style) = nullptr;
  Expression (*select_from_json)(const Module& module, const Json& json, json_in::Reader& reader) = nullptr;
  void (*body_to_json)(const Statement& body, Json& object) = nullptr;
  void (*body_from_json)(Statement& body, const Json& object, json_in::Reader& reader) = nullptr;

  // Compiling.
  /// Named objects that a key sets: what the program keeps of one, as its step's `data`.
  uint32_t (*keep)(const Statement& body, Compiler& compiler) = nullptr;
  uint8_t checksum = 0;             // headers: where their own lies that rules keep right, in bytes; 0: there is none
  bool whole_checksum = false;      // headers: it is made anew over the whole packet when that leaves: SCTP's
  const StepOperation* decides = nullptr;  // verdicts and targets: what a step of it does
  /// A statement's steps; null: not supported yet.
  void (*compile)(const Statement& statement, Compiler& compiler) = nullptr;
  /// Steps that put what a select names into registers from `to` on; gives how many, 0: it was refused. null: the header's
  /// field, or by the key's operation.
  uint8_t (*load)(const Expression& select, uint8_t to, Compiler& compiler) = nullptr;
  /// What sets a key, and its step's fields; null: the header's field, or by the key's operation.
  const StepOperation* (*store)(const Expression& select, Step& step) = nullptr;
};

/// A key and whose it is; null, both, if there is none.
struct KeyOf {
  const Module* module = nullptr;
  const Key* key = nullptr;
};

/// All modules, as main passes them on.
class Registry {
 public:
  explicit Registry(std::span<const Module* const> modules) : modules_(modules) {}
  [[nodiscard]] const Module* find(std::string_view name, Form form) const;
  [[nodiscard]] const Module* expression(std::string_view name) const;  // header, option, select or hash
  [[nodiscard]] const Module* statement(std::string_view name) const;   // statement, verdict or target
  [[nodiscard]] const Module* object(std::string_view name) const;      // `counter`, `ct helper`
  [[nodiscard]] const Module& role(Role role) const;                    // which must be there
  [[nodiscard]] const Module* json_statement(std::string_view name) const;
  [[nodiscard]] const Module* json_select(std::string_view name) const;  // option, select or hash
  [[nodiscard]] const Module* transport_of(Number protocol) const;
  [[nodiscard]] const Module* network_of_family(Number family) const;
  [[nodiscard]] const Module* network_of_type(Number ether_type) const;
  [[nodiscard]] KeyOf bare_key(std::string_view name) const;             // `iif`: of whichever select
  [[nodiscard]] KeyOf key_setting(std::string_view object) const;        // `ct helper`
  [[nodiscard]] KeyOf select_telling(Tells what) const;
  [[nodiscard]] std::vector<std::string_view> beginnings() const;        // the words that may begin a statement
  [[nodiscard]] std::span<const Module* const> all() const { return modules_; }

 private:
  std::span<const Module* const> modules_;
};

const Key* find_key(const Module& module, std::string_view name);
const Parameter* find_parameter(const Module& module, std::string_view name);

/// The table of all modules there are: modules.cc.
std::span<const Module* const> all_modules();

}  // namespace bulkhead::ruleset
