// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mma.cuh"

// A^T B on tensor cores, of factors that lie [depth][M] and [depth][N], depth by depth, as they come: both are turned on their way out of
// shared memory, by ldmatrix.trans, or as single words for TF32. Who fills the stages decides what depth is: a batch (tensor_gradient.cuh) or
// a list of kept inputs (gathered.cuh).
//
//         N
//       +-------------------+        a stage: 64 bytes deep (32 of 16-bit types, 16 of TF32), A's rows, then B's
//    M  |  a warp:          |        rows are swizzled, so that every copy and every ldmatrix takes the minimum of shared wavefronts
//       |  M/WARPS_M x      |
//       |  N/WARPS_N        |        three or four stages are in flight by cp.async
//       +-------------------+

namespace kofn {

template <class E_, int M, int N, int WARPS_M, int WARPS_N>
struct TurnedShape {
  using E = E_;
  static constexpr int kM = M, kN = N, kWarpsM = WARPS_M;
  static constexpr int kThreads = 32 * WARPS_M * WARPS_N;
  static constexpr int kTilesM = M / WARPS_M / 16, kTilesN = N / WARPS_N / 16;
  static constexpr int kSteps = 2;                                   // mma deep
  static constexpr int kDepth = kSteps * kUnitBytes / E::kBytes;     // of a stage
  static constexpr int kSecondFrom = kDepth * M * E::kBytes;         // where B's rows begin in a stage
  static constexpr int kStageBytes = kDepth * (M + N) * E::kBytes;
  static constexpr int kStages = 49152 / kStageBytes < 4 ? 49152 / kStageBytes : 4;
};

template <class S>
using TurnedSums = float[S::kTilesM][S::kTilesN * 2][4];

// A factor's rows in shared memory, [depth][COLUMNS], which all threads copy together: a thread the same piece of some rows.
template <class S, int COLUMNS>
struct TurnedRows {
  static constexpr int kPieces = COLUMNS * S::E::kBytes / kPieceBytes;
  static constexpr int kRowsAtOnce = S::kThreads / kPieces, kCopies = (S::kDepth + kRowsAtOnce - 1) / kRowsAtOnce;
  static_assert(S::kThreads % kPieces == 0, "threads copy whole rows");

  static __device__ __forceinline__ int turn(int piece, int row) {
    if constexpr (S::E::kBytes == 4) return kPieces == 4 ? piece ^ (row >> 1 & 1) << 1 : piece ^ (row & 3) << 1;
    return swizzle<kPieces>(piece, row);
  }

  static __device__ __forceinline__ unsigned place(int piece, int row) { return (row * kPieces + turn(piece, row)) * kPieceBytes; }
};

// What a lane reads of a factor: tiles of 16 columns, as an mma's first operand or as the second operands of two. Where they begin in a
// stage is computed once; from step to step it is the swizzle's period, a constant, further on.
template <class S, int COLUMNS, int TILES, bool FIRST>
struct TurnedFragments {
  using Rows = TurnedRows<S, COLUMNS>;
  static constexpr int kStepBytes = kUnitBytes / S::E::kBytes * Rows::kPieces * kPieceBytes;
  static constexpr int kWords = S::E::kBytes == 2 ? 1 : 2;  // TF32: of columns 0 to 7 and 8 to 15

  unsigned at[TILES][kWords];

  __device__ __forceinline__ explicit TurnedFragments(int firstTile) {
    const int lane = threadIdx.x & 31;
#pragma unroll
    for (int t = 0; t < TILES; ++t) {
      const int c0 = (firstTile + t) * 16;
      if constexpr (S::E::kBytes == 2) {
        const int k = FIRST ? lane % 8 + lane / 16 * 8 : lane % 16;
        pin(at[t][0] = Rows::place(c0 / 8 + (FIRST ? lane / 8 % 2 : lane / 16), k));
      } else {
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          const int column = c0 + lane / 4 + i * 8;
          pin(at[t][i] = Rows::place(column / 4, lane % 4) + column % 4 * 4);
        }
      }
    }
  }

  template <int STEP>
  __device__ __forceinline__ void load(uint32_t (&r)[4], unsigned from, int tile) const {
    if constexpr (S::E::kBytes == 2) {
      loadTransposed<STEP * kStepBytes>(r, from + at[tile][0]);
    } else {
      // Words of depth 4 to 7 lie four rows after those of 0 to 3, where the swizzle is the same.
      constexpr int first = STEP * kStepBytes, second = first + 4 * Rows::kPieces * kPieceBytes;
      r[0] = loadWord<first>(from + at[tile][0]);
      r[FIRST ? 1 : 2] = loadWord<first>(from + at[tile][1]);
      r[FIRST ? 2 : 1] = loadWord<second>(from + at[tile][0]);
      r[3] = loadWord<second>(from + at[tile][1]);
#pragma unroll
      for (int i = 0; i < 4; ++i) S::E::round(r[i]);
    }
  }
};

template <class S>
struct TurnedFactors {
  TurnedFragments<S, S::kM, S::kTilesM, true> first;
  TurnedFragments<S, S::kN, S::kTilesN, false> second;

  __device__ __forceinline__ TurnedFactors(int warpM, int warpN) : first(warpM * S::kTilesM), second(warpN * S::kTilesN) {}

  template <int STEP>
  __device__ __forceinline__ void multiply(TurnedSums<S>& sums, unsigned from) const {
    uint32_t a[S::kTilesM][4];
#pragma unroll
    for (int m = 0; m < S::kTilesM; ++m) first.template load<STEP>(a[m], from, m);
#pragma unroll
    for (int n = 0; n < S::kTilesN; ++n) {
      uint32_t b[4];
      second.template load<STEP>(b, from + S::kSecondFrom, n);
#pragma unroll
      for (int m = 0; m < S::kTilesM; ++m) {
        S::E::mma(sums[m][n * 2], a[m], b[0], b[1]);
        S::E::mma(sums[m][n * 2 + 1], a[m], b[2], b[3]);
      }
    }
  }
};

// The sums of a tile. produce(first, to) begins the copies of rows `first` and on into the stage that begins at `to`; rows from `depth` on
// are zeros, or their stage is left out.
template <class S, class Count, class Produce>
__device__ __forceinline__ void turnedSums(TurnedSums<S>& sums, Count depth, unsigned stages, Produce&& produce) {
  static_assert(S::kSteps == 2, "what a stage multiplies");
  const int warp = threadIdx.x >> 5;
  const TurnedFactors<S> factors(warp % S::kWarpsM, warp / S::kWarpsM);
  auto begin = [&](Count first, unsigned to) {
    if (first < depth) produce(first, stages + to);
    commitCopies();
  };
#pragma unroll
  for (int s = 0; s < S::kStages - 1; ++s) begin(s * S::kDepth, s * S::kStageBytes);
  unsigned stage = 0;
  for (Count first = 0; first < depth; first += S::kDepth) {
    waitCopies<S::kStages - 2>();
    __syncthreads();
    begin(first + (S::kStages - 1) * S::kDepth, stage == 0 ? (S::kStages - 1) * S::kStageBytes : stage - S::kStageBytes);
    factors.template multiply<0>(sums, stages + stage);
    factors.template multiply<1>(sums, stages + stage);
    stage = stage == (S::kStages - 1) * S::kStageBytes ? 0 : stage + S::kStageBytes;
  }
  waitCopies<0>();
  __syncthreads();
}

}  // namespace kofn
