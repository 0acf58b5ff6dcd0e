// common/ruleset/compile/compile.cc: values, matches and verdicts of compile.h.
#include "common/ruleset/compile/compile.h"

#include <algorithm>
#include <iterator>

#include "common/ruleset/run/connections.h"
#include "common/ruleset/run/run.h"
#include "common/ruleset/run/select.h"

namespace bulkhead::ruleset {
namespace {

constexpr uint32_t kEthernetBits = 14 * 8;

Number width_mask(unsigned bits) { return all_ones(bits == 0 ? 128 : bits); }

const StepOperation& comparison(std::string_view operation) {
  if (operation.empty() || operation == "==") return run::equal;
  if (operation == "!=" || operation == "!") return run::not_equal;
  if (operation == "<") return run::less;
  if (operation == "<=") return run::less_or_equal;
  if (operation == ">") return run::greater;
  return run::greater_or_equal;
}

/// Of what is compared; null: nobody knows.
const DataType* type_of(const Expression& left) {
  if (left.is(Kind::binary)) return type_of(left.parts.front());
  return left.type != nullptr || left.key == nullptr ? left.type : left.key->type;
}

bool is_negative(std::string_view operation) { return operation == "!=" || operation == "!"; }

}  // namespace

Compiler::Compiler(Program& program, const World& world, const Vocabulary& vocabulary) : program_(program), world_(world) {
  program_.operations = vocabulary.operations;
  for (const StepOperation* const operation : vocabulary.operations) {
    numbers_.emplace(operation, static_cast<OperationNumber>(program_.runs.size()));
    program_.runs.push_back(operation->run);
  }
  std::ranges::copy_if(vocabulary.modules, std::back_inserter(verdicts_), [](const Module* module) { return module->decides != nullptr; });
}

OperationNumber Compiler::number_of(const StepOperation& operation) {
  auto const found = numbers_.find(&operation);
  if (found != numbers_.end()) return found->second;
  return fail({}, fmt::format("{}: not in the table of operations", operation.name)), kNoOperation;
}

void Compiler::emit(const StepOperation& operation, Step step) {
  step.operation = number_of(operation);
  program_.flow_marks |= operation.flow_mark;
  program_.flow_labels |= operation.flow_label;
  program_.sets_zones |= operation.sets_zone;
  program_.flow_views |= operation.flow_view;
  program_.edits |= operation.edits;
  program_.copies |= operation.copies;
  if (operation.by_chance) chance();
  if (operation.counts_flows) {
    if (program_.connections == Program::kNoWord) {
      program_.connections = static_cast<uint32_t>(program_.initial.size());
      program_.initial.insert(program_.initial.end(), ConnectionLists::kPoolWords, 0);
    }
    ++program_.counts;
  }
  steps().push_back(step);
}

const Chance& Compiler::chance() {
  if (!program_.chance) program_.chance.emplace(world_.seed);
  return *program_.chance;
}

void Compiler::fail(const Location& at, std::string why) {
  if (failed()) return;
  error_.at = at;
  error_.text = std::move(why);
}

void Compiler::note(const Location& at, std::string_view what) {
  Remark& made = notes_.emplace_back();
  made.at = at;
  made.text = what;
}

uint32_t Compiler::words(const std::vector<uint64_t>& initial) {
  std::vector<uint64_t>& all = body_ == nullptr ? program_.initial : body_->initial;
  auto const first = static_cast<uint32_t>(all.size());
  all.insert(all.end(), initial.begin(), initial.end());
  return first;
}

// --- left sides ---

uint8_t Compiler::load(const Expression& expression, uint8_t to) {
  if (to >= Evaluation::kRegisters) return fail(expression.at, "too many fields"), uint8_t{0};
  switch (expression.kind) {
    case Kind::select: return load_select(expression, to);
    case Kind::binary: return load_binary(expression, to);
    case Kind::lookup: return load_lookup(expression, to);
    case Kind::concat: {
      uint8_t count = 0;
      for (const Expression& part : expression.parts) {
        if (load(part, static_cast<uint8_t>(to + count)) != 1) return 0;
        ++count;
      }
      return count;
    }
    default: break;
  }
  Number low = 0, high = 0;
  if (!constant(expression, low, high)) return 0;
  emit(run::constant, {.to = to, .a = low});
  return 1;
}

void Compiler::require(const Module& header) {
  if (header.above.nf_protocol != 0) emit(run::is_family, {.a = header.above.nf_protocol == 2 ? 4U : 6U});
  else if (header.above.ether_type != 0) emit(header.layer == Layer::link ? run::is_tagged : run::is_ether_type, {.a = header.above.ether_type, .b = asked_ether_type_ ? 1U : 0U});
  if (header.above.protocol >= 0) emit(run::is_protocol, {.a = static_cast<Number>(header.above.protocol)});
}

uint32_t Compiler::direction_of(const Expression& select) {
  return select.argument("reply") != nullptr ? 1 : select.argument("original") != nullptr ? 0 : 2;
}

uint8_t Compiler::not_supported(const Expression& select) {
  return fail(select.at, fmt::format("{} {}: not supported yet", select.module->name, select.key->name)), uint8_t{0};
}

uint8_t Compiler::load_select(const Expression& select, uint8_t to) {
  const Module& module = *select.module;
  const Key& key = *select.key;
  if (module.load != nullptr) return module.load(select, to, *this);
  Step step{.to = to, .bits = key.width()};
  const StepOperation* operation = key.load;
  if (module.form == Form::header && module.layer != Layer::none) {
    require(module);  // a field implies its header
    operation = module.layer == Layer::link ? &run::link_field
                : module.layer == Layer::network ? &run::network_field : &run::transport_field;
    asked_ether_type_ = asked_ether_type_ || (module.layer == Layer::link && key.tells == Tells::ethertype);
    bool const tag = module.layer == Layer::link && module.above.ether_type != 0;
    step.offset = key.offset_bits + (tag ? kEthernetBits : 0U);  // behind Ethernet's own header
  }
  if (operation == nullptr) return not_supported(select);
  if (operation->by_chance) step.offset = next_made_number();
  emit(*operation, step);
  return 1;
}

uint8_t Compiler::load_binary(const Expression& binary, uint8_t to) {
  if (load(binary.parts.at(0), to) != 1) return 0;
  Number low = 0, high = 0;
  if (!constant(binary.parts.at(1), low, high)) return 0;
  bool const left = binary.text == "<<", right = binary.text == ">>";
  if (left || right) {
    auto const offset = static_cast<uint32_t>(std::min<Number>(low, 127));
    emit(left ? run::shifted_left : run::shifted_right, {.to = to, .offset = offset});
    if (left) emit(run::masked, {.to = to, .a = width_mask(binary.bits)});
    return 1;
  }
  Number const kept = binary.text == "&" ? low : binary.text == "|" ? ~low : ~Number{0};
  emit(run::masked, {.to = to, .a = kept, .b = binary.text == "&" ? Number{0} : low});
  return 1;
}

uint8_t Compiler::load_lookup(const Expression& lookup, uint8_t to) {
  uint8_t const fields = load(lookup.parts.at(0), to);
  if (fields == 0) return 0;
  look_up({.map = lookup.parts.at(1), .fields = fields, .to = to}, run::map_value, run::dynamic_value);
  return failed() ? 0 : 1;
}

// --- right sides ---

bool Compiler::constant(const Expression& expression, Number& low, Number& high) {
  switch (expression.kind) {
    case Kind::value:
      wants_number_of(expression, low);
      high = low;
      if (expression.text.ends_with('*') && expression.type != nullptr && expression.type->text) {
        size_t const known = expression.text.size() - 1;
        low = run::text_number(std::string_view(expression.text).substr(0, known));
        high = low | all_ones(static_cast<unsigned>(128 - 8 * std::min<size_t>(known, 16)));
      }
      return !failed();
    case Kind::prefix: {
      if (!constant(expression.parts.at(0), low, high)) return false;
      unsigned const bits = expression.parts[0].bits != 0 ? expression.parts[0].bits : expression.bits;
      auto const length = static_cast<unsigned>(expression.number);
      Number const rest = length >= bits ? 0 : all_ones(bits - length);
      low &= ~rest;
      high = low | rest;
      return true;
    }
    case Kind::range: {
      Number unused = 0;
      return constant(expression.parts.at(0), low, unused) && constant(expression.parts.at(1), unused, high);
    }
    case Kind::list:
    case Kind::binary: {
      Number all = 0;
      for (const Expression& part : expression.parts) {
        if (!constant(part, low, high)) return false;
        all = expression.text == "&" && &part != expression.parts.data() ? all & low : all | low;
      }
      low = high = all;
      return true;
    }
    case Kind::wildcard:
      low = 0;
      high = ~Number{0};
      return true;
    default: fail(expression.at, "this is not supported yet where a constant is wanted"); return false;
  }
}

void Compiler::wants_number_of(const Expression& name, Number& value) {
  bool const named = !name.text.empty();
  if (name.type == &interface_index && named) {
    auto const found = world_.interfaces.find(name.text);
    if (auto const number = parse_number(name.text); number && found == world_.interfaces.end()) {
      value = *number <= 1 ? *number * kLoopback : *number - 1;  // as the kernel numbers them: lo is 1
      return;
    }
    if (found == world_.interfaces.end() && !world_.any_interface)
      return fail(name.at, fmt::format("interface {} does not exist", name.text));
    value = found == world_.interfaces.end() ? 0 : found->second;
  } else {
    value = name.type != nullptr && name.type->text && named ? run::text_number(name.text) : name.number;
  }
}

bool Compiler::gives_pairs(const Expression& lookup) const {
  const Expression& map = lookup.parts.at(1);
  if (map.is(Kind::reference)) {
    const Set* const named = find_named(table_->sets, map.text);
    return named != nullptr && named->data.size() == 2;
  }
  return !map.parts.empty() && map.parts[0].parts.size() == 2 && map.parts[0].parts[1].is(Kind::concat);
}

// --- matches and verdicts ---

void Compiler::match(std::string_view operation, const Expression& left, const Expression& right) {
  uint8_t const fields = load(left, 0);
  if (fields == 0) return;
  if (right.is(Kind::set) || right.is(Kind::reference)) {
    bool const negative = is_negative(operation);
    look_up({.map = right, .fields = fields}, negative ? run::not_in_set : run::in_set,
            negative ? run::not_in_dynamic : run::in_dynamic);
    return;
  }
  for (uint8_t field = 0; field < fields; ++field) {
    const Expression& part = fields == 1 ? right : right.parts.at(field);
    Step step{.to = field};
    if (!constant(part, step.a, step.b)) return;
    const DataType* const type = fields == 1 ? type_of(left) : nullptr;
    bool const flags = type != nullptr && type->bitmask && part.is(Kind::list) && operation == "!=";
    bool const negative = is_negative(operation);
    if (operation == "in" || operation == "!" || flags) emit(negative ? run::no_bit : run::any_bit, step);
    else if (step.a != step.b) emit(negative ? run::outside : run::inside, step);
    else emit(comparison(operation), step);
  }
}

bool Compiler::chain(std::string_view name, uint32_t& index) {
  for (uint32_t i = table_first_; i < program_.chains.size(); ++i)
    if (program_.chains[i].name == name) return index = i, true;
  return false;
}

bool Compiler::verdict(const Module& module, const Expression* target, const Location& at, Step& step) {
  if (module.decides == nullptr) return fail(at, fmt::format("{}: not supported yet", module.name)), false;
  step.operation = number_of(*module.decides);
  if (!module.decides->jumps()) return !failed();
  if (target == nullptr) return fail(at, fmt::format("{}: want a chain", module.name)), false;
  return chain(target->text, step.chain) || (fail(at, fmt::format("no chain is called '{}'", target->text)), false);
}

void Compiler::decide(const Statement& said) {
  Step step;
  if (verdict(*said.module, said.argument("target"), said.at, step)) steps().push_back(step);
}

}  // namespace bulkhead::ruleset
