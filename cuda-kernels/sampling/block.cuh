// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "search.cuh"

// Sums over a block, by a reduction in each warp and then over the warps' results in shared memory. `sums` has two halves of 32; the
// caller alternates `parity`, so that one barrier suffices: a warp can write the next sums while another still reads these.
namespace kofn {

__device__ __forceinline__ int warpSum(int x) { return __reduce_add_sync(kAllLanes, x); }

__device__ __forceinline__ float warpSum(float x) {
#pragma unroll
  for (int step = 16; step > 0; step /= 2) x += __shfl_xor_sync(kAllLanes, x, step);
  return x;
}

template <typename N>
__device__ __forceinline__ N blockSum(N x, int* sums, int parity) {
  static_assert(sizeof(N) == sizeof(int), "halves of 32 words");
  const int warps = blockDim.x / 32;
  const int lane = threadIdx.x & 31;
  N* half = reinterpret_cast<N*>(sums) + 32 * parity;
  const N mine = warpSum(x);
  if (lane == 0) half[threadIdx.x / 32] = mine;
  __syncthreads();
  return warpSum(lane < warps ? half[lane] : N(0));
}

__device__ __forceinline__ int blockMax(int x, int* sums, int parity) {
  const int warps = blockDim.x / 32;
  const int lane = threadIdx.x & 31;
  int* half = sums + 32 * parity;
  const int mine = __reduce_max_sync(kAllLanes, x);
  if (lane == 0) half[threadIdx.x / 32] = mine;
  __syncthreads();
  return __reduce_max_sync(kAllLanes, lane < warps ? half[lane] : kAbsent);
}

// The sum over the threads before this one.
__device__ __forceinline__ int blockBefore(int x, int* sums, int parity) {
  const int warps = blockDim.x / 32;
  const int lane = threadIdx.x & 31;
  int* half = sums + 32 * parity;
  int upTo = x;
#pragma unroll
  for (int step = 1; step < 32; step *= 2) {
    const int other = __shfl_up_sync(kAllLanes, upTo, step);
    if (lane >= step) upTo += other;
  }
  if (lane == 31) half[threadIdx.x / 32] = upTo;
  __syncthreads();
  const int other = lane < warps && lane < static_cast<int>(threadIdx.x / 32) ? half[lane] : 0;
  return upTo - x + __reduce_add_sync(kAllLanes, other);
}

}  // namespace kofn
