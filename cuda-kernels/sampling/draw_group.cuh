// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "outputs.cuh"
#include "select.cuh"

// Short rows: n <= 4 * G * Q, several rows a warp or a warp a row.
//
//   lanes of a warp   |0 ...... G-1|G ..... 2G-1| ...      G lanes hold one row (G = 8, 16 or 32)
//   quad q of lane l  columns 4 (q G + l) .. + 3           so a lane's four columns share one Philox evaluation, and
//                                                          neighbouring lanes read neighbouring 16 bytes
//
// Keys stay in registers: a row is read once, 4 bytes an element, and 4 k bytes are written. The threshold is found by counting keys
// above a guess: interpolation between the bracket's ends, alternating with bisection so that it ends after at most 64 counts
// whatever the keys. It stops early at the first guess that exactly k keys reach, which is the rule.
namespace kofn {

template <int G>
__device__ __forceinline__ int groupSum(int x) {
  if constexpr (G == 32) {
    return __reduce_add_sync(kAllLanes, x);
  } else {
#pragma unroll
    for (int d = G / 2; d > 0; d /= 2) x += __shfl_xor_sync(kAllLanes, x, d);
    return x;
  }
}

template <int G>
__device__ __forceinline__ int groupMax(int x) {
  if constexpr (G == 32) {
    return __reduce_max_sync(kAllLanes, x);
  } else {
#pragma unroll
    for (int d = G / 2; d > 0; d /= 2) x = max(x, __shfl_xor_sync(kAllLanes, x, d));
    return x;
  }
}

// Adds the flags (bits 0 to 3) of the lanes before this one to `rank`, and those of the whole group to `total`.
__device__ __forceinline__ void countBefore(unsigned flags, unsigned before, unsigned groupMask, int& rank, int& total) {
  unsigned who[4];
#pragma unroll
  for (int j = 0; j < 4; ++j) who[j] = __ballot_sync(kAllLanes, flags >> j & 1);
#pragma unroll
  for (int j = 0; j < 4; ++j) {
    rank += __popc(who[j] & before);
    total += __popc(who[j] & groupMask);
  }
}

template <typename T, int G, int Q>
__device__ void drawGroup(const Draw& d, const Outputs& o) {
  const int lane = threadIdx.x & 31;
  const int groupLane = lane % G;
  const unsigned groupMask = (G == 32 ? kAllLanes : ((1u << G) - 1u)) << (lane - groupLane);
  const unsigned before = groupMask & ((1u << lane) - 1u);
  const long long warp = static_cast<long long>(blockIdx.x) * (blockDim.x / 32) + threadIdx.x / 32;
  const long long wanted = warp * (32 / G) + lane / G;
  if (warp * (32 / G) >= d.rows) return;  // whole warps only: the lanes of a warp stay together
  const bool live = wanted < d.rows;
  const long long row = live ? wanted : d.rows - 1;

  int key[4 * Q];
  bool nan = false;
  int top = kAbsent;
#pragma unroll
  for (int q = 0; q < Q; ++q) {
    int quad[4] = {kAbsent, kAbsent, kAbsent, kAbsent};
    if (4 * (q * G + groupLane) < d.n) nan |= orderedKeys<T>(d, row, q * G + groupLane, quad);
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      key[4 * q + j] = quad[j];
      top = max(top, quad[j]);
    }
  }

  // Lowest allowed threshold: just above -infinity.
  Bracket b{kMinusInfinity + 1, 0, 0, 0};
  b.countLo = groupSum<G>(countFrom<Q>(key, b.lo));
  b.hi = groupMax<G>(top) + 1;
  const bool bad = (__ballot_sync(kAllLanes, nan) & groupMask) != 0 || b.countLo < d.k;
  if (bad && live && groupLane == 0) reportBadRow(o, row);

  bool searching = !bad && d.k > 0 && b.countLo > d.k;
  for (int step = 0; __any_sync(kAllLanes, searching && b.open()); ++step) {
    const bool active = searching && b.open();
    const int mid = active ? b.guess(d.k, step % 2 == 0) : b.lo;
    const int count = groupSum<G>(countFrom<Q>(key, mid));
    if (active) {
      b.narrow(mid, count, d.k);
      searching = count != d.k;
    }
  }
  // Keys above lo are in; of those equal to lo, the first `ties` by column. countLo == k means all of them.
  const bool none = bad || d.k == 0;
  const int threshold = b.lo;
  int ties = b.countLo == d.k ? kNoTies : d.k - b.countHi;
  const bool someTies = __any_sync(kAllLanes, !none && ties != kNoTies);

  unsigned reach, equal;
  compareAll<Q>(key, threshold, reach, equal);
  if (none) reach = equal = 0;

  int slot = 0;
#pragma unroll 1
  for (int q = 0; q < Q; ++q) {
    const int column = 4 * (q * G + groupLane);
    unsigned chosen = reach >> 4 * q & 15u;
    if (someTies) {
      const unsigned tied = equal >> 4 * q & 15u;
      int rank = 0, total = 0;
      countBefore(tied, before, groupMask, rank, total);
      if (ties != kNoTies) {
        chosen = withoutLateTies(chosen, tied, rank, ties);
        ties = max(ties - total, 0);
      }
    }
    int at = slot;
    countBefore(chosen, before, groupMask, at, slot);
    writeBits(o, row, column, chosen, live && column < d.n);
    if (live && column < d.n) writeQuad<T>(d, o, row, column, chosen, at);
    __syncwarp();
  }
}

}  // namespace kofn
