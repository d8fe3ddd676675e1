// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "shape.cuh"

// y[b, o, p, q] = finish( sum over kept kernels c of o, over u, v, of w[o, c, u, v] x[b, c, p S + u - P, q S + v - P] ), and the gradient
// with respect to x at stride 1, which is the same sum with the companion's entries for the kept kernels, the kernel turned by half a turn
// and the padding kh - 1 - P. For kernels of KH rows that are kept or pruned whole; true F32.
//
//        q ->  lanes                      a thread: 4 result pixels, one below the other; a warp: 32 neighbours in a row
//      . . . . . . . .                    a thread block: one feature map of the result, 128 strips
//      : 3 S + KH rows                    for each kept kernel and each of its columns v:
//      : of x, a column  -> registers       3 S + KH loads of x, each of a warp's neighbours (coalesced), then
//      . in a thread                        4 KH multiply-adds, the weights from shared memory, the same for all threads (broadcast)
//
// Loads a multiply-add: (3 S + KH) / (4 KH) of x and 1 / 4 of weights: at 3 x 3 and 5 x 5, S = 1, 0.5 and 0.4 of x. Four pixels: eight would need
// 0.42 and 0.3, and waste more where maps have few rows. A column v of the window is the neighbour's column v - 1: L1 serves it again.
// Traffic: each plane of x once for every feature map that keeps it (from L2: k / n of the maps), weights once a thread block, y once.
// The weights of up to 512 taps are staged at a time, 2 KB.
//
// A sum is taken by one thread in the order of the kept kernels, columns, rows: equal arguments give equal bits. Pixels outside x are 0.

namespace kofn {

constexpr int kWindowThreads = 128;
constexpr int kStripRows = 4;
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

template <int KH, int STRIDE, bool BACK>
__device__ __forceinline__ void windowSums(const Shape& s, const Pattern& p, const Maps& maps, const Finish& finish) {
  static_assert(!BACK || STRIDE == 1, "with a stride the window of a gradient has gaps");
  constexpr int kRows = (kStripRows - 1) * STRIDE + KH;
  __shared__ float weights[kStagedTaps];
  __shared__ int sources[kStagedTaps];
  const View &x = maps.source, &y = maps.target;
  const int xHeight = BACK ? s.outHeight : s.height, xWidth = BACK ? s.outWidth : s.width;
  const int yHeight = BACK ? s.height : s.outHeight, yWidth = BACK ? s.width : s.outWidth;
  const int padRows = BACK ? s.kh - 1 - s.padding : s.padding, padColumns = BACK ? s.kw - 1 - s.padding : s.padding;
  const int channel = blockIdx.x / maps.tiles, taps = s.kh * s.kw;
  const int perStage = min(max(1, kStagedTaps / taps), kStagedTaps);
  const Kernels<BACK> kernels(p, maps.companion, channel);

  long long example = 0;
  int strip = 0, column = 0;
  const bool mine = place(static_cast<long long>(blockIdx.x % maps.tiles) * kWindowThreads + threadIdx.x, y, yWidth,
                          (yHeight + kStripRows - 1) / kStripRows, example, strip, column);
  const int row = strip * kStripRows * STRIDE - padRows, left = column * STRIDE - padColumns;

  const Example image(x, mine ? example : 0);

  float sums[kStripRows] = {};
  for (int stage = 0; stage < kernels.count; stage += perStage) {
    const int staged = min(perStage, kernels.count - stage);
    __syncthreads();
    for (int e = threadIdx.x; e < staged * taps; e += kWindowThreads) {
      const int tap = e % taps;
      weights[e] = loadFloat(p.values, p.type, kernels.position(stage + e / taps) + (BACK ? taps - 1 - tap : tap));
    }
    for (int e = threadIdx.x; e < staged; e += kWindowThreads) sources[e] = kernels.source(stage + e);
    __syncthreads();
    if (!mine) continue;
    for (int kernel = 0; kernel < staged; ++kernel) {
      const int plane = sources[kernel] * xHeight * xWidth;
      for (int v = 0; v < s.kw; ++v) {
        float window[kRows];
        image.column(plane, row, left + v, xHeight, xWidth, window);
#pragma unroll
        for (int u = 0; u < KH; ++u) {
          const float w = weights[kernel * taps + u * s.kw + v];
#pragma unroll
          for (int r = 0; r < kStripRows; ++r) sums[r] = fmaf(w, window[r * STRIDE + u], sums[r]);
        }
      }
    }
  }
  if (!mine) return;
#pragma unroll
  for (int r = 0; r < kStripRows; ++r) {
    const int at = strip * kStripRows + r;
    if (at < yHeight) finish.store(y, example, (channel * yHeight + at) * yWidth + column, channel, sums[r]);
  }
}

}  // namespace kofn
