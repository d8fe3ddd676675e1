// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "ptx/parser_impl.hpp"

namespace kofn::sim::ptx {
namespace {

constexpr std::size_t kMostRegisters = 1u << 18, kDeepestScope = 200;

}  // namespace

void Body::run() {
  openScope();
  for (const auto* list : {&f_.parameters, &f_.results})
    for (const auto& v : *list) declare(v->name, {Entity::Variable, -1, v.get(), nullptr});
  p_.expect('{');
  std::size_t depth = 1;
  while (depth > 0) {
    if (p_.peek().kind == Tok::End) p_.fail("'" + f_.name + "' ends without '}'");
    if (p_.accept('{')) {
      if (++depth > kDeepestScope) p_.fail("scopes nested too deeply");
      openScope();
    } else if (p_.accept('}')) {
      --depth;
      closeScope();
    } else {
      statement();
    }
  }
  for (Instruction& i : f_.body)
    for (Operand& o : i.operands)
      if (o.kind == Operand::Kind::Label) o.label = resolved_[static_cast<std::size_t>(o.label)];
  for (auto& [name, list] : f_.branchTargets)
    for (int& l : list) l = resolved_[static_cast<std::size_t>(l)];
}

void Body::openScope() { scopes_.emplace_back(); }

void Body::closeScope() {
  Scope done = std::move(scopes_.back());
  scopes_.pop_back();
  for (const auto& [reference, line] : done.pending) {
    const auto it = done.labels.find(references_[reference]);
    if (it != done.labels.end()) resolved_[reference] = it->second;
    else if (!scopes_.empty()) scopes_.back().pending.emplace_back(reference, line);
    else throw Error(line, "unknown name '" + std::string(references_[reference]) + "'");
  }
}

Entity Body::lookup(std::string_view name) const {
  for (auto s = scopes_.rbegin(); s != scopes_.rend(); ++s)
    if (const auto it = s->names.find(name); it != s->names.end()) return it->second;
  return p_.lookup(name);
}

void Body::declare(std::string_view name, Entity entity) {
  if (!scopes_.back().names.try_emplace(std::string(name), entity).second) p_.fail("'" + std::string(name) + "' is declared twice");
}

int Body::referTo(std::string_view label) {
  references_.push_back(label);
  resolved_.push_back(-1);
  scopes_.back().pending.emplace_back(references_.size() - 1, p_.peek().line);
  return static_cast<int>(references_.size()) - 1;
}

void Body::statement() {
  const Token& t = p_.peek();
  if (t.kind == Tok::Word && t.text[0] == '.') return directive();
  if (t.kind == Tok::Word && p_.peek(1).is(':')) {
    const std::string_view name = p_.take().text;
    p_.take();
    if (p_.peek().is(".branchtargets") || p_.peek().is(".callprototype")) labelled(name);
    else label(name);
    return;
  }
  if (t.kind == Tok::Word || t.is('@')) return instruction();
  p_.fail("expected an instruction instead of " + Parser::shown(t));
}

void Body::directive() {
  if (p_.peek().is(".reg")) return registers();
  if (p_.peek().is(".loc")) return location();
  if (p_.peek().is(".pragma")) return p_.pragma();
  for (const auto& [word, space] : {std::pair{".local", Space::Local}, {".shared", Space::Shared}, {".param", Space::Param}})
    if (p_.accept(word)) {
      for (const Variable* v : p_.variables(space, false, f_.variables)) {
        if (!v->initial.empty()) p_.fail("'" + v->name + "' cannot have an initial value");
        declare(v->name, {Entity::Variable, -1, v, nullptr});
      }
      return;
    }
  p_.fail("unknown directive " + Parser::shown(p_.peek()));
}

// .loc file line column [, function_name label, inlined_at file line column]: the rest of the line is not needed.
void Body::location() {
  const std::uint32_t line = p_.peek().line;
  p_.take();
  file_ = static_cast<std::uint32_t>(p_.expectInteger("a file number", 1 << 20));
  fileLine_ = static_cast<std::uint32_t>(p_.expectInteger("a source line", ~0u));
  if (p_.peek().line == line) p_.skipLine();
}

void Body::registers() {
  p_.take();
  const std::string_view word = p_.expectWord("a register type");
  const Type type = word[0] == '.' ? typeFromName(word.substr(1)) : Type::None;
  if (type == Type::None) p_.fail("unknown register type '" + std::string(word) + "'");
  const auto add = [&](std::string name) {
    if (f_.registers.size() >= kMostRegisters) p_.fail("more than 2^18 registers in one function");
    declare(name, {Entity::Register, static_cast<int>(f_.registers.size()), nullptr, nullptr});
    f_.registers.push_back({std::move(name), type});
  };
  do {
    const std::string name(p_.expectWord("a register name"));
    if (p_.accept('<')) {
      const std::uint64_t count = p_.expectInteger("a register count", kMostRegisters);
      p_.expect('>');
      for (std::uint64_t i = 0; i < count; ++i) add(name + std::to_string(i));
    } else {
      add(name);
    }
  } while (p_.accept(','));
  p_.expect(';');
}

void Body::label(std::string_view name) {
  const int number = static_cast<int>(f_.labels.size());
  if (!scopes_.back().labels.try_emplace(std::string(name), number).second) p_.fail("label '" + std::string(name) + "' is defined twice");
  f_.labels.push_back(static_cast<std::uint32_t>(f_.body.size()));
}

void Body::labelled(std::string_view name) {
  if (p_.accept(".branchtargets")) {
    std::vector<int> targets;
    do targets.push_back(referTo(p_.expectWord("a label")));
    while (p_.accept(','));
    p_.expect(';');
    if (!f_.branchTargets.try_emplace(std::string(name), std::move(targets)).second) p_.fail("'" + std::string(name) + "' is declared twice");
    declare(name, {Entity::Targets, -1, nullptr, nullptr});
    return;
  }
  p_.take();   // .callprototype: the call site's own lists say what is passed
  while (!p_.peek().is(';')) {
    if (p_.peek().kind == Tok::End) p_.fail(".callprototype without end");
    p_.take();
  }
  p_.take();
  declare(name, {Entity::Prototype, -1, nullptr, nullptr});
}

void Body::instruction() {
  Instruction i;
  i.line = p_.peek().line;
  i.file = file_;
  i.fileLine = fileLine_;
  if (p_.accept('@')) {
    i.guardNegated = p_.accept('!');
    const Entity e = lookup(p_.expectWord("a predicate"));
    if (e.kind != Entity::Register || f_.registers[static_cast<std::size_t>(e.reg)].type != Type::Pred)
      p_.fail("the guard is not a predicate register");
    i.guard = e.reg;
  }
  i.opcode = p_.expectWord("an opcode");
  if (!p_.peek().is(';')) {
    do i.operands.push_back(operand());
    while (p_.accept(','));
  }
  p_.expect(';');
  if (f_.body.size() >= (1u << 24)) p_.fail("more than 2^24 instructions in one function");
  f_.body.push_back(std::move(i));
}

Operand Body::operand() {
  if (p_.peek().is('{')) return group('{', '}', Operand::Kind::Vector);
  if (p_.peek().is('(')) return group('(', ')', Operand::Kind::List);
  if (p_.peek().is('[')) return address();
  return simple();
}

Operand Body::group(char open, char close, Operand::Kind kind) {
  Operand o;
  o.kind = kind;
  p_.expect(open);
  if (p_.accept(close)) return o;
  do o.items.push_back(simple());
  while (p_.accept(','));
  p_.expect(close);
  return o;
}

std::uint64_t Body::offset() {
  std::uint64_t sum = 0;
  while (p_.peek().is('+') || p_.peek().is('-')) {
    bool minus = p_.take().is('-');
    if (p_.accept('-')) minus = !minus;
    const std::uint64_t v = p_.expectInteger("an offset", ~0ull);
    sum += minus ? 0 - v : v;
  }
  return sum;
}

Operand Body::address() {
  p_.expect('[');
  Operand o;
  if (p_.peek().kind == Tok::Integer) {
    o.bits = p_.take().bits;
  } else {
    const std::string_view name = p_.expectWord("an address");
    const Entity e = lookup(name);
    if (e.kind == Entity::Register) o.reg = e.reg;
    else if (e.kind == Entity::Variable) o.variable = e.variable;
    else p_.fail("'" + std::string(name) + "' is no register or variable");
    o.bits = offset();
  }
  o.kind = Operand::Kind::Address;
  p_.expect(']');
  return o;
}

Operand Body::number() {
  Operand o;
  const bool minus = p_.accept('-');
  const Token& t = p_.take();
  if (t.kind == Tok::Integer) o.kind = Operand::Kind::Integer, o.bits = minus ? 0 - t.bits : t.bits;
  else if (t.kind == Tok::Float32) o.kind = Operand::Kind::Float32, o.bits = t.bits ^ (minus ? 0x80000000u : 0u);
  else if (t.kind == Tok::Float64) o.kind = Operand::Kind::Float64, o.bits = t.bits ^ (minus ? 1ull << 63 : 0);
  else throw Error(t.line, "expected an operand instead of " + Parser::shown(t));
  return o;
}

Operand Body::simple() {
  Operand o;
  if (p_.accept('!')) o.negated = true;
  if (p_.peek().kind != Tok::Word) {
    if (o.negated) p_.fail("'!' needs a predicate");
    return number();
  }
  const std::string_view name = p_.take().text;
  if (name == "_") return o;
  const Entity e = lookup(name);
  o.name = name;
  switch (e.kind) {
    case Entity::Register:
      o.kind = Operand::Kind::Register;
      o.reg = e.reg;
      if (p_.accept('|')) {
        Operand second = simple();
        if (second.kind != Operand::Kind::Register && second.kind != Operand::Kind::Sink) p_.fail("expected a register after '|'");
        o.items.push_back(std::move(second));
      }
      break;
    case Entity::Variable:
      o.kind = Operand::Kind::Variable;
      o.variable = e.variable;
      o.bits = offset();
      break;
    case Entity::Function:
      o.kind = Operand::Kind::Function;
      o.function = e.function;
      break;
    case Entity::Prototype:
    case Entity::Targets: o.kind = Operand::Kind::Prototype; break;
    case Entity::None:
      if (name[0] == '%') {
        o.kind = Operand::Kind::Special;
      } else {
        o.kind = Operand::Kind::Label;
        o.label = referTo(name);
      }
  }
  return o;
}

}  // namespace kofn::sim::ptx
