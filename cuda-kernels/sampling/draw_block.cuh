// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "outputs.cuh"
#include "select.cuh"

// Middle rows: one block a row, n <= 4 * blockDim.x * Q, keys in registers.
//
//   quad q of thread t   columns 4 (q blockDim.x + t) .. + 3
//
// Like draw_group.cuh with counts summed over the block: a redux in each warp, then the warps' sums through shared memory. The guesses
// alternate between two halves of that shared array, so that one barrier a count suffices: a warp can write the next count's sums
// while another still reads this one's.
namespace kofn {

// Sums a count over the block; parity alternates between calls.
__device__ __forceinline__ int blockSum(int x, int* sums, int parity) {
  const int warps = blockDim.x / 32;
  const int lane = threadIdx.x & 31;
  int* half = sums + 32 * parity;
  const int mine = __reduce_add_sync(kAllLanes, x);
  if (lane == 0) half[threadIdx.x / 32] = mine;
  __syncthreads();
  return __reduce_add_sync(kAllLanes, lane < warps ? half[lane] : 0);
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

// The sum over all threads before this one, and over all, of counts of at most 4.
__device__ __forceinline__ int blockPrefix(unsigned flags, int* sums, int parity, int& total) {
  const int warps = blockDim.x / 32;
  const int lane = threadIdx.x & 31;
  int before = 0, mine = 0;
#pragma unroll
  for (int j = 0; j < 4; ++j) {
    const unsigned who = __ballot_sync(kAllLanes, flags >> j & 1);
    before += __popc(who & ((1u << lane) - 1u));
    mine += __popc(who);
  }
  int* half = sums + 32 * parity;
  if (lane == 0) half[threadIdx.x / 32] = mine;
  __syncthreads();
  const int other = lane < warps ? half[lane] : 0;
  total = __reduce_add_sync(kAllLanes, other);
  return before + __reduce_add_sync(kAllLanes, lane < static_cast<int>(threadIdx.x / 32) ? other : 0);
}

template <typename T, int Q>
__device__ void drawBlock(const Draw& d, const Outputs& o) {
  __shared__ int sums[64];
  const long long row = blockIdx.x;
  int parity = 0;

  int key[4 * Q];
  bool nan = false;
  int top = kAbsent;
#pragma unroll
  for (int q = 0; q < Q; ++q) {
    const int quadIndex = q * blockDim.x + threadIdx.x;
    int quad[4] = {kAbsent, kAbsent, kAbsent, kAbsent};
    if (4 * quadIndex < d.n) nan |= orderedKeys<T>(d, row, quadIndex, quad);
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      key[4 * q + j] = quad[j];
      top = max(top, quad[j]);
    }
  }

  Bracket b{kMinusInfinity + 1, 0, 0, 0};
  b.countLo = blockSum(countFrom<Q>(key, b.lo), sums, parity ^= 1);
  b.hi = blockMax(top, sums, parity ^= 1) + 1;
  const bool bad = __syncthreads_or(nan) || b.countLo < d.k;
  if (bad && threadIdx.x == 0) reportBadRow(o, row);

  const bool none = bad || d.k == 0;
  if (!none && b.countLo > d.k) {
    for (int step = 0; b.open(); ++step) {
      const int mid = b.guess(d.k, step % 2 == 0);
      const int count = blockSum(countFrom<Q>(key, mid), sums, parity ^= 1);
      b.narrow(mid, count, d.k);
      if (count == d.k) break;
    }
  }
  const int threshold = b.lo;
  int ties = b.countLo == d.k ? kNoTies : d.k - b.countHi;

  unsigned reach, equal;
  compareAll<Q>(key, threshold, reach, equal);
  if (none) reach = equal = 0;

  int slot = 0;
#pragma unroll 1
  for (int q = 0; q < Q; ++q) {
    const int column = 4 * (q * blockDim.x + threadIdx.x);
    unsigned chosen = reach >> 4 * q & 15u;
    int total;
    if (ties != kNoTies) {
      const unsigned tied = equal >> 4 * q & 15u;
      const int rank = blockPrefix(tied, sums, parity ^= 1, total);
      chosen = withoutLateTies(chosen, tied, rank, ties);
      ties = max(ties - total, 0);
    }
    const int at = slot + blockPrefix(chosen, sums, parity ^= 1, total);
    slot += total;
    writeBits(o, row, column, chosen, column < d.n);
    if (column < d.n) writeQuad<T>(d, o, row, column, chosen, at);
  }
}

}  // namespace kofn
