// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "shape.cuh"

// The sums of window.cuh for every other case: blocks that are no whole kernels, kernels of rows that have no instance, gradients at a
// stride. A tap is a kept weight with its channel of the source and its place in the kernel.
//
//   a thread: one result pixel; a thread block: one feature map of the result, 128 pixels
//   128 taps at a time are listed in shared memory, by all threads; then each thread runs through them: one load of x, one multiply-add
//
// Traffic: as window.cuh; every multiply-add loads its x (coalesced) and, for the whole warp at once, its tap.

namespace kofn {

constexpr int kTapThreads = 128;

// Kept weights in the order of their blocks: forward those of a feature map of y, backward those that meet a channel of x, whose taps may
// lie in several block columns, and whose block columns may reach into other channels (such taps are listed without a weight).
template <bool BACK>
struct Taps {
  const Shape& s;
  const Pattern& p;
  const Companion& c;
  int channel, taps, firstColumn, lastColumn, first;
  long long count;

  __device__ __forceinline__ Taps(const Shape& s, const Pattern& p, const Companion& c, int channel)
      : s(s), p(p), c(c), channel(channel), taps(s.kh * s.kw) {
    if (BACK) {
      firstColumn = channel * taps / p.bi;
      lastColumn = (channel * taps + taps - 1) / p.bi;
      first = c.starts[firstColumn];
      count = static_cast<long long>(c.starts[lastColumn + 1] - first) * p.bo * p.bi;
    } else {
      count = static_cast<long long>(p.k) * p.bi;
    }
  }

  // Tap number `number`; false where there is none.
  __device__ __forceinline__ bool at(long long number, int& source, int& tap, float& weight) const {
    int o, i, slot, blockRow, blockColumn;
    if (BACK) {
      const int size = p.bo * p.bi, inBlock = static_cast<int>(number % size);
      const int entry = first + static_cast<int>(number / size);
      blockColumn = firstColumn;
      while (c.starts[blockColumn + 1] <= entry) ++blockColumn;
      blockRow = c.rows[entry];
      slot = c.slots[entry];
      o = blockRow * p.bo + inBlock / p.bi;
      i = blockColumn * p.bi + inBlock % p.bi;
      if (o >= p.out || i / taps != channel) return false;
    } else {
      blockRow = channel / p.bo;
      slot = static_cast<int>(number / p.bi);
      blockColumn = p.column(blockRow, slot);
      o = channel;
      i = blockColumn * p.bi + static_cast<int>(number % p.bi);
      if (i >= p.in) return false;
    }
    source = BACK ? o : i / taps;
    tap = i % taps;
    weight = loadFloat(p.values, p.type, p.position(blockRow, slot, o, i, blockColumn));
    return true;
  }
};

template <bool BACK>
__device__ __forceinline__ void tapSums(const Shape& s, const Pattern& p, const Maps& maps, const Finish& finish) {
  __shared__ float weights[kTapThreads];
  __shared__ int sources[kTapThreads];  // -1: none
  __shared__ int rows[kTapThreads], columns[kTapThreads];
  const View &x = maps.source, &y = maps.target;
  const int xHeight = BACK ? s.outHeight : s.height, xWidth = BACK ? s.outWidth : s.width;
  const int yHeight = BACK ? s.height : s.outHeight, yWidth = BACK ? s.width : s.outWidth;
  const int channel = blockIdx.x / maps.tiles;
  const Taps<BACK> taps(s, p, maps.companion, channel);

  long long example = 0;
  int row = 0, column = 0;
  const bool mine = place(static_cast<long long>(blockIdx.x % maps.tiles) * kTapThreads + threadIdx.x, y, yWidth, yHeight, example, row, column);

  const Example image(x, mine ? example : 0);

  float sum = 0.0f;
  for (long long stage = 0; stage < taps.count; stage += kTapThreads) {
    __syncthreads();
    int source = -1, tap = 0;
    float weight = 0.0f;
    const bool exists = stage + threadIdx.x < taps.count && taps.at(stage + threadIdx.x, source, tap, weight);
    weights[threadIdx.x] = weight;
    sources[threadIdx.x] = exists ? source : -1;
    rows[threadIdx.x] = tap / s.kw;
    columns[threadIdx.x] = tap % s.kw;
    __syncthreads();
    if (!mine) continue;
    const int listed = static_cast<int>(min(static_cast<long long>(kTapThreads), taps.count - stage));
    for (int t = 0; t < listed; ++t) {
      if (sources[t] < 0) continue;
      int r, c;
      bool inside;
      if (BACK) {
        const int down = row + s.padding - rows[t], across = column + s.padding - columns[t];
        r = down / s.stride;
        c = across / s.stride;
        inside = down >= 0 && across >= 0 && r * s.stride == down && c * s.stride == across && r < xHeight && c < xWidth;
      } else {
        r = row * s.stride - s.padding + rows[t];
        c = column * s.stride - s.padding + columns[t];
        inside = inImage(r, c, xHeight, xWidth);
      }
      if (inside) sum = fmaf(weights[t], image.at((sources[t] * xHeight + r) * xWidth + c), sum);
    }
  }
  if (mine) finish.store(y, example, (channel * yHeight + row) * yWidth + column, channel, sum);
}

}  // namespace kofn
