// common/ruleset/tree/module.h: what a match, a statement or an object says of itself.
//
// Who     one file of modules/ each, and its row in modules.cc; main passes the table on (Registry).
// Gives   names, where it may stand, keys and parameters with type, unit, default, help: from these come lexing, parsing,
//         checking, printing, JSON, completion and `describe`. A function is set only where the general way does not do.
// Steps   a statement compiles itself, a select's keys name the operation (operations.h) that loads or sets them; a rule that
//         needs what a module lacks is refused by the module's name.
// Owner   constant data, living as long as the program.
#pragma once

#include <span>

#include "common/ruleset/tree/data_type.h"

namespace bulkhead::ruleset {

enum class Family : uint8_t { ip = 1, ip6 = 2, inet = 4, arp = 8, bridge = 16, netdev = 32 };
constexpr uint8_t kAllFamilies = 63;
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
  special,    // the grammar's own: match, set, vmap, add @set
};

enum class Layer : uint8_t { none, link, network, transport };

struct StepOperation;  // ../operations.h
struct Step;       // ../run/step.h
class Compiler;    // ../compile/compile.h

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
  std::string_view json{};   // another name in JSON
  uint8_t number = 0;        // extension headers and options: of the header or option itself
  // Compiling. Fields of headers need none of these.
  const StepOperation* load = nullptr;   // what loads it; null: see Module::load
  const StepOperation* store = nullptr;  // what sets it, from a register
  bool frames = false;         // fields: says how the packet is to be read, so rules cannot set it yet
  bool pseudo_header = false;  // fields: the transport's checksum covers it
  [[nodiscard]] uint16_t width() const { return bits != 0 ? bits : type->bits; }
};

/// How the value of a parameter is written.
enum class Shape : uint8_t {
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
  Shape shape = Shape::flag;
  const DataType* type = nullptr;
  std::string_view unit{}, help{};
  Number most = all_ones(64);
  std::string_view initial{};                    // default
  std::span<const std::string_view> words{};     // word, words: all that there are; empty: any
};

/// What says that a header is this one: the number in a lower header or in meta.
struct Above {
  uint16_t ether_type = 0;  // 0: none
  uint8_t nf_protocol = 0;  // 0: none
  int16_t protocol = -1;    // -1: none
};

class Checker;
class Out;

struct Module {
  std::string_view name;
  Form form = Form::statement;
  std::string_view help{};
  uint8_t families = kAllFamilies, hooks = kAllHooks;
  std::span<const Key> keys{};
  std::span<const Parameter> parameters{};
  std::span<const std::string_view> modifiers{};  // select: words before the key
  bool positional = false;                        // statements: a value may stand without a parameter's name
  bool object = false;                            // may be named: counter, quota...
  std::string_view object_name{};                 // `ct helper`

  Layer layer = Layer::none;  // headers
  Above above{};
  std::string_view next{};    // headers: the field that says what follows

  /// After the general check of keys and parameters; errors go to the checker.
  void (*check)(Statement& statement, Checker& checker) = nullptr;
  /// null: name and arguments in their order.
  void (*print)(const Statement& statement, Out& out) = nullptr;
  /// null: the general form. Defined in json.h; void* so that this header needs no JSON.
  void (*to_json)(const Statement& statement, const Style& style, void* json) = nullptr;

  // Compiling.
  uint8_t checksum = 0;             // headers: where their own lies that rules keep right, in bytes; 0: there is none
  bool whole_checksum = false;      // headers: it is made anew over the whole packet when that leaves: SCTP's
  const StepOperation* decides = nullptr;  // verdicts and targets: what a step of it does
  /// A statement's steps; null: not supported yet.
  void (*compile)(const Statement& statement, Compiler& compiler) = nullptr;
  /// Steps that put what a select names into registers from `to` on; gives how many, 0: it was refused. null: the header's
  /// field, or by the key's operation.
  uint8_t (*load)(const Expression& select, uint8_t to, Compiler& compiler) = nullptr;
  /// What sets a key, and its step's fields; null: the header's field, or by the key's operation.
  const StepOperation* (*store)(const Key& key, Step& step) = nullptr;
};

/// All modules, as main passes them on.
class Registry {
 public:
  explicit Registry(std::span<const Module* const> modules) : modules_(modules) {}
  [[nodiscard]] const Module* find(std::string_view name, Form form) const;
  [[nodiscard]] const Module* expression(std::string_view name) const;  // header, option, select or hash
  [[nodiscard]] const Module* statement(std::string_view name) const;   // statement, verdict or target
  [[nodiscard]] const Module* object(std::string_view name) const;      // `counter`, `ct helper`
  [[nodiscard]] std::span<const Module* const> all() const { return modules_; }

 private:
  std::span<const Module* const> modules_;
};

const Key* find_key(const Module& module, std::string_view name);
const Parameter* find_parameter(const Module& module, std::string_view name);

/// The table of all modules there are: modules.cc.
std::span<const Module* const> all_modules();

}  // namespace bulkhead::ruleset