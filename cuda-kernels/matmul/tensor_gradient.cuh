// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "finish.cuh"
#include "mask_gradient.cuh"
#include "mma.cuh"

// dY^T X on tensor cores, over the kept blocks (dW) or over everything (dMask, times W), for factors of one type, both row-major.
//
//   dW:    a thread block: OUTPUTS rows of one block row x INPUTS of its k bi kept inputs, gathered, 16 and more side by side
//   dMask: a thread block: 64 outputs x 128 inputs; W times the sums, added up by blocks where those divide the tile
//
//          INPUTS (gathered columns of X)           a stage: 64 bytes deep along the batch (32 examples of 16-bit types, 16 of TF32)
//        +-------------------+                        dY [depth][OUTPUTS], X [depth][INPUTS], as they lie in memory
//   OUT- |  a warp:          |                      both factors are turned on their way out of shared memory: ldmatrix.trans, or
//   PUTS |  32 x 32          |                      single words for TF32; rows are swizzled for that
//        +-------------------+
//
// Traffic: dY once for every INPUTS kept inputs of a block row, X once for every block row that keeps it; dW once, 16 bytes an access.
// One block row a thread block meets 2 OUTPUTS INPUTS / (OUTPUTS + INPUTS) multiply-adds an element loaded, instead of half a block's side
// with a block a thread block. Sums run over the batch in ascending order, in one thread block: no atomics.

namespace kofn {

template <class E_, int OUTPUTS, int INPUTS, int WARPS_M, int WARPS_N>
struct GradientShape {
  using E = E_;
  static constexpr int kOutputs = OUTPUTS, kInputs = INPUTS, kWarpsM = WARPS_M;
  static constexpr int kThreads = 32 * WARPS_M * WARPS_N;
  static constexpr int kTilesM = OUTPUTS / WARPS_M / 16, kTilesN = INPUTS / WARPS_N / 16;
  static constexpr int kSteps = 2;                                   // mma deep
  static constexpr int kDepth = kSteps * kUnitBytes / E::kBytes;     // examples of a stage
  static constexpr int kStageBytes = kDepth * (OUTPUTS + INPUTS) * E::kBytes;
  static constexpr int kStages = 49152 / kStageBytes < 4 ? 49152 / kStageBytes : 4;
};

// A factor's rows in shared memory, [depth][COLUMNS].
template <class S, int COLUMNS>
struct GradientRows {
  static constexpr int kPieces = COLUMNS * S::E::kBytes / kPieceBytes;
  static constexpr int kRowsAtOnce = S::kThreads / kPieces, kCopies = (S::kDepth + kRowsAtOnce - 1) / kRowsAtOnce;
  static_assert(S::kThreads % kPieces == 0, "threads copy whole rows");

  static __device__ __forceinline__ int turn(int piece, int row) {
    if constexpr (S::E::kBytes == 4) return kPieces == 4 ? piece ^ (row >> 1 & 1) << 1 : piece ^ (row & 3) << 1;
    return swizzle<kPieces>(piece, row);
  }

  static __device__ __forceinline__ void issue(unsigned to, const char* column, int bytes, long long example, const View& v) {
    const int piece = threadIdx.x % kPieces;
#pragma unroll
    for (int j = 0; j < kCopies; ++j) {
      const int row = threadIdx.x / kPieces + j * kRowsAtOnce;
      if (S::kDepth % kRowsAtOnce != 0 && row >= S::kDepth) break;
      const bool inside = example + row < v.rows;
      copyAsync(to + (row * kPieces + turn(piece, row)) * kPieceBytes, column + (inside ? (example + row) * v.pitch * S::E::kBytes : 0),
                inside ? bytes : 0);
    }
  }

  // Two 8-wide tiles of columns from c0: as an mma's first operand, or as the second operands of two.
  template <bool FIRST>
  static __device__ __forceinline__ void load(uint32_t (&r)[4], unsigned from, int step, int c0) {
    const int lane = threadIdx.x & 31;
    if constexpr (S::E::kBytes == 2) {
      const int k = step * 16 + (FIRST ? lane % 8 + lane / 16 * 8 : lane % 16);
      const int piece = c0 / 8 + (FIRST ? lane / 8 % 2 : lane / 16);
      loadTransposed(r, from + (k * kPieces + turn(piece, k)) * kPieceBytes);
    } else {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int column = c0 + lane / 4 + (FIRST ? i % 2 : i / 2) * 8, k = step * 8 + lane % 4 + (FIRST ? i / 2 : i % 2) * 4;
        r[i] = loadWord(from + (k * kPieces + turn(column / 4, k)) * kPieceBytes + column % 4 * 4);
        S::E::round(r[i]);
      }
    }
  }
};

