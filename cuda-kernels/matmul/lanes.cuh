// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <climits>
#include <type_traits>

#include "finish.cuh"

// Y = X W^T and dX = dY W for blocks of any size, values of any type, activations of any layout and pitch; true F32 (or exact 32-bit
// integers). Lanes lie along the batch.
//
// Both products are sums over an ascending list of terms (feature, weight): an output's terms are its kept inputs, an input's terms are
// the outputs that keep it, in the order of the companion. R neighbouring results of one block share their terms.
//
//              64 examples                       a warp: 8 results (8 groups of 1, or 1 group of 8), 2 examples a lane
//            +-------------+                     8 warps: 64 neighbouring results
//   features |  X chunk,   |  staged as F32,     for each chunk of 128 features that some warp needs:
//    128     |  transposed |  pitch 65             stage, barrier, each warp eats its terms of the chunk
//            +-------------+                     a term: 2 conflict-free shared loads, 2 R fused multiply-adds
//
// Traffic: X once for every 64 results (from L2), each weight once for every 64 examples, Y once. Weights and features are loaded 32
// terms at a time, a term a lane, and broadcast by shuffles. 64 results share a staged chunk, so that staging costs less than the terms
// down to a density of some percent; 16 accumulators a lane leave room for several thread blocks on a multiprocessor, which 33 KB of
// shared memory allow. Single weights read shared memory once for every multiply-add: that, not arithmetic, is their floor.
//
// A sum is taken by one thread in the order of the terms: equal arguments give equal bits.

