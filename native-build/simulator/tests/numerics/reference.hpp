// SPDX-License-Identifier: Apache-2.0
//
// What the numerics tests compare with: host IEEE arithmetic in the host's rounding modes, __float128, and number
// formats built from their definition (a sorted table of all finite values) instead of from bits.
#pragma once

#include "check.hpp"
#include "numerics/numerics.hpp"

#include <algorithm>
#include <random>
#include <vector>

namespace reference {

using namespace kofn::sim::num;
__extension__ typedef __float128 Quad;

inline const Rnd kIeeeRoundings[] = {Rnd::rn, Rnd::rz, Rnd::rm, Rnd::rp};

inline int hostMode(Rnd r) {
  return r == Rnd::rz ? FE_TOWARDZERO : r == Rnd::rm ? FE_DOWNWARD : r == Rnd::rp ? FE_UPWARD : FE_TONEAREST;
}

/// f(a, b, c) by the host's own arithmetic in rounding mode r.
template <class T, class F> T onHost(Rnd r, F f, T a, T b = 0, T c = 0) {
  volatile T va = a, vb = b, vc = c;
  std::fesetround(hostMode(r));
  volatile T result = f(va, vb, vc);
  std::fesetround(FE_TONEAREST);
  return result;
}

inline bool sameBits(float a, float b) { return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b); }
inline bool sameBits(double a, double b) { return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b); }
/// Equal bits, except that any NaN equals any NaN.
template <class T> bool same(T a, T b) { return (a != a && b != b) || sameBits(a, b); }

/// A binary format from its definition: exponent field e and mantissa m stand for 2^(max(e,1)-bias) * (e>0 + m/2^man).
struct Table {
  std::vector<double> values;  // all non-negative finite values, ascending: index = encoding
  explicit Table(int exponentBits, int mantissaBits, uint32_t largest) {
    const int bias = (1 << (exponentBits - 1)) - 1;
    for (uint32_t code = 0; code <= largest; code++) {
      const int e = static_cast<int>(code >> mantissaBits);
      const double m = std::ldexp(static_cast<double>(code & ((1u << mantissaBits) - 1)), -mantissaBits);
      values.push_back(std::ldexp((e > 0 ? 1 : 0) + m, std::max(e, 1) - bias));
    }
  }
  /// Encoding of the magnitude that `x` (finite, exact) rounds to; values.size() stands for "beyond the largest".
  uint32_t round(Quad x, Rnd r) const {
    const bool negative = x < 0;
    const Quad magnitude = negative ? -x : x;
    const auto above = std::upper_bound(values.begin(), values.end(), magnitude, [](Quad v, double t) { return v < Quad(t); });
    const auto lower = static_cast<uint32_t>(above - values.begin()) - 1;
    const Quad low = values[lower];
    if (low == magnitude) return lower;
    // Beyond the last value the next would be one spacing further: that decides ties at the overflow threshold.
    const Quad next = lower + 1 < values.size() ? Quad(values[lower + 1]) : low + (low - Quad(values[lower - 1]));
    const bool away = (r == Rnd::rm && negative) || (r == Rnd::rp && !negative);
    if (r == Rnd::rz || (!away && r != Rnd::rn && r != Rnd::rna)) return lower;
    if (away) return lower + 1;
    const Quad middle = (low + next) / 2;
    if (magnitude != middle) return magnitude < middle ? lower : lower + 1;
    return r == Rnd::rna ? lower + 1 : lower + (lower & 1);
  }
};

inline const Table& tableOf(F16) { static const Table t(5, 10, 0x7bff); return t; }
inline const Table& tableOf(BF16) { static const Table t(8, 7, 0x7f7f); return t; }
inline const Table& tableOf(TF32) { static const Table t(8, 10, 0x3fbff); return t; }
inline const Table& tableOf(E4M3) { static const Table t(4, 3, 0x7e); return t; }
inline const Table& tableOf(E5M2) { static const Table t(5, 2, 0x7b); return t; }

