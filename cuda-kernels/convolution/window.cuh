// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loads.cuh"
#include "shape.cuh"

// y[b, o, p, q] = finish( sum over kept kernels c of o, over u, v, of w[o, c, u, v] x[b, c, p S + u - P, q S + v - P] ), and the gradient
// with respect to x at stride 1, which is the same sum with the companion's entries for the kept kernels, the kernel turned by half a turn
// and the padding kh - 1 - P. For kernels of KH rows that are kept or pruned whole, x row-major; true F32.
//
//        q ->  lanes                      a thread: R result pixels, one below the other; a warp: 32 neighbours in a row
//      . . . . . . . .                    a thread block: one feature map of the result, 128 strips
//      : (R - 1) S + KH                   for each kept kernel: its KH KW weights from shared memory into registers, 16 bytes a load,
//      : rows of x, one at a time           the same for all threads (broadcast); then for each row of x
//      . in a thread                          KW loads (coalesced), each for up to KH multiply-adds
//
// Instances with KW columns keep a kernel's weights in registers, and add the column to a load's address for nothing; instances for any
// number of columns (KW = 0) go column by column. Loads of x a multiply-add: ((R - 1) S + KH) / (R KH): at S = 1 and R = 8, 0.42 for 3 x 3
// and 0.3 for 5 x 5; with R = 4, 0.5 and 0.4, but fewer wasted where maps have few rows. Other instructions: a comparison with the border
// for each load, 4 for a row. There is no test for a pixel beside them: a load whose column is not below its row's limit (the width, or 0
// for rows beyond the image) is not executed. Neighbours' columns are in L1.
// Traffic: each plane of x once for every feature map that keeps it (from L2: k / n of the maps), weights once a thread block, y once.
// The weights of up to 512 taps are staged at a time, 2 KB.
//
// A sum is taken by one thread in the order of the kept kernels and their taps: equal arguments give equal bits. Pixels outside x are 0.

namespace kofn {

constexpr int kWindowThreads = 128;
constexpr int kStagedTaps = 512;

// The kernels that a result channel depends on.
template <bool BACK>
struct Kernels {
  const Pattern& p;
  const Companion& c;
  int channel, first, count;

  __device__ __forceinline__ Kernels(const Pattern& p, const Companion& c, int channel) : p(p), c(c), channel(channel) {
    if (BACK) {
      first = c.starts[channel];
      count = (c.starts[channel + 1] - first) * p.bo;
      if (count > 0 && c.rows[c.starts[channel + 1] - 1] == p.blockRows - 1) count -= p.blockRows * p.bo - p.out;
    } else {
      first = 0;
      count = p.k;
    }
  }

  // The source channel that a kernel reads.
  __device__ __forceinline__ int source(int kernel) const {
    if (BACK) return c.rows[first + kernel / p.bo] * p.bo + kernel % p.bo;
    return p.column(channel / p.bo, kernel);
  }

  // Where a kernel's weights begin.
  __device__ __forceinline__ long long position(int kernel) const {
    if (BACK) {
      const int entry = first + kernel / p.bo;
      return p.position(c.rows[entry], p.packed ? c.slots[entry] : 0, source(kernel), channel * p.bi, channel);
    }
    const int column = source(kernel);
    return p.position(channel / p.bo, kernel, channel, column * p.bi, column);
  }
};

// What row i of the window, from column V on, adds to R sums.
template <int KH, int KW, int STRIDE, int V, int R, typename T>
__device__ __forceinline__ void addRow(const Window& window, const T* line, int i, const float* w, float (&sums)[R]) {
  if constexpr (V < KW) {
    const float x = loadBelow<V * sizeof(T)>(line, window.left + V, window.limit(i));
#pragma unroll
    for (int r = 0; r < R; ++r)
      if (i - r * STRIDE >= 0 && i - r * STRIDE < KH) sums[r] = fmaf(w[(i - r * STRIDE) * KW + V], x, sums[r]);
    addRow<KH, KW, STRIDE, V + 1>(window, line, i, w, sums);
  }
}

// One staged kernel's share of R sums.
template <int KH, int KW, int STRIDE, int R, typename T>
__device__ __forceinline__ void addKernel(const Window& window, const T* from, const float* weights, int kw, float (&sums)[R]) {
  constexpr int kRows = (R - 1) * STRIDE + KH;
  if constexpr (KW == 0) {
    for (int v = 0; v < kw; ++v) {
      float w[KH];
#pragma unroll
      for (int u = 0; u < KH; ++u) w[u] = weights[u * kw + v];
      const T* line = from + v;
#pragma unroll
      for (int i = 0; i < kRows; ++i) {
        const float x = loadBelow<0>(line, window.left + v, window.limit(i));
#pragma unroll
        for (int r = 0; r < R; ++r)
          if (i - r * STRIDE >= 0 && i - r * STRIDE < KH) sums[r] = fmaf(w[i - r * STRIDE], x, sums[r]);
        line += window.width;
      }
    }
  } else {
    float w[(KH * KW + 3) / 4 * 4];
#pragma unroll
    for (int i = 0; i < KH * KW; i += 4) {
      const float4 four = *reinterpret_cast<const float4*>(weights + i);
      w[i] = four.x, w[i + 1] = four.y, w[i + 2] = four.z, w[i + 3] = four.w;
    }
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      addRow<KH, KW, STRIDE, 0>(window, from, i, w, sums);
      from += window.width;
    }
  }
}

