// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "shape.cuh"

// dW[o, c, u, v] = sum over b, p, q of dY[b, o, p, q] x[b, c, p S + u - P, q S + v - P], for kept weights, or for all of them, from which
// dMask[r, n] = sum over the elements of block (r, n) of W dW. True F32.
//
//   whole kernels of KH rows          a warp: the KH taps of one column v of one kernel, for some examples
//     a lane: strips of 4 pixels of dY, one below the other, neighbours in a warp; for each strip
//       4 loads of dY, 3 S + KH of x, 4 KH multiply-adds into KH sums
//   anything else                     a warp: one tap; 2 loads for a multiply-add
//
// The sums of a warp's lanes are added in a fixed tree, and go to partial[chunk, element]; a chunk is 8 examples, so that a layer with few
// weights still occupies a device. weightSums and maskSums add the chunks in ascending order: no atomics, equal arguments give equal bits.
//
// Traffic: dY once for every kept kernel of its map and every v, x once for every map that keeps it and every v, from L2 and L1; partial
// sums 2 batch / 8 times the weights.

namespace kofn {

constexpr int kGradientThreads = 128;
constexpr int kGradientExamples = 8;
constexpr int kGradientRows = 4;

struct WeightGradient {
  View x, dy;
  float* partial;        // [chunks, elements]
  long long elements;    // of the packed values, or of [out, in] where all weights are wanted
  int chunks, all;
};

// An element's output and column of the weights; false where a block lies beyond the matrix's edge.
__device__ __forceinline__ bool elementAt(const Pattern& p, const WeightGradient& g, long long element, int& o, int& i) {
  if (g.all) {
    o = static_cast<int>(element / p.in);
    i = static_cast<int>(element % p.in);
    return true;
  }
  const int size = p.bo * p.bi, inBlock = static_cast<int>(element % size);
  const long long block = element / size;
  const int row = static_cast<int>(block / p.k);
  o = row * p.bo + inBlock / p.bi;
  i = p.column(row, static_cast<int>(block % p.k)) * p.bi + inBlock % p.bi;
  return o < p.out && i < p.in;
}

__device__ __forceinline__ float warpSum(float sum) {
  for (int step = 16; step > 0; step >>= 1) sum += __shfl_xor_sync(0xffffffff, sum, step);
  return sum;
}

// KH taps a warp; KH = 0: one.
template <int KH, int STRIDE>
__device__ __forceinline__ void weightGradient(const Shape& s, const Pattern& p, const WeightGradient& g) {
  constexpr int kTaps = KH == 0 ? 1 : KH, kStrip = KH == 0 ? 1 : kGradientRows, kRows = (kStrip - 1) * STRIDE + kTaps;
  const int lane = threadIdx.x & 31, taps = s.kh * s.kw;
  const int chunk = blockIdx.x % g.chunks;
  const long long number = (static_cast<long long>(blockIdx.x / g.chunks) * kGradientThreads + threadIdx.x) >> 5;
  // The first tap's element: with whole kernels, taps of the kernel's first row.
  const long long element = KH == 0 ? number : number / s.kw * taps + number % s.kw;
  if (element >= g.elements) return;
  int o = 0, i = 0;
  const bool exists = elementAt(p, g, element, o, i);
  float sums[kTaps] = {};
  if (exists) {
    const int top = i % taps / s.kw, left = i % s.kw - s.padding;
    const int plane = i / taps * s.height * s.width;
    const int stride = KH == 0 ? s.stride : STRIDE;
    const long long first = static_cast<long long>(chunk) * kGradientExamples;
    const int examples = static_cast<int>(min(static_cast<long long>(kGradientExamples), g.dy.rows - first));
    const int strips = (s.outHeight + kStrip - 1) / kStrip, perExample = strips * s.outWidth;
    for (int e = lane; e < examples * perExample; e += 32) {
      const long long b = first + e / perExample;
      const int q = e % s.outWidth, p0 = e % perExample / s.outWidth * kStrip;
      float d[kStrip], window[kRows];
      Example(g.dy, b).column(o * s.outHeight * s.outWidth, p0, q, s.outHeight, s.outWidth, d);
      Example(g.x, b).column(plane, p0 * stride - s.padding + top, q * stride + left, s.height, s.width, window);
#pragma unroll
      for (int u = 0; u < kTaps; ++u)
#pragma unroll
        for (int r = 0; r < kStrip; ++r)
          // A strip's end may reach pixels of x beyond the last window: those meet no dY, whatever they hold.
          if (p0 + r < s.outHeight) sums[u] = fmaf(d[r], window[r * STRIDE + u], sums[u]);
    }
  }
#pragma unroll
  for (int u = 0; u < kTaps; ++u) {
    const float sum = warpSum(sums[u]);
    if (lane == 0) g.partial[chunk * g.elements + element + u * s.kw] = sum;
  }
}

__device__ __forceinline__ float chunkSum(const WeightGradient& g, long long element) {
  float sum = 0.0f;
  for (int chunk = 0; chunk < g.chunks; ++chunk) sum += g.partial[chunk * g.elements + element];
  return sum;
}

// dW, shaped like the pattern's values; a thread an element. Beyond the matrix's edge, 0.
__device__ __forceinline__ void weightSums(const Pattern& p, const WeightGradient& g) {
  const long long element = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (element >= g.elements) return;
  int o, i;
  const bool exists = elementAt(p, g, element, o, i);
  float* target = static_cast<float*>(p.values);
  if (p.packed) target[element] = exists ? chunkSum(g, element) : 0.0f;
  else if (exists) target[o * p.pitch + i] = chunkSum(g, element);
}

// dMask from the gradients of all weights; a warp a block of the matrix.
__device__ __forceinline__ void maskSums(const Pattern& p, const WeightGradient& g, const View& target) {
  const int lane = threadIdx.x & 31;
  const long long block = (static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x) >> 5;
  if (block >= static_cast<long long>(p.blockRows) * p.blockColumns) return;
  const int row = static_cast<int>(block / p.blockColumns), column = static_cast<int>(block % p.blockColumns);
  const int o0 = row * p.bo, i0 = column * p.bi;
  const int height = min(p.bo, p.out - o0), width = min(p.bi, p.in - i0);
  float sum = 0.0f;
  for (long long e = lane; e < static_cast<long long>(height) * width; e += 32) {
    const int o = o0 + static_cast<int>(e / width), i = i0 + static_cast<int>(e % width);
    const float weight = loadFloat(p.values, p.type, o * p.pitch + i);
    sum = fmaf(weight, chunkSum(g, static_cast<long long>(o) * p.in + i), sum);
  }
  sum = warpSum(sum);
  if (lane == 0) static_cast<float*>(target.data)[row * target.pitch + column] = sum;
}

// channels[c] = the sum over the pixels of features[c pixels ..]; a warp a channel.
__device__ __forceinline__ void channelSums(const float* features, float* channels, int count, int pixels) {
  const int lane = threadIdx.x & 31;
  const int channel = (blockIdx.x * blockDim.x + threadIdx.x) >> 5;
  if (channel >= count) return;
  float sum = 0.0f;
  for (int pixel = lane; pixel < pixels; pixel += 32) sum += features[static_cast<long long>(channel) * pixels + pixel];
  sum = warpSum(sum);
  if (lane == 0) channels[channel] = sum;
}

}  // namespace kofn