// The sums of a tile. dyColumn, xColumn: the 16 bytes of each row that this thread copies, and how many of them exist.
template <class S>
__device__ __forceinline__ void gradientSums(float (&sums)[S::kTilesM][S::kTilesN * 2][4], const View& dy, const char* dyColumn, int dyBytes,
                                             const View& x, const char* xColumn, int xBytes, unsigned stages) {
  using DyRows = GradientRows<S, S::kOutputs>;
  using XRows = GradientRows<S, S::kInputs>;
  constexpr int xFrom = S::kDepth * S::kOutputs * S::E::kBytes;
  const int warp = threadIdx.x >> 5, warpM = warp % S::kWarpsM, warpN = warp / S::kWarpsM;
  auto produce = [&](long long example, int stage) {
    if (example < x.rows) {
      DyRows::issue(stages + stage * S::kStageBytes, dyColumn, dyBytes, example, dy);
      XRows::issue(stages + stage * S::kStageBytes + xFrom, xColumn, xBytes, example, x);
    }
    commitCopies();
  };
#pragma unroll
  for (int s = 0; s < S::kStages - 1; ++s) produce(s * S::kDepth, s);
  int stage = 0;
  for (long long example = 0; example < x.rows; example += S::kDepth) {
    waitCopies<S::kStages - 2>();
    __syncthreads();
    produce(example + (S::kStages - 1) * S::kDepth, stage == 0 ? S::kStages - 1 : stage - 1);
    const unsigned from = stages + stage * S::kStageBytes;
#pragma unroll
    for (int step = 0; step < S::kSteps; ++step) {
      uint32_t a[S::kTilesM][4];
#pragma unroll
      for (int m = 0; m < S::kTilesM; ++m) DyRows::template load<true>(a[m], from, step, (warpM * S::kTilesM + m) * 16);
#pragma unroll
      for (int n = 0; n < S::kTilesN; ++n) {
        uint32_t b[4];
        XRows::template load<false>(b, from + xFrom, step, (warpN * S::kTilesN + n) * 16);
#pragma unroll
        for (int m = 0; m < S::kTilesM; ++m) {
          S::E::mma(sums[m][n * 2], a[m], b[0], b[1]);
          S::E::mma(sums[m][n * 2 + 1], a[m], b[2], b[3]);
        }
      }
    }
    stage = stage + 1 == S::kStages ? 0 : stage + 1;
  }
  waitCopies<0>();
  __syncthreads();
}

// The tile as rows [kOutputs][PITCH] in shared memory.
template <class S, int PITCH>
__device__ __forceinline__ void gradientRows(const float (&sums)[S::kTilesM][S::kTilesN * 2][4], float* rows) {
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const int warpM = warp % S::kWarpsM, warpN = warp / S::kWarpsM;
#pragma unroll
  for (int m = 0; m < S::kTilesM; ++m)
#pragma unroll
    for (int n = 0; n < S::kTilesN * 2; ++n) {
      float* at = rows + ((warpM * S::kTilesM + m) * 16 + lane / 4) * PITCH + warpN * S::kTilesN * 16 + n * 8 + lane % 4 * 2;
      *reinterpret_cast<float2*>(at) = make_float2(sums[m][n][0], sums[m][n][1]);
      *reinterpret_cast<float2*>(at + 8 * PITCH) = make_float2(sums[m][n][2], sums[m][n][3]);
    }
  __syncthreads();
}

