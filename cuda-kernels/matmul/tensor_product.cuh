// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "finish.cuh"
#include "unit_list.cuh"

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
// A stage is two units of X (128 x 64 bytes) and of W; three or four stages are in flight by cp.async. Rows of 64 bytes are swizzled, so
// that every copy and every ldmatrix takes the minimum of shared wavefronts. Per unit a warp issues MT ldmatrix for X, one for every 16
// results, and 2 MT mma for each of those; MT = 2 to 4 keeps shared memory below the tensor cores' rate.
//
// Traffic per unit and thread block: 4 KB of X, 32 bytes of W for every result that keeps it; Y once, 16 bytes an access. 128 examples x
// 128 results are 128 accumulators a thread at 128 threads, 64 at 256: the most that leaves no spill. 48 KB of shared memory need no
// opt-in, and let three thread blocks share a multiprocessor of compute capability 8.0.
//
// Backward the weights are stored along the results, not the contraction: ldmatrix.trans (16-bit types), or single words (TF32), turn
// them. Pruned inputs are never loaded for a line that has pruned them. Sums run in the order of the list.

namespace kofn {

template <class E_, int BLOCK_, int R_, int WARPS_M, int WARPS_N, bool BACK_>
struct TensorShape {
  using E = E_;
  static constexpr int BLOCK = BLOCK_, R = R_;
  static constexpr bool BACK = BACK_;
  static constexpr int kWarpsM = WARPS_M, kWarpsN = WARPS_N;
  static constexpr int kThreads = 32 * WARPS_M * WARPS_N;
  static constexpr int kExamples = 128, kResults = BLOCK * R;
  static constexpr int kTilesM = kExamples / WARPS_M / 16;   // m16 tiles of a warp
  static constexpr int kTilesN = BLOCK / WARPS_N / 16;       // n16 tiles of a warp in each line
  static constexpr int kUnits = 2;                           // of a stage
  static constexpr int kRowBytes = kUnits * kUnitBytes;
  static constexpr int kRowPieces = kRowBytes / kPieceBytes;
  static constexpr int kSourceBytes = kExamples * kRowBytes, kWeightBytes = kResults * kRowBytes;
  static constexpr int kStageBytes = kSourceBytes + kWeightBytes;
  static constexpr int kStages = 49152 / kStageBytes;
  static constexpr int kSourceCopies = kExamples * kRowPieces / kThreads, kWeightCopies = kResults * kRowPieces / kThreads;
  static constexpr int kUnitElements = kUnitBytes / E::kBytes;
  static constexpr int kPieceElements = kPieceBytes / E::kBytes;
  static constexpr int kLineRowPieces = BLOCK * E::kBytes / kPieceBytes;  // backward: a row of W in a line
  static_assert(R == 1 || WARPS_N == 1, "lines of one warp column");
};

// What a thread copies into a stage.
template <class S>
struct TensorCopies {
  const char* source;
  unsigned sourceTo;
  int half, unitOfStage;
  const char* weights[S::kWeightCopies];
  unsigned weightTo[S::kWeightCopies];
  int weightBytes[S::kWeightCopies];  // forward: 16 or 0; backward: what the row of W has left
  long long example;

