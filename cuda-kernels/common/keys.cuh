// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "fast_gumbel.cuh"
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
  int fast;            // 1: select by approximate keys first (fast_gumbel.cuh)
  unsigned roundKeys[20];  // the seed's, for Philox: as constants they cost no instruction
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

template <typename T>
struct alignas(4 * sizeof(T)) Quad {
  T v[4];
};

template <typename T>
__device__ __forceinline__ bool isAligned(const T* row) {
  return (reinterpret_cast<unsigned long long>(row) & (sizeof(Quad<T>) - 1)) == 0;
}

// Four logits of consecutive columns, of which the first `left` lie in the row; -infinity for those beyond. One load where they may be
// taken whole.
template <typename T>
__device__ __forceinline__ void loadQuad(const T* from, bool whole, int left, float (&out)[4]) {
  if (whole) {
    const Quad<T> q = *reinterpret_cast<const Quad<T>*>(from);
#pragma unroll
    for (int j = 0; j < 4; ++j) out[j] = widen(q.v[j]);
  } else {
#pragma unroll
    for (int j = 0; j < 4; ++j) out[j] = j < left ? widen(from[j]) : -INFINITY;
  }
}

__device__ __forceinline__ unsigned stepOf(const Draw& d) { return d.step + __ldg(d.steps); }

// The four random words of columns 4 * quad .. 4 * quad + 3: column c uses word c & 3 of the counter (c >> 2, row, stream, step).
// The step is an argument because it comes from memory: kernels read it once.
__device__ __forceinline__ uint4 noiseWords(const Draw& d, unsigned step, unsigned row, unsigned quad) {
  return philoxRounds(make_uint4(quad, d.firstRow + row, d.stream, step), [&d](int i) { return d.roundKeys[i]; });
}

// Logits to keys: fma(beta, G, logit) with one rounding.
__device__ __forceinline__ void noiseKeys(const Draw& d, unsigned step, unsigned row, unsigned quad, float (&x)[4]) {
  const uint4 w = noiseWords(d, step, row, quad);
  x[0] = __fmaf_rn(d.beta, gumbel(w.x), x[0]);
  x[1] = __fmaf_rn(d.beta, gumbel(w.y), x[1]);
  x[2] = __fmaf_rn(d.beta, gumbel(w.z), x[2]);
  x[3] = __fmaf_rn(d.beta, gumbel(w.w), x[3]);
}

// Logits to approximate keys, lower by kGumbelShift * beta.
__device__ __forceinline__ void fastKeys(const Draw& d, unsigned step, unsigned row, unsigned quad, float (&x)[4]) {
  const uint4 w = noiseWords(d, step, row, quad);
  const float scale = d.beta * -0.693147182f;
  x[0] = __fmaf_rn(scale, fastLogExponential(w.x), x[0]);
  x[1] = __fmaf_rn(scale, fastLogExponential(w.y), x[1]);
  x[2] = __fmaf_rn(scale, fastLogExponential(w.z), x[2]);
  x[3] = __fmaf_rn(scale, fastLogExponential(w.w), x[3]);
}

// The ordered keys of one quad; columns beyond n are kAbsent. Returns whether a logit was NaN.
template <typename T>
__device__ __forceinline__ bool orderedKeys(const Draw& d, long long row, int quad, int (&out)[4]) {
  float x[4];
  const int column = 4 * quad;
  const T* logits = static_cast<const T*>(d.logits) + row * d.pitch;
  loadQuad(logits + column, isAligned(logits) && column + 4 <= d.n, d.n - column, x);
  if (d.beta != 0.0f) noiseKeys(d, stepOf(d), static_cast<unsigned>(row), static_cast<unsigned>(quad), x);
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

// The exact keys of four columns; a call for the same reason.
__device__ __noinline__ inline float4 noisyQuad(float4 logits, float beta, uint4 counter, uint2 seed) {
  const uint4 w = philox(counter, seed);
  return make_float4(__fmaf_rn(beta, gumbel(w.x), logits.x), __fmaf_rn(beta, gumbel(w.y), logits.y),
                     __fmaf_rn(beta, gumbel(w.z), logits.z), __fmaf_rn(beta, gumbel(w.w), logits.w));
}

template <typename T>
__device__ __forceinline__ void exactQuad(const Draw& d, long long row, int quad, float (&x)[4]) {
  loadQuad(static_cast<const T*>(d.logits) + row * d.pitch + 4 * quad, false, d.n - 4 * quad, x);
  const float4 k = noisyQuad(make_float4(x[0], x[1], x[2], x[3]), d.beta,
                             make_uint4(static_cast<unsigned>(quad), d.firstRow + static_cast<unsigned>(row), d.stream, stepOf(d)),
                             make_uint2(d.seedLow, d.seedHigh));
  x[0] = k.x, x[1] = k.y, x[2] = k.z, x[3] = k.w;
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