namespace kofn {

constexpr int kLaneWarps = 8;
constexpr int kLaneBatch = 64;
constexpr int kLaneChunk = 128;
constexpr int kLaneResults = 8;  // of a warp

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
__device__ __forceinline__ Sum toSum(float value) { return value; }
template <typename Sum>
__device__ __forceinline__ Sum toSum(__nv_bfloat16 value) { return __bfloat162float(value); }
template <typename Sum>
__device__ __forceinline__ Sum toSum(__half value) { return __half2float(value); }
template <typename Sum>
__device__ __forceinline__ Sum toSum(signed char value) { return static_cast<Sum>(value); }

template <typename Sum>
__device__ __forceinline__ Sum loadTerm(const void* data, int type, long long i);
template <>
__device__ __forceinline__ float loadTerm<float>(const void* data, int type, long long i) { return loadFloat(data, type, i); }
template <>
__device__ __forceinline__ int loadTerm<int>(const void* data, int, long long i) { return static_cast<const signed char*>(data)[i]; }

// 128 features of 64 examples, transposed; what does not exist is 0. Threads follow the memory; a thread keeps its feature, or in panels
// its example.
template <typename Sum, typename T, bool PANELS>
__device__ __forceinline__ void stageAs(const View& x, long long example, int feature, Sum (*tile)[kLaneBatch + 1]) {
  constexpr int threads = kLaneWarps * 32, side = PANELS ? kLaneBatch : kLaneChunk, steps = threads / side;
  const int fixed = threadIdx.x % side, first = threadIdx.x / side;
  const long long width = PANELS ? min(static_cast<long long>(kPanel), x.rows - example) : 0;
  const T* from = static_cast<const T*>(x.data) + (PANELS ? example * x.columns + feature * width + fixed : example * x.pitch + feature + fixed);
  const long long pitch = PANELS ? width : x.pitch;
  const bool inside = PANELS ? fixed < width : feature + fixed < x.columns;
  const int limit = !inside ? 0 : static_cast<int>(PANELS ? min(static_cast<long long>(kLaneChunk), x.columns - feature)
                                                          : min(static_cast<long long>(kLaneBatch), x.rows - example));
#pragma unroll 8
  for (int i = first; i < (PANELS ? kLaneChunk : kLaneBatch); i += steps) {
    const Sum value = i < limit ? toSum<Sum>(from[i * pitch]) : Sum(0);
    if (PANELS) tile[i][fixed] = value;
    else tile[fixed][i] = value;
  }
}

template <typename Sum, bool PANELS>
__device__ __forceinline__ void stageChunk(const View& x, long long example, int feature, Sum (*tile)[kLaneBatch + 1]) {
  if constexpr (std::is_same<Sum, int>::value) {
    stageAs<Sum, signed char, PANELS>(x, example, feature, tile);
  } else {
    switch (x.type) {
      case kF32: stageAs<Sum, float, PANELS>(x, example, feature, tile); break;
      case kBf16: stageAs<Sum, __nv_bfloat16, PANELS>(x, example, feature, tile); break;
      case kF16: stageAs<Sum, __half, PANELS>(x, example, feature, tile); break;
      default: stageAs<Sum, signed char, PANELS>(x, example, feature, tile); break;
    }
  }
}

template <typename Sum, int R, bool BACK>
__device__ __forceinline__ void lanesProduct(const Pattern& p, const Operands& operands, const Finish& finish) {
  if (operands.isSkipped()) return;
  constexpr int groups = kLaneResults / R;
  __shared__ Sum tile[kLaneChunk][kLaneBatch + 1];
  const View &x = operands.source, &y = operands.target;
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const int size = BACK ? p.bi : p.bo, results = BACK ? p.in : p.out, lines = BACK ? p.blockColumns : p.blockRows;
  const int parts = (size + R - 1) / R;
  const int firstGroup = blockIdx.x % operands.tiles * kLaneWarps * groups, mine = firstGroup + warp * groups;
  const long long example = static_cast<long long>(blockIdx.x / operands.tiles) * kLaneBatch;
  // The first result of a group of R; groups at the end of a block hold fewer, groups beyond the last line none.
  auto firstOf = [&](int group) {
    return static_cast<int>(min(static_cast<long long>(group / parts) * size + min(group % parts * R, size), static_cast<long long>(results)));
  };
  auto lineOf = [&](int g) { return min((mine + g) / parts, lines - 1); };

  int term[groups], count[groups], next[groups];  // of each group: the next term, how many, the next term's feature
#pragma unroll
  for (int g = 0; g < groups; ++g) {
    const Terms<BACK> terms(p, operands.companion, lineOf(g));
    term[g] = 0;
    count[g] = firstOf(mine + g) < firstOf(mine + g + 1) ? terms.count : 0;
    next[g] = count[g] > 0 ? terms.feature(0) : INT_MAX;
  }

  Sum sums[groups][R][2] = {};
  for (int chunk = 0; chunk < x.columns; chunk += kLaneChunk) {
    const int end = static_cast<int>(min(static_cast<long long>(chunk) + kLaneChunk, x.columns));
    bool needed = false;
#pragma unroll
    for (int g = 0; g < groups; ++g) needed |= next[g] < end;
    if (!__syncthreads_or(needed)) continue;
    if (x.panels) stageChunk<Sum, true>(x, example, chunk, tile);
    else stageChunk<Sum, false>(x, example, chunk, tile);
    __syncthreads();
#pragma unroll
    for (int g = 0; g < groups; ++g) {
      if (next[g] >= end) continue;
      const Terms<BACK> terms(p, operands.companion, lineOf(g));
      const int from = firstOf(mine + g), till = firstOf(mine + g + 1);
      while (next[g] < end) {
        const int own = term[g] + lane;
        const int feature = own < count[g] ? terms.feature(own) : INT_MAX;
        const bool here = feature < end;
        const int n = __popc(__ballot_sync(0xffffffff, here));
        Sum weight[R] = {};
        if (here) {
          const long long at = terms.position(own, feature, from);
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
            sums[g][r][0] = multiplyAdd(w, x0, sums[g][r][0]);
            sums[g][r][1] = multiplyAdd(w, x1, sums[g][r][1]);
          }
        }
        term[g] += n;
        next[g] = n < 32 ? __shfl_sync(0xffffffff, feature, n) : term[g] < count[g] ? terms.feature(term[g]) : INT_MAX;
      }
    }
  }

  // Through shared memory once more, so that row-major results are written along the features.
  __syncthreads();
  const int firstResult = firstOf(firstGroup), width = firstOf(firstGroup + kLaneWarps * groups) - firstResult;
#pragma unroll
  for (int g = 0; g < groups; ++g) {
    const int from = firstOf(mine + g), till = firstOf(mine + g + 1);
#pragma unroll
    for (int r = 0; r < R; ++r) {
      if (from + r < till) {
        tile[from - firstResult + r][lane] = sums[g][r][0];
        tile[from - firstResult + r][lane + 32] = sums[g][r][1];
      }
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
