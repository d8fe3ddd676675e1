// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "finish.cuh"
#include "mask_gradient.cuh"
#include "turned.cuh"

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

template <class E, int OUTPUTS, int INPUTS, int WARPS_M, int WARPS_N>
struct GradientShape : TurnedShape<E, OUTPUTS, INPUTS, WARPS_M, WARPS_N> {
  static constexpr int kOutputs = OUTPUTS, kInputs = INPUTS;
};

// Copies rows of examples; column: this thread's piece of each.
template <class S, int COLUMNS>
__device__ __forceinline__ void copyExamples(unsigned to, const char* column, int bytes, long long example, const View& v) {
  using Rows = TurnedRows<S, COLUMNS>;
  const int piece = threadIdx.x % Rows::kPieces;
#pragma unroll
  for (int j = 0; j < Rows::kCopies; ++j) {
    const int row = threadIdx.x / Rows::kPieces + j * Rows::kRowsAtOnce;
    if (S::kDepth % Rows::kRowsAtOnce != 0 && row >= S::kDepth) break;
    const bool inside = example + row < v.rows;
    copyAsync(to + Rows::place(piece, row), column + (inside ? (example + row) * v.pitch * S::E::kBytes : 0), inside ? bytes : 0);
  }
}

// The sums of a tile. dyColumn, xColumn: the 16 bytes of each row that this thread copies, and how many of them exist.
template <class S>
__device__ __forceinline__ void gradientSums(TurnedSums<S>& sums, const View& dy, const char* dyColumn, int dyBytes, const View& x,
                                             const char* xColumn, int xBytes, unsigned stages) {
  turnedSums<S>(sums, x.rows, stages, [&](long long example, unsigned to) {
    copyExamples<S, S::kM>(to, dyColumn, dyBytes, example, dy);
    copyExamples<S, S::kN>(to + S::kSecondFrom, xColumn, xBytes, example, x);
  });
}

// The tile as rows [kOutputs][PITCH] in shared memory.
template <class S, int PITCH>
__device__ __forceinline__ void gradientRows(const TurnedSums<S>& sums, float* rows) {
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

// A batch in chunks, one a blockIdx.y, where the kept blocks alone do not fill the device. Each chunk has packed sums of its own, which
// sumGradients (weight_sums.cuh) adds in ascending order.
struct Split {
  long long examples;  // of a chunk
  long long elements;  // from the gradients of a chunk to those of the next
};

// The examples of this thread block.
__device__ __forceinline__ View chunkOf(const View& v, const Split& split, int bytes) {
  const long long first = blockIdx.y * split.examples;
  return View{static_cast<char*>(v.data) + first * v.pitch * bytes, min(split.examples, v.rows - first), v.columns, v.pitch, v.type, 0};
}

// dW on the kept blocks; p.values is the gradient. Outputs beyond the edge of packed blocks get zeros, as do inputs.
template <class S>
__device__ __forceinline__ void tensorWeightGradient(const Pattern& p, const Operands& operands, const Split& split) {
  constexpr int pitch = S::kInputs + 8;
  constexpr int memoryBytes = S::kStages * S::kStageBytes > S::kOutputs * pitch * 4 ? S::kStages * S::kStageBytes : S::kOutputs * pitch * 4;
  __shared__ __align__(128) char memory[memoryBytes];
  const View x = chunkOf(operands.source, split, S::E::kBytes), dy = chunkOf(operands.target, split, S::E::kBytes);
  const int firstOutput = blockIdx.x / operands.tiles * S::kOutputs, row = firstOutput / p.bo;
  const int firstTerm = blockIdx.x % operands.tiles * S::kInputs, terms = p.k * p.bi;

  constexpr int elements = kPieceBytes / S::E::kBytes;
  const int output = firstOutput + threadIdx.x % (S::kOutputs / elements) * elements;
  const int dyBytes = min(max((p.out - output) * S::E::kBytes, 0), kPieceBytes);
  const int term = firstTerm + threadIdx.x % (S::kInputs / elements) * elements;
  const int input = term < terms ? p.column(row, term / p.bi) * p.bi + term % p.bi : p.in;
  const int xBytes = min(max((p.in - input) * S::E::kBytes, 0), kPieceBytes);
  TurnedSums<S> sums = {};
  gradientSums<S>(sums, dy, static_cast<const char*>(dy.data) + (dyBytes > 0 ? output * S::E::kBytes : 0), dyBytes, x,
                  static_cast<const char*>(x.data) + (xBytes > 0 ? input * S::E::kBytes : 0), xBytes, sharedAddress(memory));
  float* rows = reinterpret_cast<float*>(memory);
  gradientRows<S, pitch>(sums, rows);

  float* gradients = static_cast<float*>(p.values) + blockIdx.y * split.elements;
  const View target{gradients, p.out, p.in, p.pitch, kF32, 0};
  for (int e = threadIdx.x; e < S::kOutputs * S::kInputs / 8; e += S::kThreads) {
    const int o = firstOutput + e / (S::kInputs / 8), t = firstTerm + e % (S::kInputs / 8) * 8;
    if (t >= terms || (!p.packed && o >= p.out)) continue;
    const int slot = t / p.bi, column = p.column(row, slot), i = column * p.bi + t % p.bi;
    const float* from = rows + (o - firstOutput) * pitch + (t - firstTerm);
    float values[8];
    loadEight(from, e / 4 % 2, values);
    if (p.packed) {
      float* to = gradients + p.position(row, slot, o, i, column);
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
  TurnedSums<S> sums = {};
  gradientSums<S>(sums, g.dy, static_cast<const char*>(g.dy.data) + (dyBytes > 0 ? output * S::E::kBytes : 0), dyBytes, g.x,
                  static_cast<const char*>(g.x.data) + (xBytes > 0 ? input * S::E::kBytes : 0), xBytes, sharedAddress(memory));
  float* rows = reinterpret_cast<float*>(memory);
  gradientRows<S, pitch>(sums, rows);
  storeMaskTile<S::kOutputs, S::kInputs, pitch, S::kThreads>(g, o0, i0, rows);
}

}  // namespace kofn
