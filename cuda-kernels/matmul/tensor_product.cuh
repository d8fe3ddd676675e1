// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor_copies.cuh"
#include "tensor_store.cuh"

// Y = X W^T and dX = dY W on tensor cores, for blocks whose sides are multiples of 16 (and of 32 bytes along the contraction).
//
// A line is BLOCK results that share their list of kept blocks; a thread block computes 128 examples x R lines. Its contraction is the
// union of the lines' lists, ascending, in units of 32 bytes (one mma deep): a unit of X is staged once and met by every line that keeps
// it, so that small blocks do not reload X for each line. With R = 1 the union is the list itself, and with k = n this is a dense product.
//
//                 R lines x BLOCK results            units of the union:   a  b  c  d  e  f
//               +----+----+----+----+                   line 0             x     x  x
//  128 examples | m  | m  | m  | m  |                   line 1             x  x        x
//               +----+----+----+----+                   line 2                x  x        x
//   4 to 8 warps, each 32 or 64 examples                X staged           x  x  x  x  x  x     W only where marked
//
// A stage is two units of X (128 x 64 bytes) and of W; three or four stages are in flight by cp.async (tensor_copies.cuh). Rows of 64 bytes
// are swizzled, so that every copy and every ldmatrix takes the minimum of shared wavefronts. Per unit a warp issues MT ldmatrix for X, one
// for every 16 results, and 2 MT mma for each of those; MT = 2 to 4 keeps shared memory below the tensor cores' rate. What an ldmatrix
// reads is an offset that a lane computes once, plus a stage and constants.
//
// Traffic per unit and thread block: 4 KB of X, 32 bytes of W for every result that keeps it; Y once, 16 bytes an access. 128 examples x
// 128 results are 128 accumulators a thread at 128 threads, 64 at 256: the most that leaves no spill. 48 KB of shared memory need no
// opt-in, and let three thread blocks share a multiprocessor of compute capability 8.0.
//
// Backward the weights are stored along the results, not the contraction: ldmatrix.trans (16-bit types), or single words (TF32), turn
// them. Lists of columns differ in length: where a thread block has one line, the longest may come first (companion.cuh), so that the
// last thread blocks to begin are short. Pruned inputs are never loaded for a line that has pruned them. Sums run in the order of the list.

namespace kofn {

// Where a lane's fragments lie in a stage.
template <class S>
struct Fragments {
  static constexpr int kWords = S::BACK && S::E::kBytes == 4 ? 2 : 1;  // offsets of 16 results

  unsigned source[S::kUnits];
  unsigned weights[S::BACK ? S::kTilesN : S::kUnits][kWords];

  __device__ __forceinline__ Fragments(int warpM, int warpN) {
    const int lane = threadIdx.x & 31;
    const int row = warpM * S::kTilesM * 16 + lane % 16;
#pragma unroll
    for (int u = 0; u < S::kUnits; ++u)
      pin(source[u] = row * S::kRowBytes + swizzle<S::kRowPieces>(2 * u + lane / 16, row) * kPieceBytes);
    if constexpr (!S::BACK) {
      const int n = warpN * S::kTilesN * 16 + lane / 16 * 8 + lane % 8;
#pragma unroll
      for (int u = 0; u < S::kUnits; ++u)
        pin(weights[u][0] = S::kSourceBytes + n * S::kRowBytes + swizzle<S::kRowPieces>(2 * u + lane / 8 % 2, n) * kPieceBytes);
    } else {
#pragma unroll
      for (int n = 0; n < S::kTilesN; ++n) {
        const int n0 = (warpN * S::kTilesN + n) * 16;
#pragma unroll
        for (int i = 0; i < kWords; ++i) {
          const int k = S::E::kBytes == 2 ? lane % 16 : lane % 4;
          const int column = n0 + (S::E::kBytes == 2 ? lane / 16 * 8 : lane / 4 + i * 8);
          weights[n][i] = S::kSourceBytes + (k * S::kLineRowPieces + turnBack<S>(column / S::kPieceElements, k)) * kPieceBytes +
                          (S::E::kBytes == 2 ? 0 : column % 4 * 4);
          if (kWords == 1) pin(weights[n][i]);
        }
      }
    }
  }

  // X of a unit and 16 examples.
  __device__ __forceinline__ void loadSource(uint32_t (&a)[4], unsigned stage, int unit, int m) const {
    loadMatrices(a, stage + source[unit] + m * 16 * S::kRowBytes);
#pragma unroll
    for (int i = 0; i < 4; ++i) S::E::round(a[i]);
  }

