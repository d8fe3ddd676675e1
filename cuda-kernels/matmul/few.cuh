// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lanes.cuh"

// Y = X W^T for at most 8 examples (inference of one request, decoding): lanes lie along the terms, not along the batch. True F32.
//
//   a warp: R neighbouring outputs that share their kept inputs; lane l takes terms l, l + 32, ...
//   a term: a feature, R weights (neighbouring lanes read neighbouring packed weights), EXAMPLES values of x, R EXAMPLES multiply-adds
//
// Traffic, the floor: every kept weight and index once, for all examples. X is first laid out [in][EXAMPLES] in F32 by stageFew, so that a
// term's values are one access; it is small (32 bytes an input) and stays in the caches. Partial sums are added by a fixed tree.

namespace kofn {

constexpr int kFewWarps = 8;

// [features][EXAMPLES], missing examples 0; source.rows examples.
template <int EXAMPLES>
__device__ __forceinline__ void stageFew(const View& source, float* target) {
  const long long e = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (e >= source.columns * EXAMPLES) return;
  const long long feature = e / EXAMPLES, example = e % EXAMPLES;
  target[e] = example < source.rows ? loadFloat(source, example, feature) : 0.0f;
}

template <int EXAMPLES>
__device__ __forceinline__ void loadExamples(const float* from, float (&x)[EXAMPLES]) {
  if constexpr (EXAMPLES == 1) {
    x[0] = from[0];
  } else {
#pragma unroll
    for (int i = 0; i < EXAMPLES; i += 4) {
      const float4 v = *reinterpret_cast<const float4*>(from + i);
      x[i] = v.x, x[i + 1] = v.y, x[i + 2] = v.z, x[i + 3] = v.w;
    }
  }
}

// operands.source is the staged X: data [in][EXAMPLES].
template <int R, int EXAMPLES>
__device__ __forceinline__ void fewProduct(const Pattern& p, const Operands& operands, const Finish& finish) {
  if (operands.isSkipped()) return;
  const int lane = threadIdx.x & 31;
  const int parts = (p.bo + R - 1) / R;
  const int group = blockIdx.x * kFewWarps + (threadIdx.x >> 5);
  const int row = group / parts, from = row * p.bo + group % parts * R;
  if (row >= p.blockRows) return;
  const int till = min(min(from + R, (row + 1) * p.bo), p.out);
  const Terms<false> terms(p, operands.companion, row);
  const float* staged = static_cast<const float*>(operands.source.data);
  const long long step = p.packed ? p.bi : p.pitch;

  float sums[R][EXAMPLES] = {};
  for (int term = lane; term < terms.count; term += 32) {
    const int feature = terms.feature(term);
    float x[EXAMPLES];
    loadExamples<EXAMPLES>(staged + static_cast<long long>(feature) * EXAMPLES, x);
    const long long at = terms.position(term, feature, from);
#pragma unroll
    for (int r = 0; r < R; ++r) {
      if (from + r >= till) break;
      const float weight = loadFloat(p.values, p.type, at + r * step);
#pragma unroll
      for (int b = 0; b < EXAMPLES; ++b) sums[r][b] = fmaf(weight, x[b], sums[r][b]);
    }
  }
#pragma unroll
  for (int r = 0; r < R; ++r) {
    float mine = 0.0f;
#pragma unroll
    for (int b = 0; b < EXAMPLES; ++b) {
      float sum = sums[r][b];
      for (int width = 16; width > 0; width >>= 1) sum += __shfl_xor_sync(0xffffffff, sum, width);
      if (lane == b) mine = sum;
    }
    if (lane < operands.target.rows && lane < EXAMPLES && from + r < till) finish.store(operands.target, lane, from + r, mine);
  }
}

}  // namespace kofn
