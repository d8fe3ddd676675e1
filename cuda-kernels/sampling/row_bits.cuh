// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "search.cuh"

// A row's mask of drawn columns in shared memory, one bit a column: what lanes hold by quads (bit 4 q + j of a lane's mask: column
// 4 (q lanes + lane) + j) becomes words of 32 consecutive columns, one for each lane, in the order in which columns are counted and
// written.
namespace kofn {

// Two neighbouring lanes hold the two halves of a byte: the even lane writes the bytes of even quads, the odd lane those of odd ones.
template <int Q>
__device__ __forceinline__ void writeRowBits(unsigned char* bytes, unsigned mask, int lane, int lanes) {
  static_assert(Q % 2 == 0, "pairs of quads");
  const unsigned other = __shfl_xor_sync(kAllLanes, mask, 1);
  const int odd = lane & 1;
  const unsigned first = (odd ? other >> 4 : mask) & 0x0f0f0f0fu;
  const unsigned second = (odd ? mask : other << 4) & 0xf0f0f0f0u;
  const unsigned packed = first | second;
  unsigned char* to = bytes + (odd * lanes + lane - odd) / 2;
#pragma unroll
  for (int i = 0; i < Q / 2; ++i) to[i * lanes] = static_cast<unsigned char>(packed >> 8 * i);
}

// The bits of the four columns of a quad.
__device__ __forceinline__ unsigned quadBits(const unsigned char* bytes, int quad) { return bytes[quad / 2] >> 4 * (quad & 1) & 15u; }

// The lowest `wanted` bits that are set.
__device__ __forceinline__ unsigned lowestBits(unsigned word, int wanted) {
  for (int extra = __popc(word) - max(wanted, 0); extra > 0; --extra) word ^= 0x80000000u >> __clz(word);
  return word;
}

}  // namespace kofn