// All staged kernels' share. Planes are those that the kernels read, as distances from the first.
template <int KH, int KW, int STRIDE, int R, typename T>
__device__ __forceinline__ void addKernels(const Window& window, const Example& image, const float* weights, const int* planes, int staged,
                                           int kw, float (&sums)[R]) {
  const T* from = static_cast<const T*>(image.data) + image.base + static_cast<long long>(window.row) * window.width + window.left;
  const int pitch = KW == 0 ? KH * kw : (KH * KW + 3) / 4 * 4;
  for (int kernel = 0; kernel < staged; ++kernel)
    addKernel<KH, KW, STRIDE>(window, from + planes[kernel], weights + kernel * pitch, kw, sums);
}

template <int KH, int KW, int STRIDE, bool BACK, int R>
__device__ __forceinline__ void windowSums(const Shape& s, const Pattern& p, const Maps& maps, const Finish& finish) {
  static_assert(!BACK || STRIDE == 1, "with a stride the window of a gradient has gaps");
  __shared__ __align__(16) float weights[kStagedTaps];
  __shared__ int planes[kStagedTaps];
  const View &x = maps.source, &y = maps.target;
  const int xHeight = BACK ? s.outHeight : s.height, xWidth = BACK ? s.outWidth : s.width;
  const int yHeight = BACK ? s.height : s.outHeight, yWidth = BACK ? s.width : s.outWidth;
  const int padRows = BACK ? s.kh - 1 - s.padding : s.padding, padColumns = BACK ? s.kw - 1 - s.padding : s.padding;
  const int channel = blockIdx.x / maps.tiles, taps = s.kh * s.kw;
  const int pitch = KW == 0 ? taps : (taps + 3) / 4 * 4;  // whole 16 bytes where weights are loaded so
  const int perStage = kStagedTaps / pitch;
  const Kernels<BACK> kernels(p, maps.companion, channel);

  long long example = 0;
  int strip = 0, column = 0;
  const bool mine = place(static_cast<long long>(blockIdx.x % maps.tiles) * kWindowThreads + threadIdx.x, y, yWidth, (yHeight + R - 1) / R,
                          example, strip, column);
  const Window window{strip * R * STRIDE - padRows, column * STRIDE - padColumns, xHeight, xWidth};
  const Example image(x, mine ? example : 0);

  float sums[R] = {};
  for (int stage = 0; stage < kernels.count; stage += perStage) {
    const int staged = min(perStage, kernels.count - stage);
    __syncthreads();
    for (int e = threadIdx.x; e < staged * taps; e += kWindowThreads) {
      const int kernel = e / taps, tap = e - kernel * taps;
      weights[kernel * pitch + tap] = loadFloat(p.values, p.type, kernels.position(stage + kernel) + (BACK ? taps - 1 - tap : tap));
    }
    for (int e = threadIdx.x; e < staged; e += kWindowThreads) planes[e] = kernels.source(stage + e) * xHeight * xWidth;
    __syncthreads();
    if (!mine) continue;
    switch (x.type) {
      case kF32: addKernels<KH, KW, STRIDE, R, float>(window, image, weights, planes, staged, s.kw, sums); break;
      case kBf16: addKernels<KH, KW, STRIDE, R, __nv_bfloat16>(window, image, weights, planes, staged, s.kw, sums); break;
      default: addKernels<KH, KW, STRIDE, R, __half>(window, image, weights, planes, staged, s.kw, sums); break;
    }
  }
  if (!mine) return;
  for (int r = 0; r < R; ++r) {
    const int at = strip * R + r;
    float sum = sums[0];
#pragma unroll
    for (int t = 1; t < R; ++t)
      if (t == r) sum = sums[t];
    if (at < yHeight) finish.store(y, example, (channel * yHeight + at) * yWidth + column, channel, sum);
  }
}

}  // namespace kofn
