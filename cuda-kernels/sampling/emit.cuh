// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "outputs.cuh"

// Writing what a team of lanes chose: bit 4 q + j of `chosen` stands for column 4 (q lanes + lane) + j, and the first chosen column of
// quad q takes slot[q] of the row.
namespace kofn {

template <typename Index, int Q>
__device__ __forceinline__ void emitIndices(Index* row, unsigned chosen, const int (&slot)[Q], int lane, int lanes) {
#pragma unroll
  for (int q = 0; q < Q; ++q) {
    const int column = 4 * (q * lanes + lane);
    Index* to = row + slot[q];
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      if (chosen >> (4 * q + j) & 1) *to++ = static_cast<Index>(column + j);
    }
  }
}

// A word of the bit mask holds the quads of 8 lanes, or several quads of each of fewer lanes.
template <int WordLanes, int Q>
__device__ __forceinline__ void emitBits(unsigned* row, bool live, int n, unsigned chosen, int lane, int lanes) {
  constexpr int Quads = 8 / WordLanes;
  const int inWord = lane % WordLanes;
#pragma unroll
  for (int q = 0; q < Q; q += Quads) {
    unsigned word = 0;
#pragma unroll
    for (int i = 0; i < Quads; ++i) word |= (chosen >> 4 * (q + i) & 15u) << 4 * (i * WordLanes + inWord);
#pragma unroll
    for (int step = 1; step < WordLanes; step *= 2) word |= __shfl_xor_sync(0xffffffffu, word, step);
    const int column = 4 * (q * lanes + lane);
    if (inWord == 0 && live && column < n) row[column / 32] = word;
  }
}

template <typename T, int Q, typename Team>
__device__ __forceinline__ void emit(const Draw& d, const Outputs& o, long long row, bool live, unsigned chosen, const int (&slot)[Q],
                                     const Team& team) {
  const int lane = team.lane, lanes = team.lanes();
  if (o.bits != nullptr) emitBits<Team::kWordLanes, Q>(o.bits + row * o.bitPitch, live, d.n, chosen, lane, lanes);
  if (!live) return;
  if (o.indices != nullptr) {
    if (o.shortIndices) {
      emitIndices(static_cast<unsigned short*>(o.indices) + row * o.indexPitch, chosen, slot, lane, lanes);
    } else {
      emitIndices(static_cast<int*>(o.indices) + row * o.indexPitch, chosen, slot, lane, lanes);
    }
  }
  // Drawn keys are evaluated again: few are drawn, and keeping all keys until here would cost registers.
  if (o.keys != nullptr) {
#pragma unroll
    for (int q = 0; q < Q; ++q) {
      float* to = o.keys + row * o.keyPitch + slot[q];
#pragma unroll 1
      for (unsigned rest = chosen >> 4 * q & 15u; rest != 0; rest &= rest - 1) {
        *to++ = singleKey<T>(d, row, 4 * (q * lanes + lane) + __ffs(rest) - 1);
      }
    }
  }
  if (o.bytes != nullptr || o.floats != nullptr) {
#pragma unroll
    for (int q = 0; q < Q; ++q) {
      const int column = 4 * (q * lanes + lane);
      if (column < d.n) writeMasks(o, row, column, d.n, chosen >> 4 * q & 15u);
    }
  }
}

}  // namespace kofn