  // W of a unit and 16 results of a line, as two mma's second operands.
  __device__ __forceinline__ void loadWeights(uint32_t (&b)[4], unsigned stage, int unit, int line, int n) const {
    if constexpr (!S::BACK) {
      loadMatrices(b, stage + weights[unit][0] + (line * S::BLOCK + n * 16) * S::kRowBytes);
    } else {
      constexpr int rowBytes = S::kLineRowPieces * kPieceBytes;
      const unsigned rows = stage + (unit * S::R + line) * S::kUnitElements * rowBytes;
      if constexpr (S::E::kBytes == 2) {
        loadTransposed(b, rows + weights[n][0]);
      } else {
#pragma unroll
        for (int i = 0; i < 4; ++i) b[i] = loadWord(rows + weights[n][i / 2] + i % 2 * 4 * rowBytes);
      }
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) S::E::round(b[i]);
  }
};

template <class S>
using TensorSums = typename S::E::Sum[S::kTilesM][S::R * S::kTilesN * 2][4];

// A stage's products. masks: which lines keep each of its units, 16 bits a unit.
template <class S>
__device__ __forceinline__ void multiplyStage(TensorSums<S>& sums, const Fragments<S>& fragments, unsigned stage, unsigned masks) {
#pragma unroll
  for (int u = 0; u < S::kUnits; ++u) {
    const unsigned mask = masks >> 16 * u;
    if (S::R > 1 && (mask & 0xffff) == 0) break;
    uint32_t a[S::kTilesM][4];
#pragma unroll
    for (int m = 0; m < S::kTilesM; ++m) fragments.loadSource(a[m], stage, u, m);
#pragma unroll
    for (int r = 0; r < S::R; ++r) {
      if (S::R > 1 && !(mask >> r & 1)) continue;
#pragma unroll
      for (int n = 0; n < S::kTilesN; ++n) {
        uint32_t b[4];
        fragments.loadWeights(b, stage, u, r, n);
#pragma unroll
        for (int m = 0; m < S::kTilesM; ++m) {
          S::E::mma(sums[m][(r * S::kTilesN + n) * 2], a[m], b[0], b[1]);
          S::E::mma(sums[m][(r * S::kTilesN + n) * 2 + 1], a[m], b[2], b[3]);
        }
      }
    }
  }
}

// The first of this thread block's lines. It is looked up again where sums are stored, which spares a register.
template <class S>
__device__ __forceinline__ int firstLineOf(const Pattern& p, const Operands& operands) {
  const int line = blockIdx.x % operands.tiles * S::R;
  if (!S::BACK || S::R > 1 || operands.order == nullptr) return line;
  const int lines = p.bi / S::BLOCK;
  return operands.order[line / lines] * lines + line % lines;
}

template <class S>
__device__ __forceinline__ void tensorProduct(const Pattern& p, const Operands& operands, const Finish& finish) {
  if (operands.isSkipped()) return;
  __shared__ __align__(128) char memory[S::kStages * S::kStageBytes];
  const View& y = operands.target;
  const int warp = threadIdx.x >> 5;
  const int warpM = warp % S::kWarpsM, warpN = warp / S::kWarpsM;
  const int results = S::BACK ? p.in : p.out;
  const long long example = static_cast<long long>(blockIdx.x / operands.tiles) * S::kExamples;
  const unsigned stages = sharedAddress(memory);
  const Fragments<S> fragments(warpM, warpN);

  TensorCopies<S> copies(p, operands, example, firstLineOf<S>(p, operands), stages);
  unsigned flying[S::kStages];  // masks of the stages in flight, oldest first
#pragma unroll
  for (int s = 0; s < S::kStages - 1; ++s) flying[s] = copies.produce(p, operands, s * S::kStageBytes);
  TensorSums<S> sums = {};
  unsigned stage = 0;
  while (flying[0] != 0) {
    waitCopies<S::kStages - 2>();
    __syncthreads();
    flying[S::kStages - 1] = copies.produce(p, operands, stage == 0 ? (S::kStages - 1) * S::kStageBytes : stage - S::kStageBytes);
    multiplyStage<S>(sums, fragments, stages + stage, flying[0]);
#pragma unroll
    for (int s = 0; s + 1 < S::kStages; ++s) flying[s] = flying[s + 1];
    stage = stage + S::kStageBytes == S::kStages * S::kStageBytes ? 0 : stage + S::kStageBytes;
  }
  waitCopies<0>();
  __syncthreads();

  constexpr int columns = S::R * S::kTilesN * 16;
  static_assert(S::kThreads / 32 * kStoreFloats<columns> * 4 <= S::kStages * S::kStageBytes, "the epilogue reuses the stages");
  storeSums<S::kTilesM, columns>(sums, reinterpret_cast<float*>(memory) + warp * kStoreFloats<columns>, y,
                                 example + warpM * S::kTilesM * 16, firstLineOf<S>(p, operands) * S::BLOCK + warpN * columns, results,
                                 finish);
}

}  // namespace kofn
