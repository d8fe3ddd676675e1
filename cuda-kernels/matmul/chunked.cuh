// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lanes.cuh"
#include "mma.cuh"

// Y = X W^T and dX = dY W for weights that share no inputs (of any block), with EXAMPLES examples at a time; true F32. Sums over lists of terms as
// in lanes.cuh, but lanes lie along four examples each and along the terms:
//
//     EXAMPLES                   a warp: OUTPUTS results, one after the other. Of a result's terms in the chunk, up to 32 are laid into
//   +----------+                   shared memory as (place of x, weight), a term a lane. Then, a step:
//   | X chunk, | 704, 352 or
//   |  F32     | 176 features      lanes        0..E/4-1   E/4..       ...           E = EXAMPLES, 128 / E terms
//   +----------+                   term         s          s + 1       ...
//   | zeros    |                   examples     0..3, ..   0..3, ..    ...           one access of 8 bytes, one of 16, 4 multiply-adds
//   +----------+
//
// A step's 128 multiply-adds take a warp about 10 instructions, where a term a warp would take as many for EXAMPLES. Steps that a list does not fill
// meet a row of zeros, not some x, which may be NaN. X is first laid out [tile][features][EXAMPLES] by stageTiles, so that a chunk is one run
// of memory, copied 16 bytes a thread.
//
// Traffic: X once for every 8 OUTPUTS results (from L2), every weight and index once for every EXAMPLES examples. The floor is shared memory:
// 4 bytes a multiply-add, 32 of them a cycle and multiprocessor. A row of 32 or 64 examples fills all banks; two rows of 16 meet in the
// same half of them every other time, which makes 1.5 wavefronts of one. 47 KB of shared memory need no opt-in.
//
// A lane adds its terms in their order; lanes are added by a fixed tree.

namespace kofn {

constexpr int kChunkWarps = 8;
constexpr int kChunkBytes = 45056;  // 11 pieces of 16 bytes a thread
constexpr int kTileFeatures = 64;   // of a thread block of stageTiles

struct TileStaging {
  View source;
  float* target;  // [tile][features][EXAMPLES], missing examples 0
  Guard guard;
};

template <int EXAMPLES>
__device__ __forceinline__ void stageTiles(const TileStaging& staging) {
  if (staging.guard.isSkipped()) return;
  const View& source = staging.source;
  __shared__ float tile[kTileFeatures][EXAMPLES + 1];
  const int columns = static_cast<int>(source.columns), parts = (columns + kTileFeatures - 1) / kTileFeatures;
  const long long example = static_cast<long long>(blockIdx.x / parts) * EXAMPLES;
  const int first = blockIdx.x % parts * kTileFeatures, count = min(kTileFeatures, columns - first);
  for (int e = threadIdx.x; e < kTileFeatures * EXAMPLES; e += kChunkWarps * 32) {
    const int f = source.panels ? e / EXAMPLES : e % kTileFeatures, b = source.panels ? e % EXAMPLES : e / kTileFeatures;
    tile[f][b] = f < count && example + b < source.rows ? loadFloat(source, example + b, first + f) : 0.0f;
  }
  __syncthreads();
  float* to = staging.target + example * columns + static_cast<long long>(first) * EXAMPLES;
  for (int e = threadIdx.x; e < count * EXAMPLES; e += kChunkWarps * 32) to[e] = tile[e / EXAMPLES][e % EXAMPLES];
}

struct Term {
  int feature;
  float weight;
};

// Of 1 x 1 blocks, which spares the divisions.
template <bool BACK>
__device__ __forceinline__ Term singleTerm(const Pattern& p, const Companion& c, int result, int term) {
  if (BACK) {
    const int entry = c.starts[result] + term, row = c.rows[entry];
    return {row, loadFloat(p.values, p.type, p.packed ? static_cast<long long>(row) * p.k + c.slots[entry] : row * p.pitch + result)};
  }
  const int column = p.column(result, term);
  return {column, loadFloat(p.values, p.type, p.packed ? static_cast<long long>(result) * p.k + term : result * p.pitch + column)};
}

// Of any block. Called, not inlined, for the registers that its inlining would take in every result of a warp.
template <bool BACK>
__device__ __noinline__ Term termOfBlock(const Pattern& p, const Companion& c, int result, int term) {
  const Terms<BACK> terms(p, c, result / (BACK ? p.bi : p.bo));
  const int feature = terms.feature(term);
  return {feature, loadFloat(p.values, p.type, terms.position(term, feature, result))};
}

// A result's list of terms, 32 at a time: a lane has one of them.
template <bool BACK>
struct TermBatch {
  int count, next;  // of the list; the first that is not yet multiplied
  Term own;         // feature INT_MAX beyond the list

