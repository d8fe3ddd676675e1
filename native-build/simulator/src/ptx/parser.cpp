// SPDX-License-Identifier: Apache-2.0
#include "ptx/parser.hpp"

#include <algorithm>
#include <cstdlib>

#include "ptx/parser_impl.hpp"

namespace kofn::sim::ptx {

std::unique_ptr<Module> parse(std::string_view text) { return Parser(text).run(); }

Parser::Parser(std::string_view text) : module_(std::make_unique<Module>()) {
  module_->text = std::string(text);
  tokens_ = lex(module_->text);
}

// --------------------------------------------------------------------------------------------------------------------
// Tokens

const Token& Parser::peek(std::size_t ahead) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }

const Token& Parser::take() {
  const Token& t = peek();
  if (at_ + 1 < tokens_.size()) ++at_;
  return t;
}

void Parser::fail(const std::string& what) const { throw Error(peek().line, what); }

std::string Parser::shown(const Token& t) {
  return t.kind == Tok::End ? "the end of the text" : "'" + std::string(t.text.substr(0, 60)) + "'";
}

bool Parser::accept(char c) {
  if (!peek().is(c)) return false;
  take();
  return true;
}

bool Parser::accept(std::string_view word) {
  if (!peek().is(word)) return false;
  take();
  return true;
}

void Parser::expect(char c) {
  if (!accept(c)) fail(std::string("expected '") + c + "' instead of " + shown(peek()));
}

std::string_view Parser::expectWord(const char* what) {
  if (peek().kind != Tok::Word) fail(std::string("expected ") + what + " instead of " + shown(peek()));
  return take().text;
}

std::uint64_t Parser::expectInteger(const char* what, std::uint64_t largest) {
  if (peek().kind != Tok::Integer) fail(std::string("expected ") + what + " instead of " + shown(peek()));
  if (peek().bits > largest)
    fail(std::string(what) + " is " + std::string(peek().text) + ", at most " + std::to_string(largest) + " is allowed");
  return take().bits;
}

void Parser::skipLine() {
  const std::uint32_t line = peek().line;
  while (peek().kind != Tok::End && peek().line == line) take();
}

// --------------------------------------------------------------------------------------------------------------------
// Module level

std::unique_ptr<Module> Parser::run() {
  header();
  while (peek().kind != Tok::End) moduleItem();
  return std::move(module_);
}

void Parser::header() {
  if (!accept(".version")) fail("expected .version instead of " + shown(peek()));
  const std::string version(peek().text);
  const bool digits = version.size() >= 3 && version.find_first_not_of("0123456789.") == std::string::npos;
  const std::size_t dot = version.find('.');
  if (!digits || dot == std::string::npos || dot == 0 || version.size() > 5) fail("malformed .version " + shown(peek()));
  module_->version = std::atoi(version.c_str()) * 10 + std::atoi(version.c_str() + dot + 1);
  take();
  if (!accept(".target")) fail("expected .target instead of " + shown(peek()));
  const std::string target(expectWord("a target architecture"));
  const std::size_t number = target.find_first_of("0123456789");
  if (target.compare(0, 3, "sm_") != 0 || number != 3 || target.size() > 8) fail("unknown target '" + target + "'");
  module_->target = std::atoi(target.c_str() + 3);
  while (accept(',')) {
    const std::string_view option = expectWord("a target option");
    if (option != "debug" && option != "texmode_independent") fail("unknown target option '" + std::string(option) + "'");
  }
  if (accept(".address_size") && expectInteger("the address size", 64) != 64) fail("only .address_size 64 is supported");
}

void Parser::moduleItem() {
  const Token& t = peek();
  if (t.is(".file")) return fileDirective();
  if (t.is(".section")) return sectionDirective();
  if (t.is(".pragma")) return pragma();
  bool isExtern = false;
  for (;;) {
    if (accept(".extern")) isExtern = true;
    else if (accept(".visible") || accept(".weak") || accept(".common")) continue;
    else break;
  }
  if (accept(".entry")) return function(true, isExtern);
  if (accept(".func")) return function(false, isExtern);
  for (const auto& [word, space] : {std::pair{".global", Space::Global}, {".const", Space::Const}, {".shared", Space::Shared}})
    if (accept(word)) {
      for (const Variable* v : variables(space, isExtern, module_->variables)) declareGlobal(v->name, {Entity::Variable, -1, v, nullptr});
      return;
    }
  fail("unknown directive " + shown(peek()));
}