/// The bits of T that a finite exact value rounds to, by table; `zeroSign` is the sign of an exact zero.
template <class T> uint32_t roundedBits(Quad x, Rnd r, bool zeroSign = false, bool satfinite = false) {
  const Table& t = tableOf(T{});
  const auto size = static_cast<uint32_t>(t.values.size());
  uint32_t code = t.round(x, r);
  if (code >= size) code = satfinite ? size - 1 : size;  // in every format here infinity follows the largest (E4M3: NaN)
  if (satfinite) code = std::min(code, size - 1);
  const bool negative = x < 0 || (x == 0 && zeroSign);
  return (code | (negative ? 1u << (Format<T>::exponent + Format<T>::mantissa) : 0)) << Format<T>::unused;
}

inline std::mt19937_64& entropy() { static std::mt19937_64 r(20240607); return r; }

/// Floats at every kind of edge, and random ones of every exponent.
inline std::vector<float> floats(int randomCount = 200) {
  std::vector<float> v;
  const uint32_t magnitudes[] = {0, 1, 2, 0x007fffff, 0x00800000, 0x00800001, 0x33800000, 0x38800000, 0x387fffff, 0x3effffff,
                                 0x3f000000, 0x3f000001, 0x3f7fffff, 0x3f800000, 0x3f800001, 0x3fc00000, 0x40000000, 0x40200000,
                                 0x40490fdb, 0x42fe0000, 0x437f0000, 0x437f8000, 0x47000000, 0x477fe000, 0x477fefff, 0x477ff000,
                                 0x477fffff, 0x47800000, 0x4b000000, 0x4b000001, 0x4b7fffff, 0x4b800000, 0x4effffff, 0x4f000000,
                                 0x4f7fffff, 0x4f800000, 0x5effffff, 0x5f000000, 0x5f7fffff, 0x5f800000, 0x7effffff, 0x7f000000,
                                 0x7f7fffff, 0x7f800000, 0x7fc00000, 0x7f800001, 0x7fffffff};
  for (uint32_t m : magnitudes) v.push_back(std::bit_cast<float>(m)), v.push_back(std::bit_cast<float>(m | 0x80000000));
  for (int i = 0; i < randomCount; i++) v.push_back(std::bit_cast<float>(static_cast<uint32_t>(entropy()())));
  for (int i = 0; i < randomCount; i++)  // near one another, so that sums cancel and round
    v.push_back(std::bit_cast<float>(static_cast<uint32_t>(0x3f000000 + entropy()() % 0x01800000) | static_cast<uint32_t>(entropy()() & 0x80000000)));
  return v;
}

inline std::vector<double> doubles(int randomCount = 200) {
  std::vector<double> v;
  for (float f : floats(0)) v.push_back(f);
  const uint64_t magnitudes[] = {0, 1, 2, 0x000fffffffffffff, 0x0010000000000000, 0x0010000000000001, 0x3fefffffffffffff,
                                 0x3ff0000000000001, 0x4330000000000000, 0x4340000000000000, 0x43dfffffffffffff, 0x43e0000000000000,
                                 0x43efffffffffffff, 0x43f0000000000000, 0x41dfffffffc00000, 0x41efffffffe00000, 0x7feffffffffffff0,
                                 0x7fefffffffffffff, 0x7ff0000000000000, 0x7ff8000000000000, 0x36a0000000000000, 0x3690000000000000,
                                 0x47efffffefffffff, 0x47effffff0000000, 0x47efffffe0000000};
  for (uint64_t m : magnitudes) v.push_back(std::bit_cast<double>(m)), v.push_back(std::bit_cast<double>(m | 1ull << 63));
  for (int i = 0; i < randomCount; i++) v.push_back(std::bit_cast<double>(entropy()()));
  for (int i = 0; i < randomCount; i++)
    v.push_back(std::bit_cast<double>((0x3fe0000000000000 + entropy()() % 0x0030000000000000) | (entropy()() & 1ull << 63)));
  return v;
}

template <class I> std::vector<I> integers(int randomCount = 40) {
  using U = std::make_unsigned_t<I>;
  std::vector<I> v;
  for (int bit = 0; bit < static_cast<int>(sizeof(I) * 8); bit++)
    for (int delta = -1; delta <= 1; delta++) v.push_back(static_cast<I>(static_cast<U>(static_cast<U>(U{1} << bit) + delta)));
  for (U p : {U(0), U(~U{0}), U(0x5555555555555555), U(0xaaaaaaaaaaaaaaaa), U(0x8080808080808080)}) v.push_back(static_cast<I>(p));
  for (int i = 0; i < randomCount; i++) v.push_back(static_cast<I>(entropy()()));
  return v;
}

}  // namespace reference
