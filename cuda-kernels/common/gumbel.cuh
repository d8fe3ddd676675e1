// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace kofn {

// The Gumbel map: 31 random bits to G = -ln(-ln(1 - u)), u = (h + 0.5) 2^-31. Every operation is a single-rounded fp32 one that is
// written out (__fmaf_rn, never a * b + c), so the bits are those of the Java code whatever the compiler's contraction does. All
// values are normal numbers: flushing of denormals could not change them. The winning tail is at u -> 0, where h is exact.

// (ln v, from f and k with v = (1 + f) 2^k, |f| <= 1/3.)
__device__ __forceinline__ float lnParts(float f, float k) {
  float p = -0.1264119f;
  p = __fmaf_rn(p, f, 0.14003551f);
  p = __fmaf_rn(p, f, -0.122422084f);
  p = __fmaf_rn(p, f, 0.140013069f);
  p = __fmaf_rn(p, f, -0.166762903f);
  p = __fmaf_rn(p, f, 0.2001075f);
  p = __fmaf_rn(p, f, -0.249998897f);
  p = __fmaf_rn(p, f, 0.333332092f);
  return __fmaf_rn(k, 0.693147182f, __fmaf_rn(__fmaf_rn(p, f, -0.5f), __fmul_rn(f, f), f));
}

__device__ __forceinline__ float ln(float v) {
  const int bits = __float_as_int(v);
  const int e = (bits - 0x3f2aaaab) >> 23;
  const float f = __fadd_rn(__int_as_float(bits - (e << 23)), -1.0f);
  return lnParts(f, __int2float_rn(e));
}

__device__ __forceinline__ float gumbel(unsigned word) {
  const int h = static_cast<int>(word >> 1);
  const bool low = h < 715827883;  // u < 1/3: ln(1 - u) from u itself
  const float v = __fmaf_rn(__int2float_rn(low ? h : 0x7fffffff - h), 0x1p-31f, 0x1p-32f);
  const int bits = __float_as_int(v);
  const int e = low ? 0 : (bits - 0x3f2aaaab) >> 23;
  const float f = low ? -v : __fadd_rn(__int_as_float(bits - (e << 23)), -1.0f);
  const float exponential = -lnParts(f, __int2float_rn(e));
  return -ln(exponential);
}

}  // namespace kofn
