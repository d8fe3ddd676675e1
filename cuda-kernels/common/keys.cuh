// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "gumbel.cuh"
#include "philox.cuh"

namespace kofn {

// What a row's keys are made of; the layout is known to the Java side (CudaSampling.drawParameters).
struct Draw {
  const void* logits;  // [rows, n] with a pitch, of the kernel's element type
  long long rows;
  long long pitch;     // elements
  const unsigned* steps;  // added to step: what a graph changes from launch to launch
  int n;
  int k;
  float beta;          // noise scale; 0 draws no noise
  unsigned seedLow, seedHigh;
  unsigned stream, step, firstRow;
  int fast;            // select by approximate keys first (fast_keys.cuh)
  // Where the search for the threshold starts (search.cuh), in deviations of a row's keys: the first guess above their mean, and how
  // far one key too many or too few moves it.
  float startZ, startSlope, startSlack;
};

// Keys are compared as signed integers in the order of their floats. -0 has become +0 before.
constexpr int kAbsent = static_cast<int>(0x80000000);        // a column beyond the row's end
constexpr int kMinusInfinity = static_cast<int>(0x807fffff); // ordered(-inf)

__device__ __forceinline__ int ordered(float key) {
  const int bits = __float_as_int(__fadd_rn(key, 0.0f));
  return bits ^ ((bits >> 31) & 0x7fffffff);
}

__device__ __forceinline__ float unordered(int o) { return __int_as_float(o ^ ((o >> 31) & 0x7fffffff)); }

__device__ __forceinline__ float widen(float x) { return x; }
__device__ __forceinline__ float widen(__half x) { return __half2float(x); }
__device__ __forceinline__ float widen(__nv_bfloat16 x) { return __bfloat162float(x); }

// Four logits of consecutive columns in one load where the row is aligned for it; -infinity beyond the row's end.
template <typename T>
struct alignas(4 * sizeof(T)) Quad {
  T v[4];
};

template <typename T>
__device__ __forceinline__ void loadQuad(const T* row, int column, int n, float (&out)[4]) {
  const bool whole = column + 4 <= n;
  if (whole && (reinterpret_cast<unsigned long long>(row) & (sizeof(Quad<T>) - 1)) == 0) {
    const Quad<T> q = *reinterpret_cast<const Quad<T>*>(row + column);
#pragma unroll
    for (int j = 0; j < 4; ++j) out[j] = widen(q.v[j]);
    return;
  }
#pragma unroll
  for (int j = 0; j < 4; ++j) out[j] = column + j < n ? widen(row[column + j]) : -INFINITY;
}

__device__ __forceinline__ unsigned stepOf(const Draw& d) { return d.step + __ldg(d.steps); }

// The keys of columns 4 * quad .. 4 * quad + 3 as floats: fma(beta, G, logit) with one rounding. Column c uses word c & 3 of the
// counter (c >> 2, row, stream, step), so four columns share one evaluation of Philox.
__device__ __forceinline__ void noiseKeys(const Draw& d, unsigned row, unsigned quad, float (&x)[4]) {
  if (d.beta == 0.0f) return;
  const uint4 w = philox(make_uint4(quad, d.firstRow + row, d.stream, stepOf(d)), make_uint2(d.seedLow, d.seedHigh));
  x[0] = __fmaf_rn(d.beta, gumbel(w.x), x[0]);
  x[1] = __fmaf_rn(d.beta, gumbel(w.y), x[1]);
  x[2] = __fmaf_rn(d.beta, gumbel(w.z), x[2]);
  x[3] = __fmaf_rn(d.beta, gumbel(w.w), x[3]);
}

// The ordered keys of one quad; columns beyond n are kAbsent. Returns whether a logit was NaN.
template <typename T>
__device__ __forceinline__ bool orderedKeys(const Draw& d, long long row, int quad, int (&out)[4]) {
  float x[4];
  const int column = 4 * quad;
  loadQuad(static_cast<const T*>(d.logits) + row * d.pitch, column, d.n, x);
  noiseKeys(d, static_cast<unsigned>(row), static_cast<unsigned>(quad), x);
  bool nan = false;
#pragma unroll
  for (int j = 0; j < 4; ++j) {
    const bool there = column + j < d.n;
    nan |= there && x[j] != x[j];
    out[j] = there ? ordered(x[j]) : kAbsent;
  }
  return nan;
}

// A call, not inlined: few keys are evaluated alone, and inlined this would be most of every kernel's code.
__device__ __noinline__ inline float noisyKey(float logit, float beta, uint4 counter, uint2 seed, int word) {
  const uint4 w = philox(counter, seed);
  return __fmaf_rn(beta, gumbel(word == 0 ? w.x : word == 1 ? w.y : word == 2 ? w.z : w.w), logit);
}

// The key of a single column.
template <typename T>
__device__ __forceinline__ float singleKey(const Draw& d, long long row, int column) {
  const float logit = widen(static_cast<const T*>(d.logits)[row * d.pitch + column]);
  if (d.beta == 0.0f) return logit;
  return noisyKey(logit, d.beta,
                  make_uint4(static_cast<unsigned>(column) >> 2, d.firstRow + static_cast<unsigned>(row), d.stream, stepOf(d)),
                  make_uint2(d.seedLow, d.seedHigh), column & 3);
}

}  // namespace kofn
