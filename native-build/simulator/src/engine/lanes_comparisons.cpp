// SPDX-License-Identifier: Apache-2.0
//
// setp, set, testp, slct, selp: comparisons, alone or combined with a predicate, of every type.
#include "engine/announce.hpp"
#include "numerics/numerics.hpp"

namespace kofn::sim {
namespace {

using I = InstructionClass;
using num::BF16;
using num::BoolOp;
using num::Cmp;
using num::F16;
using u16 = std::uint16_t;
using u32 = std::uint32_t;

constexpr const char* kCmp[] = {".eq", ".ne", ".lt", ".le", ".gt", ".ge", ".lo", ".ls", ".hi",
                                ".hs", ".equ", ".neu", ".ltu", ".leu", ".gtu", ".geu", ".num", ".nan"};

template <Cmp C, bool Ftz, class T> bool holds(T a, T b) {
  if constexpr (std::is_integral_v<T>) return num::compare(C, a, b);
  else return num::compare(C, a, b, Ftz);
}

template <Cmp C, bool Ftz, class T> [[gnu::noinline]] u32 compareLanes(const Warp& w, const Instr& i, u32 exec) {
  const T *a = slot<T>(w, i.a), *b = slot<T>(w, i.b);
  return laneMask(exec, [=](int l) { return holds<C, Ftz>(a[l], b[l]); });
}

template <Cmp C, bool Ftz, class T> void setp(Warp& w, const Instr& i, u32 exec) { setPredicate(w, i.d, exec, compareLanes<C, Ftz, T>(w, i, exec)); }

// Two destinations and a third operand: imm is the BoolOp, flags says that there is a second destination, which gets the
// complement of the comparison, combined likewise.
void combine(Warp& w, const Instr& i, u32 exec, u32 mask) {
  const auto with = [&](u32 holds) {
    const u32 c = predicate(w, i.c);
    switch (static_cast<BoolOp>(i.imm)) {
      case BoolOp::and_: return holds & c;
      case BoolOp::or_: return holds | c;
      case BoolOp::xor_: return holds ^ c;
      case BoolOp::none: break;
    }
    return holds;
  };
  const u32 first = with(mask), second = with(~mask);
  setPredicate(w, i.d, exec, first);
  if (i.flags) setPredicate(w, i.d2, exec, second);
}
template <Cmp C, bool Ftz, class T> void setpCombined(Warp& w, const Instr& i, u32 exec) { combine(w, i, exec, compareLanes<C, Ftz, T>(w, i, exec)); }

// set with a 32- or 16-bit destination D: imm is what true looks like.
template <class D> void setValues(const Warp& w, const Instr& i, u32 exec, u32 mask) {
  D* d = slot<D>(w, i.d);
  for (u32 m = exec; m != 0; m &= m - 1) d[std::countr_zero(m)] = mask >> std::countr_zero(m) & 1 ? static_cast<D>(i.imm) : D{0};
}
template <class D, Cmp C, bool Ftz, class T> void set(Warp& w, const Instr& i, u32 exec) { setValues<D>(w, i, exec, compareLanes<C, Ftz, T>(w, i, exec)); }

// Pairs of 16-bit values: the comparison of the low halves and of the high halves.
template <Cmp C, bool Ftz, class T> [[gnu::noinline]] void comparePairs(const Warp& w, const Instr& i, u32 exec, u32& low, u32& high) {
  const u32 *a = slot<u32>(w, i.a), *b = slot<u32>(w, i.b);
  low = high = 0;
  for (u32 m = exec; m != 0; m &= m - 1) {
    const int l = std::countr_zero(m);
    low |= static_cast<u32>(num::compare(C, num::low<T>(a[l]), num::low<T>(b[l]), Ftz)) << l;
    high |= static_cast<u32>(num::compare(C, num::high<T>(a[l]), num::high<T>(b[l]), Ftz)) << l;
  }
}
template <Cmp C, bool Ftz, class T> void setpPair(Warp& w, const Instr& i, u32 exec) {
  u32 low, high;
  comparePairs<C, Ftz, T>(w, i, exec, low, high);
  setPredicate(w, i.d, exec, low);
  setPredicate(w, i.d2, exec, high);
}
template <Cmp C, bool Ftz, class T> void setPair(Warp& w, const Instr& i, u32 exec) {
  u32 low, high;
  comparePairs<C, Ftz, T>(w, i, exec, low, high);
  const u32 yes = static_cast<u32>(i.imm);
  u32* d = slot<u32>(w, i.d);
  for (u32 m = exec; m != 0; m &= m - 1) {
    const int l = std::countr_zero(m);
    d[l] = (high >> l & 1 ? yes << 16 : 0) | (low >> l & 1 ? yes : 0);
  }
}

template <Cmp C, bool Ftz, class T> void announceOne(OpTable& t, Announce add, const char* type, const char* x) {
  const Form tail(kCmp[static_cast<int>(C)]), ftz(Ftz ? ".ftz" : "");
  add(t, Form("setp", tail, ftz, type), Form("p=", x, x), I::Predicate, setp<C, Ftz, T>);
  const Form three("pP=", x, x, "p");
  add(t, Form("#2setp", tail, ftz, type), Form("pp=", x, x), I::Predicate, setpCombined<C, Ftz, T>, static_cast<int>(BoolOp::none));
  add(t, Form("setp", tail, ".and", ftz, type), three, I::Predicate, setpCombined<C, Ftz, T>, static_cast<int>(BoolOp::and_));
  add(t, Form("setp", tail, ".or", ftz, type), three, I::Predicate, setpCombined<C, Ftz, T>, static_cast<int>(BoolOp::or_));
  add(t, Form("setp", tail, ".xor", ftz, type), three, I::Predicate, setpCombined<C, Ftz, T>, static_cast<int>(BoolOp::xor_));
  add(t, Form("set", tail, ftz, ".u32", type), Form("r=", x, x), I::Integer, set<u32, C, Ftz, T>, 0xffffffff);
  add(t, Form("set", tail, ftz, ".s32", type), Form("r=", x, x), I::Integer, set<u32, C, Ftz, T>, 0xffffffff);
  add(t, Form("set", tail, ftz, ".f32", type), Form("r=", x, x), I::Float32, set<u32, C, Ftz, T>, 0x3f800000);
  if constexpr (std::is_same_v<T, F16> || std::is_same_v<T, BF16>) {
    const Form two(type, "x2");
    add(t, Form("set", tail, ftz, type, type), Form("h=", x, x), I::Half, set<u16, C, Ftz, T>, num::set_value<T>(true).bits);
    add(t, Form("set", tail, ftz, ".u16", type), Form("h=", x, x), I::Half, set<u16, C, Ftz, T>, 0xffff);
    add(t, Form("set", tail, ftz, ".s16", type), Form("h=", x, x), I::Half, set<u16, C, Ftz, T>, 0xffff);
    add(t, Form("set", tail, ftz, two, two), "r=rr", I::Half, setPair<C, Ftz, T>, num::set_value<T>(true).bits);
    add(t, Form("set", tail, ftz, ".u32", two), "r=rr", I::Half, setPair<C, Ftz, T>, 0xffff);
    add(t, Form("set", tail, ftz, ".s32", two), "r=rr", I::Half, setPair<C, Ftz, T>, 0xffff);
    add(t, Form("setp", tail, ftz, two), "pp=rr", I::Half, setpPair<C, Ftz, T>);
  }
}

template <class T, bool Ftz, Cmp... C> void announceAll(OpTable& t, Announce add, const char* type, const char* x) {
  (announceOne<C, Ftz, T>(t, add, type, x), ...);
}
#define KOFN_EQUALITY Cmp::eq, Cmp::ne
#define KOFN_ORDER Cmp::eq, Cmp::ne, Cmp::lt, Cmp::le, Cmp::gt, Cmp::ge
#define KOFN_UNORDERED Cmp::equ, Cmp::neu, Cmp::ltu, Cmp::leu, Cmp::gtu, Cmp::geu, Cmp::num, Cmp::nan
#define KOFN_UNSIGNED Cmp::lo, Cmp::ls, Cmp::hi, Cmp::hs

template <class T> void select(Warp& w, const Instr& i, u32 exec) {
  T* d = slot<T>(w, i.d);
  const T *a = slot<T>(w, i.a), *b = slot<T>(w, i.b);
  const u32 p = predicate(w, i.c);
  eachLane(exec, [=](int l) { d[l] = p >> l & 1 ? a[l] : b[l]; });
}

template <class T, num::TestP P> void testp(Warp& w, const Instr& i, u32 exec) {
  const T* a = slot<T>(w, i.a);
  setPredicate(w, i.d, exec, laneMask(exec, [=](int l) { return num::testp(P, a[l]); }));
}
template <class T> void announceTests(OpTable& t, Announce add, const char* type, const char* x) {
  using P = num::TestP;
  const Form operands("p=", x);
  add(t, Form("testp.finite", type), operands, I::Predicate, testp<T, P::finite>);
  add(t, Form("testp.infinite", type), operands, I::Predicate, testp<T, P::infinite>);
  add(t, Form("testp.number", type), operands, I::Predicate, testp<T, P::number>);
  add(t, Form("testp.notanumber", type), operands, I::Predicate, testp<T, P::notanumber>);
  add(t, Form("testp.normal", type), operands, I::Predicate, testp<T, P::normal>);
  add(t, Form("testp.subnormal", type), operands, I::Predicate, testp<T, P::subnormal>);
}

template <class T> void announceSelect(OpTable& t, Announce add, const char* x, std::initializer_list<const char*> types) {
  for (const char* type : types) {
    add(t, Form("selp", type), Form(x, "=", x, x, "p"), I::Move, select<T>);
    add(t, Form("slct", type, ".s32"), Form(x, "=", x, x, "r"), I::Move,
        ternary<[](T a, T b, std::int32_t c) { return c >= 0 ? a : b; }, T, T, T, std::int32_t>);
    add(t, Form("slct", type, ".f32"), Form(x, "=", x, x, "r"), I::Move,
        ternary<[](T a, T b, float c) { return c >= 0 ? a : b; }, T, T, T, float>);
    add(t, Form("slct.ftz", type, ".f32"), Form(x, "=", x, x, "r"), I::Move,
        ternary<[](T a, T b, float c) { return num::flush(c) >= 0 ? a : b; }, T, T, T, float>);
  }
}

}  // namespace

void announceComparisons(OpTable& t, Announce add) {
  announceAll<u16, false, KOFN_EQUALITY>(t, add, ".b16", "h");
  announceAll<u32, false, KOFN_EQUALITY>(t, add, ".b32", "r");
  announceAll<std::uint64_t, false, KOFN_EQUALITY>(t, add, ".b64", "l");
  announceAll<u16, false, KOFN_ORDER, KOFN_UNSIGNED>(t, add, ".u16", "h");
  announceAll<u32, false, KOFN_ORDER, KOFN_UNSIGNED>(t, add, ".u32", "r");
  announceAll<std::uint64_t, false, KOFN_ORDER, KOFN_UNSIGNED>(t, add, ".u64", "l");
  announceAll<std::int16_t, false, KOFN_ORDER>(t, add, ".s16", "h");
  announceAll<std::int32_t, false, KOFN_ORDER>(t, add, ".s32", "r");
  announceAll<std::int64_t, false, KOFN_ORDER>(t, add, ".s64", "l");
  announceAll<float, false, KOFN_ORDER, KOFN_UNORDERED>(t, add, ".f32", "r");
  announceAll<float, true, KOFN_ORDER, KOFN_UNORDERED>(t, add, ".f32", "r");
  announceAll<double, false, KOFN_ORDER, KOFN_UNORDERED>(t, add, ".f64", "l");
  announceAll<F16, false, KOFN_ORDER, KOFN_UNORDERED>(t, add, ".f16", "h");
  announceAll<F16, true, KOFN_ORDER, KOFN_UNORDERED>(t, add, ".f16", "h");
  announceAll<BF16, false, KOFN_ORDER, KOFN_UNORDERED>(t, add, ".bf16", "h");
  announceSelect<u16>(t, add, "h", {".b16", ".u16", ".s16"});
  announceSelect<u32>(t, add, "r", {".b32", ".u32", ".s32", ".f32"});
  announceSelect<std::uint64_t>(t, add, "l", {".b64", ".u64", ".s64", ".f64"});
  announceTests<float>(t, add, ".f32", "r");
  announceTests<double>(t, add, ".f64", "l");
}

}  // namespace kofn::sim
