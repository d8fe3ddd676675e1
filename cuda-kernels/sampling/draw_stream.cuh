// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "block.cuh"
#include "outputs.cuh"

// Long rows, and few of them: a row is cut into chunks of 4 * blockDim.x columns that any block may work on; what the chunks found is
// combined by the next launch, never by a barrier across blocks.
//
//   1 keys     chunk    ordered keys to the workspace; histogram of their upper 11 bits
//   2 pick     row      the bin that holds the k-th largest, and how many are wanted from it
//   3 refine   chunk    histogram of the next 11 bits within that bin             then 2 again
//   4 refine   chunk    histogram of the last 10 bits                             then 2 again: the threshold, and the ties wanted
//   5 count    chunk    keys above the threshold, keys equal to it
//   6 offsets  row      prefix sums over the row's chunks
//   7 emit     chunk    indices, keys, masks
//
// The noise is evaluated once. Histograms are integers: their atomics commute, so the result does not depend on the schedule. Traffic:
// 4 bytes read and 4 written an element, then 4 bytes read by each of steps 3, 4, 5 and 7, from the L2 cache where the workspace fits.
namespace kofn {

constexpr int kBins = 2048;

struct Stream {
  unsigned* keys;       // [rows, paddedN]: biased to unsigned order
  unsigned* histogram;  // [rows, kBins], zero at the start of every step that fills it
  unsigned* prefix;     // [rows]: the bits of the threshold found so far
  int* wanted;          // [rows]: how many of the k must still come from the bin
  int* drawable;        // [rows]: entries above -infinity
  int* counts;          // [rows, 2, chunks]: above and equal; then their offsets
  long long paddedN;
  int chunks;
  int level;            // 0, 1, 2: which bits the histogram is over
};

__device__ __forceinline__ unsigned biased(int o) { return static_cast<unsigned>(o) ^ 0x80000000u; }
__device__ __forceinline__ int unbiased(unsigned b) { return static_cast<int>(b ^ 0x80000000u); }

__device__ __forceinline__ unsigned binOf(unsigned key, int level) {
  return level == 0 ? key >> 21 : level == 1 ? key >> 10 & 2047u : key & 1023u;
}

// The bits of a key above the ones that this level's histogram is over; 64 bits, since level 0 has none.
__device__ __forceinline__ unsigned above(unsigned key, int level) {
  return level == 0 ? 0u : level == 1 ? key >> 21 : key >> 10;
}

__device__ __forceinline__ void flushHistogram(unsigned* shared, unsigned* global) {
  __syncthreads();
  for (int i = threadIdx.x; i < kBins; i += blockDim.x) {
    if (shared[i] != 0) atomicAdd(&global[i], shared[i]);
  }
}

__device__ __forceinline__ void clearShared(unsigned* shared) {
  for (int i = threadIdx.x; i < kBins; i += blockDim.x) shared[i] = 0;
  __syncthreads();
}

template <typename T>
__device__ void streamKeys(const Draw& d, const Outputs& o, const Stream& s) {
  __shared__ unsigned histogram[kBins];
  clearShared(histogram);
  const long long local = blockIdx.y;
  const long long row = local;
  const int quad = blockIdx.x * blockDim.x + threadIdx.x;
  int key[4] = {kAbsent, kAbsent, kAbsent, kAbsent};
  bool nan = false;
  if (4 * quad < d.n) nan = orderedKeys<T>(d, row, quad, key);
  uint4 b = make_uint4(biased(key[0]), biased(key[1]), biased(key[2]), biased(key[3]));
  *reinterpret_cast<uint4*>(s.keys + local * s.paddedN + 4 * quad) = b;
  int drawable = 0;
#pragma unroll
  for (int j = 0; j < 4; ++j) {
    if (key[j] > kMinusInfinity) {
      ++drawable;
      atomicAdd(&histogram[binOf(biased(key[j]), 0)], 1u);
    }
  }
  drawable = __reduce_add_sync(kAllLanes, drawable);
  if ((threadIdx.x & 31) == 0 && drawable != 0) atomicAdd(&s.drawable[local], drawable);
  if (nan) reportBadRow(o, row);
  flushHistogram(histogram, s.histogram + local * kBins);
}

__device__ inline void streamRefine(const Draw& d, const Stream& s) {
  __shared__ unsigned histogram[kBins];
  clearShared(histogram);
  const long long local = blockIdx.y;
  const unsigned prefix = s.prefix[local];
  const int quad = blockIdx.x * blockDim.x + threadIdx.x;
  const uint4 b = *reinterpret_cast<const uint4*>(s.keys + local * s.paddedN + 4 * quad);
  const unsigned key[4] = {b.x, b.y, b.z, b.w};
#pragma unroll
  for (int j = 0; j < 4; ++j) {
    if (unbiased(key[j]) > kMinusInfinity && above(key[j], s.level) == prefix) {
      atomicAdd(&histogram[binOf(key[j], s.level)], 1u);
    }
  }
  flushHistogram(histogram, s.histogram + local * kBins);
}

// One block of 256 threads a row: the highest bin at which the count from above reaches what is wanted. Leaves the histogram zero.
__device__ inline void streamPick(const Draw& d, const Outputs& o, const Stream& s) {
  __shared__ int sums[64];
  const long long local = blockIdx.x;
  unsigned* histogram = s.histogram + local * kBins;
  const int each = kBins / blockDim.x;
  const int bins = s.level == 2 ? 1024 : kBins;
  const int wanted = s.level == 0 ? d.k : s.wanted[local];
  if (s.level == 0 && threadIdx.x == 0 && s.drawable[local] < d.k) reportBadRow(o, local);
  // Thread t looks at bins from the top: bins - 1 - t * each, downwards.
  int mine = 0;
  for (int i = 0; i < each; ++i) {
    const int bin = bins - 1 - static_cast<int>(threadIdx.x) * each - i;
    if (bin >= 0) mine += static_cast<int>(histogram[bin]);
  }
  const int lane = threadIdx.x & 31;
  int inclusive = mine;
#pragma unroll
  for (int step = 1; step < 32; step *= 2) {
    const int other = __shfl_up_sync(kAllLanes, inclusive, step);
    if (lane >= step) inclusive += other;
  }
  if (lane == 31) sums[threadIdx.x / 32] = inclusive;
  __syncthreads();
  int from = inclusive - mine;
  for (int w = 0; w < static_cast<int>(threadIdx.x / 32); ++w) from += sums[w];
  if (from < wanted && from + mine >= wanted) {
    int count = from;
    for (int i = 0; i < each; ++i) {
      const int bin = bins - 1 - static_cast<int>(threadIdx.x) * each - i;
      const int here = static_cast<int>(histogram[bin]);
      if (count + here >= wanted) {
        const unsigned old = s.level == 0 ? 0u : s.prefix[local];
        s.prefix[local] = s.level == 2 ? old << 10 | bin : old << 11 | bin;
        s.wanted[local] = wanted - count;
        break;
      }
      count += here;
    }
  }
  __syncthreads();
  for (int i = threadIdx.x; i < kBins; i += blockDim.x) histogram[i] = 0;
}

// Bit j of the results: key j lies above the threshold; is equal to it.
__device__ __forceinline__ void compareQuad(const Stream& s, long long local, int quad, uint4& b, unsigned& larger, unsigned& equal) {
  b = *reinterpret_cast<const uint4*>(s.keys + local * s.paddedN + 4 * quad);
  const unsigned threshold = s.prefix[local];
  larger = (b.x > threshold) | (b.y > threshold) << 1 | (b.z > threshold) << 2 | (b.w > threshold) << 3;
  equal = (b.x == threshold) | (b.y == threshold) << 1 | (b.z == threshold) << 2 | (b.w == threshold) << 3;
}

// A row that cannot be drawn from, and every row at k = 0, draws nothing.
__device__ __forceinline__ bool drawsNothing(const Draw& d, const Stream& s, long long local) {
  return d.k == 0 || s.drawable[local] < d.k;
}

__device__ inline void streamCount(const Draw& d, const Stream& s) {
  __shared__ int sums[64];
  const long long local = blockIdx.y;
  uint4 b;
  unsigned larger, equal;
  compareQuad(s, local, blockIdx.x * blockDim.x + threadIdx.x, b, larger, equal);
  if (drawsNothing(d, s, local)) larger = equal = 0;
  const int above = blockSum(__popc(larger), sums, 0);
  const int same = blockSum(__popc(equal), sums, 1);
  if (threadIdx.x == 0) {
    s.counts[(2 * local) * s.chunks + blockIdx.x] = above;
    s.counts[(2 * local + 1) * s.chunks + blockIdx.x] = same;
  }
}

// One warp a row and kind: exclusive prefix sums over the chunks, in place.
__device__ inline void streamOffsets(const Stream& s) {
  int* counts = s.counts + (2ll * blockIdx.x + threadIdx.x / 32) * s.chunks;
  const int lane = threadIdx.x & 31;
  int carry = 0;
  for (int base = 0; base < s.chunks; base += 32) {
    const int mine = base + lane < s.chunks ? counts[base + lane] : 0;
    int inclusive = mine;
#pragma unroll
    for (int step = 1; step < 32; step *= 2) {
      const int other = __shfl_up_sync(kAllLanes, inclusive, step);
      if (lane >= step) inclusive += other;
    }
    if (base + lane < s.chunks) counts[base + lane] = carry + inclusive - mine;
    carry += __shfl_sync(kAllLanes, inclusive, 31);
  }
}

template <typename T>
__device__ void streamEmit(const Draw& d, const Outputs& o, const Stream& s) {
  __shared__ int sums[64];
  const long long local = blockIdx.y;
  const long long row = local;
  const int quad = blockIdx.x * blockDim.x + threadIdx.x;
  const int column = 4 * quad;
  uint4 b;
  unsigned larger, equal;
  compareQuad(s, local, quad, b, larger, equal);
  if (drawsNothing(d, s, local)) larger = equal = 0;
  const int largerBefore = s.counts[(2 * local) * s.chunks + blockIdx.x];
  const int equalBefore = s.counts[(2 * local + 1) * s.chunks + blockIdx.x];
  const int wanted = d.k == 0 ? 0 : s.wanted[local];

  int total;
  const int rank = equalBefore + blockPrefix(equal, sums, 0, total);
  const unsigned chosen = (larger | equal) & ~lateTies(equal, rank, wanted);
  // Slots: all larger ones before, and as many equal ones before as were wanted.
  int at = largerBefore + blockPrefix(larger, sums, 1, total) + min(rank, wanted);
  writeBits(o, row, column, chosen, column < d.n);
  if (column < d.n) writeQuad<T>(d, o, row, column, chosen, at);
}

}  // namespace kofn
