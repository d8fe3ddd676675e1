// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../matmul/finish.cuh"
#include "../matmul/views.cuh"

// The sizes of a convolution, and what its kernels share. x is [batch, channels height width] and y [batch, outChannels outHeight
// outWidth]; the weights are the Pattern's matrix [outChannels, channels kh kw].

namespace kofn {

// Mirrors what ConvolutionParameters writes.
struct Shape {
  int channels, height, width, outChannels, outHeight, outWidth, kh, kw, stride, padding;
};

// What an operation reads and writes beside the pattern.
struct Maps {
  View source, target;
  Companion companion;
  int tiles;  // thread blocks of one channel of the target
};

// One example's features: where they begin, and how far they are apart.
struct Example {
  const void* data;
  long long base, step;
  int type;

  __device__ __forceinline__ Example(const View& v, long long row) : data(v.data), base(v.at(row, 0)), step(1), type(v.type) {
    if (v.panels) step = min(static_cast<long long>(kPanel), v.rows - (row & ~static_cast<long long>(kPanel - 1)));
  }

  __device__ __forceinline__ float at(int feature) const { return loadFloat(data, type, base + feature * step); }
};

// Consecutive threads take consecutive columns, then strips of rows, then examples; in panels, examples first: either way neighbours
// in a warp are neighbours in memory. False beyond the end.
__device__ __forceinline__ bool place(long long number, const View& v, int columns, int strips, long long& example, int& strip, int& column) {
  const long long plane = static_cast<long long>(columns) * strips;
  if (number >= plane * v.rows) return false;
  int inPlane;
  if (v.panels) {
    example = number % v.rows;
    inPlane = static_cast<int>(number / v.rows);
  } else {
    example = number / plane;
    inPlane = static_cast<int>(number % plane);
  }
  strip = inPlane / columns;
  column = inPlane % columns;
  return true;
}

}  // namespace kofn
