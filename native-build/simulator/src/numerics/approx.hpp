// SPDX-License-Identifier: Apache-2.0
//
// The .approx and .full functions.
//
// The PTX manual ("Floating Point Instructions") bounds their error and says nothing else. In the normal mode each returns the host libm's value, which is closer
// to the truth than the bound; in the *worst* mode each returns the representable value farthest from the truth that
// the bound still allows, in a direction that a seed and the operand's bits decide. Code that needs more accuracy than
// is promised then fails here, not on a GPU. Special operands (zeros, infinities, NaN) follow the manual's tables in
// both modes.
#pragma once

#include "convert.hpp"

namespace kofn::sim::num {

/// How approximate functions behave; the default is the accurate mode.
struct Approx {
  bool worst = false;
  uint64_t seed = 0;
};

namespace detail {

/// A fair coin from seed and operand (splitmix64's finaliser).
constexpr bool coin(uint64_t seed, uint64_t operand) {
  uint64_t z = seed * 0x9e3779b97f4a7c15 + operand + 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return (z ^ z >> 31) & 1;
}

/// The T farthest from `exact` within `bound` on the side that the coin names, or the nearest T where that side has none.
template <class T> inline T farthest(double exact, double bound, Approx mode, uint64_t operand) {
  const T nearest = round_to<T>(exact, Rnd::rn);
  if (!std::isfinite(exact) || exact == 0 || !(bound > 0)) return nearest;
  const bool up = coin(mode.seed, operand);
  const T r = round_to<T>(up ? exact + bound : exact - bound, up ? Rnd::rm : Rnd::rp);
  const double value = widen(r);
  const bool inside = std::isfinite(value) && (up ? value >= exact : value <= exact);
  return inside ? r : nearest;
}

/// One unit in the last place of a float of x's magnitude.
inline double ulp_of_float(double x) {
  const int e = std::ilogb(x);
  return std::ldexp(1.0, (e < -126 ? -126 : e) - 23);
}

inline float approximate(float accurate, double exact, double bound, Approx mode, uint32_t operand) {
  return mode.worst ? farthest<float>(exact, bound, mode, operand) : accurate;
}

} // namespace detail

/// ex2.approx{.ftz}.f32: at most 2 ulp from the correctly rounded result over the full range. ex2(-inf) = +0, ex2(+-0) = 1, ex2(+inf) = +inf.
inline float ex2_approx(float a, bool ftz, Approx mode = {}) {
  if (ftz) a = flush(a);
  float r = std::exp2(a);
  if (mode.worst && a != 0 && std::isfinite(r)) {
    const double exact = static_cast<float>(std::exp2(static_cast<double>(a)));
    r = detail::farthest<float>(exact, 2 * detail::ulp_of_float(exact), mode, bits_of(a));
  }
  return finish(r, {.ftz = ftz});
}

/// lg2.approx{.ftz}.f32: absolute error at most 2^-22 for a in (0.5, 2), relative error at most 2^-22 elsewhere.
/// lg2(+-0) = -inf, lg2(+inf) = +inf, lg2 of a negative number is NaN.
inline float lg2_approx(float a, bool ftz, Approx mode = {}) {
  if (ftz) a = flush(a);
  float r = std::log2(a);
  if (mode.worst && std::isfinite(r)) {
    const double exact = std::log2(static_cast<double>(a));
    const double bound = a > 0.5f && a < 2.0f ? 0x1p-22 : 0x1p-22 * std::fabs(exact);
    if (exact != 0) r = detail::farthest<float>(exact, bound, mode, bits_of(a));
    else r = detail::coin(mode.seed, bits_of(a)) ? 0x1p-22f : -0x1p-22f;
  }
  return finish(r, {.ftz = ftz});
}

/// rcp.approx{.ftz}.f32: at most 1 ulp. rcp(+-0) = +-inf, rcp(+-inf) = +-0.
inline float rcp_approx(float a, bool ftz, Approx mode = {}) {
  if (ftz) a = flush(a);
  float r = 1.0f / a;
  if (mode.worst && std::isfinite(r) && r != 0) {
    const double exact = 1.0 / a;
    r = detail::farthest<float>(exact, detail::ulp_of_float(exact), mode, bits_of(a));
  }
  return finish(r, {.ftz = ftz});
}

/// rsqrt.approx{.ftz}.f32: relative error at most 2^-22.9. rsqrt(+-0) = +-inf, rsqrt(+inf) = +0, negative gives NaN.
inline float rsqrt_approx(float a, bool ftz, Approx mode = {}) {
  if (ftz) a = flush(a);
  const double exact = 1.0 / std::sqrt(static_cast<double>(a));
  float r = static_cast<float>(exact);
  if (mode.worst) r = detail::farthest<float>(exact, 0x1.125fbep-23 * exact, mode, bits_of(a)); // 2^-22.9, rounded down
  return finish(r, {.ftz = ftz});
}

/// sqrt.approx{.ftz}.f32: relative error at most 2^-23. sqrt(-0) = -0, negative gives NaN.
inline float sqrt_approx(float a, bool ftz, Approx mode = {}) {
  if (ftz) a = flush(a);
  float r = std::sqrt(a);
  if (mode.worst) {
    const double exact = std::sqrt(static_cast<double>(a));
    r = exact == 0 ? r : detail::farthest<float>(exact, 0x1p-23 * exact, mode, bits_of(a));
  }
  return finish(r, {.ftz = ftz});
}

namespace detail {
/// sin and cos: absolute error 2^-20.5 in [-2 pi, 2 pi], 2^-14.7 in [-100 pi, 100 pi]; the manual has no bound beyond,
/// where this keeps the latter. (Constants rounded down.)
inline double trigonometric_bound(float a) { return std::fabs(a) <= 0x1.921fb4p+2f ? 0x1.6a09e6p-21 : 0x1.3b2c46p-15; }
} // namespace detail

/// sin.approx{.ftz}.f32: error above. sin(+-0) = +-0, sin(+-inf) = NaN.
inline float sin_approx(float a, bool ftz, Approx mode = {}) {
  if (ftz) a = flush(a);
  float r = std::sin(a);
  if (mode.worst && a != 0)
    r = detail::farthest<float>(std::sin(static_cast<double>(a)), detail::trigonometric_bound(a), mode, bits_of(a));
  return finish(r, {.ftz = ftz});
}

/// cos.approx{.ftz}.f32: error above. cos(+-0) = 1, cos(+-inf) = NaN.
inline float cos_approx(float a, bool ftz, Approx mode = {}) {
  if (ftz) a = flush(a);
  float r = std::cos(a);
  if (mode.worst && a != 0)
    r = detail::farthest<float>(std::cos(static_cast<double>(a)), detail::trigonometric_bound(a), mode, bits_of(a));
  return finish(r, {.ftz = ftz});
}

/// tanh.approx.f32: relative error at most 2^-11; subnormals supported. tanh(+-inf) = +-1.
inline float tanh_approx(float a, Approx mode = {}) {
  float r = std::tanh(a);
  if (mode.worst && std::isfinite(a) && a != 0) {
    const double exact = std::tanh(static_cast<double>(a));
    r = detail::farthest<float>(exact, 0x1p-11 * std::fabs(exact), mode, bits_of(a));
  }
  return finish(r, {});
}

/// div.full{.ftz}.f32: at most 2 ulp over the full range.
inline float div_full(float a, float b, bool ftz, Approx mode = {}) {
  if (ftz) a = flush(a), b = flush(b);
  float r = a / b;
  if (mode.worst && std::isfinite(r) && r != 0) {
    const double exact = static_cast<double>(a) / b;
    r = detail::farthest<float>(exact, 2 * detail::ulp_of_float(exact), mode, uint64_t{bits_of(a)} << 32 | bits_of(b));
  }
  return finish(r, {.ftz = ftz});
}

/// div.approx{.ftz}.f32: a * (1 / b); at most 2 ulp for |b| in [2^-126, 2^126]. Beyond 2^126 the reciprocal is 0: the
/// result is 0 (of the quotient's sign), or NaN for an infinite a. Below 2^-126, where no bound is given, as div.full.
inline float div_approx(float a, float b, bool ftz, Approx mode = {}) {
  const float magnitude = std::fabs(b);
  if (magnitude > 0x1p126f && std::isfinite(b)) {
    const float zero = std::copysign(0.0f, b);
    return finish((ftz ? flush(a) : a) * zero, {.ftz = ftz});
  }
  return div_full(a, b, ftz, mode);
}

/// rcp.approx.ftz.f64 and rsqrt.approx.ftz.f64: only the upper 32 bits of operand and result count (20 bits of
/// mantissa), subnormals are flushed; the manual states no error bound, so this is the nearest such value.
namespace detail {
inline double gross_f64(double a, double (*f)(double)) {
  const auto upper = [](double x) {
    uint64_t b = std::bit_cast<uint64_t>(x) & 0xffffffff00000000;
    if ((b & 0x7ff0000000000000) == 0) b &= uint64_t{1} << 63;
    return std::bit_cast<double>(b);
  };
  const double r = f(upper(a));
  if (!std::isfinite(r)) return std::isnan(r) ? std::bit_cast<double>(uint64_t{0x7fffffff00000000}) : r;
  return upper(std::bit_cast<double>(std::bit_cast<uint64_t>(r) + 0x80000000)); // to nearest 20 bits
}
} // namespace detail
inline double rcp_approx_f64(double a) { return detail::gross_f64(a, [](double x) { return 1.0 / x; }); }
inline double rsqrt_approx_f64_ftz(double a) { return detail::gross_f64(a, [](double x) { return 1.0 / std::sqrt(x); }); }
/// rsqrt.approx.f64: full range, subnormals supported; the manual states no bound (within 1 ulp here).
inline double rsqrt_approx(double a) { return 1.0 / std::sqrt(a); }

/// ex2.approx.f16: relative error at most 2^-9.9; ex2.approx.ftz.bf16: 2^-7. tanh.approx.f16: absolute error at most
/// 2^-10.987; tanh.approx.bf16: 2^-8. (Constants rounded down.)
template <class T> inline T ex2_approx(T a, bool ftz, Approx mode = {}) {
  if (ftz) a = flush(a);
  const double exact = std::exp2(static_cast<double>(widen(a)));
  constexpr double bound = std::is_same_v<T, F16> ? 0x1.125fbep-10 : 0x1p-7;
  const bool plain = !mode.worst || widen(a) == 0;
  return finish(plain ? round_to<T>(exact, Rnd::rn) : detail::farthest<T>(exact, bound * exact, mode, a.bits), {.ftz = ftz});
}
template <class T> requires(std::is_same_v<T, F16> || std::is_same_v<T, BF16>)
inline T tanh_approx(T a, Approx mode = {}) {
  const double exact = std::tanh(static_cast<double>(widen(a)));
  constexpr double bound = std::is_same_v<T, F16> ? 0x1.02513p-11 : 0x1p-8;
  const bool plain = !mode.worst || widen(a) == 0 || !std::isfinite(widen(a));
  return plain ? round_to<T>(exact, Rnd::rn) : detail::farthest<T>(exact, bound, mode, a.bits);
}

} // namespace kofn::sim::num
