// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../matmul/lane_sums.cuh"
#include "loads.cuh"
#include "shape.cuh"

// dW[o, c, u, v] = sum over b, p, q of dY[b, o, p, q] x[b, c, p S + u - P, q S + v - P], for kept weights, or for all of them, from which
// dMask[r, n] = sum over the elements of block (r, n) of W dW. x and dY row-major; true F32.
//
//   whole kernels, or all weights     a warp: KW columns of one kernel, all of its KH rows, for some examples
//     a lane: strips of R pixels of dY, one below the other, neighbours in a warp; KH KW sums, and as many pixels of x: the window, which
//     moves down S rows with each pixel of dY: 1 load of dY and S KW of x for KH KW multiply-adds
//   anything else                     a warp: one tap; 2 loads for a multiply-add
//
// Instances for any number of columns take one column a warp, so that x is loaded KW times as often. Loads go as in window.cuh. A strip
// ends where dY ends: pixels of x beyond the last window meet no dY, whatever they hold.
//
// The sums of a warp's lanes are added by halves, so that in the end each lane holds one: 31 exchanges for up to 32 sums. They go to
// partial[chunk, element]; a chunk is 8 examples or more, so that a layer with few weights still occupies a device. weightSums and maskSums
// add the chunks in ascending order: no atomics, equal arguments give equal bits.
//
// Traffic: dY once for every kept kernel of its map, x once for every map that keeps it, from L2 and L1; partial sums 2 chunks times the
// weights.

namespace kofn {

constexpr int kGradientThreads = 128;
struct WeightGradient {
  View x, dy;
  float* partial;        // [chunks, elements]
  long long elements;    // of the packed values, or of [out, in] where all weights are wanted
  int chunks, examples;  // of a chunk
  int all, unused;
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

// Sums of all lanes from `values` on: of values[t] in lane t, for up to 32.
template <int N, int ALL>
__device__ __forceinline__ float sumOfLane(const float (&values)[ALL], int from, int lane) {
  float some[N];
#pragma unroll
  for (int i = 0; i < N; ++i) some[i] = from + i < ALL ? values[from + i] : 0.0f;
  float sum = scatteredSum<N>(some, lane);
#pragma unroll
  for (int step = N; step < 32; step *= 2) sum += __shfl_xor_sync(0xffffffff, sum, step);
  return sum;
}

// Where a lane's strip lies. Strips are numbered along columns, then down, then through the examples; a lane's are 32 apart.
struct Strip {
  int column, down, example;

  __device__ __forceinline__ void advance(const Strip& by, int columns, int strips) {
    column += by.column;
    down += by.down;
    example += by.example;
    if (column >= columns) column -= columns, ++down;
    if (down >= strips) down -= strips, ++example;
  }

