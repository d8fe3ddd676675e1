// SPDX-License-Identifier: Apache-2.0
//
// A parsed PTX module: names are resolved (scopes are gone), instructions are not yet understood.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kofn::sim::ptx {

enum class Type : std::uint8_t {
  None, U8, U16, U32, U64, S8, S16, S32, S64, B8, B16, B32, B64, B128, F16, F16x2, BF16, BF16x2, TF32, F32, F64, Pred
};
Type typeFromName(std::string_view name);   // "u32" without dot; None when it is not a type
unsigned bytesOf(Type type);                // 0 for Pred and None
bool isSigned(Type type);

enum class Space : std::uint8_t { Register, Global, Const, Shared, Local, Param };

struct Function;

// One element of an initialiser: a number, or an address (of a variable or function) plus a constant.
struct Initial {
  std::uint64_t bits = 0;
  const struct Variable* variable = nullptr;
  const Function* function = nullptr;
  bool generic = false;
};

struct Variable {
  std::string name;
  Space space = Space::Global;
  Type type = Type::B8;
  std::uint64_t bytes = 0;       // 0: extern array without size
  std::uint32_t alignment = 1;
  bool isExtern = false;
  std::uint32_t line = 0;
  unsigned elementBytes = 1;
  std::vector<Initial> initial;
};

struct Register {
  std::string name;
  Type type = Type::B32;
};

struct Operand {
  enum class Kind : std::uint8_t {
    Register, Special, Integer, Float32, Float64, Variable, Function, Label, Address, Vector, List, Sink, Prototype
  };
  Kind kind = Kind::Sink;
  bool negated = false;                 // !p
  int reg = -1;                         // Register, Address with a register base
  std::uint64_t bits = 0;               // numbers; Address and Variable: constant offset
  const ptx::Variable* variable = nullptr;
  const ptx::Function* function = nullptr;
  int label = -1;                       // index into Function::labels
  std::string_view name;                // Special, Label, Prototype
  std::vector<Operand> items;           // Vector {a, b}, List (a, b); Register with second destination d|p: items[0]
};

struct Instruction {
  std::uint32_t line = 0;
  std::uint32_t file = 0, fileLine = 0;   // of the .loc in force
  int guard = -1;                         // predicate register
  bool guardNegated = false;
  std::string_view opcode;                // with all modifiers
  std::vector<Operand> operands;
};

struct Function {
  std::string name;
  bool isEntry = false, isDeclaration = true, addressTaken = false;
  std::uint32_t line = 0;
  std::vector<std::unique_ptr<Variable>> parameters, results;
  std::vector<Register> registers;
  std::vector<std::unique_ptr<Variable>> variables;   // .local, .shared and .param of the body
  std::vector<Instruction> body;
  std::vector<std::uint32_t> labels;                  // label number -> index into body
  std::map<std::string, std::vector<int>, std::less<>> branchTargets;   // of brx.idx
  std::uint32_t maxThreads[3] = {0, 0, 0}, requiredThreads[3] = {0, 0, 0}, minBlocks = 0;
};

struct Module {
  std::string text;   // owns what the string_views point into
  int version = 0;    // 90 for 9.0
  int target = 0;     // 80 for sm_80
  std::vector<std::unique_ptr<Variable>> variables;
  std::vector<std::unique_ptr<Function>> functions;
  std::map<std::uint32_t, std::string> files;
};

}  // namespace kofn::sim::ptx
