// SPDX-License-Identifier: Apache-2.0
//
// Integer arithmetic. All of it wraps modulo 2^width unless it says otherwise; signed operands are two's complement.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace kofn::sim::num {

namespace detail {
template <class T> using U = std::make_unsigned_t<T>;
template <class T> inline constexpr int width = static_cast<int>(sizeof(T) * 8);
template <int Bytes, bool Signed> struct Wider;
template <> struct Wider<1, true> { using T = int16_t; };
template <> struct Wider<1, false> { using T = uint16_t; };
template <> struct Wider<2, true> { using T = int32_t; };
template <> struct Wider<2, false> { using T = uint32_t; };
template <> struct Wider<4, true> { using T = int64_t; };
template <> struct Wider<4, false> { using T = uint64_t; };
template <> struct Wider<8, true> { __extension__ using T = __int128; };
template <> struct Wider<8, false> { __extension__ using T = unsigned __int128; };
/// The type of twice the width that holds any product of two T.
template <class T> using Wide = typename Wider<sizeof(T), std::is_signed_v<T>>::T;

/// `low` 1-bits, for low in [0, width].
template <class T> constexpr T ones(unsigned low) { return low >= width<T> ? static_cast<T>(~T{0}) : static_cast<T>((T{1} << low) - 1); }
} // namespace detail

template <class T> constexpr T wrap_add(T a, T b) { return static_cast<T>(static_cast<detail::U<T>>(a) + static_cast<detail::U<T>>(b)); }
template <class T> constexpr T wrap_sub(T a, T b) { return static_cast<T>(static_cast<detail::U<T>>(a) - static_cast<detail::U<T>>(b)); }

/// add.sat.s32, sub.sat.s32: clamped to the type's range.
template <class T> constexpr T saturate_wide(detail::Wide<T> v) {
  static_assert(std::is_signed_v<T>); // unsigned wide differences wrap; PTX has no such form
  constexpr detail::Wide<T> least = std::numeric_limits<T>::min(), greatest = std::numeric_limits<T>::max();
  return static_cast<T>(v < least ? least : v > greatest ? greatest : v);
}
template <class T> constexpr T add_sat(T a, T b) { return saturate_wide<T>(static_cast<detail::Wide<T>>(a) + b); }
template <class T> constexpr T sub_sat(T a, T b) { return saturate_wide<T>(static_cast<detail::Wide<T>>(a) - b); }

/// abs, neg: the most negative value maps to itself.
template <class T> constexpr T neg_int(T a) { return wrap_sub(T{0}, a); }
template <class T> constexpr T abs_int(T a) { return a < 0 ? neg_int(a) : a; }

// ---- mul, mad, sad ------------------------------------------------------------------------------------------------------

/// mul.wide: the full product, twice as wide.
template <class T> constexpr detail::Wide<T> mul_wide(T a, T b) { return static_cast<detail::Wide<T>>(a) * static_cast<detail::Wide<T>>(b); }
/// mul.lo and mul.hi: the lower and upper half of it.
template <class T> constexpr T mul_lo(T a, T b) {
  using W = std::conditional_t<sizeof(T) < 4, uint32_t, detail::U<T>>; // no promotion to a signed int that overflows
  return static_cast<T>(static_cast<W>(a) * static_cast<W>(b));
}
template <class T> constexpr T mul_hi(T a, T b) { return static_cast<T>(mul_wide(a, b) >> detail::width<T>); }

/// mad.lo, mad.hi, mad.wide: the chosen part of a * b, plus c.
template <class T> constexpr T mad_lo(T a, T b, T c) { return wrap_add(mul_lo(a, b), c); }
template <class T> constexpr T mad_hi(T a, T b, T c) { return wrap_add(mul_hi(a, b), c); }
template <class T> constexpr detail::Wide<T> mad_wide(T a, T b, detail::Wide<T> c) { return wrap_add(mul_wide(a, b), c); }
/// mad.hi.sat.s32.
constexpr int32_t mad_hi_sat(int32_t a, int32_t b, int32_t c) { return add_sat(mul_hi(a, b), c); }

/// mul24: the operands' 24 low bits (sign-extended for s32) give 48 bits; .lo is bits 31..0, .hi bits 47..16.
template <class T> constexpr int64_t product24(T a, T b) {
  if constexpr (std::is_signed_v<T>) {
    const auto low24 = [](T v) { return static_cast<int64_t>(static_cast<int32_t>(static_cast<uint32_t>(v) << 8) >> 8); };
    return low24(a) * low24(b);
  } else return static_cast<int64_t>(uint64_t{a & 0xffffff} * (b & 0xffffff));
}
template <class T> constexpr T mul24_lo(T a, T b) { return static_cast<T>(product24(a, b)); }
template <class T> constexpr T mul24_hi(T a, T b) { return static_cast<T>(product24(a, b) >> 16); }
template <class T> constexpr T mad24_lo(T a, T b, T c) { return wrap_add(mul24_lo(a, b), c); }
template <class T> constexpr T mad24_hi(T a, T b, T c) { return wrap_add(mul24_hi(a, b), c); }
/// mad24.hi.sat.s32.
constexpr int32_t mad24_hi_sat(int32_t a, int32_t b, int32_t c) { return add_sat(mul24_hi(a, b), c); }

/// sad: c + |a - b|.
template <class T> constexpr T sad(T a, T b, T c) { return wrap_add(c, a < b ? wrap_sub(b, a) : wrap_sub(a, b)); }

// ---- add.cc and friends -----------------------------------------------------------------------------------------------------

/// A value and the condition code's carry (add, mad) or borrow (sub) flag.
template <class T> struct WithCarry { T value; bool carry; };

