// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "views.cuh"

// The pattern by columns, from its indices: which block rows keep column c, ascending, and in which of their k slots. Four launches, no
// atomics, no sort, no wait for the host; memory of n ceil(rows / 32) words.
//
//   columnBits    32 block rows x 32 columns a warp: lane r gathers row r's word of 32 columns from its ascending indices;
//                 32 ballots transpose it, and lane c keeps the word of column c
//   columnCounts  a warp a column: set bits
//   columnStarts  one thread block: exclusive prefix sums of the counts
//   columnFill    a warp a column: rows are the positions of its bits, slots come from a binary search among the row's indices

namespace kofn {

struct Transpose {
  Companion companion;
  unsigned* bits;  // [blockColumns, rowWords]
  int rowWords, columnWords;
};

__device__ __forceinline__ void columnBits(const Pattern& p, const Transpose& t) {
  const int lane = threadIdx.x & 31;
  const long long warp = (static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x) >> 5;
  if (warp >= static_cast<long long>(t.rowWords) * t.columnWords) return;
  const int rowWord = static_cast<int>(warp / t.columnWords), first = static_cast<int>(warp % t.columnWords) * 32;
  const int row = rowWord * 32 + lane;
  unsigned word = 0;
  if (row < p.blockRows) {
    for (int slot = lowerBound(p, row, first); slot < p.k; ++slot) {
      const int column = p.column(row, slot) - first;
      if (column >= 32) break;
      word |= 1u << column;
    }
  }
  unsigned mine = 0;
  for (int c = 0; c < 32; ++c) {
    const unsigned rows = __ballot_sync(0xffffffff, word >> c & 1);
    if (lane == c) mine = rows;
  }
  if (first + lane < p.blockColumns) t.bits[static_cast<long long>(first + lane) * t.rowWords + rowWord] = mine;
}

__device__ __forceinline__ void columnCounts(const Pattern& p, const Transpose& t) {
  const int lane = threadIdx.x & 31;
  const int column = static_cast<int>((static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x) >> 5);
  if (column >= p.blockColumns) return;
  int count = 0;
  for (int w = lane; w < t.rowWords; w += 32) count += __popc(t.bits[static_cast<long long>(column) * t.rowWords + w]);
  for (int step = 16; step > 0; step >>= 1) count += __shfl_xor_sync(0xffffffff, count, step);
  if (lane == 0) t.companion.starts[column] = count;
}

// An inclusive sum over the lanes of a warp.
__device__ __forceinline__ int prefixSum(int value, int lane) {
  for (int step = 1; step < 32; step <<= 1) {
    const int before = __shfl_up_sync(0xffffffff, value, step);
    if (lane >= step) value += before;
  }
  return value;
}

__device__ __forceinline__ void columnStarts(const Pattern& p, const Transpose& t) {
  __shared__ int warpSums[32];
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  int carry = 0;
  for (int first = 0; first <= p.blockColumns; first += blockDim.x) {
    const int column = first + threadIdx.x;
    const int count = column < p.blockColumns ? t.companion.starts[column] : 0;
    const int inWarp = prefixSum(count, lane);
    if (lane == 31) warpSums[warp] = inWarp;
    __syncthreads();
    int before = carry, total = 0;
    for (int w = 0; w < static_cast<int>(blockDim.x / 32); ++w) {
      if (w == warp) before += total;
      total += warpSums[w];
    }
    if (column <= p.blockColumns) t.companion.starts[column] = before + inWarp - count;
    carry += total;
    __syncthreads();
  }
}

__device__ __forceinline__ void columnFill(const Pattern& p, const Transpose& t) {
  const int lane = threadIdx.x & 31;
  const int column = static_cast<int>((static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x) >> 5);
  if (column >= p.blockColumns) return;
  int next = t.companion.starts[column];
  for (int first = 0; first < t.rowWords; first += 32) {
    const int w = first + lane;
    unsigned word = w < t.rowWords ? t.bits[static_cast<long long>(column) * t.rowWords + w] : 0;
    const int count = __popc(word), upTo = prefixSum(count, lane);
    for (int entry = next + upTo - count; word != 0; word &= word - 1, ++entry) {
      const int row = w * 32 + __ffs(word) - 1;
      t.companion.rows[entry] = row;
      t.companion.slots[entry] = lowerBound(p, row, column);
    }
    next += __shfl_sync(0xffffffff, upTo, 31);
  }
}

// order[i]: the column with the i-th longest list; of equals the first comes first. A warp a column counts those that come before it: that
// takes columns^2 / 32 steps, and is meant for columns of blocks so wide that a thread block has one.
__device__ __forceinline__ void columnOrder(const int* starts, int* order, int columns) {
  const int lane = threadIdx.x & 31;
  const int column = static_cast<int>((static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x) >> 5);
  if (column >= columns) return;
  const int mine = starts[column + 1] - starts[column];
  int before = 0;
  for (int other = lane; other < columns; other += 32) {
    const int length = starts[other + 1] - starts[other];
    before += length > mine || (length == mine && other < column);
  }
  for (int step = 16; step > 0; step >>= 1) before += __shfl_xor_sync(0xffffffff, before, step);
  if (lane == 0) order[before] = column;
}

}  // namespace kofn