  static __device__ __forceinline__ Strip of(int number, int columns, int strips) {
    return Strip{number % columns, number / columns % strips, number / columns / strips};
  }
};

// R pixels of a column from row `row` on, 0 beyond the image.
template <typename T, int R>
__device__ __forceinline__ void loadStrip(const T* from, int row, int height, int width, float (&values)[R]) {
#pragma unroll
  for (int r = 0; r < R; ++r) {
    values[r] = loadBelow<0>(from, static_cast<unsigned>(row + r), static_cast<unsigned>(height));
    from += width;
  }
}

template <int V, typename T, int KW>
__device__ __forceinline__ void loadLine(const Window& window, const T* line, int i, float (&pixels)[KW]) {
  if constexpr (V < KW) {
    pixels[V] = loadBelow<V * sizeof(T)>(line, window.left + V, window.limit(i));
    loadLine<V + 1>(window, line, i, pixels);
  }
}

// What a strip of `rows` pixels of dY adds.
template <int KH, int KW, int STRIDE, int R, typename T>
__device__ __forceinline__ void addStrip(const Window& window, const T* from, int stride, const float (&d)[R], int rows, float (&sums)[KH * KW]) {
  constexpr int kNew = STRIDE == 0 || KH < STRIDE ? KH : STRIDE;  // lines of the window that a pixel of dY has and the one above has not
  float pixels[KH][KW];
#pragma unroll
  for (int i = 0; i < KH - kNew; ++i) loadLine<0>(window, from + i * window.width, i, pixels[i]);
#pragma unroll
  for (int r = 0; r < R; ++r) {
    if (r >= rows) break;
#pragma unroll
    for (int u = KH - kNew; u < KH; ++u) {
      const int i = r * stride + u;
      loadLine<0>(window, from + i * window.width, i, pixels[(r * STRIDE + u) % KH]);
    }
#pragma unroll
    for (int u = 0; u < KH; ++u)
#pragma unroll
      for (int v = 0; v < KW; ++v) sums[u * KW + v] = fmaf(d[r], pixels[(r * STRIDE + u) % KH][v], sums[u * KW + v]);
  }
}

// KW columns of a kernel of KH rows a warp. STRIDE = 0: any, and single taps of any kernel.
template <int KH, int KW, int STRIDE, int R>
__device__ __forceinline__ void weightGradient(const Shape& s, const Pattern& p, const WeightGradient& g) {
  static_assert(STRIDE > 0 || KH * KW == 1, "without a stride there is no window that moves");
  const int lane = threadIdx.x & 31, taps = s.kh * s.kw;
  const int chunk = blockIdx.x % g.chunks, parts = s.kw / KW;
  const long long number = (static_cast<long long>(blockIdx.x / g.chunks) * kGradientThreads + threadIdx.x) >> 5;
  // The first tap's element.
  const long long element = STRIDE == 0 ? number : number / parts * taps + number % parts * KW;
  if (element >= g.elements) return;
  int o = 0, i = 0;
  const bool exists = elementAt(p, g, element, o, i);
  float sums[KH * KW] = {};
  if (exists) {
    const int stride = STRIDE == 0 ? s.stride : STRIDE;
    const int top = i % taps / s.kw - s.padding, left = i % s.kw - s.padding;
    const int plane = i / taps * s.height * s.width, map = o * s.outHeight * s.outWidth;
    const long long first = static_cast<long long>(chunk) * g.examples;
    const int examples = static_cast<int>(min(static_cast<long long>(g.examples), g.dy.rows - first));
    const int strips = (s.outHeight + R - 1) / R;
    const Strip step = Strip::of(32, s.outWidth, strips);
    for (Strip at = Strip::of(lane, s.outWidth, strips); at.example < examples; at.advance(step, s.outWidth, strips)) {
      const int row = at.down * R;
      const Window window{row * stride + top, at.column * stride + left, s.height, s.width};
      const long long upstream = (first + at.example) * g.dy.pitch + map + row * s.outWidth + at.column;
      const long long image = (first + at.example) * g.x.pitch + plane + window.row * s.width + window.left;
      float d[R];
      switch (g.dy.type) {
        case kF32: loadStrip(static_cast<const float*>(g.dy.data) + upstream, row, s.outHeight, s.outWidth, d); break;
        case kBf16: loadStrip(static_cast<const __nv_bfloat16*>(g.dy.data) + upstream, row, s.outHeight, s.outWidth, d); break;
        default: loadStrip(static_cast<const __half*>(g.dy.data) + upstream, row, s.outHeight, s.outWidth, d); break;
      }
      const int rows = s.outHeight - row;
      switch (g.x.type) {
        case kF32: addStrip<KH, KW, STRIDE>(window, static_cast<const float*>(g.x.data) + image, stride, d, rows, sums); break;
        case kBf16: addStrip<KH, KW, STRIDE>(window, static_cast<const __nv_bfloat16*>(g.x.data) + image, stride, d, rows, sums); break;
        default: addStrip<KH, KW, STRIDE>(window, static_cast<const __half*>(g.x.data) + image, stride, d, rows, sums); break;
      }
    }
  }
  constexpr int kScattered = KH * KW > 16 ? 32 : KH * KW > 8 ? 16 : KH * KW > 4 ? 8 : KH * KW > 1 ? 4 : 1;
#pragma unroll
  for (int from = 0; from < KH * KW; from += 32) {
    const float sum = sumOfLane<kScattered>(sums, from, lane);
    const int tap = from + lane;
    if (lane < kScattered && tap < KH * KW) g.partial[chunk * g.elements + element + tap / KW * s.kw + tap % KW] = sum;
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
