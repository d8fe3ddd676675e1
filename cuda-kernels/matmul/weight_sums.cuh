// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "storage.cuh"

// dW where the batch was split: the sums of chunks, each packed, added in ascending order, into the gradient as the matrix has it. A thread an
// element; neighbouring threads read neighbouring elements of each chunk.

namespace kofn {

struct GradientChunks {
  const float* sums;   // [count][elements]
  long long elements;  // of a chunk
  int count;
  int parts;           // thread blocks of a block row
};

__device__ __forceinline__ void sumGradients(const Pattern& p, const GradientChunks& chunks) {
  const Place place(p, chunks.parts);
  if (!place.exists || (!p.packed && !place.isInside(p))) return;
  const float* from = chunks.sums + place.packed(p);
  float sum = from[0];
  for (int c = 1; c < chunks.count; ++c) sum += from[c * chunks.elements];
  static_cast<float*>(p.values)[p.packed ? place.packed(p) : place.output * p.pitch + place.input] = sum;
}

}  // namespace kofn
