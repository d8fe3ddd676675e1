// SPDX-License-Identifier: Apache-2.0
//
// PTX text around one instruction: load its sources from 64-bit cells, execute it, store its results to 64-bit cells.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace opcodes {

struct Subject {
  std::string form;            ///< "mad.lo.cc.u32"
  std::string results, sources;  ///< operand letters: q h r l (b s w: their signed twins) for 8 to 64 bits, p, i
  std::uint64_t immediate = 0;
  bool carryIn = false, carryOut = false;
  bool guarded = false;        ///< every fourth lane is predicated off and keeps what its result registers held
  bool wider = false;          ///< integer operands in registers one size wider than they are
  bool integerSource = false, integerResult = false;

  int sourceCells() const;     ///< 64-bit cells a case reads: operands without immediates, plus the carry
  int resultCells() const;
  std::string title() const { return form + (results.size() == 2 ? " (p|q)" : "") + (wider ? " (wider registers)" : "") + (guarded ? " (guarded)" : ""); }
};

/// A module's text with kernel "k0", "k1", ... for the subjects in order. Kernel parameters: sources, results (u64).
std::string moduleText(const std::vector<Subject>& subjects);

/// What result registers of 16, 32 or 64 bits hold before a guarded instruction (predicates: true), and which threads skip it.
inline constexpr std::uint64_t kUntouched = 0x5aa5c33c12345678;
inline bool skipped(std::size_t thread) { return thread % 4 == 1; }

/// Bits of an operand letter (1 for a predicate, 0 for an immediate), and of the register that holds it.
int operandBits(char letter);
int registerBits(char letter, bool wider);

}  // namespace opcodes