  __device__ __forceinline__ TensorCopies(const Pattern& p, const View& x, long long firstExample, int firstLine, unsigned stages) {
    const int piece = threadIdx.x % S::kRowPieces, row = threadIdx.x / S::kRowPieces;
    unitOfStage = piece / 2;
    half = piece % 2;
    example = firstExample + row;
    source = static_cast<const char*>(x.data) + example * x.pitch * S::E::kBytes + half * kPieceBytes;
    sourceTo = stages + row * S::kRowBytes + swizzle<S::kRowPieces>(piece, row) * kPieceBytes;
    const char* values = static_cast<const char*>(p.values);
#pragma unroll
    for (int j = 0; j < S::kWeightCopies; ++j) {
      const int number = threadIdx.x + j * S::kThreads;
      if (S::BACK) {
        const int inRow = number % S::kLineRowPieces, k = number / S::kLineRowPieces % S::kUnitElements;
        const int line = number / (S::kLineRowPieces * S::kUnitElements) % S::R;
        const int input = (firstLine + line) * S::BLOCK + inRow * S::kPieceElements;
        const long long at = p.packed ? static_cast<long long>(k) * p.bi + input % p.bi : k * p.pitch + input;
        weights[j] = values + at * S::E::kBytes;
        weightBytes[j] = min(max((p.in - input) * S::E::kBytes, 0), kPieceBytes);
        weightTo[j] = stages + S::kSourceBytes + (number / S::kLineRowPieces * S::kLineRowPieces + turn(inRow, k)) * kPieceBytes;
      } else {
        const int n = number / S::kRowPieces, output = firstLine * S::BLOCK + n;
        const long long at = p.packed ? (static_cast<long long>(output / p.bo) * p.k * p.bo + output % p.bo) * p.bi : output * p.pitch;
        weights[j] = values + at * S::E::kBytes + half * kPieceBytes;
        weightBytes[j] = output < p.out ? kPieceBytes : 0;
        weightTo[j] = stages + S::kSourceBytes + n * S::kRowBytes + swizzle<S::kRowPieces>(piece, n) * kPieceBytes;
      }
    }
  }

  // Backward rows of W: for ldmatrix.trans as for ldmatrix; single words are read 8 along a row and 4 rows at a time.
  static __device__ __forceinline__ int turn(int piece, int k) {
    if constexpr (S::E::kBytes == 4) return S::BLOCK == 16 ? piece ^ (k >> 1 & 1) << 1 : piece ^ (k & 3) << 1;
    return swizzle<S::kLineRowPieces>(piece, k);
  }

  // Begins a stage's copies. units, masks: which units, kept by which lines; pieces: where a lane's line has their weights.
  __device__ __forceinline__ void issue(const Pattern& p, const View& x, int stage, const int (&units)[S::kUnits],
                                        const unsigned (&masks)[S::kUnits], const unsigned (&pieces)[S::kUnits]) const {
    const int limit = S::BACK ? p.out : p.in;
    const unsigned to = stage * S::kStageBytes;
    const int unit = unitOfStage ? units[1] : units[0];
    const bool any = (unitOfStage ? masks[1] : masks[0]) != 0;
    const int left = any ? min(max((limit - unit * S::kUnitElements - half * S::kPieceElements) * S::E::kBytes, 0), kPieceBytes) : 0;
    const char* from = source + (any ? static_cast<long long>(unit) * kUnitBytes : 0);
#pragma unroll
    for (int j = 0; j < S::kSourceCopies; ++j) {
      constexpr int rows = S::kThreads / S::kRowPieces;
      copyAsync(to + sourceTo + j * rows * S::kRowBytes, from + j * rows * x.pitch * S::E::kBytes,
                example + j * rows < x.rows ? left : 0);
    }
#pragma unroll
    for (int j = 0; j < S::kWeightCopies; ++j) {
      const int number = threadIdx.x + j * S::kThreads;
      const int line = S::R == 1 ? 0 : S::BACK ? number / (S::kLineRowPieces * S::kUnitElements) % S::R : number / S::kRowPieces / S::BLOCK;
      const int which = S::BACK ? number / (S::kLineRowPieces * S::kUnitElements * S::R) : unitOfStage;
      unsigned at = which ? pieces[1] : pieces[0];
      if (S::R > 1) {
        const unsigned at0 = __shfl_sync(0xffffffff, pieces[0], line), at1 = __shfl_sync(0xffffffff, pieces[1], line);
        at = which ? at1 : at0;
      }
      const bool kept = (which ? masks[1] : masks[0]) >> line & 1;
      int bytes = weightBytes[j];
      if (S::BACK) {
        const int k = number / S::kLineRowPieces % S::kUnitElements;
        if ((which ? units[1] : units[0]) * S::kUnitElements + k >= p.out) bytes = 0;
      } else {
        bytes = min(bytes, left);
      }
      if (kept) copyAsync(to + weightTo[j], weights[j] + static_cast<unsigned long long>(at) * kPieceBytes, bytes);
    }
  }
};

// The weights of 16 results and one unit, as two mma's second operands.
template <class S>
__device__ __forceinline__ void loadWeights(uint32_t (&b)[4], unsigned weights, int unit, int line, int n0) {
  const int lane = threadIdx.x & 31;
  if constexpr (!S::BACK) {
    const int n = line * S::BLOCK + n0 + lane / 16 * 8 + lane % 8;
    loadMatrices(b, weights + n * S::kRowBytes + swizzle<S::kRowPieces>(2 * unit + lane / 8 % 2, n) * kPieceBytes);
  } else {
    const unsigned rows = weights + (unit * S::R + line) * S::kUnitElements * S::kLineRowPieces * kPieceBytes;
    if constexpr (S::E::kBytes == 2) {
      const int k = lane % 16, piece = n0 / 8 + lane / 16;
      loadTransposed(b, rows + (k * S::kLineRowPieces + TensorCopies<S>::turn(piece, k)) * kPieceBytes);
    } else {
      const int n = n0 + lane / 4, k = lane % 4;
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int column = n + i / 2 * 8, row = k + i % 2 * 4;
        b[i] = loadWord(rows + (row * S::kLineRowPieces + TensorCopies<S>::turn(column / 4, row)) * kPieceBytes + column % 4 * 4);
      }
    }
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) S::E::round(b[i]);
}