// dW on the kept blocks; p.values is the gradient. Outputs beyond the edge of packed blocks get zeros, as do inputs.
template <class S>
__device__ __forceinline__ void tensorWeightGradient(const Pattern& p, const Operands& operands) {
  constexpr int pitch = S::kInputs + 8;
  constexpr int memoryBytes = S::kStages * S::kStageBytes > S::kOutputs * pitch * 4 ? S::kStages * S::kStageBytes : S::kOutputs * pitch * 4;
  __shared__ __align__(128) char memory[memoryBytes];
  const View &x = operands.source, &dy = operands.target;
  const int firstOutput = blockIdx.x / operands.tiles * S::kOutputs, row = firstOutput / p.bo;
  const int firstTerm = blockIdx.x % operands.tiles * S::kInputs, terms = p.k * p.bi;

  constexpr int elements = kPieceBytes / S::E::kBytes;
  const int output = firstOutput + threadIdx.x % (S::kOutputs / elements) * elements;
  const int dyBytes = min(max((p.out - output) * S::E::kBytes, 0), kPieceBytes);
  const int term = firstTerm + threadIdx.x % (S::kInputs / elements) * elements;
  const int input = term < terms ? p.column(row, term / p.bi) * p.bi + term % p.bi : p.in;
  const int xBytes = min(max((p.in - input) * S::E::kBytes, 0), kPieceBytes);
  float sums[S::kTilesM][S::kTilesN * 2][4] = {};
  gradientSums<S>(sums, dy, static_cast<const char*>(dy.data) + (dyBytes > 0 ? output * S::E::kBytes : 0), dyBytes, x,
                  static_cast<const char*>(x.data) + (xBytes > 0 ? input * S::E::kBytes : 0), xBytes, sharedAddress(memory));
  float* rows = reinterpret_cast<float*>(memory);
  gradientRows<S, pitch>(sums, rows);

  const View target{p.values, p.out, p.in, p.pitch, kF32, 0};
  for (int e = threadIdx.x; e < S::kOutputs * S::kInputs / 8; e += S::kThreads) {
    const int o = firstOutput + e / (S::kInputs / 8), t = firstTerm + e % (S::kInputs / 8) * 8;
    if (t >= terms || (!p.packed && o >= p.out)) continue;
    const int slot = t / p.bi, column = p.column(row, slot), i = column * p.bi + t % p.bi;
    const float* from = rows + (o - firstOutput) * pitch + (t - firstTerm);
    float values[8];
    loadEight(from, e / 4 % 2, values);
    if (p.packed) {
      float* to = static_cast<float*>(p.values) + p.position(row, slot, o, i, column);
      const View block{to, 1, 8, 8, kF32, 0};
      storeRun(block, 0, 0, values, 8);
    } else {
      storeRun(target, o, i, values, min(8, p.in - i));
    }
  }
}

// dMask; g.products takes W (dY^T X) where blocks do not divide the tile.
template <class S>
__device__ __forceinline__ void tensorMaskGradient(const MaskGradient& g) {
  constexpr int pitch = S::kInputs + 8;
  constexpr int memoryBytes = S::kStages * S::kStageBytes > S::kOutputs * pitch * 4 ? S::kStages * S::kStageBytes : S::kOutputs * pitch * 4;
  __shared__ __align__(128) char memory[memoryBytes];
  const int tilesIn = (g.in + S::kInputs - 1) / S::kInputs;
  const int o0 = blockIdx.x / tilesIn * S::kOutputs, i0 = blockIdx.x % tilesIn * S::kInputs;
  constexpr int elements = kPieceBytes / S::E::kBytes;
  const int output = o0 + threadIdx.x % (S::kOutputs / elements) * elements, input = i0 + threadIdx.x % (S::kInputs / elements) * elements;
  const int dyBytes = min(max((g.out - output) * S::E::kBytes, 0), kPieceBytes);
  const int xBytes = min(max((g.in - input) * S::E::kBytes, 0), kPieceBytes);
  float sums[S::kTilesM][S::kTilesN * 2][4] = {};
  gradientSums<S>(sums, g.dy, static_cast<const char*>(g.dy.data) + (dyBytes > 0 ? output * S::E::kBytes : 0), dyBytes, g.x,
                  static_cast<const char*>(g.x.data) + (xBytes > 0 ? input * S::E::kBytes : 0), xBytes, sharedAddress(memory));
  float* rows = reinterpret_cast<float*>(memory);
  gradientRows<S, pitch>(sums, rows);
  storeMaskTile<S::kOutputs, S::kInputs, pitch, S::kThreads>(g, o0, i0, rows);
}

}  // namespace kofn