void Parser::fileDirective() {
  take();
  const auto number = static_cast<std::uint32_t>(expectInteger("a file number", 1 << 20));
  if (peek().kind != Tok::String) fail("expected a file name instead of " + shown(peek()));
  module_->files[number] = std::string(take().text);
  while (accept(',')) expectInteger("a file attribute", ~0ull);
}

void Parser::sectionDirective() {
  take();
  expectWord("a section name");
  expect('{');
  for (int depth = 1; depth > 0;) {
    if (peek().kind == Tok::End) fail(".section without end");
    const Token& t = take();
    depth += t.is('{') ? 1 : t.is('}') ? -1 : 0;
  }
}

void Parser::pragma() {
  take();
  if (peek().kind != Tok::String) fail("expected a pragma string instead of " + shown(peek()));
  const std::string_view text = take().text;
  for (const std::string_view known : {"nounroll", "used_bytes_mask", "enable_smem_spilling", "frequency"})
    if (text.substr(0, known.size()) == known) {
      expect(';');
      return;
    }
  fail("unknown .pragma \"" + std::string(text) + "\"");
}

void Parser::declareGlobal(const std::string& name, Entity entity) {
  const auto [it, fresh] = globals_.try_emplace(name, entity);
  if (fresh) return;
  const bool redeclaration = it->second.kind == Entity::Variable && entity.kind == Entity::Variable && it->second.variable->isExtern;
  if (!redeclaration) fail("'" + name + "' is declared twice");
  it->second = entity;
}

// --------------------------------------------------------------------------------------------------------------------
// Variables

std::vector<Variable*> Parser::variables(Space space, bool isExtern, std::vector<std::unique_ptr<Variable>>& into) {
  std::uint32_t alignment = 0;
  if (accept(".align")) alignment = alignmentValue();
  unsigned vector = 1;
  if (accept(".v2")) vector = 2;
  else if (accept(".v4")) vector = 4;
  const Type type = dataType();
  std::vector<Variable*> made;
  do {
    auto v = std::make_unique<Variable>();
    v->line = peek().line;
    v->name = std::string(expectWord("a variable name"));
    v->space = space;
    v->type = type;
    v->isExtern = isExtern;
    v->elementBytes = bytesOf(type);
    v->alignment = alignment ? alignment : v->elementBytes * vector;
    v->bytes = arrayBytes(std::uint64_t{v->elementBytes} * vector, isExtern);
    if (accept('=')) initialiser(*v);
    made.push_back(v.get());
    into.push_back(std::move(v));
  } while (accept(','));
  expect(';');
  return made;
}

std::uint32_t Parser::alignmentValue() {
  const auto a = static_cast<std::uint32_t>(expectInteger("an alignment", 1024));
  if (a == 0 || (a & (a - 1)) != 0) fail("alignment " + std::to_string(a) + " is not a power of two");
  return a;
}

Type Parser::dataType() {
  const std::string_view word = expectWord("a type");
  const Type type = word.empty() || word[0] != '.' ? Type::None : typeFromName(word.substr(1));
  if (bytesOf(type) == 0) fail("expected a data type instead of '" + std::string(word) + "'");
  return type;
}

std::uint64_t Parser::arrayBytes(std::uint64_t elementBytes, bool mayBeOpen) {
  constexpr std::uint64_t kLargest = std::uint64_t{1} << 40;
  std::uint64_t bytes = elementBytes;
  while (accept('[')) {
    if (accept(']')) {
      if (!mayBeOpen) fail("an array needs its size here");
      return 0;
    }
    bytes *= expectInteger("an array size", kLargest);
    if (bytes > kLargest) fail("array of more than 2^40 bytes");
    expect(']');
  }
  return bytes;
}

void Parser::initialiser(Variable& v) {
  int depth = 0;
  do {
    while (accept('{')) ++depth;
    if (peek().is('}') && depth > 0) break;   // {}
    v.initial.push_back(initialElement(v));
    while (depth > 0 && accept('}')) --depth;
  } while (depth > 0 && accept(','));
  while (depth > 0) expect('}'), --depth;
  if (v.initial.size() * v.elementBytes > v.bytes) fail("too many initial values for '" + v.name + "'");
}

