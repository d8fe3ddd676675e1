// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loads.cuh"
#include "shape.cuh"

// The sums of window.cuh for every other case: blocks that are no whole kernels, kernels of rows that have no instance, gradients at a
// stride. A tap is a kept weight with its channel of the source and its place in the kernel.
//
//   a thread: R result pixels, one below the other; a warp: neighbours in a row; a thread block: one feature map of the result, 128 strips
//   128 taps at a time are looked at by all threads; those that there are go to shared memory, 16 bytes each, in their order
//   each thread runs through them: one load for all lanes and R pixels, one test of the column; for each pixel a test of the row in the
//   load's predicate (loads.cuh), a load of x (coalesced), a multiply-add
//
// Gradients at a stride S: a pixel (row, column) of x meets only taps (u, v) with u = row + P and v = column + P, modulo S. So a thread block's
// pixels are those of one class: rows and columns that are S apart, first the class's number. Their taps are listed, and none else; row
// first + i S meets tap u in row i + (first + P) / S - u / S of dY. A class of pixels is a convolution at stride 1.
//
// Instructions, counted by hand: 7 for a tap and 5 for each of its pixels, so 6.75 for a multiply-add in strips of 4, and what taps in the
// padding and strips that end beyond the map add. Listing takes about 100 for 128 taps.
// Traffic: as window.cuh; every multiply-add loads its x (coalesced).
//
// A sum is taken by one thread in the order of the taps: equal arguments give equal bits.

namespace kofn {

constexpr int kTapThreads = 128;

// What a thread reads of a tap.
struct __align__(16) Tap {
  int offset, row, column;  // of x, from the thread's first pixel: as a distance, and as a place
  float weight;
};

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

// Result pixels: all of them, or of a gradient those of one class.
template <bool BACK>
struct Pixels {
  int firstRow, firstColumn, step;  // of the result
  int height, width;                // of them
  int rowFrom, columnFrom, sourceStep;  // pixel (0, 0) meets tap (0, 0) here; from row to row of pixels
  int tapStep, tapRow, tapColumn;   // taps that meet them, modulo the step

  __device__ __forceinline__ Pixels(const Shape& s, int number) : firstRow(0), firstColumn(0), step(1), tapStep(1), tapRow(0), tapColumn(0) {
    if (BACK) {
      const int across = min(s.stride, s.width);
      firstRow = number / across;
      firstColumn = number % across;
      step = tapStep = s.stride;
      height = (s.height - firstRow + s.stride - 1) / s.stride;
      width = (s.width - firstColumn + s.stride - 1) / s.stride;
      rowFrom = (firstRow + s.padding) / s.stride;
      columnFrom = (firstColumn + s.padding) / s.stride;
      tapRow = (firstRow + s.padding) % s.stride;
      tapColumn = (firstColumn + s.padding) % s.stride;
      sourceStep = 1;
    } else {
      height = s.outHeight;
      width = s.outWidth;
      rowFrom = columnFrom = -s.padding;
      sourceStep = s.stride;
    }
  }

  // The classes of a result channel.
  static __device__ __forceinline__ int classes(const Shape& s) { return BACK ? min(s.stride, s.height) * min(s.stride, s.width) : 1; }

  __device__ __forceinline__ bool meet(int row, int column) const {
    return tapStep == 1 || (row % tapStep == tapRow && column % tapStep == tapColumn);
  }
};

// What listed taps add to R pixels.
template <int R, typename T>
__device__ __forceinline__ void addTaps(const Tap* taps, int listed, const T* from, int row, int column, int height, int width, int step,
                                        float (&sums)[R]) {
  const long long down = static_cast<long long>(step) * width;
#pragma unroll 2
  for (int t = 0; t < listed; ++t) {
    const int4 raw = *reinterpret_cast<const int4*>(taps + t);
    const unsigned limit = static_cast<unsigned>(column + raw.z) < static_cast<unsigned>(width) ? height : 0;
    const T* at = from + raw.x;
    const int top = row + raw.y;
#pragma unroll
    for (int r = 0; r < R; ++r) {
      sums[r] = fmaf(__int_as_float(raw.w), loadBelow<0>(at, top + r * step, limit), sums[r]);
      at += down;
    }
  }
}

template <bool BACK, int R>
__device__ __forceinline__ void tapSums(const Shape& s, const Pattern& p, const Maps& maps, const Finish& finish) {
  __shared__ Tap listed[kTapThreads];
  __shared__ int ofWarp[kTapThreads / 32];
  const View &x = maps.source, &y = maps.target;
  const int xHeight = BACK ? s.outHeight : s.height, xWidth = BACK ? s.outWidth : s.width;
  const int yHeight = BACK ? s.height : s.outHeight, yWidth = BACK ? s.width : s.outWidth;
  const int classes = Pixels<BACK>::classes(s), group = blockIdx.x / maps.tiles;
  const int channel = group / classes, lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const Pixels<BACK> pixels(s, group % classes);
  const Taps<BACK> taps(s, p, maps.companion, channel);

  long long example = 0;
  int strip = 0, across = 0;
  const bool mine = place(static_cast<long long>(blockIdx.x % maps.tiles) * kTapThreads + threadIdx.x, y, pixels.width,
                          (pixels.height + R - 1) / R, example, strip, across);
  const int row = pixels.rowFrom + strip * R * pixels.sourceStep, column = pixels.columnFrom + across * pixels.sourceStep;
  const long long from = x.at(mine ? example : 0, 0) + static_cast<long long>(row) * xWidth + column;

  float sums[R] = {};
  for (long long stage = 0; stage < taps.count; stage += kTapThreads) {
    int source = 0, tap = 0;
    float weight = 0.0f;
    bool exists = stage + threadIdx.x < taps.count && taps.at(stage + threadIdx.x, source, tap, weight);
    int u = tap / s.kw, v = tap % s.kw;
    exists = exists && pixels.meet(u, v);
    if (BACK) {
      u = -(u / s.stride);
      v = -(v / s.stride);
    }
    const unsigned existing = __ballot_sync(0xffffffff, exists);
    __syncthreads();  // the list has been read
    if (lane == 0) ofWarp[warp] = __popc(existing);
    __syncthreads();
    int at = __popc(existing & ((1u << lane) - 1)), count = 0;
#pragma unroll
    for (int w = 0; w < kTapThreads / 32; ++w) {
      at += w < warp ? ofWarp[w] : 0;
      count += ofWarp[w];
    }
    if (exists) listed[at] = Tap{(source * xHeight + u) * xWidth + v, u, v, weight};
    __syncthreads();
    if (!mine) continue;
    switch (x.type) {
      case kF32: addTaps(listed, count, static_cast<const float*>(x.data) + from, row, column, xHeight, xWidth, pixels.sourceStep, sums); break;
      case kBf16:
        addTaps(listed, count, static_cast<const __nv_bfloat16*>(x.data) + from, row, column, xHeight, xWidth, pixels.sourceStep, sums);
        break;
      default: addTaps(listed, count, static_cast<const __half*>(x.data) + from, row, column, xHeight, xWidth, pixels.sourceStep, sums); break;
    }
  }
  if (!mine) return;
#pragma unroll
  for (int r = 0; r < R; ++r) {
    const int i = strip * R + r;
    if (i >= pixels.height) break;
    const int pixel = (pixels.firstRow + i * pixels.step) * yWidth + pixels.firstColumn + across * pixels.step;
    finish.store(y, example, channel * yHeight * yWidth + pixel, channel, sums[r]);
  }
}

}  // namespace kofn
