// SPDX-License-Identifier: Apache-2.0
//
// Inside of the parser: Parser reads the module level (parser.cpp), Body one function's braces (parser_body.cpp).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ptx/parser.hpp"

namespace kofn::sim::ptx {

// What a name stands for.
struct Entity {
  enum Kind : std::uint8_t { None, Register, Variable, Function, Prototype, Targets } kind = None;
  int reg = -1;
  const ptx::Variable* variable = nullptr;
  const ptx::Function* function = nullptr;
};

class Parser {
 public:
  explicit Parser(std::string_view text);
  std::unique_ptr<Module> run();

 private:
  friend class Body;

  const Token& peek(std::size_t ahead = 0) const;
  const Token& take();
  [[noreturn]] void fail(const std::string& what) const;
  static std::string shown(const Token& t);
  bool accept(char c);
  bool accept(std::string_view word);
  bool accept(const char* word) { return accept(std::string_view(word)); }
  void expect(char c);
  std::string_view expectWord(const char* what);
  std::uint64_t expectInteger(const char* what, std::uint64_t largest);
  void skipLine();

  void header();
  void moduleItem();
  void fileDirective();
  void sectionDirective();
  void pragma();
  void declareGlobal(const std::string& name, Entity entity);
  Entity lookup(std::string_view name) const;
  void markAddressTaken(const Function* f);

  std::vector<Variable*> variables(Space space, bool isExtern, std::vector<std::unique_ptr<Variable>>& into);
  std::uint32_t alignmentValue();
  Type dataType();
  std::uint64_t arrayBytes(std::uint64_t elementBytes, bool mayBeOpen);
  void initialiser(Variable& v);
  Initial initialElement(const Variable& v);

  void parameters(std::vector<std::unique_ptr<Variable>>& into);
  void function(bool isEntry, bool isExtern);
  void attributes(Function& f);
  void triple(std::uint32_t (&into)[3]);

  std::unique_ptr<Module> module_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::map<std::string, Entity, std::less<>> globals_;
};

// A function's body: declarations, labels and instructions in nested scopes.
class Body {
 public:
  Body(Parser& parser, Function& function) : p_(parser), f_(function) {}
  void run();

 private:
  struct Scope {
    std::map<std::string, Entity, std::less<>> names;
    std::map<std::string, int, std::less<>> labels;                       // defined here
    std::vector<std::pair<std::size_t, std::uint32_t>> pending;           // (label reference, line) yet to resolve
  };

  void statement();
  void directive();
  void location();
  void registers();
  void label(std::string_view name);
  void labelled(std::string_view name);   // NAME: .branchtargets / .callprototype
  void instruction();
  Operand operand();
  Operand simple();
  Operand address();
  Operand number();
  Operand group(char open, char close, Operand::Kind kind);
  std::uint64_t offset();
  Entity lookup(std::string_view name) const;
  void declare(std::string_view name, Entity entity);
  void openScope();
  void closeScope();
  int referTo(std::string_view label);

  Parser& p_;
  Function& f_;
  std::vector<Scope> scopes_;
  std::vector<std::string_view> references_;   // label references: number -> name
  std::vector<int> resolved_;                  // label references: number -> label
  std::uint32_t file_ = 0, fileLine_ = 0;
};

}  // namespace kofn::sim::ptx
