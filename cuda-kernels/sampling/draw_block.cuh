// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "block.cuh"
#include "draw_group.cuh"

// Middle rows: a block holds a row, n <= 4 blockDim.x Q. One instance serves all lengths: the block has as many warps as the row needs.
namespace kofn {

template <int Q>
struct Block {
  static constexpr int kWordLanes = 8;
  int lane = threadIdx.x;
  int* shared;  // [64 + 32 Q]: two halves for sums, then the quads' counts by warp
  int parity = 0;

  __device__ __forceinline__ int lanes() const { return blockDim.x; }
  __device__ __forceinline__ bool anyLane(bool x) const { return __syncthreads_or(x); }
  __device__ __forceinline__ bool anyRow(bool x) const { return x; }
  __device__ __forceinline__ int sum(int x) { return blockSum(x, shared, parity ^= 1); }
  __device__ __forceinline__ float sum(float x) { return blockSum(x, shared, parity ^= 1); }

  // Within each warp as for a group; the warps' totals, [quad, warp], are summed up by the first warp.
  __device__ __forceinline__ void slots(unsigned chosen, int (&slot)[Q]) {
    const int inWarp = lane & 31, warp = lane / 32, warps = blockDim.x / 32;
    int* totals = shared + 64;
    unsigned mine[2], upTo[2], all[2];
    quadCounts(chosen, mine);
    quadCounts(chosen, upTo);
    scanBytes<32>(inWarp, upTo);
#pragma unroll
    for (int w = 0; w < 2; ++w) {
      all[w] = __shfl_sync(kAllLanes, upTo[w], 31);
      upTo[w] -= mine[w];
    }
    __syncthreads();  // an earlier call's totals have been read
    if (inWarp < Q) totals[inWarp * warps + warp] = (inWarp & 1 ? all[1] : all[0]) >> 8 * (inWarp / 2) & 255u;
    __syncthreads();
    if (warp == 0) exclusiveSums(totals, Q * warps);
    __syncthreads();
#pragma unroll
    for (int q = 0; q < Q; ++q) slot[q] = totals[q * warps + warp] + quadByte(upTo, q);
  }
};

template <typename T, int Q>
__device__ void drawBlock(const Draw& d, const Outputs& o) {
  __shared__ int shared[64 + 32 * Q];
  Block<Q> team;
  team.shared = shared;
  drawResident<T, Q>(d, o, blockIdx.x, true, team);
}

}  // namespace kofn
