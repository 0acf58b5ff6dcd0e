// common/ruleset/compile/compile_sets.cc: sets of compile.h: those that stay (ConstantSet) and those that change (run/dynamic_set.h).
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/run/element.h"
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

/// The kernel keeps a rule's own set of such short values as bits, which do nothing else: Linux nft_bitmap_estimate.
bool is_bitmap(const Expression& set, size_t fields) {
  constexpr uint16_t kBitsMost = 16;
  auto const is_short = [](const Expression& one) {
    return one.is(Kind::element) && one.parts.size() == 1 && one.parts[0].is(Kind::value) && one.parts[0].bits <= kBitsMost;
  };
  return set.is(Kind::set) && fields == 1 && std::ranges::all_of(set.parts, is_short);
}

std::vector<const Statement*> statements_of(const Expression& element) {
  std::vector<const Statement*> all;
  for (const Statement& one : element.statements) all.push_back(&one);
  return all;
}

/// `*`
bool is_for_others(const Expression& element) { return (element.is(Kind::element) ? element.parts.at(0) : element).is(Kind::wildcard); }

/// What looks up in a set whose elements have something to do.
const StepOperation& acting(const StepOperation& plain) {
  if (&plain == &run::in_set) return run::in_set_that_acts;
  if (&plain == &run::map_value) return run::map_value_that_acts;
  return &plain == &run::map_verdict ? run::map_verdict_that_acts : plain;
}

uint8_t words_for(const Expression& field) {
  unsigned const bits = field.bits != 0 ? field.bits : field.type == nullptr ? 0U : unsigned{field.type->bits};
  bool const text = field.type != nullptr && field.type->text;
  return text || bits == 0 || bits > 64 ? 2 : 1;
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
  if (!data.is(Kind::verdict)) return map_data(data, range.data);
  auto const said = std::ranges::find(verdicts_, data.text, &Module::name);
  if (said == verdicts_.end()) return fail(data.at, fmt::format("{}: not supported yet", data.text)), false;
  Step step;
  if (!verdict(**said, data.parts.empty() ? nullptr : data.parts.data(), data.at, step)) return false;
  range.then = step.operation;
  range.chain = step.chain;
  return true;
}

bool Compiler::map_data(const Expression& data, MapData& into) {
  if (!data.is(Kind::concat)) return constant(data, into[0], into[1]);
  if (data.parts.size() > kMapFields) return fail(data.at, "a map that gives more than two fields is not supported yet"), false;
  for (size_t i = 0; i < data.parts.size(); ++i)
    if (!constant(data.parts[i], into[2 * i], into[2 * i + 1])) return false;
  return true;
}

std::optional<uint32_t> Compiler::constant_set(const Expression& set, size_t fields, std::string_view object) {
  if (fields > ConstantSet::kFields) return fail(set.at, "a concatenation of more than five fields"), std::nullopt;
  const std::vector<Expression>* elements = &set.parts;
  if (set.is(Kind::reference)) {
    if (auto const known = named_.find(set.text); known != named_.end()) return known->second;
    const Set* const named = find_named(table_->sets, set.text);
    if (named == nullptr) return fail(set.at, fmt::format("no set is called '{}'", set.text)), std::nullopt;
    elements = &named->elements;
    object = named->object;
  }
  bool const bits = is_bitmap(set, fields);
  std::vector<ConstantSet::Range> ranges;
  ranges.reserve(elements->size());
  for (const Expression& one : *elements) {
    ConstantSet::Range& range = ranges.emplace_back();
    if (!element(one, fields, range)) return std::nullopt;
    if (!object.empty()) range.acts = object_steps(object, one.parts.at(1));
    else if (has_statements(one) && !bits) range.acts = element_steps(statements_of(one));
  }
  if (failed()) return std::nullopt;
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

std::optional<uint32_t> Compiler::look_up(const Lookup& lookup, const StepOperation& in_constant, const StepOperation& in_dynamic) {
  Step step{.to = lookup.to, .count = lookup.fields, .b = lookup.gives};
  if (auto const found = dynamic_set(lookup.map, lookup.fields)) {
    step.data = *found;
    emit(in_dynamic, step);
    return std::nullopt;
  }
  if (failed()) return std::nullopt;
  auto const found = constant_set(lookup.map, lookup.fields, lookup.object);
  if (!found) return std::nullopt;
  step.data = *found;
  const ConstantSet& set = program_.sets[*found];
  if (set.expires()) step.word = start();
  emit(set.acts() ? acting(in_constant) : in_constant, step);
  return found;
}

// --- sets that change ---

/// Whatever its flags say: a map that rules fill has none.
bool Compiler::changes(const Set& set) const {
  if (set.interval) return false;
  return set.dynamic || set.timeouts || filled_.contains(set.name) || !set.statements.empty() || std::ranges::any_of(set.elements, has_statements);
}

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
  if (set.data.size() > kMapFields)
    return fail(set.at, fmt::format("map {}: more than two fields of data are not supported yet", set.name)), std::nullopt;
  for (const Expression& field : set.data) layout.data.push_back(words_for(field));
  if (!set.object.empty()) layout.data = {1};
  layout.data_ranges = set.interval_data;
  uint32_t const usual = filled_.contains(set.name) ? kMeterSize : static_cast<uint32_t>(set.elements.size());
  layout.most = std::max(set.size != 0 ? set.size : usual, 1U);
  if (set.size != 0 && std::ranges::any_of(set.elements, is_for_others)) ++layout.most;  // which the size does not count
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
  Filed& filed = filed_.emplace_back();
  filed.set = &into;
  filed.element.key = range.low;
  filed.element.data = range.data;
  if (range.then != kNoOperation) {
    filed.element.data[0] = into.verdicts.size();
    into.verdicts.push_back({range.then, range.chain});
  } else if (!set.object.empty()) {
    filed.element.data[0] = into.objects.size();
    into.objects.push_back(object_steps(set.object, one.parts.at(1)));
  }
  filed.for_others = is_for_others(one);
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
  for (const Step& step : made.steps)
    if (program_.operation(step).counts_flows) made.lists.push_back(step.word);
  set.pool = program_.connections;
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
  if (!set) return fail(reference.at, fmt::format("set {}: rules cannot change it", reference.text));
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
  if (data != nullptr && load(*data, fields) != program_.dynamic_sets[set]->layout().data.size())
    return fail(data->at, "data of another length than the map's");
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
      uint32_t const entry = one->for_others ? set->enter_for_others(element, image) : set->enter(element, image, 0, added);
      if (entry == DynamicSet::kNone)
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