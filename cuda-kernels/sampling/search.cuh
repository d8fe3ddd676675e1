// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../common/keys.cuh"

// Finding the k-th largest of keys that lie in registers, by counting how many reach a guess.
//
// The first guess comes from the row itself: mean + z sigma, where z is the (1 - k/n)-quantile of a standardised Gumbel distribution,
// which is exact in the limit for flat logits and near for others. From there guesses walk until the k-th key is bracketed, and then
// interpolate: of m keys in the bracket r must go, so the guess lies at (r + 1/2) / (m + 1) of it, where the gap between the two keys
// is expected. The search ends at the first guess that exactly k keys reach. After kInterpolations guesses, or where a guess falls
// outside the bracket, the bracket is halved in the order of floats, which ends after 32 more whatever the keys. No guess can change
// the result, only how fast it is found: k keys reach `lo`, or more do and fewer reach the next float.
namespace kofn {

constexpr unsigned kAllLanes = 0xffffffffu;
constexpr float kLowest = -3.402823466e38f;  // every drawable key reaches it

__device__ __forceinline__ bool isFinite(float x) { return fabsf(x) <= -kLowest; }

// 1 / x, about: where a guess is made of it.
__device__ __forceinline__ float reciprocal(float x) {
  float r;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x));
  return r;
}

struct Search {
  static constexpr int kInterpolations = 16;

  float lo = kLowest, hi = __int_as_float(0x7f800001);  // at least k keys reach lo, fewer reach hi; above infinity nothing does
  int countLo, countHi = 0;
  float at;                // the guess
  float slope, slack;      // how far to walk: slope * (how many keys too many or too few) + slack
  float step = 0;          // the last walk
  int tries = 0;

  // Takes the count of keys that reach the guess; whether another guess is to be counted.
  __device__ __forceinline__ bool next(int count, int k) {
    const int excess = count - k;
    if (excess >= 0) {
      lo = at;
      countLo = count;
    } else {
      hi = at;
      countHi = count;
    }
    if (excess == 0) return false;
    if (lo > kLowest && hi <= -kLowest) {
      const float share = (static_cast<float>(countLo - k) + 0.5f) * reciprocal(static_cast<float>(countLo - countHi + 1));
      at = fmaf(share, hi - lo, lo);
    } else {
      step = fmaxf(fmaf(fabsf(static_cast<float>(excess)), slope, slack), 2.0f * step);
      at += excess > 0 ? step : -step;
    }
    return (++tries <= kInterpolations && at > lo && !(at >= hi)) || halve();
  }

  // The guess in the middle of the bracket; false if no float lies in it.
  __device__ __forceinline__ bool halve() {
    const int low = ordered(lo);
    const unsigned width = static_cast<unsigned>(ordered(hi)) - static_cast<unsigned>(low);
    at = unordered(low + static_cast<int>(width / 2));
    return width > 1;
  }
};

// count += x >= t
__device__ __forceinline__ void countReach(int& count, float x, float t) {
  asm("{.reg .pred p; setp.ge.f32 p, %1, %2; @p add.s32 %0, %0, 1;}" : "+r"(count) : "f"(x), "f"(t));
}

template <int Keys>
__device__ __forceinline__ int countReach(const float (&x)[Keys], float t) {
  int count = 0;
#pragma unroll
  for (int i = 0; i < Keys; ++i) countReach(count, x[i], t);
  return count;
}

// One bit a key: set if it reaches t.
template <int Keys>
__device__ __forceinline__ unsigned maskReach(const float (&x)[Keys], float t) {
  static_assert(Keys <= 32, "one bit a key");
  unsigned mask = 0;
#pragma unroll
  for (int i = 0; i < Keys; ++i) {
    asm("{.reg .pred p; setp.ge.f32 p, %1, %2; @p or.b32 %0, %0, %3;}" : "+r"(mask) : "f"(x[i]), "f"(t), "r"(1u << i));
  }
  return mask;
}

}  // namespace kofn
