// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "finish.cuh"
#include "mma.cuh"

// Y = X W^T and dX = dY W with a W that has been written out densely, pruned weights as zeros: true F32, whatever was pruned. It is what
// a density is worth at which listing terms costs more than multiplying zeros; and a dense baseline for the others.
//
//   C [M, N] = A [M, K] B [K, N]       forward A = X, B = W^T; backward A = dY, B = W; B's rows are multiples of the tile long, zeros there
//
//              64 WARPS_N results                a warp: 32 examples x 64 results; a thread: 8 x 8
//            +---------+---------+               a stage: 16 deep; three of them, filled by cp.async
//  32 WARPS_M|  warp   |         |
//   examples |         |         |               a thread's step of depth 1: two 16-byte loads of A, two of B, 64 fused multiply-adds
//            +---------+---------+
//
// A is turned on its way: four bytes a copy, 8 deep and 4 examples a warp, into rows of examples. Their groups of four are permuted by
// depth, so that the 32 words of a copy lie in 32 banks. B is copied 16 bytes at a time; even and odd groups of four results lie apart, so
// that a thread owns 8 neighbouring results and the loads of 8 threads still cover all banks.
//
// Traffic: A once for every column of tiles, B once for every row of tiles, from L2; C once. 64 accumulators, 16 factors and addresses
// leave 16 warps a multiprocessor: 64 multiply-adds for each 4 loads hide their latency.
//
// A sum is one thread's, in ascending order of depth. Terms of pruned weights add exact zeros: the bits are those of the kept terms alone.

namespace kofn {

template <int WARPS_M, int WARPS_N>
struct DenseShape {
  static constexpr int kThreads = 32 * WARPS_M * WARPS_N;
  static constexpr int kM = 32 * WARPS_M, kN = 64 * WARPS_N;  // examples x results
  static constexpr int kWarpsM = WARPS_M;
  static constexpr int kDepth = 16, kStages = 3;
  static constexpr int kSourceFloats = kDepth * kM, kStageFloats = kSourceFloats + kDepth * kN;
  static constexpr int kSourceDepth = 8 * WARPS_N;                     // of A, all threads at once
  static constexpr int kRows = 8;                                      // of A, a thread at once
  static constexpr int kWeights = kDepth * kN / 4 / kThreads;    // copies of B, a thread
  static constexpr int kWeightDepth = kThreads * 4 / kN;         // of B, all threads at once
};

// 4 bytes from global to shared memory, or a zero.
__device__ __forceinline__ void copyWord(unsigned to, const float* from, int bytes) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;\n" ::"r"(to), "l"(from), "r"(bytes) : "memory");
}

// Where a group of four results lies in a row of B.
template <class S>
__device__ __forceinline__ int placeOf(int group) {
  return group % 2 == 0 ? group * 2 : S::kN / 2 + (group * 2 + 14) % (S::kN / 2);
}

// A step of depth 1: 8 rows of A, in two groups, with 8 columns of B.
__device__ __forceinline__ void multiplyEight(const float* low, const float* high, const float* b, int evens, int odds, float (&sums)[8][8]) {
  const float4 a0 = *reinterpret_cast<const float4*>(low);
  const float4 a1 = *reinterpret_cast<const float4*>(high);
  const float4 b0 = *reinterpret_cast<const float4*>(b + evens);
  const float4 b1 = *reinterpret_cast<const float4*>(b + odds);
  const float as[8] = {a0.x, a0.y, a0.z, a0.w, a1.x, a1.y, a1.z, a1.w};
  const float bs[8] = {b0.x, b0.y, b0.z, b0.w, b1.x, b1.y, b1.z, b1.w};
#pragma unroll
  for (int m = 0; m < 8; ++m)
#pragma unroll
    for (int n = 0; n < 8; ++n) sums[m][n] = fmaf(as[m], bs[n], sums[m][n]);
}

struct Dense {
  const float* weights;  // [ceil(depth / 16) * 16, pitch]
  long long pitch;       // at least N, rounded up to whole tiles
  int depth, results;
};

