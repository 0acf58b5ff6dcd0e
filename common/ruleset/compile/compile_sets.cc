// common/ruleset/compile/compile_sets.cc: sets of compile.h: those that stay (ConstantSet) and those that change (run/dynamic_set.h).
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/run/run.h"
#include "common/ruleset/tree/data_type.h"

namespace bulkhead::ruleset {
namespace {

constexpr uint64_t kWordsMost = 1 << 28;
constexpr uint32_t kElementsMost = 1 << 24;  // of one set that changes
constexpr uint32_t kMeterSize = 65535;
constexpr uint64_t kMillisecond = 1'000'000;

uint64_t nanoseconds(uint64_t milliseconds) {
  return std::min(milliseconds, DynamicSet::kLongest / kMillisecond) * kMillisecond;
}

uint64_t milliseconds_of(const Expression& element, std::string_view name) {
  const Expression* const value = element.argument(name);
  return value == nullptr ? 0 : static_cast<uint64_t>(value->number);
}

/// From the first packet on, how long an element of the file is there; 0: for ever.
uint64_t lifetime(const Expression& element, uint64_t timeout_ns) {
  uint64_t const left = milliseconds_of(element, "expires");
  uint64_t const own = left != 0 ? left : milliseconds_of(element, "timeout");
  return own != 0 ? nanoseconds(own) : timeout_ns;
}

bool has_statements(const Expression& element) { return !element.statements.empty(); }

uint8_t words_for(const Expression& field) {
  unsigned const bits = field.bits != 0 ? field.bits : field.type == nullptr ? 0U : unsigned{field.type->bits};
  bool const text = field.type != nullptr && field.type->text;
  return text || bits == 0 || bits > 64 ? 2 : 1;
}

bool changes(const Set& set) {
  if (set.interval) return false;
  return set.dynamic || set.timeouts || !set.statements.empty() || std::ranges::any_of(set.elements, has_statements);
}

}  // namespace

// --- sets that stay ---

/// An element's parts are its key and, in a map, the data.
bool Compiler::element(const Expression& one, size_t fields, ConstantSet::Range& range) {
  const Expression& key = one.is(Kind::element) ? one.parts.at(0) : one;
  if (key.is(Kind::wildcard)) {
    range.high.fill(~Number{0});
  } else if (fields == 1) {
    if (!constant(key, range.low[0], range.high[0])) return false;
  } else {
    if (key.parts.size() != fields) return fail(key.at, "a concatenation of another length"), false;
    for (size_t i = 0; i < fields; ++i)
      if (!constant(key.parts[i], range.low[i], range.high[i])) return false;
  }
  if (one.is(Kind::element)) range.expires_ns = lifetime(one, 0);
  if (!one.is(Kind::element) || one.parts.size() < 2) return true;
  const Expression& data = one.parts[1];
  if (data.is(Kind::concat) && data.parts.size() == 2) {
    Number high = 0;
    return constant(data.parts[0], range.data, high) && constant(data.parts[1], range.data_end, high);
  }
  if (!data.is(Kind::verdict)) return constant(data, range.data, range.data_end);
  auto const said = std::ranges::find(verdicts_, data.text, &Module::name);
  if (said == verdicts_.end()) return fail(data.at, fmt::format("{}: not supported yet", data.text)), false;
  Step step;
  if (!verdict(**said, data.parts.empty() ? nullptr : data.parts.data(), data.at, step)) return false;
  range.then = step.operation;
  range.chain = step.chain;
  return true;
}

std::optional<uint32_t> Compiler::constant_set(const Expression& set, size_t fields) {
  if (fields > ConstantSet::kFields) return fail(set.at, "a concatenation of more than five fields"), std::nullopt;
  const std::vector<Expression>* elements = &set.parts;
  if (set.is(Kind::reference)) {
    if (auto const known = named_.find(set.text); known != named_.end()) return known->second;
    const Set* const named = find_named(table_->sets, set.text);
    if (named == nullptr) return fail(set.at, fmt::format("no set is called '{}'", set.text)), std::nullopt;
    if (!named->statements.empty() || std::ranges::any_of(named->elements, has_statements))
      return fail(set.at, fmt::format("set {}: statements of intervals are not supported yet", set.text)), std::nullopt;
    elements = &named->elements;
  } else if (std::ranges::any_of(set.parts, has_statements)) {
    return fail(set.at, "statements of an anonymous set's elements are not supported yet"), std::nullopt;
  }
  std::vector<ConstantSet::Range> ranges;
  ranges.reserve(elements->size());
  for (const Expression& one : *elements)
    if (!element(one, fields, ranges.emplace_back())) return std::nullopt;
  uint32_t const made = put(program_.sets, ConstantSet(fields, std::move(ranges)));
  if (set.is(Kind::reference)) named_[set.text] = made;
  return made;
}

uint32_t Compiler::start() {
  if (program_.start == Program::kNoWord) {
    program_.start = static_cast<uint32_t>(program_.initial.size());
    program_.initial.push_back(0);
  }
  return program_.start;
}

void Compiler::look_up(const Expression& named, uint8_t fields, uint8_t to, const StepOperation& in_constant,
                       const StepOperation& in_dynamic) {
  if (auto const found = dynamic_set(named, fields)) return emit(in_dynamic, {.to = to, .count = fields, .data = *found});
  if (failed()) return;
  auto const found = constant_set(named, fields);
  if (!found) return;
  Step step{.to = to, .count = fields, .data = *found};
  if (std::ranges::any_of(program_.sets[*found].ranges(), [](const auto& range) { return range.expires_ns != 0; }))
    step.word = start();
  emit(in_constant, step);
}

// --- sets that change ---

std::optional<uint32_t> Compiler::dynamic_set(const Expression& reference, size_t fields) {
  if (!reference.is(Kind::reference)) return std::nullopt;
  const Set* const named = find_named(table_->sets, reference.text);
  if (named == nullptr || !changes(*named)) return std::nullopt;
  if (named->key.size() != fields) return fail(reference.at, "a concatenation of another length"), std::nullopt;
  if (auto const known = dynamic_.find(reference.text); known != dynamic_.end()) return known->second;
  auto const made = make_dynamic(*named);
  if (made) dynamic_[reference.text] = *made;
  return made;
}

std::optional<uint32_t> Compiler::make_dynamic(const Set& set) {
  DynamicSet::Layout layout;
  for (const Expression& field : set.key) layout.key.push_back(words_for(field));
  if (layout.key.size() > DynamicSet::kFields) return fail(set.at, "a concatenation of more than five fields"), std::nullopt;
  if (set.data.size() > 1 || !set.object.empty())
    return fail(set.at, fmt::format("map {}: only one value for each element is supported yet", set.name)), std::nullopt;
  if (set.map) layout.data = words_for(set.data.at(0));
  layout.most = std::max(set.size != 0 ? set.size : static_cast<uint32_t>(set.elements.size()), 1U);
  if (layout.most > kElementsMost)
    return fail(set.at, fmt::format("set {}: more than {} elements", set.name, kElementsMost)), std::nullopt;
  layout.timeouts = set.timeouts;
  layout.timeout_ns = nanoseconds(set.timeout_ms);
  uint32_t const made = put(program_.dynamic_sets, std::make_shared<DynamicSet>(std::move(layout), world_.seed));
  DynamicSet& own = *program_.dynamic_sets[made];
  own.named = &set;
  std::vector<uint64_t> unused;
  body(own, set.statements, unused);
  for (const Expression& one : set.elements)
    if (!file_element(set, one, own)) return std::nullopt;
  return made;
}

bool Compiler::file_element(const Set& set, const Expression& one, DynamicSet& into) {
  ConstantSet::Range range;
  if (!element(one, set.key.size(), range)) return false;
  if (range.low != range.high)
    return fail(one.at, fmt::format("set {}: a range in a set that changes is not supported yet", set.name)), false;
  Filed& filed = filed_.emplace_back();
  filed.set = &into;
  filed.element.key = range.low;
  filed.element.data = range.data;
  if (range.then != kNoOperation) {
    filed.element.data = into.verdicts.size();
    into.verdicts.push_back({range.then, range.chain});
  }
  uint64_t const own = milliseconds_of(one, "timeout"), left = lifetime(one, into.layout().timeout_ns);
  filed.element.timeout_ns = own != 0 ? nanoseconds(own) : into.layout().timeout_ns;
  filed.element.expires_ns = left == 0 ? 0 : left | DynamicSet::kFromStart;
  filed.element.body = body(into, one.statements, filed.initial);
  filed.element.origin = static_cast<uint32_t>(&one - set.elements.data()) + 1;
  return !failed();
}

/// The body of these statements, and what its words begin with.
uint16_t Compiler::body(DynamicSet& set, const std::vector<Statement>& statements, std::vector<uint64_t>& initial) {
  DynamicSet::Body made;
  made.statements = &statements;
  body_ = &made;
  for (const Statement& one : statements)
    if (!failed()) statement(one);
  body_ = nullptr;
  initial = made.initial;
  auto const known = std::ranges::find_if(set.bodies, [&](const DynamicSet::Body& other) {
    return std::ranges::equal(other.steps, made.steps);
  });
  auto const index = known - set.bodies.begin();
  if (index > 0xfff) return fail(statements.at(0).at, "elements with too many kinds of statements"), uint16_t{0};
  if (known == set.bodies.end()) set.bodies.push_back(std::move(made));
  return static_cast<uint16_t>(index);
}

void Compiler::update(const Statement& statement) {
  const Expression& reference = *statement.argument("set");
  const Expression& element = *statement.argument("elem");
  const Set* const named = find_named(table_->sets, reference.text);
  if (named == nullptr || named->interval || named->constant)
    return fail(reference.at, fmt::format("set {}: rules cannot change it", reference.text));
  const Expression& key = element.parts.at(0);
  auto const set = dynamic_set(reference, key.is(Kind::concat) ? key.parts.size() : 1);
  if (!set) return;
  if (element.argument("timeout") != nullptr && !named->timeouts)
    return fail(element.at, fmt::format("set {}: has no time-outs", named->name));
  const Expression* const data = statement.argument("data");
  if (named->map != (data != nullptr)) return fail(statement.at, fmt::format("{}: want a key and its data in a map", named->name));
  std::string_view const said = statement.argument("op")->text;
  const StepOperation& operation = said == "add" ? run::add_element : said == "update" ? run::update_element : run::delete_element;
  update(*set, operation, element, data, named->statements.empty() ? element.statements : named->statements);
}

void Compiler::update(uint32_t set, const StepOperation& operation, const Expression& element, const Expression* data,
                      const std::vector<Statement>& statements) {
  uint8_t const fields = load(element.parts.at(0), 0);
  if (fields == 0) return;
  SetUpdate made{.set = set, .data = fields};
  if (data != nullptr && load(*data, fields) != 1) return fail(data->at, "only one value for each element is supported yet");
  made.timeout_ns = nanoseconds(milliseconds_of(element, "timeout"));
  std::vector<uint64_t> unused;
  made.body = body(*program_.dynamic_sets[set], statements, unused);
  emit(operation, {.count = fields, .data = put(program_.updates, made)});
}

/// A meter is a set of its own without a name to others; its elements stay unless they have a time-out.
void Compiler::meter(const Statement& statement) {
  const Expression& element = *statement.argument("elem");
  const Expression& key = element.parts.at(0);
  const Expression* const size = statement.argument("size");
  DynamicSet::Layout layout;
  if (key.is(Kind::concat))
    for (const Expression& field : key.parts) layout.key.push_back(words_for(field));
  else layout.key.push_back(words_for(key));
  if (layout.key.size() > DynamicSet::kFields) return fail(key.at, "a concatenation of more than five fields");
  layout.most = std::max(size == nullptr ? kMeterSize : static_cast<uint32_t>(size->number), 1U);
  if (layout.most > kElementsMost) return fail(statement.at, fmt::format("meter: more than {} elements", kElementsMost));
  layout.timeouts = element.argument("timeout") != nullptr;
  const StepOperation& operation = layout.timeouts ? run::update_element : run::add_element;
  uint32_t const set = put(program_.dynamic_sets, std::make_shared<DynamicSet>(std::move(layout), world_.seed));
  update(set, operation, element, nullptr, element.statements);
}

namespace {

/// Words that are not shared yet.
class Image : public StateWords {
 public:
  explicit Image(uint64_t words) : words_(words) {}
  [[nodiscard]] uint64_t get(uint32_t word) const noexcept override { return words_[word]; }
  void set(uint32_t word, uint64_t value) noexcept override { words_[word] = value; }
  [[nodiscard]] const std::vector<uint64_t>& words() const { return words_; }

