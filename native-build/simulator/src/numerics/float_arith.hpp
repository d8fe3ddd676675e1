// SPDX-License-Identifier: Apache-2.0
//
// add, sub, mul, fma, div, rcp, sqrt, neg, abs, copysign for f16, bf16, f32 and f64, IEEE-exact in the rounding asked
// for. (.approx forms: approx.hpp.)
#pragma once

#include "float_format.hpp"

#include <cfenv>
#include <cmath>

namespace kofn::sim::num {

// ---- results rounded to odd into a double -------------------------------------------------------------------------------

/// Replaces the nearest double `r` of an exact value by its round-to-odd, given the sign of (exact - r).
inline double to_odd(double r, double error) {
  const uint64_t b = std::bit_cast<uint64_t>(r);
  const bool move = (error > 0 || error < 0) && !(b & 1); // a NaN error (infinities) moves nothing
  const uint64_t step = (error > 0) == (r > 0) ? 1 : ~uint64_t{0};
  return std::bit_cast<double>(move ? b + step : b);
}

/// a + b, rounded to odd. The error of a double sum is a double: Knuth's two-sum finds it without branches.
inline double add_to_odd(double a, double b, Rnd r) {
  const double s = a + b;
  const double bb = s - a;
  const double sum = to_odd(s, (a - (s - bb)) + (b - bb));
  // IEEE: an exact zero sum of values of opposite sign is -0 when rounding down.
  return r == Rnd::rm && s == 0 && (std::signbit(a) || std::signbit(b)) ? -0.0 : sum;
}

/// a / b for a and b of at most 24 significant bits: the remainder of the division is exact in fma.
inline double div_to_odd(double a, double b) {
  const double q = a / b;
  const double remainder = std::fma(-q, b, a);
  return to_odd(q, b < 0 ? -remainder : remainder);
}

inline double sqrt_to_odd(double a) {
  const double q = std::sqrt(a);
  return to_odd(q, std::fma(-q, q, a));
}

// ---- f64 in a directed rounding: the host's own ---------------------------------------------------------------------------

/// Host rounding mode for the lifetime of the object. Values must pass through volatile to stay inside.
class HostRounding {
public:
  explicit HostRounding(Rnd r) : saved(std::fegetround()) {
    std::fesetround(r == Rnd::rz ? FE_TOWARDZERO : r == Rnd::rm ? FE_DOWNWARD : r == Rnd::rp ? FE_UPWARD : FE_TONEAREST);
  }
  ~HostRounding() { std::fesetround(saved); }
  HostRounding(const HostRounding&) = delete;
  HostRounding& operator=(const HostRounding&) = delete;
private:
  int saved;
};

template <class F> inline double rounded_f64(Rnd r, F f, double a, double b = 0, double c = 0) {
  if (r == Rnd::rn) return f(a, b, c);
  volatile double va = a, vb = b, vc = c;
  HostRounding scope(r);
  volatile double result = f(va, vb, vc);
  return result;
}

// ---- add, sub, mul, fma, div, rcp, sqrt -------------------------------------------------------------------------------------

/// add{.rnd}{.ftz}{.sat}: d = a + b.
inline float add(float a, float b, FpMode m = {}) {
  if (m.ftz) a = flush(a), b = flush(b);
  return finish(m.rnd == Rnd::rn ? a + b : round_to<float>(add_to_odd(a, b, m.rnd), m.rnd), m);
}
inline double add(double a, double b, FpMode m = {}) {
  return finish(rounded_f64(m.rnd, [](double x, double y, double) { return x + y; }, a, b), m);
}
template <class T> inline T add(T a, T b, FpMode m = {}) {
  if (m.ftz) a = flush(a), b = flush(b);
  // 24 bits are at least twice 11 plus 2: rounding the f32 sum again is innocuous.
  if (m.rnd == Rnd::rn) return finish(nearest<T>(widen(a) + widen(b)), m);
  return finish(round_to<T>(add_to_odd(widen(a), widen(b), m.rnd), m.rnd), m);
}

/// neg: the sign bit flipped, of NaN too.
inline float neg(float a, FpMode m = {}) { return -(m.ftz ? flush(a) : a); }
inline double neg(double a, FpMode = {}) { return -a; }
template <class T> inline T neg(T a, FpMode m = {}) {
  if (m.ftz) a = flush(a);
  return T{static_cast<uint16_t>(a.bits ^ 0x8000)};
}

/// abs: the sign bit cleared, of NaN too.
inline float abs(float a, FpMode m = {}) { return std::fabs(m.ftz ? flush(a) : a); }
inline double abs(double a, FpMode = {}) { return std::fabs(a); }
template <class T> inline T abs(T a, FpMode m = {}) {
  if (m.ftz) a = flush(a);
  return T{static_cast<uint16_t>(a.bits & 0x7fff)};
}

/// sub{.rnd}{.ftz}{.sat}: d = a - b.
template <class T> inline T sub(T a, T b, FpMode m = {}) { return add(a, neg(b), m); }

/// mul{.rnd}{.ftz}{.sat}: d = a * b. Products of two 24-bit significands are exact in a double.
inline float mul(float a, float b, FpMode m = {}) {
  if (m.ftz) a = flush(a), b = flush(b);
  return finish(m.rnd == Rnd::rn ? a * b : round_to<float>(static_cast<double>(a) * b, m.rnd), m);
}
inline double mul(double a, double b, FpMode m = {}) {
  return finish(rounded_f64(m.rnd, [](double x, double y, double) { return x * y; }, a, b), m);
}
template <class T> inline T mul(T a, T b, FpMode m = {}) {
  if (m.ftz) a = flush(a), b = flush(b);
  // A product of halves is exact in f32; one of bf16 values can underflow there.
  if constexpr (std::is_same_v<T, F16>) if (m.rnd == Rnd::rn) return finish(nearest<T>(widen(a) * widen(b)), m);
  return finish(round_to<T>(static_cast<double>(widen(a)) * widen(b), m.rnd), m);
}

/// fma.rnd{.ftz}{.sat}{.relu}: d = a * b + c with one rounding.
inline float fma(float a, float b, float c, FpMode m = {}) {
  if (m.ftz) a = flush(a), b = flush(b), c = flush(c);
  const float r = m.rnd == Rnd::rn ? std::fma(a, b, c)
                   : round_to<float>(add_to_odd(static_cast<double>(a) * b, c, m.rnd), m.rnd);
  return finish(r, m);
}
inline double fma(double a, double b, double c, FpMode m = {}) {
  return finish(rounded_f64(m.rnd, [](double x, double y, double z) { return std::fma(x, y, z); }, a, b, c), m);
}
template <class T> inline T fma(T a, T b, T c, FpMode m = {}) {
  if (m.ftz) a = flush(a), b = flush(b), c = flush(c);
  return finish(round_to<T>(add_to_odd(static_cast<double>(widen(a)) * widen(b), widen(c), m.rnd), m.rnd), m);
}

/// div.rnd{.ftz}: d = a / b, IEEE.
inline float div(float a, float b, FpMode m = {}) {
  if (m.ftz) a = flush(a), b = flush(b);
  return finish(m.rnd == Rnd::rn ? a / b : round_to<float>(div_to_odd(a, b), m.rnd), m);
}
inline double div(double a, double b, FpMode m = {}) {
  return finish(rounded_f64(m.rnd, [](double x, double y, double) { return x / y; }, a, b), m);
}

/// rcp.rnd{.ftz}: d = 1 / a, IEEE.
template <class T> inline T rcp(T a, FpMode m = {}) { return div(T(1), a, m); }

/// sqrt.rnd{.ftz}: IEEE; sqrt(-0) = -0, negative gives NaN.
inline float sqrt(float a, FpMode m = {}) {
  if (m.ftz) a = flush(a);
  return finish(m.rnd == Rnd::rn ? std::sqrt(a) : round_to<float>(sqrt_to_odd(a), m.rnd), m);
}
inline double sqrt(double a, FpMode m = {}) {
  return finish(rounded_f64(m.rnd, [](double x, double, double) { return std::sqrt(x); }, a), m);
}

/// copysign d, a, b: the magnitude of b with the sign of a (this order is PTX's).
inline float copysign(float a, float b) { return std::copysign(b, a); }
inline double copysign(double a, double b) { return std::copysign(b, a); }

} // namespace kofn::sim::num
