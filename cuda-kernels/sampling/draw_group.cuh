// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "resident.cuh"

// Short rows, n <= 4 G Q: G lanes of a warp hold a row, 32 / G rows a warp.
//
//   lanes of a warp   |0 ...... G-1|G ..... 2G-1| ...
//
// Few lanes with many keys each, not many lanes with few: a guess costs a lane about 25 instructions beside its comparisons, whatever
// it holds. Rows of a warp search together until the last one has found its threshold.
namespace kofn {

template <int G>
struct Group {
  int lane;
  unsigned char* bytes;

  __device__ __forceinline__ int lanes() const { return G; }
  __device__ __forceinline__ bool anyLane(bool x) const { return __any_sync(kAllLanes, x); }
  __device__ __forceinline__ bool anyRow(bool x) const { return __any_sync(kAllLanes, x); }

  template <typename N>
  __device__ __forceinline__ N sum(N x) const {
    if constexpr (G == 32 && sizeof(N) == sizeof(int) && !(N(0.5) > N(0))) {
      return __reduce_add_sync(kAllLanes, x);
    } else {
#pragma unroll
      for (int step = G / 2; step > 0; step /= 2) x += __shfl_xor_sync(kAllLanes, x, step);
      return x;
    }
  }

  __device__ __forceinline__ int before(int x) const {
    int upTo = x;
#pragma unroll
    for (int step = 1; step < G; step *= 2) {
      const int other = __shfl_up_sync(kAllLanes, upTo, step, G);
      if (lane >= step) upTo += other;
    }
    return upTo - x;
  }

  __device__ __forceinline__ void sync() const { __syncwarp(); }
};

// A row has 4 G Q bits, a word for each lane; shared memory is static, so for the most threads.
template <typename T, int G, int Q, int Threads>
__device__ void drawGroup(const Draw& d, const Outputs& o) {
  __shared__ unsigned bits[Threads * Q / 8];
  const int lane = threadIdx.x & 31;
  const long long warp = static_cast<long long>(blockIdx.x) * (blockDim.x / 32) + threadIdx.x / 32;
  const long long wanted = warp * (32 / G) + lane / G;
  if (warp * (32 / G) >= d.rows) return;  // whole warps only: the lanes of a warp stay together
  const bool live = wanted < d.rows;
  unsigned* mine = bits + threadIdx.x / G * (G * Q / 8);
  drawResident<T, Q>(d, o, live ? wanted : d.rows - 1, live, Group<G>{lane % G, reinterpret_cast<unsigned char*>(mine)});
}

}  // namespace kofn
