// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace kofn {

// a ^ b ^ c in one instruction.
__device__ __forceinline__ unsigned xor3(unsigned a, unsigned b, unsigned c) {
  unsigned r;
  asm("lop3.b32 %0, %1, %2, %3, 0x96;" : "=r"(r) : "r"(a), "r"(b), "r"(c));
  return r;
}

// Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011): four random words from a 128-bit counter and a 64-bit key. Integer
// arithmetic only, so the words are those of the Java code. Upper and lower half are written apart: ptxas makes one wide
// multiplication of the two.
__device__ __forceinline__ uint4 philox(uint4 counter, uint2 key) {
  constexpr unsigned A = 0xD2511F53u, B = 0xCD9E8D57u;
#pragma unroll
  for (int round = 0; round < 10; ++round) {
    counter = make_uint4(xor3(__umulhi(B, counter.z), counter.y, key.x), B * counter.z,
                         xor3(__umulhi(A, counter.x), counter.w, key.y), A * counter.x);
    key.x += 0x9E3779B9u;
    key.y += 0xBB67AE85u;
  }
  return counter;
}

}  // namespace kofn
