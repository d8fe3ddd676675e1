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

// Bytes of `packed`: how many keys each quad of this lane chose. Two words for eight quads: even ones, then odd ones.
__device__ __forceinline__ void quadCounts(unsigned chosen, unsigned (&packed)[2]) {
  unsigned c = chosen - (chosen >> 1 & 0x55555555u);
  c = (c & 0x33333333u) + (c >> 2 & 0x33333333u);
  packed[0] = c & 0x0f0f0f0fu;
  packed[1] = c >> 4 & 0x0f0f0f0fu;
}

// Inclusive sums over the lanes of a group, four bytes at once: at most 4 * 32 fits a byte.
template <int G>
__device__ __forceinline__ void scanBytes(int lane, unsigned (&packed)[2]) {
#pragma unroll
  for (int step = 1; step < G; step *= 2) {
#pragma unroll
    for (int w = 0; w < 2; ++w) {
      const unsigned other = __shfl_up_sync(kAllLanes, packed[w], step, G);
      if (lane >= step) packed[w] += other;
    }
  }
}

__device__ __forceinline__ int quadByte(const unsigned (&packed)[2], int q) { return packed[q & 1] >> 8 * (q / 2) & 255u; }

template <int G>
struct Group {
  static constexpr int kWordLanes = G < 8 ? G : 8;
  int lane;

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

  template <int Q>
  __device__ __forceinline__ void slots(unsigned chosen, int (&slot)[Q]) const {
    unsigned mine[2], upTo[2], all[2];
    quadCounts(chosen, mine);
    quadCounts(chosen, upTo);
    scanBytes<G>(lane, upTo);
    int base = 0;
#pragma unroll
    for (int w = 0; w < 2; ++w) {
      all[w] = __shfl_sync(kAllLanes, upTo[w], G - 1, G);
      upTo[w] -= mine[w];
    }
#pragma unroll
    for (int q = 0; q < Q; ++q) {
      slot[q] = base + quadByte(upTo, q);
      base += quadByte(all, q);
    }
  }
};

template <typename T, int G, int Q>
__device__ void drawGroup(const Draw& d, const Outputs& o) {
  const int lane = threadIdx.x & 31;
  const long long warp = static_cast<long long>(blockIdx.x) * (blockDim.x / 32) + threadIdx.x / 32;
  const long long wanted = warp * (32 / G) + lane / G;
  if (warp * (32 / G) >= d.rows) return;  // whole warps only: the lanes of a warp stay together
  const bool live = wanted < d.rows;
  drawResident<T, Q>(d, o, live ? wanted : d.rows - 1, live, Group<G>{lane % G});
}

}  // namespace kofn