Initial Parser::initialElement(const Variable& v) {
  Initial e;
  const bool generic = accept("generic");
  if (generic) expect('('), e.generic = true;
  if (peek().kind == Tok::Word) {
    const Entity entity = lookup(peek().text);
    if (entity.kind == Entity::Variable && (entity.variable->space == Space::Global || entity.variable->space == Space::Const)) {
      e.variable = entity.variable;
    } else if (entity.kind == Entity::Function) {
      e.function = entity.function;
      markAddressTaken(entity.function);
    } else {
      fail("initial value " + shown(peek()) + " is no number, global or function");
    }
    take();
    if (generic) expect(')');
    if (accept('+')) e.bits = expectInteger("an offset", ~0ull >> 1);
    if (v.elementBytes != 8) fail("an address as initial value needs a 64-bit element");
    return e;
  }
  const bool minus = accept('-');
  const Token& t = take();
  if (t.kind == Tok::Integer) e.bits = minus ? 0 - t.bits : t.bits;
  else if (t.kind == Tok::Float32 && v.elementBytes == 4) e.bits = t.bits ^ (minus ? 0x80000000u : 0u);
  else if (t.kind == Tok::Float64 && v.elementBytes == 8) e.bits = t.bits ^ (minus ? 1ull << 63 : 0);
  else throw Error(t.line, "unknown initial value " + shown(t));
  if (generic) expect(')');
  return e;
}

void Parser::markAddressTaken(const Function* f) {
  for (auto& owned : module_->functions)
    if (owned.get() == f) owned->addressTaken = true;
}

// --------------------------------------------------------------------------------------------------------------------
// Functions

void Parser::parameters(std::vector<std::unique_ptr<Variable>>& into) {
  expect('(');
  if (accept(')')) return;
  do {
    if (!accept(".param")) fail("expected .param instead of " + shown(peek()));
    auto v = std::make_unique<Variable>();
    v->line = peek().line;
    v->space = Space::Param;
    std::uint32_t alignment = 0;
    if (accept(".align")) alignment = alignmentValue();
    v->type = dataType();
    v->elementBytes = bytesOf(v->type);
    if (accept(".ptr")) {
      for (const std::string_view space : {".global", ".const", ".shared", ".local"}) accept(space);
      if (accept(".align")) alignmentValue();
    }
    v->name = std::string(expectWord("a parameter name"));
    v->alignment = alignment ? alignment : v->elementBytes;
    v->bytes = arrayBytes(v->elementBytes, false);
    if (v->bytes > 32764) fail("parameter '" + v->name + "' is larger than 32764 bytes");
    into.push_back(std::move(v));
  } while (accept(','));
  expect(')');
}

void Parser::function(bool isEntry, bool isExtern) {
  auto f = std::make_unique<Function>();
  f->line = peek().line;
  f->isEntry = isEntry;
  if (!isEntry && peek().is('(')) parameters(f->results);
  f->name = std::string(expectWord("a function name"));
  if (peek().is('(')) parameters(f->parameters);
  attributes(*f);

  Function* target = nullptr;
  if (const auto it = globals_.find(f->name); it != globals_.end()) {
    if (it->second.kind != Entity::Function || it->second.function->isEntry != isEntry) fail("'" + f->name + "' is declared twice");
    for (auto& owned : module_->functions)
      if (owned.get() == it->second.function) target = owned.get();
    if (!target->isDeclaration && !peek().is(';')) fail("'" + f->name + "' is defined twice");
    if (target->isDeclaration && !peek().is(';')) {   // the definition of something declared before: keep its identity
      const bool taken = target->addressTaken;
      *target = std::move(*f);
      target->addressTaken = taken;
    }
  } else {
    target = f.get();
    module_->functions.push_back(std::move(f));
    declareGlobal(target->name, {Entity::Function, -1, nullptr, target});
  }
  if (accept(';')) return;
  if (isExtern) fail("an extern function has no body");
  target->isDeclaration = false;
  Body(*this, *target).run();
}

void Parser::attributes(Function& f) {
  for (;;) {
    if (accept(".maxntid")) triple(f.maxThreads);
    else if (accept(".reqntid")) triple(f.requiredThreads);
    else if (accept(".minnctapersm")) f.minBlocks = static_cast<std::uint32_t>(expectInteger("a block count", 1024));
    else if (accept(".maxnctapersm")) expectInteger("a block count", 1024);
    else if (accept(".maxnreg")) expectInteger("a register count", 1024);
    else if (accept(".noreturn")) continue;
    else if (peek().is(".pragma")) pragma();
    else return;
  }
}

void Parser::triple(std::uint32_t (&into)[3]) {
  for (int i = 0; i < 3; ++i) into[i] = 1;
  for (int i = 0; i < 3; ++i) {
    into[i] = static_cast<std::uint32_t>(expectInteger("a block dimension", 65535));
    if (into[i] == 0) fail("a block dimension is 0");
    if (!accept(',')) break;
  }
}

Entity Parser::lookup(std::string_view name) const {
  const auto it = globals_.find(name);
  return it == globals_.end() ? Entity{} : it->second;
}

}  // namespace kofn::sim::ptx
