// SPDX-License-Identifier: Apache-2.0
//
// Logic, shifts, bit fields and bytes: and, or, xor, not, cnot, lop3, shl, shr, shf, bfe, bfi, bfind, brev, clz, popc,
// bmsk, szext, fns, prmt.
#include "engine/announce.hpp"
#include "numerics/numerics.hpp"

namespace kofn::sim {
namespace {

using I = InstructionClass;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;

constexpr Named<u16> kB16{".b16", "h"};
constexpr Named<u32> kB32{".b32", "r"};
constexpr Named<u64> kB64{".b64", "l"};

template <class T> void announceLogic(OpTable& t, Announce add, Named<T> ty) {
  const Form one(ty.letter, "=", ty.letter), two(one, ty.letter);
  add(t, Form("and", ty.name), two, I::Integer, binary<[](T a, T b) { return static_cast<T>(a & b); }, T, T, T>);
  add(t, Form("or", ty.name), two, I::Integer, binary<[](T a, T b) { return static_cast<T>(a | b); }, T, T, T>);
  add(t, Form("xor", ty.name), two, I::Integer, binary<[](T a, T b) { return static_cast<T>(a ^ b); }, T, T, T>);
  add(t, Form("not", ty.name), one, I::Integer, unary<[](T a) { return static_cast<T>(~a); }, T, T>);
  add(t, Form("cnot", ty.name), one, I::Integer, unary<num::cnot<T>, T, T>);
  add(t, Form("shl", ty.name), Form(one, "r"), I::Integer, binary<num::shl<T>, T, T, u32>);
}

template <class T> void announceShiftRight(OpTable& t, Announce add, Named<T> ty) {
  add(t, Form("shr", ty.name), Form(ty.letter, "=", ty.letter, "r"), I::Integer, binary<num::shr<T>, T, T, u32>);
}

template <class T> void announceFields(OpTable& t, Announce add, Named<T> ty) {
  add(t, Form("bfe", ty.name), Form(ty.letter, "=", ty.letter, "rr"), I::Integer, ternary<num::bfe<T>, T, T, u32, u32>);
  add(t, Form("bfind", ty.name), Form("r=", ty.letter), I::Integer, unary<[](T a) { return num::bfind<T>(a, false); }, u32, T>);
  add(t, Form("bfind.shiftamt", ty.name), Form("r=", ty.letter), I::Integer, unary<[](T a) { return num::bfind<T>(a, true); }, u32, T>);
}

template <class T> void announceCounts(OpTable& t, Announce add, Named<T> ty) {
  const Form same(ty.letter, "=", ty.letter);
  add(t, Form("brev", ty.name), same, I::Integer, unary<num::brev<T>, T, T>);
  add(t, Form("clz", ty.name), Form("r=", ty.letter), I::Integer, unary<num::clz<T>, u32, T>);
  add(t, Form("popc", ty.name), Form("r=", ty.letter), I::Integer, unary<num::popc<T>, u32, T>);
  add(t, Form("bfi", ty.name), Form(ty.letter, "=", ty.letter, ty.letter, "rr"), I::Integer, quaternary<num::bfi<T>, T, T, T, u32, u32>);
}

template <num::Prmt Mode> void permute(Warp& w, const Instr& i, u32 exec) {
  ternary<[](u32 a, u32 b, u32 c) { return num::prmt(a, b, c, Mode); }, u32, u32, u32, u32>(w, i, exec);
}

void lop3(Warp& w, const Instr& i, u32 exec) {
  u32* d = slot<u32>(w, i.d);
  const u32 *a = slot<u32>(w, i.a), *b = slot<u32>(w, i.b), *c = slot<u32>(w, i.c);
  const u32 table = static_cast<u32>(i.imm);
  u32 on[8];
  for (u32 row = 0; row < 8; ++row) on[row] = table >> row & 1 ? ~0u : 0u;
  eachLane(exec, [=](int l) {
    u32 r = 0;
    for (u32 row = 0; row < 8; ++row)
      r |= on[row] & (row & 4 ? a[l] : ~a[l]) & (row & 2 ? b[l] : ~b[l]) & (row & 1 ? c[l] : ~c[l]);
    d[l] = r;
  });
}

enum class Logic { And, Or, Xor };
template <Logic L> void predicateLogic(Warp& w, const Instr& i, u32 exec) {
  const u32 a = predicate(w, i.a), b = predicate(w, i.b);
  setPredicate(w, i.d, exec, L == Logic::And ? a & b : L == Logic::Or ? a | b : a ^ b);
}
void predicateNot(Warp& w, const Instr& i, u32 exec) { setPredicate(w, i.d, exec, ~predicate(w, i.a)); }
void predicateMove(Warp& w, const Instr& i, u32 exec) { setPredicate(w, i.d, exec, predicate(w, i.a)); }

}  // namespace

void announceBits(OpTable& t, Announce add) {
  forEachOf([&](auto ty) { announceLogic(t, add, ty); }, kB16, kB32, kB64);
  forEachOf([&](auto ty) { announceShiftRight(t, add, ty); }, kB16, kB32, kB64, Named<u16>{".u16", "h"}, Named<u32>{".u32", "r"},
            Named<u64>{".u64", "l"}, Named<std::int16_t>{".s16", "h"}, Named<std::int32_t>{".s32", "r"},
            Named<std::int64_t>{".s64", "l"});
  forEachOf([&](auto ty) { announceFields(t, add, ty); }, Named<u32>{".u32", "r"}, Named<u64>{".u64", "l"},
            Named<std::int32_t>{".s32", "r"}, Named<std::int64_t>{".s64", "l"});
  add(t, "bfind.b32", "r=r", I::Integer, unary<[](u32 a) { return num::bfind<u32>(a, false); }, u32, u32>);
  add(t, "bfind.shiftamt.b32", "r=r", I::Integer, unary<[](u32 a) { return num::bfind<u32>(a, true); }, u32, u32>);
  forEachOf([&](auto ty) { announceCounts(t, add, ty); }, kB32, kB64);
  add(t, "shf.l.wrap.b32", "r=rrr", I::Integer, ternary<[](u32 a, u32 b, u32 c) { return num::shf_l(a, b, c, true); }, u32, u32, u32, u32>);
  add(t, "shf.l.clamp.b32", "r=rrr", I::Integer, ternary<[](u32 a, u32 b, u32 c) { return num::shf_l(a, b, c, false); }, u32, u32, u32, u32>);
  add(t, "shf.r.wrap.b32", "r=rrr", I::Integer, ternary<[](u32 a, u32 b, u32 c) { return num::shf_r(a, b, c, true); }, u32, u32, u32, u32>);
  add(t, "shf.r.clamp.b32", "r=rrr", I::Integer, ternary<[](u32 a, u32 b, u32 c) { return num::shf_r(a, b, c, false); }, u32, u32, u32, u32>);
  add(t, "bmsk.clamp.b32", "r=rr", I::Integer, binary<[](u32 a, u32 b) { return num::bmsk(a, b, false); }, u32, u32, u32>);
  add(t, "bmsk.wrap.b32", "r=rr", I::Integer, binary<[](u32 a, u32 b) { return num::bmsk(a, b, true); }, u32, u32, u32>);
  add(t, "szext.clamp.u32", "r=rr", I::Integer, binary<[](u32 a, u32 b) { return num::szext(a, b, false); }, u32, u32, u32>);
  add(t, "szext.wrap.u32", "r=rr", I::Integer, binary<[](u32 a, u32 b) { return num::szext(a, b, true); }, u32, u32, u32>);
  using i32 = std::int32_t;
  add(t, "szext.clamp.s32", "r=rr", I::Integer, binary<[](i32 a, u32 b) { return num::szext(a, b, false); }, i32, i32, u32>);
  add(t, "szext.wrap.s32", "r=rr", I::Integer, binary<[](i32 a, u32 b) { return num::szext(a, b, true); }, i32, i32, u32>);
  add(t, "fns.b32", "r=rrr", I::Integer, ternary<[](u32 a, u32 b, u32 c) { return num::fns(a, b, static_cast<i32>(c)); }, u32, u32, u32, u32>);
  add(t, "prmt.b32", "r=rrr", I::Integer, permute<num::Prmt::index>);
  add(t, "prmt.b32.f4e", "r=rrr", I::Integer, permute<num::Prmt::f4e>);
  add(t, "prmt.b32.b4e", "r=rrr", I::Integer, permute<num::Prmt::b4e>);
  add(t, "prmt.b32.rc8", "r=rrr", I::Integer, permute<num::Prmt::rc8>);
  add(t, "prmt.b32.ecl", "r=rrr", I::Integer, permute<num::Prmt::ecl>);
  add(t, "prmt.b32.ecr", "r=rrr", I::Integer, permute<num::Prmt::ecr>);
  add(t, "prmt.b32.rc16", "r=rrr", I::Integer, permute<num::Prmt::rc16>);
  add(t, "lop3.b32", "r=rrri", I::Integer, lop3);
  add(t, "and.pred", "p=pp", I::Predicate, predicateLogic<Logic::And>);
  add(t, "or.pred", "p=pp", I::Predicate, predicateLogic<Logic::Or>);
  add(t, "xor.pred", "p=pp", I::Predicate, predicateLogic<Logic::Xor>);
  add(t, "not.pred", "p=p", I::Predicate, predicateNot);
  add(t, "mov.pred", "p=p", I::Predicate, predicateMove);
}

}  // namespace kofn::sim
