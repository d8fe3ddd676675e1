// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace kofn {

// Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011): four random words from a 128-bit counter and a 64-bit key. Integer
// arithmetic only, so the words are those of the Java code.
__device__ __forceinline__ uint4 philox(uint4 counter, uint2 key) {
#pragma unroll
  for (int round = 0; round < 10; ++round) {
    const unsigned long long a = 0xD2511F53ull * counter.x;
    const unsigned long long b = 0xCD9E8D57ull * counter.z;
    counter = make_uint4(static_cast<unsigned>(b >> 32) ^ counter.y ^ key.x, static_cast<unsigned>(b),
                         static_cast<unsigned>(a >> 32) ^ counter.w ^ key.y, static_cast<unsigned>(a));
    key.x += 0x9E3779B9u;
    key.y += 0xBB67AE85u;
  }
  return counter;
}

}  // namespace kofn
