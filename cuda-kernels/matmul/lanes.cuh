// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <climits>

#include "finish.cuh"

// Y = X W^T and dX = dY W for blocks of any size, values of any type, activations of any layout and pitch; true F32 (or exact 32-bit
// integers). Lanes lie along the batch.
//
// Both products are sums over an ascending list of terms (feature, weight): an output's terms are its kept inputs, an input's terms are
// the outputs that keep it, in the order of the companion. R neighbouring results of one block share their terms.
//
//              64 examples                       a warp: R results, 2 examples a lane
//            +-------------+                     8 warps: 8 R results of consecutive groups
//   features |  X chunk,   |  staged as F32,     for each chunk of 64 features that some warp needs:
//     64     |  transposed |  pitch 65             stage, barrier, each warp eats its terms of the chunk
//            +-------------+                     a term: 2 conflict-free shared loads, 2 R fused multiply-adds
//
// Traffic: X once for every 8 R results (from L2), each weight once for every 64 examples, Y once. Weights and features are loaded 32
// terms at a time, a term a lane, and broadcast by shuffles. 64 features x 64 examples are 16.6 KB, so that registers limit the blocks
// on a multiprocessor, not shared memory; R = 8 shares an x among eight multiply-adds and needs 16 accumulators.
//
// A sum is taken by one thread in the order of the terms: equal arguments give equal bits.

namespace kofn {

constexpr int kLaneWarps = 8;
constexpr int kLaneBatch = 64;
constexpr int kLaneChunk = 64;

// The terms of block row `line` (forward) or block column `line` (backward).
template <bool BACK>
struct Terms {
  const Pattern& p;
  const Companion& c;
  int line, first, count;

  __device__ __forceinline__ Terms(const Pattern& p, const Companion& c, int line) : p(p), c(c), line(line) {
    if (BACK) {
      first = c.starts[line];
      count = (c.starts[line + 1] - first) * p.bo;
      if (count > 0 && c.rows[c.starts[line + 1] - 1] == p.blockRows - 1) count -= p.blockRows * p.bo - p.out;
    } else {
      first = 0;
      count = p.k * p.bi;
      if (count > 0 && p.column(line, p.k - 1) == p.blockColumns - 1) count -= p.blockColumns * p.bi - p.in;
    }
  }

  __device__ __forceinline__ int feature(int term) const {
    if (BACK) return c.rows[first + term / p.bo] * p.bo + term % p.bo;
    return p.column(line, term / p.bi) * p.bi + term % p.bi;
  }

