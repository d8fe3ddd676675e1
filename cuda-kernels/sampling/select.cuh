// SPDX-License-Identifier: Apache-2.0
#pragma once

// Finding the k-th largest of keys that lie in registers, by counting: shared by the kernels that keep a row resident.
namespace kofn {

constexpr unsigned kAllLanes = 0xffffffffu;
constexpr int kNoTies = 0x7fffffff;  // every key that reaches the threshold is in

// A bracket around the k-th largest key: at least k keys reach lo, fewer reach hi.
struct Bracket {
  int lo, hi;
  int countLo, countHi;

  __device__ __forceinline__ bool open() const {
    return static_cast<unsigned>(hi) - static_cast<unsigned>(lo) > 1u;
  }

  // A guess strictly inside the bracket.
  __device__ __forceinline__ int guess(int k, bool interpolate) const {
    const unsigned width = static_cast<unsigned>(hi) - static_cast<unsigned>(lo);
    unsigned down = width / 2;
    if (interpolate) {
      const float share = (k - countHi - 0.5f) / static_cast<float>(countLo - countHi);
      down = static_cast<unsigned>(static_cast<float>(width) * fminf(fmaxf(share, 0.01f), 0.99f));
    }
    down = min(max(down, 1u), width - 1u);
    return static_cast<int>(static_cast<unsigned>(hi) - down);
  }

  __device__ __forceinline__ void narrow(int mid, int count, int k) {
    if (count >= k) {
      lo = mid;
      countLo = count;
    } else {
      hi = mid;
      countHi = count;
    }
  }
};

template <int Q>
__device__ __forceinline__ int countFrom(const int (&key)[4 * Q], int threshold) {
  int c = 0;
#pragma unroll
  for (int i = 0; i < 4 * Q; ++i) c += key[i] >= threshold;
  return c;
}

// One bit a key, so that what follows needs no keys: bit i of `reach` if key i reaches the threshold, of `equal` if it is the threshold.
template <int Q>
__device__ __forceinline__ void compareAll(const int (&key)[4 * Q], int threshold, unsigned& reach, unsigned& equal) {
  static_assert(4 * Q <= 32, "one bit a key");
  reach = 0;
  equal = 0;
#pragma unroll
  for (int i = 0; i < 4 * Q; ++i) {
    reach |= static_cast<unsigned>(key[i] >= threshold) << i;
    equal |= static_cast<unsigned>(key[i] == threshold) << i;
  }
}

// Of the tied keys (bits 0 to 3 of tied), those whose rank among all ties is not below the number of ties wanted lose.
__device__ __forceinline__ unsigned withoutLateTies(unsigned chosen, unsigned tied, int rank, int wanted) {
#pragma unroll
  for (int j = 0; j < 4; ++j) {
    if (tied >> j & 1) {
      if (rank >= wanted) chosen &= ~(1u << j);
      ++rank;
    }
  }
  return chosen;
}

}  // namespace kofn
