// SPDX-License-Identifier: Apache-2.0
//
// One kernel's PTX to a Program: links in the functions it can reach, lays out registers, shared and local memory, and
// turns every instruction into a handler with slots. Whatever it does not know exactly is a ptx::Error with the line.
//
//   decoder.cpp           the plan: reachable functions, layout, labels, emission
//   decode_operands.cpp   operands to slots; instructions of the OpTable; mov
//   decode_memory.cpp     ld, st, atom, red, cp.async, ldmatrix, cvta, fences
//   decode_control.cpp    bra, call, ret, barriers, warp-synchronous instructions, mma
//   definedness.cpp       which registers may be read before they are written
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <unordered_map>

#include "engine/handlers.hpp"
#include "engine/optable.hpp"
#include "engine/program.hpp"
#include "ptx/ast.hpp"
#include "ptx/lexer.hpp"

namespace kofn::sim {

// What the module gives to each of its kernels.
struct Symbols {
  std::unordered_map<const ptx::Variable*, std::uint64_t> globals;       // .global and .const: addresses
  std::unordered_map<const ptx::Function*, std::uint64_t> functions;     // code addresses
  std::vector<std::string> lines;                                        // the text's lines, for reports
};

// One register's appearance in an instruction; what the definedness analysis reads.
struct RegisterUse {
  std::uint32_t pc;
  std::uint32_t slot;
  bool isDefinition;
};

class Decoder {
 public:
  Decoder(const ptx::Module& module, const ptx::Function& entry, const Symbols& symbols, const DeviceProperties& properties);
  std::unique_ptr<Program> run();

 private:
  using Operand = ptx::Operand;
  using Instruction = ptx::Instruction;

  struct Body {
    const ptx::Function* source = nullptr;
    FunctionFrame* frame = nullptr;
    std::vector<std::uint32_t> slots;                                     // of registers
    std::map<const ptx::Variable*, std::array<std::uint32_t, 2>> params;  // lane-strided storage (offset, stride)
    std::map<const ptx::Variable*, std::uint32_t> locals;                 // offset in local memory (or in the frame's)
    std::vector<std::uint32_t> labels;                                    // label -> pc, filled while emitting
    bool isEntry = false;
  };

  // --- decoder.cpp
  void reach(const ptx::Function* f);
  void findRecursion();
  void layoutShared();
  void layoutFrame(Body& b);
  void layoutParameters();
  void emitBody(Body& b);
  void resolveTargets();
  void finishConstants();
  void fillInfo();
  std::uint32_t newSlot(unsigned laneBytes);          // 0: predicate
  std::uint32_t newStorage(std::uint32_t bytes, std::uint32_t alignment);
  Instr& emit(Instr i, InstructionClass cls);         // with the guard of the current instruction
  Instr& emitStep(Instr i);                           // auxiliary: not counted, not guarded
  Extra* newExtra();
  [[noreturn]] void fail(const std::string& what) const;
  [[noreturn]] void refuse() const;                   // "unknown instruction"

  // --- decode_operands.cpp
  std::uint32_t constant(std::uint64_t bits, unsigned bytes);
  std::uint32_t special(Special s);
  std::uint32_t allOnes();
  std::uint32_t source(const Operand& o, unsigned bytes);                     // exact width
  std::uint32_t wideSource(const Operand& o, unsigned bytes);                 // register may be wider
  std::uint32_t predicateSource(const Operand& o);
  std::uint32_t destination(const Operand& o, unsigned bytes);
  std::uint32_t predicateDestination(const Operand& o);
  unsigned registerBytes(const Operand& o) const;     // 0 for predicates
  std::uint32_t specialSource(const Operand& o, unsigned bytes);
  std::uint64_t addressOf(const Operand& o, bool& perLane);
  std::uint32_t variableSource(const Operand& o, unsigned bytes);
  void step(const char* name, std::uint32_t d, std::uint32_t a);              // OpTable's auxiliary forms
  void wideDestination(const Operand& o, unsigned bytes, bool isSigned, std::uint32_t& slot);
  void flushDestinations();
  bool computes(std::string_view form);
  void applyForm(const OpForm& form, std::string_view name);
  bool move();
  void moveVector(const Operand& d, const Operand& s, unsigned bytes);

  // --- decode_memory.cpp
  bool memory();
  void load();
  void store();
  void atomic(bool reduction);
  void asyncCopies();
  void matrixLoad(bool isStore);
  void convertAddress();
  void loadParameter(unsigned bytes, bool isSigned, const std::vector<Operand>& d, const Operand& address);
  void storeParameter(unsigned bytes, const std::vector<Operand>& s, const Operand& address);
  void fillAddress(Instr& i, const Operand& address, Window window, std::int64_t* offset = nullptr);
  struct MemoryForm;
  MemoryForm memoryForm(std::vector<std::string_view> modifiers, bool isStore) const;
  static std::vector<Operand> elements(const Operand& o);

  // --- decode_control.cpp
  bool control();
  void callFunction();
  void barriers();
  bool warpSync();
  void matrixMultiply();
  const ptx::Function* callee(const Operand& o) const;
  std::vector<Passed> passed(const Operand& list, const std::vector<std::unique_ptr<ptx::Variable>>* formals);

  // --- definedness.cpp
  void analyseDefinedness();

  const ptx::Module& module_;
  const ptx::Function& entry_;
  const Symbols& symbols_;
  const DeviceProperties& properties_;
  std::unique_ptr<Program> program_;
  std::vector<std::unique_ptr<Body>> bodies_;
  std::map<const ptx::Function*, std::uint32_t> numbers_;      // function -> body and frame number
  std::map<const ptx::Variable*, std::uint32_t> shared_;       // offsets
  std::map<const ptx::Variable*, std::uint32_t> kernelParams_; // offsets in the parameter block
  std::uint32_t top_ = 0;               // end of the register file so far
  std::uint32_t predicateLine_ = 0, predicateUsed_ = 64;
  std::map<std::pair<std::uint64_t, unsigned>, std::uint32_t> constants_;
  std::map<Special, std::uint32_t> specials_;
  std::uint32_t allOnes_ = 0;
  std::vector<RegisterUse> uses_;
  std::vector<std::pair<std::uint32_t, const ptx::Function*>> predicateSlots_;
  std::vector<std::uint32_t> pendingUses_, pendingDefinitions_;
  std::vector<Instr> pendingSteps_;     // after the instruction: results into wider registers
  std::vector<std::pair<std::uint32_t, int>> branchFixups_;    // pc -> label of the current body
  std::vector<std::string_view> words_; // of the current opcode
  Body* body_ = nullptr;
  const Instruction* at_ = nullptr;
};

std::vector<std::string_view> splitOpcode(std::string_view opcode);

}  // namespace kofn::sim
