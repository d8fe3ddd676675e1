// SPDX-License-Identifier: Apache-2.0
#pragma once

// Sums over the lanes of a warp.

namespace kofn {

__device__ __forceinline__ float warpSum(float sum) {
  for (int step = 16; step > 0; step >>= 1) sum += __shfl_xor_sync(0xffffffff, sum, step);
  return sum;
}

// Value lane % N of N, a power of two, added over the lanes: each exchange gives half of the values away and gets the other half's share.
template <int N>
__device__ __forceinline__ float scatteredSum(const float (&values)[N], int lane) {
  if constexpr (N == 1) {
    return values[0];
  } else {
    constexpr int kHalf = N / 2;
    float kept[kHalf];
#pragma unroll
    for (int i = 0; i < kHalf; ++i) {
      const float lower = values[i], upper = values[i + kHalf];
      const float received = __shfl_xor_sync(0xffffffff, lane & kHalf ? lower : upper, kHalf);
      kept[i] = (lane & kHalf ? upper : lower) + received;
    }
    return scatteredSum<kHalf>(kept, lane);
  }
}

}  // namespace kofn
