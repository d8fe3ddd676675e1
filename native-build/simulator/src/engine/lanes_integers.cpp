// SPDX-License-Identifier: Apache-2.0
//
// Integer arithmetic: add, sub, mul, mad, div, rem, abs, neg, min, max, sad, mul24, mad24, dp4a, dp2a and the forms that
// carry through CC.CF.
#include "engine/announce.hpp"
#include "numerics/numerics.hpp"

namespace kofn::sim {
namespace {

using I = InstructionClass;
using i16 = std::int16_t;
using u16 = std::uint16_t;
using i32 = std::int32_t;
using u32 = std::uint32_t;
using i64 = std::int64_t;
using u64 = std::uint64_t;

constexpr Named<i16> kS16{".s16", "h"};
constexpr Named<u16> kU16{".u16", "h"};
constexpr Named<i32> kS32{".s32", "r"};
constexpr Named<u32> kU32{".u32", "r"};
constexpr Named<i64> kS64{".s64", "l"};
constexpr Named<u64> kU64{".u64", "l"};

// CC.CF in, CC.CF out.
template <class T, auto F, bool In, bool Out> void carrying(Warp& w, const Instr& i, u32 exec) {
  T* d = slot<T>(w, i.d);
  const T *a = slot<T>(w, i.a), *b = slot<T>(w, i.b);
  const T* c = slot<T>(w, i.c);
  u32 carry = 0;
  for (u32 m = exec; m != 0; m &= m - 1) {
    const int l = std::countr_zero(m);
    const num::WithCarry<T> r = F(a[l], b[l], c[l], In && (w.carry >> l & 1));
    d[l] = r.value;
    carry |= static_cast<u32>(r.carry) << l;
  }
  if (Out) w.carry = (w.carry & ~exec) | carry;
}

template <class T> void announceCarries(OpTable& t, Announce add, Named<T> ty) {
  constexpr auto sum = [](T a, T b, T, bool in) { return num::add_carry<T>(a, b, in); };
  constexpr auto difference = [](T a, T b, T, bool in) { return num::sub_borrow<T>(a, b, in); };
  constexpr auto low = [](T a, T b, T c, bool in) { return num::mad_carry<T>(false, a, b, c, in); };
  constexpr auto high = [](T a, T b, T c, bool in) { return num::mad_carry<T>(true, a, b, c, in); };
  const Form two(ty.letter, "=", ty.letter, ty.letter), three(ty.letter, "=", ty.letter, ty.letter, ty.letter);
  add(t, Form("add.cc", ty.name), two, I::Integer, carrying<T, sum, false, true>);
  add(t, Form("addc", ty.name), two, I::Integer, carrying<T, sum, true, false>);
  add(t, Form("addc.cc", ty.name), two, I::Integer, carrying<T, sum, true, true>);
  add(t, Form("sub.cc", ty.name), two, I::Integer, carrying<T, difference, false, true>);
  add(t, Form("subc", ty.name), two, I::Integer, carrying<T, difference, true, false>);
  add(t, Form("subc.cc", ty.name), two, I::Integer, carrying<T, difference, true, true>);
  add(t, Form("mad.lo.cc", ty.name), three, I::Integer, carrying<T, low, false, true>);
  add(t, Form("madc.lo", ty.name), three, I::Integer, carrying<T, low, true, false>);
  add(t, Form("madc.lo.cc", ty.name), three, I::Integer, carrying<T, low, true, true>);
  add(t, Form("mad.hi.cc", ty.name), three, I::Integer, carrying<T, high, false, true>);
  add(t, Form("madc.hi", ty.name), three, I::Integer, carrying<T, high, true, false>);
  add(t, Form("madc.hi.cc", ty.name), three, I::Integer, carrying<T, high, true, true>);
}

template <class T> void announceArithmetic(OpTable& t, Announce add, Named<T> ty) {
  const Form one(ty.letter, "=", ty.letter), two(one, ty.letter), three(two, ty.letter);
  add(t, Form("add", ty.name), two, I::Integer, binary<num::wrap_add<T>, T, T, T>);
  add(t, Form("sub", ty.name), two, I::Integer, binary<num::wrap_sub<T>, T, T, T>);
  add(t, Form("mul.lo", ty.name), two, I::Integer, binary<num::mul_lo<T>, T, T, T>);
  add(t, Form("mul.hi", ty.name), two, I::Integer, binary<num::mul_hi<T>, T, T, T>);
  add(t, Form("mad.lo", ty.name), three, I::Integer, ternary<num::mad_lo<T>, T, T, T, T>);
  add(t, Form("mad.hi", ty.name), three, I::Integer, ternary<num::mad_hi<T>, T, T, T, T>);
  add(t, Form("div", ty.name), two, I::Integer, binary<num::div_int<T>, T, T, T>);
  add(t, Form("rem", ty.name), two, I::Integer, binary<num::rem_int<T>, T, T, T>);
  add(t, Form("sad", ty.name), three, I::Integer, ternary<num::sad<T>, T, T, T, T>);
  add(t, Form("min", ty.name), two, I::Integer, binary<[](T a, T b) { return num::min(a, b); }, T, T, T>);
  add(t, Form("max", ty.name), two, I::Integer, binary<[](T a, T b) { return num::max(a, b); }, T, T, T>);
  if constexpr (std::is_signed_v<T>) {
    add(t, Form("abs", ty.name), one, I::Integer, unary<num::abs_int<T>, T, T>);
    add(t, Form("neg", ty.name), one, I::Integer, unary<num::neg_int<T>, T, T>);
  }
  if constexpr (sizeof(T) < 8) {
    using W = num::detail::Wide<T>;
    const char* wide = sizeof(T) == 2 ? "r" : "l";
    add(t, Form("mul.wide", ty.name), Form(wide, "=", ty.letter, ty.letter), I::Integer, binary<num::mul_wide<T>, W, T, T>);
    add(t, Form("mad.wide", ty.name), Form(wide, "=", ty.letter, ty.letter, wide), I::Integer, ternary<num::mad_wide<T>, W, T, T, W>);
  }
}

template <class T> void announce24(OpTable& t, Announce add, Named<T> ty) {
  add(t, Form("mul24.lo", ty.name), "r=rr", I::Integer, binary<num::mul24_lo<T>, T, T, T>);
  add(t, Form("mul24.hi", ty.name), "r=rr", I::Integer, binary<num::mul24_hi<T>, T, T, T>);
  add(t, Form("mad24.lo", ty.name), "r=rrr", I::Integer, ternary<num::mad24_lo<T>, T, T, T, T>);
  add(t, Form("mad24.hi", ty.name), "r=rrr", I::Integer, ternary<num::mad24_hi<T>, T, T, T, T>);
}

template <bool A, bool B> void announceDots(OpTable& t, Announce add) {
  const Form types(A ? ".s32" : ".u32", B ? ".s32" : ".u32");
  add(t, Form("dp4a", types), "r=rrr", I::Integer,
      ternary<[](u32 a, u32 b, u32 c) { return num::dp4a(a, A, b, B, c); }, u32, u32, u32, u32>);
  add(t, Form("dp2a.lo", types), "r=rrr", I::Integer,
      ternary<[](u32 a, u32 b, u32 c) { return num::dp2a(a, A, b, B, c, false); }, u32, u32, u32, u32>);
  add(t, Form("dp2a.hi", types), "r=rrr", I::Integer,
      ternary<[](u32 a, u32 b, u32 c) { return num::dp2a(a, A, b, B, c, true); }, u32, u32, u32, u32>);
}

// .s16x2 and .u16x2: `F` on both halves.
template <class T, auto F> void halves(Warp& w, const Instr& i, u32 exec) {
  binary<[](u32 a, u32 b) { return num::each_half_int<T>(F, a, b); }, u32, u32, u32>(w, i, exec);
}

}  // namespace

void announceIntegers(OpTable& t, Announce add) {
  forEachOf([&](auto ty) { announceArithmetic(t, add, ty); }, kS16, kU16, kS32, kU32, kS64, kU64);
  announceCarries(t, add, kU32);
  announceCarries(t, add, kU64);
  announceCarries(t, add, kS32);
  announceCarries(t, add, kS64);
  announce24(t, add, kS32);
  announce24(t, add, kU32);
  announceDots<false, false>(t, add);
  announceDots<false, true>(t, add);
  announceDots<true, false>(t, add);
  announceDots<true, true>(t, add);
  add(t, "add.sat.s32", "r=rr", I::Integer, binary<num::add_sat<i32>, i32, i32, i32>);
  add(t, "sub.sat.s32", "r=rr", I::Integer, binary<num::sub_sat<i32>, i32, i32, i32>);
  add(t, "mad.hi.sat.s32", "r=rrr", I::Integer, ternary<num::mad_hi_sat, i32, i32, i32, i32>);
  add(t, "mad24.hi.sat.s32", "r=rrr", I::Integer, ternary<num::mad24_hi_sat, i32, i32, i32, i32>);
  add(t, "min.relu.s32", "r=rr", I::Integer, binary<[](i32 a, i32 b) { return num::min(a, b, {.relu = true}); }, i32, i32, i32>);
  add(t, "max.relu.s32", "r=rr", I::Integer, binary<[](i32 a, i32 b) { return num::max(a, b, {.relu = true}); }, i32, i32, i32>);
  add(t, "vabsdiff4.u32.u32.u32", "r=rrr", I::Integer,
      ternary<[](u32 a, u32 b, u32 c) { return num::vabsdiff4(a, b, c, false); }, u32, u32, u32, u32>);
  add(t, "vabsdiff4.u32.u32.u32.add", "r=rrr", I::Integer,
      ternary<[](u32 a, u32 b, u32 c) { return num::vabsdiff4(a, b, c, true); }, u32, u32, u32, u32>);
  add(t, "add.s16x2", "r=rr", I::Integer, halves<i16, [](i16 a, i16 b) { return num::wrap_add(a, b); }>);
  add(t, "add.u16x2", "r=rr", I::Integer, halves<u16, [](u16 a, u16 b) { return num::wrap_add(a, b); }>);
  add(t, "min.s16x2", "r=rr", I::Integer, halves<i16, [](i16 a, i16 b) { return num::min(a, b); }>);
  add(t, "max.s16x2", "r=rr", I::Integer, halves<i16, [](i16 a, i16 b) { return num::max(a, b); }>);
  add(t, "min.u16x2", "r=rr", I::Integer, halves<u16, [](u16 a, u16 b) { return num::min(a, b); }>);
  add(t, "max.u16x2", "r=rr", I::Integer, halves<u16, [](u16 a, u16 b) { return num::max(a, b); }>);
  add(t, "min.relu.s16x2", "r=rr", I::Integer, halves<i16, [](i16 a, i16 b) { return num::min(a, b, {.relu = true}); }>);
  add(t, "max.relu.s16x2", "r=rr", I::Integer, halves<i16, [](i16 a, i16 b) { return num::max(a, b, {.relu = true}); }>);
}

}  // namespace kofn::sim
