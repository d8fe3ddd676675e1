// SPDX-License-Identifier: Apache-2.0
//
// Bit manipulation: bfe, bfi, bfind, brev, clz, popc, cnot, bmsk, szext, fns, lop3, prmt.
#pragma once

#include "integer.hpp"

namespace kofn::sim::num {

/// bfe: `len` bits from `pos` (both modulo 256), extended with zeros, or for a signed type with the field's top bit
/// (the value's top bit when the field reaches beyond it).
template <class T> constexpr T bfe(T a, uint32_t b, uint32_t c) {
  constexpr unsigned width = detail::width<T>;
  const unsigned pos = b & 0xff, len = c & 0xff;
  if (len == 0) return 0;
  const T shifted = shr(a, pos); // fills with the sign for a signed type: right wherever the field passes the top bit
  if (len >= width) return shifted;
  if constexpr (std::is_signed_v<T>) return shr(shl(shifted, width - len), width - len);
  else return static_cast<T>(shifted & detail::ones<T>(len));
}

/// bfi: the `len` low bits of a into b at `pos` (both modulo 256); bits that fall outside are dropped.
template <class T> constexpr T bfi(T a, T b, uint32_t c, uint32_t d) {
  static_assert(std::is_unsigned_v<T>);
  const unsigned pos = c & 0xff, len = d & 0xff;
  const T mask = shl(detail::ones<T>(len), pos);
  return static_cast<T>((b & ~mask) | (shl(a, pos) & mask));
}

/// bfind: position of the most significant bit that differs from the sign (of the top 1 for unsigned); ~0 if there is
/// none. .shiftamt: the left shift that brings it to the top.
template <class T> constexpr uint32_t bfind(T a, bool shiftamt) {
  auto u = static_cast<detail::U<T>>(a);
  if (std::is_signed_v<T> && a < 0) u = static_cast<detail::U<T>>(~u);
  if (u == 0) return ~0u;
  const auto zeros = static_cast<uint32_t>(std::countl_zero(u));
  return shiftamt ? zeros : detail::width<T> - 1 - zeros;
}

/// brev: bits in reverse order.
template <class T> constexpr T brev(T a) {
  static_assert(std::is_unsigned_v<T>);
  T r = 0;
  for (int i = 0; i < detail::width<T>; i++) r = static_cast<T>(r << 1 | (a >> i & 1));
  return r;
}

/// clz, popc: u32 results; clz(0) is the width.
template <class T> constexpr uint32_t clz(T a) { return static_cast<uint32_t>(std::countl_zero(a)); }
template <class T> constexpr uint32_t popc(T a) { return static_cast<uint32_t>(std::popcount(a)); }
/// cnot: C's logical not.
template <class T> constexpr T cnot(T a) { return a == 0 ? T{1} : T{0}; }

/// bmsk: `width` ones from `start`. .wrap takes both modulo 32; .clamp cuts off what lies beyond bit 31.
constexpr uint32_t bmsk(uint32_t start, uint32_t width, bool wrap) {
  if (wrap) start &= 31, width &= 31;
  return shl(detail::ones<uint32_t>(width), start);
}

/// szext: keeps `n` low bits and extends them by zero or by their top bit. .wrap takes n modulo 32; .clamp leaves the
/// value as it is from n = 32 on. n = 0 gives 0.
template <class T> constexpr T szext(T a, uint32_t n, bool wrap) {
  if (wrap) n &= 31;
  if (n >= 32) return a;
  if (n == 0) return 0;
  return shr(shl(a, 32 - n), 32 - n);
}

/// fns: position of the |offset|-th set bit of mask, from base upwards (offset > 0) or downwards (< 0), base included;
/// offset 0 asks whether bit `base` is set. ~0 if there is none.
constexpr uint32_t fns(uint32_t mask, uint32_t base, int32_t offset) {
  const int step = offset < 0 ? -1 : 1;
  int64_t count = offset == 0 ? 1 : (offset < 0 ? -int64_t{offset} : int64_t{offset});
  for (int64_t pos = base; pos >= 0 && pos < 32; pos += step) {
    if ((mask >> pos & 1) && --count == 0) return static_cast<uint32_t>(pos);
    if (offset == 0) break;
  }
  return ~0u;
}

/// lop3.b32: bit i of the result is bit (4 a_i + 2 b_i + c_i) of `table`.
constexpr uint32_t lop3(uint32_t a, uint32_t b, uint32_t c, uint32_t table) {
  uint32_t r = 0;
  for (unsigned row = 0; row < 8; row++) {
    const uint32_t match = (row & 4 ? a : ~a) & (row & 2 ? b : ~b) & (row & 1 ? c : ~c);
    r |= table >> row & 1 ? match : 0;
  }
  return r;
}

enum class Prmt : uint8_t { index, f4e, b4e, rc8, ecl, ecr, rc16 };

/// prmt: four bytes chosen from b:a (byte 0 is a's lowest). In the default mode each nibble of c names a byte, its top
/// bit replicates that byte's sign; the named modes use c's two low bits: forward 4 extract, backward 4 extract,
/// replicate 8, edge clamp left, edge clamp right, replicate 16.
constexpr uint32_t prmt(uint32_t a, uint32_t b, uint32_t c, Prmt mode) {
  const uint64_t bytes = uint64_t{b} << 32 | a;
  const uint32_t n = c & 3;
  uint32_t r = 0;
  for (uint32_t i = 0; i < 4; i++) {
    uint32_t pick = 0;
    switch (mode) {
      case Prmt::index: pick = c >> (4 * i) & 15; break;
      case Prmt::f4e: pick = n + i; break;
      case Prmt::b4e: pick = (n - i) & 7; break;
      case Prmt::rc8: pick = n; break;
      case Prmt::ecl: pick = i > n ? i : n; break;
      case Prmt::ecr: pick = i < n ? i : n; break;
      case Prmt::rc16: pick = (n & 1) * 2 + (i & 1); break;
    }
    uint32_t byte = static_cast<uint32_t>(bytes >> (8 * (pick & 7))) & 0xff;
    if (pick & 8) byte = byte & 0x80 ? 0xff : 0;
    r |= byte << (8 * i);
  }
  return r;
}

} // namespace kofn::sim::num
