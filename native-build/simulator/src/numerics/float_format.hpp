// SPDX-License-Identifier: Apache-2.0
//
// The floating-point formats of PTX and the one rounding routine behind all of them.
//
// Every narrow result is produced the same way: the exact value, or that value rounded *to odd* into a double (which
// keeps a sticky last bit), goes once through round_to<Format>. A double has far more than two bits more than any
// narrower format, so rounding an odd-rounded double again is the same as rounding the exact value, in every rounding
// mode and for subnormal results too.
//
// This library assumes a host that evaluates float as float (no x87), keeps denormals (no FTZ/DAZ) and does not
// contract a*b+c (-ffp-contract=off); tests/numerics checks all three.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace kofn::sim::num {

static_assert(std::numeric_limits<float>::is_iec559 && std::numeric_limits<double>::is_iec559);

/// Rounding of a result that does not fit: to nearest even, to zero, down, up, to nearest with ties away from zero.
/// The integer roundings .rni .rzi .rmi .rpi are the first four with CvtMode::integral set.
enum class Rnd : uint8_t { rn, rz, rm, rp, rna };

/// Modifiers of a floating-point instruction. A structural type, so that it can be a template argument.
struct FpMode {
  Rnd rnd = Rnd::rn;
  bool ftz = false;       ///< .ftz: subnormal inputs and results become zero of the same sign
  bool sat = false;       ///< .sat: result clamped to [0, 1], NaN becomes +0
  bool relu = false;      ///< .relu: negative results become +0, NaN becomes the canonical NaN
  bool satfinite = false; ///< .satfinite: overflow gives the largest finite number
};

// 16- and 8-bit values are distinct types over their bits, so that overloads choose the format.
struct F16 { uint16_t bits; friend bool operator==(F16, F16) = default; };
struct BF16 { uint16_t bits; friend bool operator==(BF16, BF16) = default; };
struct TF32 { uint32_t bits; friend bool operator==(TF32, TF32) = default; }; ///< 19 significant bits, left-aligned
struct E4M3 { uint8_t bits; friend bool operator==(E4M3, E4M3) = default; };
struct E5M2 { uint8_t bits; friend bool operator==(E5M2, E5M2) = default; };

/// Shape of a format: `Word` holds `unit` as its least significant stored bit (TF32 keeps 13 unused low bits).
template <class T> struct Format;
template <> struct Format<float> {
  using Word = uint32_t;
  static constexpr int exponent = 8, mantissa = 23, unused = 0;
  static constexpr uint32_t infinity = 0x7f800000, largest = 0x7f7fffff, nan = 0x7fffffff;
};
template <> struct Format<F16> {
  using Word = uint16_t;
  static constexpr int exponent = 5, mantissa = 10, unused = 0;
  static constexpr uint32_t infinity = 0x7c00, largest = 0x7bff, nan = 0x7fff;
};
template <> struct Format<BF16> {
  using Word = uint16_t;
  static constexpr int exponent = 8, mantissa = 7, unused = 0;
  static constexpr uint32_t infinity = 0x7f80, largest = 0x7f7f, nan = 0x7fff;
};
template <> struct Format<TF32> {
  using Word = uint32_t;
  static constexpr int exponent = 8, mantissa = 10, unused = 13;
  static constexpr uint32_t infinity = 0x3fc00, largest = 0x3fbff, nan = 0x3ffff;
};
template <> struct Format<E4M3> { // no infinity: overflow that does not saturate is NaN
  using Word = uint8_t;
  static constexpr int exponent = 4, mantissa = 3, unused = 0;
  static constexpr uint32_t infinity = 0x7f, largest = 0x7e, nan = 0x7f;
};
template <> struct Format<E5M2> {
  using Word = uint8_t;
  static constexpr int exponent = 5, mantissa = 2, unused = 0;
  static constexpr uint32_t infinity = 0x7c, largest = 0x7b, nan = 0x7f;
};

template <class T> constexpr uint32_t bits_of(T x) {
  if constexpr (std::is_same_v<T, float>) return std::bit_cast<uint32_t>(x);
  else return x.bits;
}
template <class T> constexpr T from_bits(uint32_t b) {
  if constexpr (std::is_same_v<T, float>) return std::bit_cast<float>(b);
  else return T{static_cast<typename Format<T>::Word>(b)};
}

/// PTX: operations on f32 and narrower types that yield NaN yield the canonical NaN, all value bits one.
template <class T> constexpr T canonical_nan() {
  if constexpr (std::is_same_v<T, double>) return std::bit_cast<double>(uint64_t{0x7fffffffffffffff});
  else if constexpr (std::is_same_v<T, TF32>) return TF32{0x7fffffff};
  else return from_bits<T>(Format<T>::nan);
}

