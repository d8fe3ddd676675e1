// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace kofn {

// The Gumbel map: 31 random bits to G = -ln(-ln(1 - u)), u = (h + 0.5) 2^-31. Every operation is a single-rounded fp32 one that is
// written out (__fmaf_rn, never a * b + c), so the bits are those of the Java code whatever the compiler's contraction does. All
// values are normal numbers: flushing of denormals could not change them. The winning tail is at u -> 0, where h is exact.

constexpr int kTwoThirds = 0x3f2aaaab;  // the bits of 2/3: where a significand's interval begins
constexpr int kExponent = static_cast<int>(0xff800000);

// (ln v, from f and 2^23 e with v = (1 + f) 2^e, |f| <= 1/3. The exponent is taken in place: the scaling of its factor is exact.)
__device__ __forceinline__ float lnParts(float f, int exponentInPlace) {
  float p = -0.1264119f;
  p = __fmaf_rn(p, f, 0.14003551f);
  p = __fmaf_rn(p, f, -0.122422084f);
  p = __fmaf_rn(p, f, 0.140013069f);
  p = __fmaf_rn(p, f, -0.166762903f);
  p = __fmaf_rn(p, f, 0.2001075f);
  p = __fmaf_rn(p, f, -0.249998897f);
  p = __fmaf_rn(p, f, 0.333332092f);
  const float mantissa = __fmaf_rn(__fmaf_rn(p, f, -0.5f), __fmul_rn(f, f), f);
  return __fmaf_rn(__int2float_rn(exponentInPlace), 0.693147182f * 0x1p-23f, mantissa);
}

// ln of -v; the sign is part of the constant.
__device__ __forceinline__ float lnOfNegative(float v) {
  const int bits = __float_as_int(v);
  const int e = static_cast<int>(bits - (static_cast<unsigned>(kTwoThirds) + 0x80000000u)) & kExponent;
  return lnParts(__fadd_rn(-__int_as_float(bits - e), -1.0f), e);
}

__device__ __forceinline__ float gumbel(unsigned word) {
  const int h = static_cast<int>(word >> 1);
  const bool low = h < 715827883;  // u < 1/3: ln(1 - u) from u itself
  const float v = __fmaf_rn(__int2float_rn(low ? h : h ^ 0x7fffffff), 0x1p-31f, 0x1p-32f);
  const int bits = __float_as_int(v);
  const int e = low ? 0 : (bits - kTwoThirds) & kExponent;
  const float f = low ? -v : __fadd_rn(__int_as_float(bits - e), -1.0f);
  return -lnOfNegative(lnParts(f, e));  // lnParts is -E
}

}  // namespace kofn
