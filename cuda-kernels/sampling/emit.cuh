// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "outputs.cuh"
#include "row_bits.cuh"

// Writing what a team of lanes drew. Lane l has the row's columns 32 l .. + 31 as the bits of `word`; the first of them that was drawn
// takes `slot` of the row, the following ones the slots after it.
namespace kofn {

template <typename Write>
__device__ __forceinline__ void forEachDrawn(unsigned word, int slot, Write write) {
  slot += __popc(word);
  while (word != 0) {
    const int bit = 31 - __clz(word);
    word ^= 1u << bit;
    write(--slot, bit);
  }
}

template <typename T, int Q>
__device__ __forceinline__ void emit(const Draw& d, const Outputs& o, long long row, unsigned word, int slot, const unsigned char* bytes,
                                     int lane, int lanes) {
  const int first = 32 * lane;
  if (o.bits != nullptr && first < d.n) o.bits[row * o.bitPitch + lane] = word;
  if (o.indices != nullptr) {
    if (o.shortIndices) {
      unsigned short* to = static_cast<unsigned short*>(o.indices) + row * o.indexPitch;
      forEachDrawn(word, slot, [=](int at, int bit) { to[at] = static_cast<unsigned short>(first + bit); });
    } else {
      int* to = static_cast<int*>(o.indices) + row * o.indexPitch;
      forEachDrawn(word, slot, [=](int at, int bit) { to[at] = first + bit; });
    }
  }
  // Drawn keys are evaluated again: few are drawn, and keeping all keys until here would cost registers.
  if (o.keys != nullptr) {
    float* to = o.keys + row * o.keyPitch;
    forEachDrawn(word, slot, [&](int at, int bit) { to[at] = singleKey<T>(d, row, first + bit); });
  }
  if (o.bytes != nullptr || o.floats != nullptr) {
#pragma unroll 1
    for (int quad = lane; 4 * quad < d.n; quad += lanes) writeMasks(o, row, 4 * quad, d.n, quadBits(bytes, quad));
  }
}

}  // namespace kofn
