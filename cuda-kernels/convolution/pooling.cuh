// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "shape.cuh"

// y = the largest of every size x size window of x, windows side by side; of equals the first, a NaN before any number. And its gradient:
// dY where x was kept, else 0. A thread an element of the result, neighbours in memory; exact.
//
// Traffic, the floor: x once and y once forward. The gradient looks at a window again for each of its pixels: x, dY and dX once from
// DRAM, x size^2 times from L1.

namespace kofn {

struct Pooling {
  View x, dy, target;  // dy only for the gradient
  int height, width, size, outHeight, outWidth;
};

// The kept pixel of a window, as a feature of x.
__device__ __forceinline__ int largestOf(const Pooling& g, const Example& x, int first, float& value) {
  int best = first;
  value = x.at(first);
  for (int r = 0; r < g.size; ++r)
    for (int c = 0; c < g.size; ++c) {
      const int at = first + r * g.width + c;
      const float other = x.at(at);
      if (other > value || (isnan(other) && !isnan(value))) {
        value = other;
        best = at;
      }
    }
  return best;
}

// Which element of the target this thread writes.
__device__ __forceinline__ bool elementOf(const View& target, long long& example, int& feature) {
  int strip = 0;
  return place(static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x, target, static_cast<int>(target.columns), 1, example, strip, feature);
}

__device__ __forceinline__ void maxPool(const Pooling& g) {
  long long example;
  int feature;
  if (!elementOf(g.target, example, feature)) return;
  const int line = feature / g.outWidth, channel = line / g.outHeight;
  const int top = channel * g.height + line % g.outHeight * g.size;
  float value;
  largestOf(g, Example(g.x, example), top * g.width + feature % g.outWidth * g.size, value);
  storeFloat(g.target.data, g.target.type, g.target.at(example, feature), value);
}

__device__ __forceinline__ void maxPoolGradient(const Pooling& g) {
  long long example;
  int feature;
  if (!elementOf(g.target, example, feature)) return;
  const int line = feature / g.width, channel = line / g.height;
  const int p = line % g.height / g.size, q = feature % g.width / g.size;
  float value = 0.0f;
  if (p < g.outHeight && q < g.outWidth) {
    float largest;
    const int first = (channel * g.height + p * g.size) * g.width + q * g.size;
    if (largestOf(g, Example(g.x, example), first, largest) == feature)
      value = loadFloat(g.dy, example, (channel * g.outHeight + p) * g.outWidth + q);
  }
  storeFloat(g.target.data, g.target.type, g.target.at(example, feature), value);
}

}  // namespace kofn
