// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "block.cuh"
#include "resident.cuh"

// Middle rows: a block holds a row, n <= 4 blockDim.x Q. One instance serves all lengths: the block has as many warps as the row needs.
namespace kofn {

struct Block {
  int lane;
  unsigned char* bytes;
  int* sums;  // two halves of 32
  int parity = 0;

  __device__ __forceinline__ int lanes() const { return blockDim.x; }
  __device__ __forceinline__ bool anyLane(bool x) const { return __syncthreads_or(x); }
  __device__ __forceinline__ bool anyRow(bool x) const { return x; }
  __device__ __forceinline__ void sync() const { __syncthreads(); }

  template <typename N>
  __device__ __forceinline__ N sum(N x) {
    return blockSum(x, sums, parity ^= 1);
  }

  __device__ __forceinline__ int before(int x) { return blockBefore(x, sums, parity ^= 1); }
};

template <typename T, int Q, int Threads>
__device__ void drawBlock(const Draw& d, const Outputs& o) {
  __shared__ int sums[64];
  __shared__ unsigned bits[Threads * Q / 8];
  drawResident<T, Q>(d, o, blockIdx.x, true, Block{static_cast<int>(threadIdx.x), reinterpret_cast<unsigned char*>(bits), sums});
}

}  // namespace kofn
