// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace kofn {

// An approximation of the Gumbel map (gumbel.cuh) with a proven bound, in 12 instructions instead of 40. Keys made with it decide which
// columns cannot be drawn and which must be; the few that they cannot tell apart are decided by exact keys, so no output depends on it.
//
// With u and v = 1 - u as in gumbel.cuh and E2 = -log2(1 - u):      G = -ln(E2 ln 2) = kGumbelShift - ln 2 log2(E2)
//   u <  2^-5   E2 from a cubic in u: log2(1 - u) would lose what 1 - u has rounded away
//   u >= 2^-5   E2 = -lg2(v)
// The shift is left out, since adding it to every key changes no order.
//
// The bound. The PTX manual promises of lg2.approx.ftz.f32 an absolute error of 2^-22 for arguments in (1/2, 2) and a relative one of
// 2^-22 elsewhere (for normal numbers, which all of these are). u and v are rounded twice.
//   u <  2^-5   relative error of E2: cubic 2.63e-7, u 2^-23, three roundings 1.4e-7; then log2(E2) > -31.6 adds 2^-22 * 31.6 ln 2:
//               5.3e-7 + 5.3e-6
//   u >= 2^-5   relative error of E2: 2^-22 of the logarithm and 2^-24 (1 + u) / ln 2 of v, over |log2(v)| >= 0.0458 at its least, where
//               the sum is greatest: 7.2e-6; then |log2(E2)| < 5 adds at most 2^-22 * 5 ln 2: 8.3e-7
// Two roundings of beta ln 2 add 8.9e-8 |G|, at most 2.0e-6 in the first case and 3.0e-7 in the second. The exact map lies within 9.9e-7
// of the real G. In all |approximate - exact| <= 9.4e-6 beta. FastGumbelTest checks the bound over all 2^31 values of h with both
// logarithms as wrong as the manual allows.
constexpr float kFastGumbelError = 9.5e-6f;
constexpr float kGumbelShift = 0.36651292f;  // -ln(ln 2)

// Two keys this many beta apart, and 2^-21 of their size, are in the right order: twice the bound, and the roundings of the shift.
constexpr float kFastKeyWidth = 2.01f * kFastGumbelError + 0x1p-20f * kGumbelShift;

// (volatile: else the compiler branches around it.)
__device__ __forceinline__ float lg2(float x) {
  float r;
  asm volatile("lg2.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x));
  return r;
}

// log2(E2), about: G = kGumbelShift - ln 2 * this.
__device__ __forceinline__ float fastLogExponential(unsigned word) {
  const int h = static_cast<int>(word >> 1);
  const bool low = h < 1 << 26;
  const float v = __fmaf_rn(__int2float_rn(low ? h : h ^ 0x7fffffff), 0x1p-31f, 0x1p-32f);
  const float cubic = __fmul_rn(v, __fmaf_rn(v, __fmaf_rn(v, -0.49829337f, -0.72114205f), -1.4426954f));
  const float log = lg2(v);
  return lg2(-(low ? cubic : log));
}

}  // namespace kofn