 private:
  std::vector<uint64_t> words_;
};

}  // namespace

/// Sets with elements of the file begin with those; the others with nothing, and stand behind.
void Compiler::place_sets() {
  if (std::ranges::any_of(filed_, [](const Filed& one) { return one.element.expires_ns != 0; })) start();
  std::unordered_map<const DynamicSet*, std::vector<const Filed*>> filed;
  for (const Filed& one : filed_) filed[one.set].push_back(&one);
  std::vector<std::pair<DynamicSet*, uint64_t>> empty;
  uint64_t behind = 0;
  for (auto const& set : program_.dynamic_sets) {
    uint64_t const words = set->lay_out();
    behind += words;
    if (behind + program_.initial.size() > kWordsMost) return fail({}, "sets, counters, quotas and limits are too large");
    auto const mine = filed.find(set.get());
    if (mine == filed.end()) {
      empty.emplace_back(set.get(), words);
      continue;
    }
    Image image(words);
    set->place(0, DynamicSet::kNone);
    bool added = false;
    for (const Filed* const one : mine->second) {
      DynamicSet::Element element = one->element;
      element.initial = &one->initial;
      if (set->enter(element, image, 0, added) == DynamicSet::kNone)
        return fail(set->named->at, fmt::format("set {}: more elements than its size", set->named->name));
    }
    set->place(static_cast<uint32_t>(program_.initial.size()), program_.start);
    program_.initial.insert(program_.initial.end(), image.words().begin(), image.words().end());
    behind -= words;
  }
  program_.words = static_cast<uint32_t>(program_.initial.size());
  for (auto const& [set, words] : empty) {
    set->place(program_.words, program_.start);
    program_.words += static_cast<uint32_t>(words);
  }
}

}  // namespace bulkhead::ruleset