/// add.cc (carryIn = false), addc{.cc}.
template <class T> constexpr WithCarry<T> add_carry(T a, T b, bool carryIn) {
  const auto wide = static_cast<detail::Wide<detail::U<T>>>(static_cast<detail::U<T>>(a)) + static_cast<detail::U<T>>(b) + carryIn;
  return {static_cast<T>(wide), (wide >> detail::width<T>) != 0};
}
/// sub.cc (borrowIn = false), subc{.cc}: a - (b + borrow).
template <class T> constexpr WithCarry<T> sub_borrow(T a, T b, bool borrowIn) {
  const auto wide = static_cast<detail::Wide<detail::U<T>>>(static_cast<detail::U<T>>(a)) - static_cast<detail::U<T>>(b) - borrowIn;
  return {static_cast<T>(wide), (wide >> detail::width<T>) != 0};
}
/// mad.{lo,hi}.cc (carryIn = false), madc.{lo,hi}{.cc}: the part of the product, plus c, plus carry.
template <class T> constexpr WithCarry<T> mad_carry(bool high, T a, T b, T c, bool carryIn) {
  return add_carry(high ? mul_hi(a, b) : mul_lo(a, b), c, carryIn);
}

// ---- div, rem, shl, shr, shf ---------------------------------------------------------------------------------------------------

/// div: truncates. The manual leaves division by zero unspecified; hardware yields all ones. min / -1 wraps to min.
template <class T> constexpr T div_int(T a, T b) {
  if (b == 0) return static_cast<T>(~T{0});
  if constexpr (std::is_signed_v<T>) if (b == T(-1)) return neg_int(a);
  return static_cast<T>(a / b);
}
/// rem: has the dividend's sign. By zero: the dividend.
template <class T> constexpr T rem_int(T a, T b) {
  if (b == 0) return a;
  if constexpr (std::is_signed_v<T>) if (b == T(-1)) return 0;
  return static_cast<T>(a % b);
}

/// shl, shr: the u32 amount clamps at the width; shr of a signed type fills with the sign.
template <class T> constexpr T shl(T a, uint32_t n) {
  return n >= detail::width<T> ? T{0} : static_cast<T>(static_cast<detail::U<T>>(a) << n);
}
template <class T> constexpr T shr(T a, uint32_t n) {
  if (n >= detail::width<T>) n = std::is_signed_v<T> ? detail::width<T> - 1 : detail::width<T>;
  return n == detail::width<T> ? T{0} : static_cast<T>(a >> n);
}

/// shf: 64-bit value b:a shifted; .l returns the upper word, .r the lower. .clamp limits the amount to 32, .wrap to c & 31.
constexpr uint32_t shf_l(uint32_t a, uint32_t b, uint32_t c, bool wrap) {
  const uint32_t n = wrap ? c & 31 : c < 32 ? c : 32;
  return static_cast<uint32_t>(((uint64_t{b} << 32 | a) << n) >> 32);
}
constexpr uint32_t shf_r(uint32_t a, uint32_t b, uint32_t c, bool wrap) {
  const uint32_t n = wrap ? c & 31 : c < 32 ? c : 32;
  return static_cast<uint32_t>((uint64_t{b} << 32 | a) >> n);
}

// ---- dot products -----------------------------------------------------------------------------------------------------------------

namespace detail {
constexpr int32_t byte_at(uint32_t v, int i, bool isSigned) {
  const uint32_t b = v >> (8 * i) & 0xff;
  return isSigned ? static_cast<int8_t>(b) : static_cast<int32_t>(b);
}
constexpr int32_t half_at(uint32_t v, int i, bool isSigned) {
  const uint32_t h = v >> (16 * i) & 0xffff;
  return isSigned ? static_cast<int16_t>(h) : static_cast<int32_t>(h);
}
} // namespace detail

/// dp4a.atype.btype: c plus the dot product of four bytes.
constexpr uint32_t dp4a(uint32_t a, bool aSigned, uint32_t b, bool bSigned, uint32_t c) {
  for (int i = 0; i < 4; i++) c += static_cast<uint32_t>(detail::byte_at(a, i, aSigned) * detail::byte_at(b, i, bSigned));
  return c;
}
/// dp2a.{lo,hi}.atype.btype: c plus the dot product of a's two halves with b's two lower or upper bytes.
constexpr uint32_t dp2a(uint32_t a, bool aSigned, uint32_t b, bool bSigned, uint32_t c, bool high) {
  for (int i = 0; i < 2; i++)
    c += static_cast<uint32_t>(detail::half_at(a, i, aSigned) * detail::byte_at(b, i + (high ? 2 : 0), bSigned));
  return c;
}

/// add, min, max .u16x2/.s16x2 and the like: `f` on both halves as T.
template <class T, class F> constexpr uint32_t each_half_int(F f, uint32_t a, uint32_t b) {
  const auto upper = static_cast<uint16_t>(f(static_cast<T>(a >> 16), static_cast<T>(b >> 16)));
  return static_cast<uint32_t>(upper) << 16 | static_cast<uint16_t>(f(static_cast<T>(a), static_cast<T>(b)));
}

/// vabsdiff4.u32.u32.u32{.add} (what CUDA's __vabsdiffu4 and __vsadu4 become): |a - b| of each byte; with .add the sum
/// of the four, plus c.
constexpr uint32_t vabsdiff4(uint32_t a, uint32_t b, uint32_t c, bool add) {
  uint32_t bytes = 0;
  for (int i = 0; i < 4; i++) {
    const int32_t difference = detail::byte_at(a, i, false) - detail::byte_at(b, i, false);
    const auto magnitude = static_cast<uint32_t>(difference < 0 ? -difference : difference);
    if (add) c += magnitude;
    else bytes |= magnitude << (8 * i);
  }
  return add ? c : bytes;
}

} // namespace kofn::sim::num
