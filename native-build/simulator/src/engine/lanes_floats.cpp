// SPDX-License-Identifier: Apache-2.0
//
// f32 and f64: add, sub, mul, fma, mad, div, rcp, sqrt, neg, abs, min, max, copysign, in every rounding, with .ftz and
// .sat where PTX has them. A form without a rounding means round to nearest even.
#include "engine/announce.hpp"
#include "numerics/numerics.hpp"

namespace kofn::sim {
namespace {

using I = InstructionClass;
using num::FpMode;
using num::Rnd;

template <class T> constexpr I kClass = sizeof(T) == 4 ? I::Float32 : I::Float64;
template <class T> constexpr const char* kName = sizeof(T) == 4 ? ".f32" : ".f64";
template <class T> constexpr const char* kLetter = sizeof(T) == 4 ? "r" : "l";

const char* spelled(Rnd r) {
  switch (r) {
    case Rnd::rn: return ".rn";
    case Rnd::rz: return ".rz";
    case Rnd::rm: return ".rm";
    case Rnd::rp: return ".rp";
    case Rnd::rna: return ".rna";
  }
  return "";
}

template <class T, FpMode M> void fma(Warp& w, const Instr& i, std::uint32_t exec) {
  constexpr bool plain = M.rnd == Rnd::rn && !M.ftz && !M.sat;
  if (plain && exec == kAllLanes) return num::fma_lanes(slot<T>(w, i.d), slot<T>(w, i.a), slot<T>(w, i.b), slot<T>(w, i.c));
  ternary<[](T a, T b, T c) { return num::fma(a, b, c, M); }, T, T, T, T>(w, i, exec);
}

template <class T, FpMode M> void announceRounded(OpTable& t, Announce add, const char* rounding) {
  const char *n = kName<T>, *x = kLetter<T>, *ftz = M.ftz ? ".ftz" : "", *sat = M.sat ? ".sat" : "";
  const Form tail(ftz, sat, n), two(x, "=", x, x), three(two, x);
  add(t, Form("add", rounding, tail), two, kClass<T>, binary<[](T a, T b) { return num::add(a, b, M); }, T, T, T>);
  add(t, Form("sub", rounding, tail), two, kClass<T>, binary<[](T a, T b) { return num::sub(a, b, M); }, T, T, T>);
  add(t, Form("mul", rounding, tail), two, kClass<T>, binary<[](T a, T b) { return num::mul(a, b, M); }, T, T, T>);
  if (*rounding == 0) return;
  add(t, Form("fma", rounding, tail), three, kClass<T>, fma<T, M>);
  add(t, Form("mad", rounding, tail), three, kClass<T>, fma<T, M>);
  if constexpr (M.sat) return;
  add(t, Form("div", rounding, tail), two, kClass<T>, binary<[](T a, T b) { return num::div(a, b, M); }, T, T, T>);
  add(t, Form("rcp", rounding, tail), Form(x, "=", x), kClass<T>, unary<[](T a) { return num::rcp(a, M); }, T, T>);
  add(t, Form("sqrt", rounding, tail), Form(x, "=", x), kClass<T>, unary<[](T a) { return num::sqrt(a, M); }, T, T>);
}

template <Rnd R> void announceRounding(OpTable& t, Announce add) {
  announceRounded<float, FpMode{.rnd = R}>(t, add, spelled(R));
  announceRounded<float, FpMode{.rnd = R, .ftz = true}>(t, add, spelled(R));
  announceRounded<float, FpMode{.rnd = R, .sat = true}>(t, add, spelled(R));
  announceRounded<float, FpMode{.rnd = R, .ftz = true, .sat = true}>(t, add, spelled(R));
  announceRounded<double, FpMode{.rnd = R}>(t, add, spelled(R));
}

template <class T, num::MinMaxMode M> void announceMinMax(OpTable& t, Announce add) {
  const char* x = kLetter<T>;
  const Form tail(M.ftz ? ".ftz" : "", M.nan ? ".NaN" : "", M.xorsignAbs ? ".xorsign.abs" : "", kName<T>), two(x, "=", x, x);
  add(t, Form("min", tail), two, kClass<T>, binary<[](T a, T b) { return num::min(a, b, M); }, T, T, T>);
  add(t, Form("max", tail), two, kClass<T>, binary<[](T a, T b) { return num::max(a, b, M); }, T, T, T>);
}

template <class T, bool Ftz> void announceSigns(OpTable& t, Announce add) {
  const char* x = kLetter<T>;
  const Form tail(Ftz ? ".ftz" : "", kName<T>), one(x, "=", x);
  add(t, Form("neg", tail), one, kClass<T>, unary<[](T a) { return num::neg(a, {.ftz = Ftz}); }, T, T>);
  add(t, Form("abs", tail), one, kClass<T>, unary<[](T a) { return num::abs(a, {.ftz = Ftz}); }, T, T>);
}

}  // namespace

void announceFloats(OpTable& t, Announce add) {
  announceRounding<Rnd::rn>(t, add);
  announceRounding<Rnd::rz>(t, add);
  announceRounding<Rnd::rm>(t, add);
  announceRounding<Rnd::rp>(t, add);
  announceRounded<float, FpMode{}>(t, add, "");
  announceRounded<float, FpMode{.ftz = true}>(t, add, "");
  announceRounded<float, FpMode{.sat = true}>(t, add, "");
  announceRounded<float, FpMode{.ftz = true, .sat = true}>(t, add, "");
  announceRounded<double, FpMode{}>(t, add, "");
  announceMinMax<float, num::MinMaxMode{}>(t, add);
  announceMinMax<float, num::MinMaxMode{.ftz = true}>(t, add);
  announceMinMax<float, num::MinMaxMode{.nan = true}>(t, add);
  announceMinMax<float, num::MinMaxMode{.ftz = true, .nan = true}>(t, add);
  announceMinMax<float, num::MinMaxMode{.xorsignAbs = true}>(t, add);
  announceMinMax<float, num::MinMaxMode{.nan = true, .xorsignAbs = true}>(t, add);
  announceMinMax<float, num::MinMaxMode{.ftz = true, .xorsignAbs = true}>(t, add);
  announceMinMax<float, num::MinMaxMode{.ftz = true, .nan = true, .xorsignAbs = true}>(t, add);
  announceMinMax<double, num::MinMaxMode{}>(t, add);
  announceSigns<float, false>(t, add);
  announceSigns<float, true>(t, add);
  announceSigns<double, false>(t, add);
  add(t, "copysign.f32", "r=rr", I::Float32, binary<[](float a, float b) { return num::copysign(a, b); }, float, float, float>);
  add(t, "copysign.f64", "l=ll", I::Float64, binary<[](double a, double b) { return num::copysign(a, b); }, double, double, double>);
}

}  // namespace kofn::sim
