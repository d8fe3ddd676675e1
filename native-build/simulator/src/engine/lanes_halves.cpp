// SPDX-License-Identifier: Apache-2.0
//
// f16, bf16 and their pairs: add, sub, mul, fma, neg, abs, min, max.
#include "engine/announce.hpp"
#include "numerics/numerics.hpp"

namespace kofn::sim {
namespace {

using I = InstructionClass;
using num::BF16;
using num::F16;
using num::FpMode;
using u32 = std::uint32_t;

template <class T> constexpr const char* kName = std::is_same_v<T, F16> ? ".f16" : ".bf16";
template <class T> constexpr const char* kPair = std::is_same_v<T, F16> ? ".f16x2" : ".bf16x2";

// Announces F for single values and for pairs. F is a captureless generic function of one to three T.
template <class T, auto F> void one(OpTable& t, Announce add, const char* stem) {
  add(t, Form(stem, kName<T>), "h=h", I::Half, unary<F, T, T>);
  add(t, Form(stem, kPair<T>), "r=r", I::Half, unary<[](u32 a) { return num::each_half<T>(F, a); }, u32, u32>);
}
template <class T, auto F> void two(OpTable& t, Announce add, const char* stem) {
  add(t, Form(stem, kName<T>), "h=hh", I::Half, binary<F, T, T, T>);
  add(t, Form(stem, kPair<T>), "r=rr", I::Half, binary<[](u32 a, u32 b) { return num::each_half<T>(F, a, b); }, u32, u32, u32>);
}
template <class T, auto F> void three(OpTable& t, Announce add, const char* stem) {
  add(t, Form(stem, kName<T>), "h=hhh", I::Half, ternary<F, T, T, T, T>);
  add(t, Form(stem, kPair<T>), "r=rrr", I::Half,
      ternary<[](u32 a, u32 b, u32 c) { return num::each_half<T>(F, a, b, c); }, u32, u32, u32, u32>);
}

template <class T, FpMode M> void announceArithmetic(OpTable& t, Announce add) {
  const char *ftz = M.ftz ? ".ftz" : "", *sat = M.sat ? ".sat" : "";
  for (const char* rounding : {"", ".rn"}) {
    two<T, [](T a, T b) { return num::add(a, b, M); }>(t, add, Form("add", rounding, ftz, sat));
    two<T, [](T a, T b) { return num::sub(a, b, M); }>(t, add, Form("sub", rounding, ftz, sat));
    two<T, [](T a, T b) { return num::mul(a, b, M); }>(t, add, Form("mul", rounding, ftz, sat));
  }
  three<T, [](T a, T b, T c) { return num::fma(a, b, c, M); }>(t, add, Form("fma.rn", ftz, sat));
}

template <class T, num::MinMaxMode M> void announceMinMax(OpTable& t, Announce add) {
  const Form tail(M.ftz ? ".ftz" : "", M.nan ? ".NaN" : "", M.xorsignAbs ? ".xorsign.abs" : "");
  two<T, [](T a, T b) { return num::min(a, b, M); }>(t, add, Form("min", tail));
  two<T, [](T a, T b) { return num::max(a, b, M); }>(t, add, Form("max", tail));
}

template <class T, bool Ftz> void announceSigns(OpTable& t, Announce add) {
  one<T, [](T a) { return num::neg(a, {.ftz = Ftz}); }>(t, add, Form("neg", Ftz ? ".ftz" : ""));
  one<T, [](T a) { return num::abs(a, {.ftz = Ftz}); }>(t, add, Form("abs", Ftz ? ".ftz" : ""));
}

template <class T> void announceType(OpTable& t, Announce add) {
  announceArithmetic<T, FpMode{}>(t, add);
  three<T, [](T a, T b, T c) { return num::fma(a, b, c, FpMode{.relu = true}); }>(t, add, "fma.rn.relu");
  announceMinMax<T, num::MinMaxMode{}>(t, add);
  announceMinMax<T, num::MinMaxMode{.nan = true}>(t, add);
  announceMinMax<T, num::MinMaxMode{.xorsignAbs = true}>(t, add);
  announceMinMax<T, num::MinMaxMode{.nan = true, .xorsignAbs = true}>(t, add);
  announceSigns<T, false>(t, add);
}

}  // namespace

void announceHalves(OpTable& t, Announce add) {
  announceType<F16>(t, add);
  announceType<BF16>(t, add);
  announceArithmetic<F16, FpMode{.ftz = true}>(t, add);
  announceArithmetic<F16, FpMode{.sat = true}>(t, add);
  announceArithmetic<F16, FpMode{.ftz = true, .sat = true}>(t, add);
  three<F16, [](F16 a, F16 b, F16 c) { return num::fma(a, b, c, FpMode{.ftz = true, .relu = true}); }>(t, add, "fma.rn.ftz.relu");
  announceMinMax<F16, num::MinMaxMode{.ftz = true}>(t, add);
  announceMinMax<F16, num::MinMaxMode{.ftz = true, .nan = true}>(t, add);
  announceMinMax<F16, num::MinMaxMode{.ftz = true, .xorsignAbs = true}>(t, add);
  announceMinMax<F16, num::MinMaxMode{.ftz = true, .nan = true, .xorsignAbs = true}>(t, add);
  announceSigns<F16, true>(t, add);
}

}  // namespace kofn::sim
