// SPDX-License-Identifier: Apache-2.0
//
// mma.sync, ldmatrix, stmatrix and movmatrix as functions over a warp's registers.
//
// A register of a warp is 32 values, one a lane; an operand is an array of pointers to such registers, so an
// interpreter passes its register file's rows directly. Results may share registers with operands.
#pragma once

#include <cstdint>

namespace kofn::sim::num {

/// Computes D = A B + C: `d`, `a`, `b`, `c` point at the operands' registers (see MmaOp for how many).
using MmaFn = void (*)(uint32_t* const* d, const uint32_t* const* a, const uint32_t* const* b, const uint32_t* const* c);

enum class MmaType : uint8_t { f16, bf16, tf32, f32, f64, s8, u8, s32 };

/// One form of mma.sync.aligned...row.col. Registers are 32 bits wide, those of f64 operands 64.
struct MmaOp {
  MmaFn run = nullptr; ///< null: no such form
  int d = 0, a = 0, b = 0, c = 0; ///< registers of each operand
  int k = 0;
  /// Multiply-accumulates of the whole instruction.
  int macs = 0;
};

/// The form m x n x k with these element types; `run` is null when it is not supported. f16, bf16, tf32: m16n8k16 and
/// m16n8k8 (tf32: m16n8k8, m16n8k4) into f32, f16 also into f16; s8/u8: m8n8k16, m16n8k16, m16n8k32 into s32, where
/// `satfinite` clamps the sum instead of wrapping it; f64: m8n8k4 (registers are passed as uint32_t*, 64 bits a lane).
///
/// Floating-point sums start at C and add the products one by one in ascending k, each addition rounded to nearest in
/// f32 (f64: fma in f64); an f16 result is rounded once at the end. Hardware's order and intermediate precision are not
/// documented: results agree only within the usual bound for a sum in any order.
MmaOp find_mma(int m, int n, int k, MmaType d, MmaType a, MmaType b, MmaType c, bool satfinite);

/// ldmatrix.m8n8: lane l gets row l/4, columns 2(l%4) and the next (first in the low half); with .trans the element
/// at (row, column) of the transposed matrix. `rows` are the 8 rows of 8 16-bit values that lanes 8i..8i+7 address for
/// matrix i.
void ldmatrix_distribute(const uint16_t rows[8][8], bool transposed, uint32_t lanes[32]);

/// stmatrix.m8n8: the inverse of ldmatrix_distribute.
void stmatrix_collect(const uint32_t lanes[32], bool transposed, uint16_t rows[8][8]);

/// movmatrix.m8n8.trans: transposes an 8x8 matrix that is laid out as ldmatrix gives it.
void movmatrix_transpose(const uint32_t from[32], uint32_t to[32]);

} // namespace kofn::sim::num
