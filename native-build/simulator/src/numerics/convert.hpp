// SPDX-License-Identifier: Apache-2.0
//
// cvt: every pair of integer and floating-point types.
#pragma once

#include "float_arith.hpp"

#include <utility>

namespace kofn::sim::num {

/// Modifiers of cvt. `integral` stands for the integer roundings: rnd = rn with integral is .rni, and so on.
struct CvtMode {
  Rnd rnd = Rnd::rn;
  bool integral = false;
  bool ftz = false;
  bool sat = false;       ///< float destination: [0, 1]; integer destination: clamp to the type's range
  bool relu = false;
  bool satfinite = false;

  constexpr FpMode fp() const { return {rnd, ftz, sat, relu, satfinite}; }
};

namespace detail {

template <class T> inline constexpr bool isFloat = !std::is_integral_v<T>;

/// Rounds to an integral value and keeps the sign of zero.
inline double to_integral(double x, Rnd r) {
  switch (r) {
    case Rnd::rz: return std::trunc(x);
    case Rnd::rm: return std::floor(x);
    case Rnd::rp: return std::ceil(x);
    case Rnd::rna: return std::round(x);
    case Rnd::rn: break;
  }
  return std::nearbyint(x); // the host rounds to nearest even
}

/// A 64-bit integer as a double rounded to odd: its halves are exact, their sum need not be.
template <class I> inline double integer_to_odd(I v, Rnd r) {
  if constexpr (sizeof(I) < 8) return static_cast<double>(v);
  else {
    const I upper = v >> 32;
    return add_to_odd(static_cast<double>(upper) * 0x1p32, static_cast<double>(v - (upper << 32)), r);
  }
}

} // namespace detail

/// Integer to integer. Without .sat: truncation or extension by the source's signedness.
template <class D, class S> requires(std::is_integral_v<D> && std::is_integral_v<S>)
constexpr D convert(S v, CvtMode m = {}) {
  if (m.sat) {
    if (std::cmp_less(v, std::numeric_limits<D>::min())) return std::numeric_limits<D>::min();
    if (std::cmp_greater(v, std::numeric_limits<D>::max())) return std::numeric_limits<D>::max();
  }
  return static_cast<D>(v);
}

/// Integer to floating point.
template <class D, class S> requires(detail::isFloat<D> && std::is_integral_v<S>)
inline D convert(S v, CvtMode m = {}) {
  if constexpr (std::is_same_v<D, double>) {
    if constexpr (sizeof(S) == 8) if (m.rnd != Rnd::rn) {
      const S upper = v >> 32;
      return add(static_cast<double>(upper) * 0x1p32, static_cast<double>(v - static_cast<S>(upper << 32)), m.fp());
    }
    return finish(static_cast<double>(v), m.fp());
  } else if constexpr (std::is_same_v<D, float>) {
    if (m.rnd == Rnd::rn) return finish(static_cast<float>(v), m.fp());
    return finish(round_to<D>(detail::integer_to_odd(v, m.rnd), m.rnd), m.fp());
  } else {
    return finish(round_to<D>(detail::integer_to_odd(v, m.rnd), m.rnd, m.satfinite), m.fp());
  }
}

/// Floating point to integer: always clamps to the destination's range. NaN gives 0, except that a NaN from f64, or a
/// NaN into a 64-bit destination, gives the value whose only set bit is the destination's top bit.
template <class D, class S> requires(std::is_integral_v<D> && detail::isFloat<S>)
inline D convert(S v, CvtMode m = {}) {
  if (m.ftz) v = flush(v);
  const double x = detail::to_integral(widen(v), m.rnd);
  constexpr bool topBit = std::is_same_v<S, double> || sizeof(D) == 8;
  if (x != x) return topBit ? static_cast<D>(std::make_unsigned_t<D>{1} << (sizeof(D) * 8 - 1)) : D{0};
  constexpr D least = std::numeric_limits<D>::min(), greatest = std::numeric_limits<D>::max();
  constexpr double end = static_cast<double>(static_cast<uint64_t>(greatest) / 2 + 1) * 2; // greatest + 1, exact
  if (x >= end) return greatest;
  if (x < static_cast<double>(least)) return least;
  return static_cast<D>(x);
}

/// Floating point to floating point. .ftz flushes f32 (and narrower, where PTX has it) inputs and results.
template <class D, class S> requires(detail::isFloat<D> && detail::isFloat<S>)
inline D convert(S v, CvtMode m = {}) {
  if constexpr (!std::is_same_v<S, TF32> && !std::is_same_v<S, E4M3> && !std::is_same_v<S, E5M2>)
    if (m.ftz) v = flush(v);
  if constexpr (std::is_same_v<S, float> && (std::is_same_v<D, F16> || std::is_same_v<D, BF16>))
    if (m.rnd == Rnd::rn && !m.integral && !m.satfinite) return finish(nearest<D>(v), m.fp());
  double x = widen(v);
  if (m.integral) x = detail::to_integral(x, m.rnd);
  if constexpr (std::is_same_v<D, double>) {
    return finish(x, m.fp());
  } else if constexpr (std::is_same_v<D, float>) {
    if (m.integral || m.rnd == Rnd::rn) return finish(static_cast<float>(x), m.fp());
    return finish(round_to<float>(x, m.rnd), m.fp());
  } else {
    D d = round_to<D>(x, m.integral ? Rnd::rn : m.rnd, m.satfinite);
    if constexpr (std::is_same_v<D, F16> || std::is_same_v<D, BF16>) return finish(d, m.fp());
    else return m.relu ? rectify(d) : d;
  }
}

/// cvt.rn.{f16x2,bf16x2}.f32 d, a, b: a goes to the upper half, b to the lower.
template <class D> inline uint32_t convert_pair(float a, float b, CvtMode m = {}) {
  return pack<D>(convert<D>(a, m), convert<D>(b, m));
}

/// cvt.rn.satfinite.{e4m3x2,e5m2x2}.f32 d, a, b: a goes to the upper byte.
template <class D> inline uint16_t convert_pair8(float a, float b, CvtMode m = {}) {
  m.satfinite = true;
  return static_cast<uint16_t>(convert<D>(a, m).bits << 8 | convert<D>(b, m).bits);
}

/// cvt.rn.f16x2.{e4m3x2,e5m2x2}: bytes to halves, exact.
template <class S> inline uint32_t widen_pair8(uint16_t v, bool relu = false) {
  const CvtMode m{.relu = relu};
  return pack<F16>(convert<F16>(S{static_cast<uint8_t>(v >> 8)}, m), convert<F16>(S{static_cast<uint8_t>(v)}, m));
}

} // namespace kofn::sim::num
