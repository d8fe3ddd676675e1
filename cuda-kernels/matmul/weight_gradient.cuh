// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "views.cuh"

// dW[o, i] = sum over b of dY[b, o] X[b, i] for kept (o, i), of any block size, type, layout and pitch; true F32.
//
//   a thread: one of the k bi inputs that a block row keeps, and R of its outputs; a thread block: 256 such inputs
//   for each example: one load of X (ascending inputs: a row's sectors once), R of dY for the whole warp, R multiply-adds
//
// Traffic: X once for every R outputs, from L2; dW once. Each sum is one thread's, in the order of the batch. Packed gradients of what lies
// beyond the matrix's edge are 0.

namespace kofn {

template <int R>
__device__ __forceinline__ void weightGradient(const Pattern& p, const Operands& operands) {
  const View &x = operands.source, &dy = operands.target;
  const int parts = (p.bo + R - 1) / R;
  const int row = blockIdx.x / parts, term = blockIdx.y * blockDim.x + threadIdx.x;
  if (term >= p.k * p.bi) return;

  const int from = row * p.bo + blockIdx.x % parts * R;
  const int till = min(from + R, (row + 1) * p.bo);
  const int slot = term / p.bi, column = p.column(row, slot);
  const int input = column * p.bi + term % p.bi;

  float sums[R] = {};
  if (input < p.in) {
    for (long long b = 0; b < x.rows; ++b) {
      const float value = loadFloat(x, b, input);
#pragma unroll
      for (int r = 0; r < R; ++r)
        if (from + r < min(till, p.out)) sums[r] = fmaf(loadFloat(dy, b, from + r), value, sums[r]);
    }
  }
#pragma unroll
  for (int r = 0; r < R; ++r) {
    const bool inside = from + r < p.out && input < p.in;
    if (from + r < till && (p.packed || inside))
      static_cast<float*>(p.values)[p.position(row, slot, from + r, input, column)] = inside ? sums[r] : 0.0f;
  }
}

}  // namespace kofn
