// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "outputs.cuh"

// Brings the k drawn columns of each row into key order: one block a row sorts 64-bit composites, upper half the key (reversed, so that
// ascending means descending keys), lower half the column (so that equal keys stand by ascending column). The order is total: no two
// composites are equal, and the result does not depend on how it was sorted. A bitonic network, in shared memory up to kSharedSort
// winners, in the workspace beyond.
namespace kofn {

constexpr int kSharedSort = 4096;

__device__ __forceinline__ unsigned long long composite(int orderedKey, int column) {
  const unsigned descending = ~(static_cast<unsigned>(orderedKey) ^ 0x80000000u);
  return static_cast<unsigned long long>(descending) << 32 | static_cast<unsigned>(column);
}

__device__ __forceinline__ int compositeColumn(unsigned long long c) { return static_cast<int>(c & 0xffffffffu); }

__device__ __forceinline__ int readIndex(const void* indices, long long at, int shortIndices) {
  return shortIndices ? static_cast<const unsigned short*>(indices)[at] : static_cast<const int*>(indices)[at];
}

__device__ inline void bitonicSort(unsigned long long* a, int size) {
  for (int span = 2; span <= size; span *= 2) {
    for (int stride = span / 2; stride > 0; stride /= 2) {
      __syncthreads();
      for (int i = threadIdx.x; i < size / 2; i += blockDim.x) {
        const int low = 2 * i - (i & (stride - 1));
        const unsigned long long x = a[low], y = a[low + stride];
        const bool ascending = (low & span) == 0;
        if ((x > y) == ascending) {
          a[low] = y;
          a[low + stride] = x;
        }
      }
    }
  }
  __syncthreads();
}

struct Sort {
  const void* winners;          // int32 or uint16 [rows, k] in any order
  long long winnerPitch;
  int shortIndices;
  int size;                     // k rounded up to a power of two
  unsigned long long* sorted;   // [rows, size]: ascending composites, then all ones
};

template <typename T>
__device__ void sortWinners(const Draw& d, const Sort& s) {
  __shared__ unsigned long long shared[kSharedSort];
  const long long row = blockIdx.x;
  unsigned long long* out = s.sorted + static_cast<long long>(blockIdx.x) * s.size;
  unsigned long long* a = s.size <= kSharedSort ? shared : out;
  for (int i = threadIdx.x; i < s.size; i += blockDim.x) {
    unsigned long long c = ~0ull;
    if (i < d.k) {
      const int column = readIndex(s.winners, row * s.winnerPitch + i, s.shortIndices);
      c = composite(ordered(singleKey<T>(d, row, column)), column);
    }
    a[i] = c;
  }
  bitonicSort(a, s.size);
  if (a != out) {
    for (int i = threadIdx.x; i < s.size; i += blockDim.x) out[i] = a[i];
  }
}

// The same composites by ascending column: the removal order of the DPP authors' code. Column and key change halves for the sort.
struct Reorder {
  const unsigned long long* sorted;  // [rows, size]
  unsigned long long* order;         // [rows, size]
  int size;
};

__device__ inline void orderByIndex(const Draw& d, const Reorder& r) {
  __shared__ unsigned long long shared[kSharedSort];
  const unsigned long long* sorted = r.sorted + static_cast<long long>(blockIdx.x) * r.size;
  unsigned long long* out = r.order + static_cast<long long>(blockIdx.x) * r.size;
  unsigned long long* a = r.size <= kSharedSort ? shared : out;
  for (int i = threadIdx.x; i < r.size; i += blockDim.x) a[i] = sorted[i] << 32 | sorted[i] >> 32;
  bitonicSort(a, r.size);
  for (int i = threadIdx.x; i < r.size; i += blockDim.x) out[i] = a[i] << 32 | a[i] >> 32;
}

// Writes sorted winners as indices and keys in draw order.
template <typename T>
__device__ void writeSorted(const Draw& d, const Outputs& o, const Sort& s) {
  const long long row = blockIdx.x;
  const unsigned long long* sorted = s.sorted + static_cast<long long>(blockIdx.x) * s.size;
  for (int i = threadIdx.x; i < d.k; i += blockDim.x) {
    const int column = compositeColumn(sorted[i]);
    if (o.indices != nullptr) writeIndex(o, row, i, column);
    if (o.keys != nullptr) o.keys[row * o.keyPitch + i] = singleKey<T>(d, row, column);
  }
}

}  // namespace kofn