template <class S>
__device__ __forceinline__ void tensorProduct(const Pattern& p, const Operands& operands, const Finish& finish) {
  if (operands.isSkipped()) return;
  using Sum = typename S::E::Sum;
  __shared__ __align__(128) char memory[S::kStages * S::kStageBytes];
  const View &x = operands.source, &y = operands.target;
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const int warpM = warp % S::kWarpsM, warpN = warp / S::kWarpsM;
  const int results = S::BACK ? p.in : p.out, side = S::BACK ? p.bi : p.bo;
  const long long example = static_cast<long long>(blockIdx.x / operands.tiles) * S::kExamples;
  const int firstLine = blockIdx.x % operands.tiles * S::R;
  const unsigned stages = sharedAddress(memory);

  const TensorCopies<S> copies(p, x, example, firstLine, stages);
  // Lane r walks line r's list; with one line all lanes walk it.
  const int mine = firstLine + (S::R == 1 ? 0 : lane);
  const int line = mine * S::BLOCK / side;
  UnitList<typename S::E, S::BACK> list(p, operands.companion, line, (S::R == 1 || lane < S::R) && mine * S::BLOCK < results);

  // Masks of the stages in flight, oldest first; a stage whose first unit nobody keeps is beyond the end.
  unsigned flying[S::kStages];
  auto produce = [&](int stage) {
    int units[S::kUnits];
    unsigned masks[S::kUnits], pieces[S::kUnits];
#pragma unroll
    for (int u = 0; u < S::kUnits; ++u) {
      units[u] = S::R == 1 ? list.unit : __reduce_min_sync(0xffffffff, list.unit);
      const bool keeps = list.unit == units[u] && units[u] != INT_MAX;
      masks[u] = S::R == 1 ? keeps : __ballot_sync(0xffffffff, keeps);
      pieces[u] = list.pieces(p, operands.companion);
      if (keeps) list.advance(p, operands.companion, line);
    }
    if (masks[0] != 0) copies.issue(p, x, stage, units, masks, pieces);
    commitCopies();
    return masks[0] | masks[1] << 16;
  };
#pragma unroll
  for (int s = 0; s < S::kStages - 1; ++s) flying[s] = produce(s);

  Sum sums[S::kTilesM][S::R * S::kTilesN * 2][4] = {};
  int stage = 0;
  while (flying[0] != 0) {
    waitCopies<S::kStages - 2>();
    __syncthreads();
    flying[S::kStages - 1] = produce(stage == 0 ? S::kStages - 1 : stage - 1);
    const unsigned from = stages + stage * S::kStageBytes;
#pragma unroll
    for (int u = 0; u < S::kUnits; ++u) {
      const unsigned mask = flying[0] >> 16 * u;
      if ((mask & 0xffff) == 0) break;
      uint32_t a[S::kTilesM][4];
#pragma unroll
      for (int m = 0; m < S::kTilesM; ++m) {
        const int row = (warpM * S::kTilesM + m) * 16 + lane % 16;
        loadMatrices(a[m], from + row * S::kRowBytes + swizzle<S::kRowPieces>(2 * u + lane / 16, row) * kPieceBytes);
#pragma unroll
        for (int i = 0; i < 4; ++i) S::E::round(a[m][i]);
      }
#pragma unroll
      for (int r = 0; r < S::R; ++r) {
        if (S::R > 1 && !(mask >> r & 1)) continue;
#pragma unroll
        for (int n = 0; n < S::kTilesN; ++n) {
          uint32_t b[4];
          loadWeights<S>(b, from + S::kSourceBytes, u, r, (warpN * S::kTilesN + n) * 16);
#pragma unroll
          for (int m = 0; m < S::kTilesM; ++m) {
            S::E::mma(sums[m][(r * S::kTilesN + n) * 2], a[m], b[0], b[1]);
            S::E::mma(sums[m][(r * S::kTilesN + n) * 2 + 1], a[m], b[2], b[3]);
          }
        }
      }
    }
#pragma unroll
    for (int s = 0; s + 1 < S::kStages; ++s) flying[s] = flying[s + 1];
    stage = stage + 1 == S::kStages ? 0 : stage + 1;
  }
  waitCopies<0>();
  __syncthreads();

  // Fragments through the warp's own part of shared memory into rows, 8 results a lane at a time. A pitch of 8 words more than the
  // columns lets the four rows of a store phase hit different banks.
  constexpr int columns = S::R * S::kTilesN * 16, pitch = columns + 8;
  static_assert(S::kThreads / 32 * 16 * pitch * 4 <= S::kStages * S::kStageBytes, "the epilogue reuses the stages");
  float* rows = reinterpret_cast<float*>(memory) + warp * 16 * pitch;
  const int firstResult = firstLine * S::BLOCK + warpN * columns;
  for (int m = 0; m < S::kTilesM; ++m) {
    __syncwarp();
#pragma unroll
    for (int n = 0; n < columns / 8; ++n) {
      float* at = rows + lane / 4 * pitch + n * 8 + lane % 4 * 2;
#pragma unroll
      for (int t = 0; t < S::kTilesM; ++t) {
        if (t != m) continue;
        *reinterpret_cast<float2*>(at) = make_float2(sums[t][n][0], sums[t][n][1]);
        *reinterpret_cast<float2*>(at + 8 * pitch) = make_float2(sums[t][n][2], sums[t][n][3]);
      }
    }
    __syncwarp();
    for (int e = lane; e < 16 * columns / 8; e += 32) {
      const int row = e / (columns / 8), column = e % (columns / 8) * 8;
      const long long b = example + (warpM * S::kTilesM + m) * 16 + row;
      if (b >= y.rows || firstResult + column >= results) continue;
      float values[8];
      loadEight(rows + row * pitch + column, e / 4 % 2, values);
      finish.storeRun(y, b, firstResult + column, values, min(8, results - firstResult - column));
    }
  }
}

}  // namespace kofn
