// SPDX-License-Identifier: Apache-2.0
//
// setp, set, testp, min, max: comparisons of every PTX type.
#pragma once

#include "float_arith.hpp"

#include <algorithm>

namespace kofn::sim::num {

/// PTX comparison operators. lo ls hi hs are the unsigned spellings of lt le gt ge; the ...u forms are true when an
/// operand is NaN; num and nan test for the absence and presence of a NaN.
enum class Cmp : uint8_t { eq, ne, lt, le, gt, ge, lo, ls, hi, hs, equ, neu, ltu, leu, gtu, geu, num, nan };

/// Combination with the second predicate source of setp and set.
enum class BoolOp : uint8_t { none, and_, or_, xor_ };

/// setp/set on integers: signedness is the type's; lo ls hi hs compare as unsigned.
template <class T> requires std::is_integral_v<T>
constexpr bool compare(Cmp op, T a, T b) {
  using U = std::make_unsigned_t<T>;
  const U ua = static_cast<U>(a), ub = static_cast<U>(b);
  switch (op) {
    case Cmp::eq: return a == b;
    case Cmp::ne: return a != b;
    case Cmp::lt: return a < b;
    case Cmp::le: return a <= b;
    case Cmp::gt: return a > b;
    case Cmp::ge: return a >= b;
    case Cmp::lo: return ua < ub;
    case Cmp::ls: return ua <= ub;
    case Cmp::hi: return ua > ub;
    case Cmp::hs: return ua >= ub;
    default: return false; // the others are floating-point only; the parser refuses them
  }
}

/// setp/set on floating point: the ordered operators, ne too, are false when an operand is NaN.
template <class T> requires std::is_floating_point_v<T>
constexpr bool compare(Cmp op, T a, T b, bool ftz = false) {
  if constexpr (std::is_same_v<T, float>) if (ftz) a = flush(a), b = flush(b);
  const bool unordered = a != a || b != b;
  switch (op) {
    case Cmp::eq: return a == b;
    case Cmp::ne: return a < b || a > b;
    case Cmp::lt: return a < b;
    case Cmp::le: return a <= b;
    case Cmp::gt: return a > b;
    case Cmp::ge: return a >= b;
    case Cmp::equ: return unordered || a == b;
    case Cmp::neu: return !(a == b);
    case Cmp::ltu: return !(a >= b);
    case Cmp::leu: return !(a > b);
    case Cmp::gtu: return !(a <= b);
    case Cmp::geu: return !(a < b);
    case Cmp::num: return !unordered;
    case Cmp::nan: return unordered;
    default: return false;
  }
}
constexpr bool compare(Cmp op, F16 a, F16 b, bool ftz = false) {
  return compare(op, widen(ftz ? flush(a) : a), widen(ftz ? flush(b) : b));
}
constexpr bool compare(Cmp op, BF16 a, BF16 b, bool ftz = false) {
  return compare(op, widen(ftz ? flush(a) : a), widen(ftz ? flush(b) : b));
}

constexpr bool combine(BoolOp op, bool compared, bool c) {
  switch (op) {
    case BoolOp::and_: return compared && c;
    case BoolOp::or_: return compared || c;
    case BoolOp::xor_: return compared != c;
    case BoolOp::none: break;
  }
  return compared;
}

/// set.dtype: true is 1.0 for a floating-point destination and all ones for an integer one.
template <class D> constexpr D set_value(bool t) {
  if constexpr (std::is_floating_point_v<D>) return t ? D(1) : D(0);
  else if constexpr (std::is_same_v<D, F16>) return F16{static_cast<uint16_t>(t ? 0x3c00 : 0)};
  else if constexpr (std::is_same_v<D, BF16>) return BF16{static_cast<uint16_t>(t ? 0x3f80 : 0)};
  else return t ? static_cast<D>(~D{0}) : D{0};
}

enum class TestP : uint8_t { finite, infinite, number, notanumber, normal, subnormal };

/// testp: a property of one value; zero counts as normal.
template <class T> inline bool testp(TestP op, T a) {
  switch (op) {
    case TestP::finite: return std::isfinite(a);
    case TestP::infinite: return std::isinf(a);
    case TestP::number: return !std::isnan(a);
    case TestP::notanumber: return std::isnan(a);
    case TestP::normal: return std::isnormal(a) || a == 0;
    case TestP::subnormal: return std::fpclassify(a) == FP_SUBNORMAL;
  }
  return false;
}

/// Modifiers of min and max.
struct MinMaxMode {
  bool ftz = false;
  bool nan = false;        ///< .NaN: any NaN input gives the canonical NaN
  bool xorsignAbs = false; ///< .xorsign.abs: works on magnitudes, the sign is the xor of the operands' signs
  bool relu = false;       ///< integers only: negative results become 0
};

/// min and max on integers.
template <class T> requires std::is_integral_v<T>
constexpr T min(T a, T b, MinMaxMode m = {}) { const T r = a < b ? a : b; return m.relu && r < T(0) ? T(0) : r; }
template <class T> requires std::is_integral_v<T>
constexpr T max(T a, T b, MinMaxMode m = {}) { const T r = a > b ? a : b; return m.relu && r < T(0) ? T(0) : r; }

namespace detail {

template <class T> inline bool negative(T x) {
  if constexpr (std::is_floating_point_v<T>) return std::signbit(x);
  else return x.bits >> 15;
}

/// Without .NaN, one NaN operand gives the other operand and two give the canonical NaN. -0 is less than +0.
template <bool Max, class T> inline T extreme(T a, T b, MinMaxMode m) {
  if (m.ftz) a = flush(a), b = flush(b);
  const bool flip = m.xorsignAbs && negative(a) != negative(b);
  if (m.xorsignAbs) a = num::abs(a), b = num::abs(b);
  const auto x = widen(a), y = widen(b);
  const bool takeA = Max ? x > y || (x == y && !std::signbit(x)) : x < y || (x == y && std::signbit(x));
  T r = is_nan(b) || (takeA && !is_nan(a)) ? a : b;
  if (is_nan(r) || (m.nan && (is_nan(a) || is_nan(b)))) return canonical_nan<T>();
  return flip ? num::neg(r) : r;
}

} // namespace detail

/// min and max on f16, bf16, f32, f64.
template <class T> requires(!std::is_integral_v<T>)
inline T min(T a, T b, MinMaxMode m = {}) { return detail::extreme<false>(a, b, m); }
template <class T> requires(!std::is_integral_v<T>)
inline T max(T a, T b, MinMaxMode m = {}) { return detail::extreme<true>(a, b, m); }

} // namespace kofn::sim::num