/// Does magnitude `kept` move up, given what was cut off (0 = exact, 1 = below half, 2 = half, 3 = above half)?
constexpr bool rounds_up(Rnd r, bool negative, bool odd, int cut) {
  switch (r) {
    case Rnd::rn: return cut == 3 || (cut == 2 && odd);
    case Rnd::rna: return cut >= 2;
    case Rnd::rz: return false;
    case Rnd::rm: return negative && cut != 0;
    case Rnd::rp: return !negative && cut != 0;
  }
  return false;
}

/// `x`, which is exact or rounded to odd, as the nearest T in the sense of `r`. NaN gives the canonical NaN.
template <class T> constexpr T round_to(double x, Rnd r, bool satfinite = false) {
  using F = Format<T>;
  constexpr int lowest = 2 - (1 << (F::exponent - 1)); // exponent of the smallest normal number
  const uint64_t b = std::bit_cast<uint64_t>(x);
  const bool negative = b >> 63;
  int e = static_cast<int>(b >> 52 & 0x7ff) - 1023;
  uint64_t significand = b & 0xfffffffffffff;
  if (e == 1024 && significand != 0) return canonical_nan<T>();
  if (e != -1023) significand |= uint64_t{1} << 52;
  else e = -1022;
  const int cutBits = 52 - F::mantissa + (e < lowest ? lowest - e : 0);
  const int shift = cutBits > 62 ? 62 : cutBits; // 53 significant bits: beyond 54 only "inexact" remains
  const uint64_t kept = significand >> shift, rest = significand - (kept << shift), half = uint64_t{1} << (shift - 1);
  const int cut = rest == 0 ? 0 : rest < half ? 1 : rest == half ? 2 : 3;
  // `kept` carries the implicit one, which is what adds the missing 1 to the exponent field.
  uint64_t magnitude = kept + (e > lowest ? static_cast<uint64_t>(e - lowest) << F::mantissa : 0);
  magnitude += rounds_up(r, negative, kept & 1, cut);
  if (magnitude > F::largest) {
    const bool infinite = e == 1024;
    const bool away = r == Rnd::rn || r == Rnd::rna || (r == Rnd::rm && negative) || (r == Rnd::rp && !negative);
    magnitude = (infinite || away) && !satfinite ? F::infinity : F::largest;
  }
  const uint64_t sign = static_cast<uint64_t>(negative) << (F::exponent + F::mantissa);
  return from_bits<T>(static_cast<uint32_t>((sign | magnitude) << F::unused));
}

/// round_to<T>(x, Rnd::rn) for a float, branch-free so that loops over lanes vectorise.
template <class T> constexpr T nearest(float x);
template <> constexpr F16 nearest<F16>(float x) {
  const int32_t b = std::bit_cast<int32_t>(x), u = b & 0x7fffffff;
  const int32_t normal = (u - (112 << 23) + 0xfff + (u >> 13 & 1)) >> 13; // carries into the exponent, up to infinity
  const int32_t subnormal = std::bit_cast<int32_t>(std::bit_cast<float>(u) + 0.5f) - 0x3f000000; // ulp(0.5) = 2^-24
  const int32_t finite = u < 0x38800000 ? subnormal : normal;
  const int32_t magnitude = u > 0x7f800000 ? 0x7fff : u >= 0x47800000 ? 0x7c00 : finite;
  return F16{static_cast<uint16_t>(u > 0x7f800000 ? magnitude : magnitude | (b >> 16 & 0x8000))};
}
template <> constexpr BF16 nearest<BF16>(float x) {
  const uint32_t b = std::bit_cast<uint32_t>(x);
  const uint32_t rounded = (b + 0x7fff + (b >> 16 & 1)) >> 16;
  return BF16{static_cast<uint16_t>((b & 0x7fffffff) > 0x7f800000 ? 0x7fff : rounded)};
}

// ---- exact widening -------------------------------------------------------------------------------------------------

