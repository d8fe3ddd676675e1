// SPDX-License-Identifier: Apache-2.0
//
// Lane l of a warp is in group g = l / 4 and is thread t = l % 4 of it. With P elements packed in a register, register r
// of a fragment covers
//   A (m x k): row g + 8 (r % 2), columns P (t + 4 (r / 2)) ...     (m = 8: row g, columns P (t + 4 r))
//   B (k x n): rows P (t + 4 r) ..., column g
//   C (m x n): row g + 8 (r / 2), column 2 t + r % 2
// and an f16 C packs the two columns of a row in one register.
#include "mma.hpp"

#include "convert.hpp"
#include "integer.hpp"

#include <cstring>

namespace kofn::sim::num {
namespace {

using In = const uint32_t* const*;
using Out = uint32_t* const*;

// A register of A holds, lane after lane, 8 consecutive rows of one 8 x 4P block; a register of B holds the transpose of
// one 4P x 8 block. So unpacking is widening in memory order, plus one transposition for B.
template <class E> struct Element; // what is stored, and its value
template <> struct Element<F16> {
  using Stored = uint16_t;
  static float get(uint16_t x) { return widen(F16{x}); }
};
template <> struct Element<BF16> {
  using Stored = uint16_t;
  static float get(uint16_t x) { return widen(BF16{x}); }
};
template <> struct Element<TF32> {
  using Stored = uint32_t;
  static float get(uint32_t x) { return widen(TF32{x}); }
};
// Sums of 32 products of bytes stay below 2^24: f32 holds them exactly, and multiplies faster than int32.
template <> struct Element<int8_t> {
  using Stored = int8_t;
  static float get(int8_t x) { return x; }
};
template <> struct Element<uint8_t> {
  using Stored = uint8_t;
  static float get(uint8_t x) { return x; }
};
template <class E> constexpr int perRegister = 4 / sizeof(typename Element<E>::Stored);

/// Eight rows (or columns) by 4P values, as one register holds them.
template <class E> struct Block {
  static constexpr int wide = 4 * perRegister<E>;
  float at[8 * wide];

  explicit Block(const uint32_t* lanes) {
    typename Element<E>::Stored stored[8 * wide];
    std::memcpy(stored, lanes, sizeof stored);
    for (int i = 0; i < 8 * wide; i++) at[i] = Element<E>::get(stored[i]);
  }
};

/// Eight accumulators of one row of C, in whatever vectors the target has.
using Row [[gnu::vector_size(8 * sizeof(float))]] = float;

/// acc += A B, where A is one block row (8 x 4P) and b the matching 4P rows of B: ascending k, four rows of acc at a
/// time so that their additions overlap.
template <class E> void multiply(const Block<E>& a, const float* b, float* acc) {
  constexpr int together = 4;
  for (int m = 0; m < 8; m += together) {
    Row sum[together];
    std::memcpy(sum, acc + 8 * m, sizeof sum);
    for (int k = 0; k < Block<E>::wide; k++) {
      Row row;
      std::memcpy(&row, b + 8 * k, sizeof row);
      for (int i = 0; i < together; i++) sum[i] += a.at[(m + i) * Block<E>::wide + k] * row;
    }
    std::memcpy(acc + 8 * m, sum, sizeof sum);
  }
}

/// acc += A B for whole fragments.
template <class EA, class EB, int M, int K> void accumulate(In a, In b, float (&acc)[M * 8]) {
  constexpr int wide = Block<EA>::wide, tall = M / 8;
  for (int r = 0; r < K / wide; r++) {
    const Block<EB> transposed(b[r]);
    float rows[wide * 8];
    for (int k = 0; k < wide; k++)
      for (int n = 0; n < 8; n++) rows[8 * k + n] = transposed.at[n * wide + k];
    for (int half = 0; half < tall; half++) multiply(Block<EA>(a[r * tall + half]), rows, acc + 64 * half);
  }
}

template <class E, int K, bool HalfSum> void mma_float(Out d, In a, In b, In c) {
  float sum[16 * 8]; // lane l of register i: row l / 4 + 8 (i / 2), column 2 (l % 4) + i % 2
  for (int half = 0; half < 2; half++)
    for (int l = 0; l < 32; l++) {
      float* to = sum + 64 * half + 2 * l;
      if constexpr (HalfSum) {
        to[0] = widen(low<F16>(c[half][l]));
        to[1] = widen(high<F16>(c[half][l]));
      } else {
        to[0] = std::bit_cast<float>(c[2 * half][l]);
        to[1] = std::bit_cast<float>(c[2 * half + 1][l]);
      }
    }
  accumulate<E, E, 16, K>(a, b, sum);
  for (int half = 0; half < 2; half++)
    for (int l = 0; l < 32; l++) {
      const float* from = sum + 64 * half + 2 * l;
      if constexpr (HalfSum) d[half][l] = pack(nearest<F16>(from[1]), nearest<F16>(from[0]));
      else {
        d[2 * half][l] = bits_of(finish(from[0], {}));
        d[2 * half + 1][l] = bits_of(finish(from[1], {}));
      }
    }
}

template <class EA, class EB, int M, int K, bool Saturate> void mma_int(Out d, In a, In b, In c) {
  float sum[M * 8] = {}; // of products only
  int32_t start[M / 4][32];
  for (int i = 0; i < M / 4; i++) std::memcpy(start[i], c[i], sizeof start[i]); // d may be c in another order
  accumulate<EA, EB, M, K>(a, b, sum);
  for (int i = 0; i < M / 4; i++)
    for (int l = 0; l < 32; l++) {
      const auto products = static_cast<int32_t>(sum[64 * (i / 2) + 2 * l + i % 2]);
      d[i][l] = static_cast<uint32_t>(Saturate ? add_sat(start[i][l], products) : wrap_add(start[i][l], products));
    }
}

/// m8n8k4: one f64 of A and B a lane, two of C.
void mma_f64(Out d, In a, In b, In c) {
  double A[32], B[32], C[2][32];
  std::memcpy(A, a[0], sizeof A);
  std::memcpy(B, b[0], sizeof B);
  std::memcpy(C[0], c[0], sizeof C[0]);
  std::memcpy(C[1], c[1], sizeof C[1]);
  for (int l = 0; l < 32; l++)
    for (int i = 0; i < 2; i++)
      for (int k = 0; k < 4; k++) // A[row][k] is in lane 4 row + k, B[k][column] in lane 4 column + k
        C[i][l] = std::fma(A[l / 4 * 4 + k], B[(2 * (l % 4) + i) * 4 + k], C[i][l]);
  std::memcpy(d[0], C[0], sizeof C[0]);
  std::memcpy(d[1], C[1], sizeof C[1]);
}

template <class E, bool HalfSum = false> MmaOp float_op(int k) {
  constexpr int small = 4 * perRegister<E>; // one register of B
  const int sums = HalfSum ? 2 : 4;
  if (k == small) return {mma_float<E, small, HalfSum>, sums, 2, 1, sums, k, 16 * 8 * k};
  if (k == 2 * small) return {mma_float<E, 2 * small, HalfSum>, sums, 4, 2, sums, k, 16 * 8 * k};
  return {};
}

template <class EA, class EB, bool Saturate> MmaOp int_op(int m, int k) {
  if (m == 8 && k == 16) return {mma_int<EA, EB, 8, 16, Saturate>, 2, 1, 1, 2, k, 8 * 8 * k};
  if (m == 16 && k == 16) return {mma_int<EA, EB, 16, 16, Saturate>, 4, 2, 1, 4, k, 16 * 8 * k};
  if (m == 16 && k == 32) return {mma_int<EA, EB, 16, 32, Saturate>, 4, 4, 2, 4, k, 16 * 8 * k};
  return {};
}

template <class EA, class EB> MmaOp int_op(int m, int k, bool satfinite) {
  return satfinite ? int_op<EA, EB, true>(m, k) : int_op<EA, EB, false>(m, k);
}

} // namespace

MmaOp find_mma(int m, int n, int k, MmaType d, MmaType a, MmaType b, MmaType c, bool satfinite) {
  if (n != 8 || d != c) return {};
  const bool integers = (a == MmaType::s8 || a == MmaType::u8) && (b == MmaType::s8 || b == MmaType::u8);
  if (integers && d == MmaType::s32) {
    if (a == MmaType::s8)
      return b == MmaType::s8 ? int_op<int8_t, int8_t>(m, k, satfinite) : int_op<int8_t, uint8_t>(m, k, satfinite);
    return b == MmaType::s8 ? int_op<uint8_t, int8_t>(m, k, satfinite) : int_op<uint8_t, uint8_t>(m, k, satfinite);
  }
  if (satfinite || a != b) return {};
  if (a == MmaType::f64 && d == MmaType::f64 && m == 8 && k == 4) return {mma_f64, 2, 1, 1, 2, 4, 8 * 8 * 4};
  if (m != 16) return {};
  if (d == MmaType::f32) {
    if (a == MmaType::f16) return float_op<F16>(k);
    if (a == MmaType::bf16) return float_op<BF16>(k);
    if (a == MmaType::tf32) return float_op<TF32>(k);
  }
  if (d == MmaType::f16 && a == MmaType::f16) return float_op<F16, true>(k);
  return {};
}

void ldmatrix_distribute(const uint16_t rows[8][8], bool transposed, uint32_t lanes[32]) {
  for (int l = 0; l < 32; l++) {
    const int row = l / 4, column = 2 * (l % 4);
    const uint16_t first = transposed ? rows[column][row] : rows[row][column];
    const uint16_t second = transposed ? rows[column + 1][row] : rows[row][column + 1];
    lanes[l] = static_cast<uint32_t>(second) << 16 | first;
  }
}

void stmatrix_collect(const uint32_t lanes[32], bool transposed, uint16_t rows[8][8]) {
  for (int l = 0; l < 32; l++) {
    const int row = l / 4, column = 2 * (l % 4);
    (transposed ? rows[column][row] : rows[row][column]) = static_cast<uint16_t>(lanes[l]);
    (transposed ? rows[column + 1][row] : rows[row][column + 1]) = static_cast<uint16_t>(lanes[l] >> 16);
  }
}

void movmatrix_transpose(const uint32_t from[32], uint32_t to[32]) {
  uint16_t rows[8][8];
  stmatrix_collect(from, false, rows);
  ldmatrix_distribute(rows, true, to);
}

} // namespace kofn::sim::num
