// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace kofn {

// a ^ b ^ c in one instruction.
__device__ __forceinline__ unsigned xor3(unsigned a, unsigned b, unsigned c) {
  unsigned r;
  asm("lop3.b32 %0, %1, %2, %3, 0x96;" : "=r"(r) : "r"(a), "r"(b), "r"(c));
  return r;
}

// Both halves of a product, by one wide multiplication: written apart, ptxas merges only most of them.
__device__ __forceinline__ uint2 multiply(unsigned a, unsigned b) {
  uint2 r;
  asm("{.reg .b64 product; mul.wide.u32 product, %2, %3; mov.b64 {%0, %1}, product;}" : "=r"(r.x), "=r"(r.y) : "r"(a), "r"(b));
  return r;
}

// Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011): four random words from a 128-bit counter and a 64-bit key. Integer
// arithmetic only, so the words are those of the Java code. roundKey(i), i < 20: the key's two words for each round.
template <typename RoundKey>
__device__ __forceinline__ uint4 philoxRounds(uint4 counter, RoundKey roundKey) {
#pragma unroll
  for (int round = 0; round < 10; ++round) {
    const uint2 a = multiply(0xD2511F53u, counter.x);
    const uint2 b = multiply(0xCD9E8D57u, counter.z);
    counter = make_uint4(xor3(b.y, counter.y, roundKey(2 * round)), b.x, xor3(a.y, counter.w, roundKey(2 * round + 1)), a.x);
  }
  return counter;
}

__device__ __forceinline__ uint4 philox(uint4 counter, uint2 key) {
  return philoxRounds(counter, [key](int i) { return i % 2 == 0 ? key.x + i / 2 * 0x9E3779B9u : key.y + i / 2 * 0xBB67AE85u; });
}

}  // namespace kofn