constexpr float widen(float x) { return x; }
constexpr double widen(double x) { return x; }
constexpr float widen(BF16 x) { return std::bit_cast<float>(static_cast<uint32_t>(x.bits) << 16); }
/// mma and others ignore the 13 low bits of a tf32 operand.
constexpr float widen(TF32 x) { return std::bit_cast<float>(x.bits & 0xffffe000); }
constexpr float widen(F16 x) {
  // Shifted into place the exponent is 112 too small; multiplying repairs it, normalises subnormals, and is exact.
  const int32_t magnitude = (x.bits & 0x7fff) << 13;
  const float scaled = std::bit_cast<float>(magnitude) * 0x1p112f;
  const uint32_t special = magnitude >= 0x0f800000 ? 0x7f800000 : 0; // infinity, NaN
  return std::bit_cast<float>(std::bit_cast<uint32_t>(scaled) | special | static_cast<uint32_t>(x.bits & 0x8000) << 16);
}
constexpr float widen(E5M2 x) { return widen(F16{static_cast<uint16_t>(x.bits << 8)}); }
constexpr float widen(E4M3 x) {
  if ((x.bits & 0x7f) == 0x7f) return canonical_nan<float>();
  const float scaled = std::bit_cast<float>(static_cast<uint32_t>(x.bits & 0x7f) << 20) * 0x1p120f;
  return x.bits & 0x80 ? -scaled : scaled;
}

// ---- .ftz, .sat, .relu ----------------------------------------------------------------------------------------------

/// .ftz: a subnormal becomes zero of the same sign. (Whether a result is subnormal is decided after rounding; the PTX
/// manual does not say which.)
constexpr float flush(float x) {
  const uint32_t b = std::bit_cast<uint32_t>(x);
  return std::bit_cast<float>((b & 0x7f800000) == 0 ? b & 0x80000000 : b);
}
constexpr F16 flush(F16 x) { return (x.bits & 0x7c00) == 0 ? F16{static_cast<uint16_t>(x.bits & 0x8000)} : x; }
constexpr BF16 flush(BF16 x) { return (x.bits & 0x7f80) == 0 ? BF16{static_cast<uint16_t>(x.bits & 0x8000)} : x; }
constexpr double flush(double x) { return x; } // no PTX instruction flushes f64, save rcp/rsqrt.approx.ftz.f64

constexpr bool is_nan(float x) { return x != x; }
constexpr bool is_nan(double x) { return x != x; }
constexpr bool is_nan(F16 x) { return (x.bits & 0x7fff) > 0x7c00; }
constexpr bool is_nan(BF16 x) { return (x.bits & 0x7fff) > 0x7f80; }
template <class T> constexpr bool is_nan(T x) { return is_nan(widen(x)); }

/// .sat: [0, 1]; NaN and -0 become +0.
template <class T> constexpr T saturate(T x) {
  if constexpr (std::is_floating_point_v<T>) return x > T(0) ? (x < T(1) ? x : T(1)) : T(0);
  else return round_to<T>(saturate(static_cast<double>(widen(x))), Rnd::rn);
}

/// .relu: negative values, -0 too, become +0; NaN stays (canonical).
template <class T> constexpr T rectify(T x) {
  if constexpr (std::is_floating_point_v<T>) return is_nan(x) || x > T(0) ? x : T(0);
  else return is_nan(x) || !(x.bits >> (sizeof(x.bits) * 8 - 1)) ? x : T{0};
}

/// What every arithmetic result goes through: canonical NaN, then .ftz, .sat, .relu.
constexpr float finish(float x, FpMode m) {
  if (is_nan(x)) x = canonical_nan<float>();
  if (m.ftz) x = flush(x);
  if (m.sat) x = saturate(x);
  if (m.relu) x = rectify(x);
  return x;
}
/// f64 keeps the payload that the host produced: PTX gives f64 NaN payloads no meaning.
constexpr double finish(double x, FpMode m) {
  if (m.sat) x = saturate(x);
  return x;
}
template <class T> constexpr T finish(T x, FpMode m) {
  if (m.ftz) x = flush(x);
  if (m.sat) x = saturate(x);
  if (m.relu) x = rectify(x);
  return x;
}

// ---- two 16-bit values in a register ----------------------------------------------------------------------------------

template <class T> constexpr T low(uint32_t packed) { return T{static_cast<uint16_t>(packed)}; }
template <class T> constexpr T high(uint32_t packed) { return T{static_cast<uint16_t>(packed >> 16)}; }
template <class T> constexpr uint32_t pack(T high, T low) { return static_cast<uint32_t>(high.bits) << 16 | low.bits; }

/// .f16x2, .bf16x2: `f` on both halves.
template <class T, class F> constexpr uint32_t each_half(F f, uint32_t a) {
  return pack<T>(f(high<T>(a)), f(low<T>(a)));
}
template <class T, class F> constexpr uint32_t each_half(F f, uint32_t a, uint32_t b) {
  return pack<T>(f(high<T>(a), high<T>(b)), f(low<T>(a), low<T>(b)));
}
template <class T, class F> constexpr uint32_t each_half(F f, uint32_t a, uint32_t b, uint32_t c) {
  return pack<T>(f(high<T>(a), high<T>(b), high<T>(c)), f(low<T>(a), low<T>(b), low<T>(c)));
}

} // namespace kofn::sim::num