  __device__ __forceinline__ void load(const Pattern& p, const Companion& c, int result) {
    const int term = (next & ~31) + (threadIdx.x & 31);
    own = {INT_MAX, 0.0f};
    if (term < count) own = p.bo == 1 && p.bi == 1 ? singleTerm<BACK>(p, c, result, term) : termOfBlock<BACK>(p, c, result, term);
  }
};

// A term, (row of x, weight), and four examples.
__device__ __forceinline__ void multiplyStep(float (&sums)[4], unsigned term, unsigned lanesRow) {
  unsigned row;
  float w, x[4];
  asm volatile("ld.shared.v2.b32 {%0, %1}, [%2];\n" : "=r"(row), "=f"(w) : "r"(term) : "memory");
  asm volatile("ld.shared.v4.f32 {%0, %1, %2, %3}, [%4];\n" : "=f"(x[0]), "=f"(x[1]), "=f"(x[2]), "=f"(x[3]) : "r"(row + lanesRow) : "memory");
#pragma unroll
  for (int i = 0; i < 4; ++i) sums[i] = fmaf(w, x[i], sums[i]);
}

// operands.source is the staged X.
template <int EXAMPLES, int OUTPUTS, bool BACK>
__device__ __forceinline__ void chunkedProduct(const Pattern& p, const Operands& operands, const Finish& finish) {
  if (operands.isSkipped()) return;
  constexpr int rowBytes = EXAMPLES * 4, features = kChunkBytes / rowBytes, results = kChunkWarps * OUTPUTS;
  constexpr int lanesOfRow = EXAMPLES / 4, termsOfStep = 32 / lanesOfRow;
  __shared__ __align__(128) char chunk[kChunkBytes + rowBytes];
  __shared__ __align__(16) uint2 slots[kChunkWarps][32];
  static_assert(results * (EXAMPLES + 1) * 4 <= kChunkBytes, "results go through the chunk");
  const View &x = operands.source, &y = operands.target;
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const int all = BACK ? p.in : p.out, side = BACK ? p.bi : p.bo;
  const int firstResult = blockIdx.x % operands.tiles * results, mine = firstResult + warp * OUTPUTS;
  const long long tile = blockIdx.x / operands.tiles;
  const char* from = static_cast<const char*>(x.data) + tile * x.columns * rowBytes;
  const int depth = static_cast<int>(x.columns);
  if (threadIdx.x < EXAMPLES) reinterpret_cast<float*>(chunk + kChunkBytes)[threadIdx.x] = 0.0f;

  TermBatch<BACK> batches[OUTPUTS];
#pragma unroll
  for (int g = 0; g < OUTPUTS; ++g) {
    const int result = mine + g, line = min(result, all - 1) / side;
    const Terms<BACK> terms(p, operands.companion, line);
    batches[g].count = result < all ? terms.count : 0;
    batches[g].next = 0;
    batches[g].load(p, operands.companion, result);
  }

  const unsigned row = sharedAddress(chunk), lanesRow = lane % lanesOfRow * 16;
  uint2* list = slots[warp];
  const unsigned lanesList = sharedAddress(list + lane / lanesOfRow);
  float sums[OUTPUTS][4] = {};
  for (int first = 0; first < depth; first += features) {
    const int end = min(first + features, depth);
    __syncthreads();
    const long long begin = static_cast<long long>(first) * rowBytes;
#pragma unroll 2
    for (int at = threadIdx.x * 16; at < (end - first) * rowBytes; at += kChunkWarps * 32 * 16)
      copyAsync(sharedAddress(chunk) + at, from + begin + at, 16);
    commitCopies();
    waitCopies<0>();
    __syncthreads();
#pragma unroll
    for (int g = 0; g < OUTPUTS; ++g) {
      TermBatch<BACK>& batch = batches[g];
      for (;;) {
        const int used = batch.next & 31, till = __popc(__ballot_sync(0xffffffff, batch.own.feature < end));
        if (till > used) {
          const bool here = lane >= used && lane < till;
          __syncwarp();
          list[(lane - used) & 31] =
              here ? make_uint2(row + (batch.own.feature - first) * rowBytes, __float_as_uint(batch.own.weight)) : make_uint2(row + kChunkBytes, 0u);
          __syncwarp();
          for (int s = 0; s < till - used; s += 4 * termsOfStep) {
#pragma unroll
            for (int u = 0; u < 4 && (u == 0 || s + u * termsOfStep < till - used); ++u)
              multiplyStep(sums[g], lanesList + (s + u * termsOfStep) * 8, lanesRow);
          }
          batch.next += till - used;
        }
        if (till < 32) break;
        batch.load(p, operands.companion, mine + g);
      }
    }
  }

  // Through shared memory, so that row-major results are written along the results.
  __syncthreads();
  float (*rows)[EXAMPLES + 1] = reinterpret_cast<float (*)[EXAMPLES + 1]>(chunk);
#pragma unroll
  for (int g = 0; g < OUTPUTS; ++g)
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      for (int width = 16; width >= lanesOfRow; width >>= 1) sums[g][i] += __shfl_xor_sync(0xffffffff, sums[g][i], width);
      if (lane < lanesOfRow) rows[warp * OUTPUTS + g][lane * 4 + i] = sums[g][i];
    }
  __syncthreads();
  const int width = min(results, all - firstResult);
  for (int e = threadIdx.x; e < results * EXAMPLES; e += kChunkWarps * 32) {
    const int o = y.panels ? e / EXAMPLES : e % results, b = y.panels ? e % EXAMPLES : e / results;
    const long long example = tile * EXAMPLES + b;
    if (o < width && example < y.rows) finish.store(y, example, firstResult + o, rows[o][b]);
  }
}

}  // namespace kofn