template <class S>
__device__ __forceinline__ void denseProduct(const Dense& dense, const Operands& operands, const Finish& finish) {
  if (operands.isSkipped()) return;
  __shared__ __align__(128) float memory[S::kStages * S::kStageFloats];
  const View &x = operands.source, &y = operands.target;
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const long long example = static_cast<long long>(blockIdx.x / operands.tiles) * S::kM;
  const int result = blockIdx.x % operands.tiles * S::kN;

  // What this thread copies: of A, rows sourceRow + 4 j at a depth; of B, a group of four results.
  const int sourceDepth = warp / S::kWarpsM * 8 + lane % 8, sourceRow = warp % S::kWarpsM * 32 + lane / 8;
  const float* source = static_cast<const float*>(x.data) + (example + sourceRow) * x.pitch + sourceDepth;
  const unsigned sourceTo = sharedAddress(memory + sourceDepth * S::kM + (sourceRow ^ 4 * (sourceDepth % 8)));
  const int rowsLeft = static_cast<int>(min(x.rows - example - sourceRow, static_cast<long long>(S::kM)));
  const int group = threadIdx.x % (S::kN / 4), weightDepth = threadIdx.x / (S::kN / 4);
  const float* weights = dense.weights + weightDepth * dense.pitch + result + group * 4;
  const unsigned weightTo = sharedAddress(memory + S::kSourceFloats + weightDepth * S::kN + placeOf<S>(group));

  int next = 0;  // the depth that is copied next
  auto produce = [&](int stage) {
    if (next < dense.depth) {
      const unsigned to = stage * S::kStageFloats * 4;
#pragma unroll
      for (int k = 0; k < S::kDepth; k += S::kSourceDepth) {
        const int rows = next + sourceDepth + k < dense.depth ? rowsLeft : 0;
#pragma unroll
        for (int j = 0; j < S::kRows; ++j)
          copyWord((sourceTo + to + k * S::kM * 4) ^ 16 * j, source + k + j * 4 * x.pitch, 4 * j < rows ? 4 : 0);
      }
#pragma unroll
      for (int j = 0; j < S::kWeights; ++j)
        copyAsync(weightTo + to + j * S::kWeightDepth * S::kN * 4, weights + j * S::kWeightDepth * dense.pitch, kPieceBytes);
      source += S::kDepth;
      weights += S::kDepth * dense.pitch;
      next += S::kDepth;
    }
    commitCopies();
  };
#pragma unroll
  for (int s = 0; s < S::kStages - 1; ++s) produce(s);

  const int m0 = warp % S::kWarpsM * 32 + lane / 8 * 8, mine = warp / S::kWarpsM * 8 + lane % 8;  // of examples; eighths of results
  const int evens = placeOf<S>(2 * mine), odds = placeOf<S>(2 * mine + 1);
  float sums[8][8] = {};
  int stage = 0;
  for (int k0 = 0; k0 < dense.depth; k0 += S::kDepth) {
    waitCopies<S::kStages - 2>();
    __syncthreads();
    produce(stage == 0 ? S::kStages - 1 : stage - 1);
    const float* a = memory + stage * S::kStageFloats;
    const float* b = a + S::kSourceFloats;
#pragma unroll
    for (int k = 0; k < S::kDepth; ++k) {
      const float* row = a + k * S::kM;
      const int turned = m0 ^ 4 * (k % 8);
      multiplyEight(row + turned, row + (turned ^ 4), b + k * S::kN, evens, odds, sums);
    }
    stage = stage + 1 == S::kStages ? 0 : stage + 1;
  }
  waitCopies<0>();

  const int first = result + mine * 8;
  if (first >= dense.results) return;
  for (int m = 0; m < 8; ++m) {
    float values[8];
#pragma unroll
    for (int t = 0; t < 8; ++t)
#pragma unroll
      for (int n = 0; n < 8; ++n)
        if (t == m) values[n] = sums[t][n];
    const long long b = example + m0 + m;
    if (b < y.rows) finish.storeRun(y, b, first, values, min(8, dense.results - first));
  }
}

// Sets the flag if an element is NaN or infinite, which zeros would not annihilate. Reads v once, 8 elements a thread.
__device__ __forceinline__ void findNonFinite(const View& v, int* flag) {
  const long long runs = (v.columns + 7) / 8, e = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
  float probe = 0.0f;  // zero times a finite number is a zero, and NaN otherwise
  if (e < v.rows * runs) {
    const int column = static_cast<int>(e % runs * 8);
    float values[8];
    loadRun(v, e / runs, column, values, static_cast<int>(min(8LL, v.columns - column)));
#pragma unroll
    for (int i = 0; i < 8; ++i) probe = fmaf(values[i], 0.0f, probe);
  }
  if (__syncthreads_or(isnan(probe)) && threadIdx.x == 0) atomicOr(flag, 1);
}

}  // namespace kofn
