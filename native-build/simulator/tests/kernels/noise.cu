// SPDX-License-Identifier: Apache-2.0
//
// The noise of cuda-kernels/common by itself, for inputs that no draw reaches.
#include "../../../../cuda-kernels/common/gumbel.cuh"
#include "../../../../cuda-kernels/common/philox.cuh"

// words[0..4) of one counter and key.
extern "C" __global__ void philox_words(unsigned c0, unsigned c1, unsigned c2, unsigned c3, unsigned k0, unsigned k1, unsigned* words) {
  const uint4 w = kofn::philox(make_uint4(c0, c1, c2, c3), make_uint2(k0, k1));
  words[0] = w.x;
  words[1] = w.y;
  words[2] = w.z;
  words[3] = w.w;
}

// bits[i] = G of the 31-bit input first + i * stride.
extern "C" __global__ void gumbel_bits(unsigned first, unsigned stride, unsigned count, unsigned* bits) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) bits[i] = __float_as_uint(kofn::gumbel((first + i * stride) << 1));
}