  // The weight between a term's feature and a result.
  __device__ __forceinline__ long long position(int term, int feature, int result) const {
    if (BACK) {
      const int entry = first + term / p.bo;
      return p.position(c.rows[entry], p.packed ? c.slots[entry] : 0, feature, result, line);
    }
    return p.position(line, term / p.bi, result, feature, p.packed ? p.column(line, term / p.bi) : 0);
  }
};

__device__ __forceinline__ float multiplyAdd(float a, float b, float sum) { return fmaf(a, b, sum); }
__device__ __forceinline__ int multiplyAdd(int a, int b, int sum) { return a * b + sum; }

template <typename Sum>
__device__ __forceinline__ Sum loadTerm(const void* data, int type, long long i);
template <>
__device__ __forceinline__ float loadTerm<float>(const void* data, int type, long long i) { return loadFloat(data, type, i); }
template <>
__device__ __forceinline__ int loadTerm<int>(const void* data, int, long long i) { return static_cast<const signed char*>(data)[i]; }

// 64 features of 64 examples, transposed; what does not exist is 0.
template <typename Sum>
__device__ __forceinline__ void stageChunk(const View& x, long long example, int feature, Sum (*tile)[kLaneBatch + 1]) {
  for (int e = threadIdx.x; e < kLaneChunk * kLaneBatch; e += kLaneWarps * 32) {
    const int f = x.panels ? e / kLaneBatch : e % kLaneChunk;
    const int b = x.panels ? e % kLaneBatch : e / kLaneChunk;
    const bool inside = example + b < x.rows && feature + f < x.columns;
    tile[f][b] = inside ? loadTerm<Sum>(x.data, x.type, x.at(example + b, feature + f)) : Sum(0);
  }
}

template <typename Sum, int R, bool BACK>
__device__ __forceinline__ void lanesProduct(const Pattern& p, const Operands& operands, const Finish& finish) {
  const View &x = operands.source, &y = operands.target;
  __shared__ Sum tile[kLaneChunk][kLaneBatch + 1];
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const int size = BACK ? p.bi : p.bo, results = BACK ? p.in : p.out, lines = BACK ? p.blockColumns : p.blockRows;
  const int parts = (size + R - 1) / R;
  const int firstGroup = blockIdx.x % operands.tiles * kLaneWarps;
  const long long example = static_cast<long long>(blockIdx.x / operands.tiles) * kLaneBatch;
  // The first result of a group of R; groups at the end of a block hold fewer, groups beyond the last line none.
  auto firstOf = [&](int group) { return min(group / parts * size + min(group % parts * R, size), results); };

  const int line = min((firstGroup + warp) / parts, lines - 1);
  const int from = firstOf(firstGroup + warp), till = firstOf(firstGroup + warp + 1);
  const Terms<BACK> terms(p, operands.companion, line);
  const int count = from < till ? terms.count : 0;

  Sum sums[R][2] = {};
  int term = 0;
  for (int chunk = 0; chunk < x.columns; chunk += kLaneChunk) {
    const bool needed = term < count && terms.feature(term) < chunk + kLaneChunk;
    if (!__syncthreads_or(needed)) continue;
    stageChunk<Sum>(x, example, chunk, tile);
    __syncthreads();
    while (term < count) {
      const int mine = term + lane;
      const int feature = mine < count ? terms.feature(mine) : INT_MAX;
      const bool here = feature < chunk + kLaneChunk;
      const int n = __popc(__ballot_sync(0xffffffff, here));
      Sum weight[R] = {};
      if (here) {
        const long long at = terms.position(mine, feature, from);
        const long long step = BACK ? 1 : p.packed ? p.bi : p.pitch;
#pragma unroll
        for (int r = 0; r < R; ++r)
          if (from + r < till) weight[r] = loadTerm<Sum>(p.values, p.type, at + r * step);
      }
      for (int j = 0; j < n; ++j) {
        const Sum* row = tile[__shfl_sync(0xffffffff, feature, j) - chunk];
        const Sum x0 = row[lane], x1 = row[lane + 32];
#pragma unroll
        for (int r = 0; r < R; ++r) {
          const Sum w = __shfl_sync(0xffffffff, weight[r], j);
          sums[r][0] = multiplyAdd(w, x0, sums[r][0]);
          sums[r][1] = multiplyAdd(w, x1, sums[r][1]);
        }
      }
      term += n;
      if (n < 32) break;
    }
  }

  // Through shared memory once more, so that row-major results are written along the features.
  __syncthreads();
  const int firstResult = firstOf(firstGroup), width = firstOf(firstGroup + kLaneWarps) - firstResult;
#pragma unroll
  for (int r = 0; r < R; ++r) {
    if (from + r < till) {
      tile[from - firstResult + r][lane] = sums[r][0];
      tile[from - firstResult + r][lane + 32] = sums[r][1];
    }
  }
  __syncthreads();
  for (int e = threadIdx.x; e < width * kLaneBatch; e += kLaneWarps * 32) {
    const int o = y.panels ? e / kLaneBatch : e % width;
    const int b = y.panels ? e % kLaneBatch : e / width;
    if (example + b < y.rows) finish.store(y, example + b, firstResult + o, static_cast<float>(tile[o][b]));
  }
}

}  // namespace kofn
