// SPDX-License-Identifier: Apache-2.0
//
// cvt: the whole matrix of integer and floating-point types, each with the modifiers that PTX allows for the pair.
// Letters q h r l are unsigned or untyped lanes, b s w their signed twins: into a wider register they extend the sign.
#include "engine/announce.hpp"
#include "numerics/numerics.hpp"

namespace kofn::sim {
namespace {

using I = InstructionClass;
using num::BF16;
using num::CvtMode;
using num::F16;
using num::Rnd;
using num::TF32;
using u32 = std::uint32_t;

template <class T> struct Ty;
#define KOFN_TYPE(T, text, code) \
  template <> struct Ty<T> { static constexpr const char *name = text, *letter = code; };
KOFN_TYPE(std::uint8_t, ".u8", "q")
KOFN_TYPE(std::int8_t, ".s8", "b")
KOFN_TYPE(std::uint16_t, ".u16", "h")
KOFN_TYPE(std::int16_t, ".s16", "s")
KOFN_TYPE(std::uint32_t, ".u32", "r")
KOFN_TYPE(std::int32_t, ".s32", "w")
KOFN_TYPE(std::uint64_t, ".u64", "l")
KOFN_TYPE(std::int64_t, ".s64", "l")
KOFN_TYPE(F16, ".f16", "h")
KOFN_TYPE(BF16, ".bf16", "h")
KOFN_TYPE(TF32, ".tf32", "r")
KOFN_TYPE(float, ".f32", "r")
KOFN_TYPE(double, ".f64", "l")
#undef KOFN_TYPE

constexpr const char* rounding(CvtMode m) {
  switch (m.rnd) {
    case Rnd::rn: return m.integral ? ".rni" : ".rn";
    case Rnd::rz: return m.integral ? ".rzi" : ".rz";
    case Rnd::rm: return m.integral ? ".rmi" : ".rm";
    case Rnd::rp: return m.integral ? ".rpi" : ".rp";
    case Rnd::rna: return ".rna";
  }
  return "";
}

// The common modes have handlers of their own; the others share one a pair of types and find their mode in Instr::imm.
constexpr bool isCommon(CvtMode m) { return !m.ftz && !m.sat && !m.relu && !m.satfinite && (m.integral ? m.rnd == Rnd::rz : m.rnd == Rnd::rn); }
constexpr std::int64_t packed(CvtMode m) {
  return static_cast<int>(m.rnd) | m.integral << 3 | m.ftz << 4 | m.sat << 5 | m.relu << 6 | m.satfinite << 7;
}
CvtMode unpacked(std::int64_t v) {
  return {static_cast<Rnd>(v & 7), (v >> 3 & 1) != 0, (v >> 4 & 1) != 0, (v >> 5 & 1) != 0, (v >> 6 & 1) != 0, (v >> 7 & 1) != 0};
}
template <class D, class S> void convertBy(Warp& w, const Instr& i, u32 exec) {
  D* d = slot<D>(w, i.d);
  const S* a = slot<S>(w, i.a);
  const CvtMode mode = unpacked(i.imm);
  for (u32 m = exec; m != 0; m &= m - 1) d[std::countr_zero(m)] = num::convert<D>(a[std::countr_zero(m)], mode);
}

template <class D, class S, CvtMode M> void one(OpTable& t, Announce add, const char* round) {
  const Form form("cvt", round, M.relu ? ".relu" : "", M.satfinite ? ".satfinite" : "", M.ftz ? ".ftz" : "", M.sat ? ".sat" : "",
                  Ty<D>::name, Ty<S>::name);
  const Form operands(Ty<D>::letter, "=", Ty<S>::letter);
  if constexpr (isCommon(M)) add(t, form, operands, I::Conversion, unary<[](S v) { return num::convert<D>(v, M); }, D, S>);
  else add(t, form, operands, I::Conversion, convertBy<D, S>, packed(M));
}

template <class S, class... D> void integerPairs(OpTable& t, Announce add) {
  (one<D, S, CvtMode{}>(t, add, ""), ...);
  (one<D, S, CvtMode{.sat = true}>(t, add, ""), ...);
}

template <class D, class S, Rnd R> void fromInteger(OpTable& t, Announce add) {
  one<D, S, CvtMode{.rnd = R}>(t, add, rounding({.rnd = R}));
  if constexpr (!std::is_same_v<D, BF16>) one<D, S, CvtMode{.rnd = R, .sat = true}>(t, add, rounding({.rnd = R}));
  if constexpr (std::is_same_v<D, float>) {
    one<D, S, CvtMode{.rnd = R, .ftz = true}>(t, add, rounding({.rnd = R}));
    one<D, S, CvtMode{.rnd = R, .ftz = true, .sat = true}>(t, add, rounding({.rnd = R}));
  }
}
template <class D, class... S> void fromIntegers(OpTable& t, Announce add) {
  (fromInteger<D, S, Rnd::rn>(t, add), ...);
  (fromInteger<D, S, Rnd::rz>(t, add), ...);
  (fromInteger<D, S, Rnd::rm>(t, add), ...);
  (fromInteger<D, S, Rnd::rp>(t, add), ...);
}

template <class D, class S, Rnd R> void toInteger(OpTable& t, Announce add) {
  constexpr CvtMode m{.rnd = R, .integral = true};
  one<D, S, CvtMode{.rnd = R, .integral = true}>(t, add, rounding(m));
  one<D, S, CvtMode{.rnd = R, .integral = true, .sat = true}>(t, add, rounding(m));
  if constexpr (std::is_same_v<S, float>) {
    one<D, S, CvtMode{.rnd = R, .integral = true, .ftz = true}>(t, add, rounding(m));
    one<D, S, CvtMode{.rnd = R, .integral = true, .ftz = true, .sat = true}>(t, add, rounding(m));
  }
}
template <class S, class... D> void toIntegers(OpTable& t, Announce add) {
  (toInteger<D, S, Rnd::rn>(t, add), ...);
  (toInteger<D, S, Rnd::rz>(t, add), ...);
  (toInteger<D, S, Rnd::rm>(t, add), ...);
  (toInteger<D, S, Rnd::rp>(t, add), ...);
}

// With every combination of .ftz (where f32 takes part) and .sat.
template <class D, class S, CvtMode M> void modified(OpTable& t, Announce add, const char* round) {
  constexpr bool single = std::is_same_v<D, float> || std::is_same_v<S, float>;
  one<D, S, M>(t, add, round);
  one<D, S, CvtMode{.rnd = M.rnd, .integral = M.integral, .sat = true}>(t, add, round);
  if constexpr (single) {
    one<D, S, CvtMode{.rnd = M.rnd, .integral = M.integral, .ftz = true}>(t, add, round);
    one<D, S, CvtMode{.rnd = M.rnd, .integral = M.integral, .ftz = true, .sat = true}>(t, add, round);
  }
}
template <class T> void toIntegralValue(OpTable& t, Announce add) {
  modified<T, T, CvtMode{}>(t, add, "");
  modified<T, T, CvtMode{.rnd = Rnd::rn, .integral = true}>(t, add, ".rni");
  modified<T, T, CvtMode{.rnd = Rnd::rz, .integral = true}>(t, add, ".rzi");
  modified<T, T, CvtMode{.rnd = Rnd::rm, .integral = true}>(t, add, ".rmi");
  modified<T, T, CvtMode{.rnd = Rnd::rp, .integral = true}>(t, add, ".rpi");
}
template <class D, class S> void narrowing(OpTable& t, Announce add) {
  modified<D, S, CvtMode{.rnd = Rnd::rn}>(t, add, ".rn");
  modified<D, S, CvtMode{.rnd = Rnd::rz}>(t, add, ".rz");
  modified<D, S, CvtMode{.rnd = Rnd::rm}>(t, add, ".rm");
  modified<D, S, CvtMode{.rnd = Rnd::rp}>(t, add, ".rp");
}
template <class D, class S, Rnd R> void clipping(OpTable& t, Announce add) {
  one<D, S, CvtMode{.rnd = R, .relu = true}>(t, add, rounding({.rnd = R}));
  one<D, S, CvtMode{.rnd = R, .satfinite = true}>(t, add, rounding({.rnd = R}));
  one<D, S, CvtMode{.rnd = R, .relu = true, .satfinite = true}>(t, add, rounding({.rnd = R}));
}

template <class D, CvtMode M> void pair(OpTable& t, Announce add) {
  const Form form("cvt", rounding(M), M.relu ? ".relu" : "", M.satfinite ? ".satfinite" : "",
                  std::is_same_v<D, F16> ? ".f16x2" : ".bf16x2", ".f32");
  add(t, form, "r=rr", I::Conversion, binary<[](float a, float b) { return num::convert_pair<D>(a, b, M); }, u32, float, float>);
}
template <class D, Rnd R> void pairs(OpTable& t, Announce add) {
  pair<D, CvtMode{.rnd = R}>(t, add);
  pair<D, CvtMode{.rnd = R, .relu = true}>(t, add);
  pair<D, CvtMode{.rnd = R, .satfinite = true}>(t, add);
  pair<D, CvtMode{.rnd = R, .relu = true, .satfinite = true}>(t, add);
}

template <class E, bool Relu> void bytes(OpTable& t, Announce add, const char* name) {
  const char* relu = Relu ? ".relu" : "";
  add(t, Form("cvt.rn.satfinite", relu, name, ".f32"), "h=rr", I::Conversion,
      binary<[](float a, float b) { return num::convert_pair8<E>(a, b, {.relu = Relu}); }, std::uint16_t, float, float>);
  add(t, Form("cvt.rn.satfinite", relu, name, ".f16x2"), "h=r", I::Conversion,
      unary<[](u32 a) {
        return num::convert_pair8<E>(num::widen(num::high<F16>(a)), num::widen(num::low<F16>(a)), {.relu = Relu});
      }, std::uint16_t, u32>);
  add(t, Form("cvt.rn", relu, ".f16x2", name), "r=h", I::Conversion,
      unary<[](std::uint16_t a) { return num::widen_pair8<E>(a, Relu); }, u32, std::uint16_t>);
}

}  // namespace

#define KOFN_INTEGERS std::uint8_t, std::int8_t, std::uint16_t, std::int16_t, std::uint32_t, std::int32_t, std::uint64_t, std::int64_t

void announceConversions(OpTable& t, Announce add) {
  integerPairs<std::uint8_t, KOFN_INTEGERS>(t, add);
  integerPairs<std::int8_t, KOFN_INTEGERS>(t, add);
  integerPairs<std::uint16_t, KOFN_INTEGERS>(t, add);
  integerPairs<std::int16_t, KOFN_INTEGERS>(t, add);
  integerPairs<std::uint32_t, KOFN_INTEGERS>(t, add);
  integerPairs<std::int32_t, KOFN_INTEGERS>(t, add);
  integerPairs<std::uint64_t, KOFN_INTEGERS>(t, add);
  integerPairs<std::int64_t, KOFN_INTEGERS>(t, add);
  fromIntegers<float, KOFN_INTEGERS>(t, add);
  fromIntegers<double, KOFN_INTEGERS>(t, add);
  fromIntegers<F16, KOFN_INTEGERS>(t, add);
  fromIntegers<BF16, KOFN_INTEGERS>(t, add);
  toIntegers<float, KOFN_INTEGERS>(t, add);
  toIntegers<double, KOFN_INTEGERS>(t, add);
  toIntegers<F16, KOFN_INTEGERS>(t, add);
  toIntegers<BF16, KOFN_INTEGERS>(t, add);
  toIntegralValue<float>(t, add);
  toIntegralValue<double>(t, add);
  toIntegralValue<F16>(t, add);
  toIntegralValue<BF16>(t, add);
  modified<double, float, CvtMode{}>(t, add, "");
  modified<float, F16, CvtMode{}>(t, add, "");
  modified<double, F16, CvtMode{}>(t, add, "");
  modified<float, BF16, CvtMode{}>(t, add, "");
  modified<double, BF16, CvtMode{}>(t, add, "");
  narrowing<float, double>(t, add);
  narrowing<F16, float>(t, add);
  narrowing<F16, double>(t, add);
  narrowing<BF16, float>(t, add);
  narrowing<BF16, double>(t, add);
  narrowing<BF16, F16>(t, add);
  narrowing<F16, BF16>(t, add);
  clipping<F16, float, Rnd::rn>(t, add);
  clipping<F16, float, Rnd::rz>(t, add);
  clipping<BF16, float, Rnd::rn>(t, add);
  clipping<BF16, float, Rnd::rz>(t, add);
  one<TF32, float, CvtMode{.rnd = Rnd::rna}>(t, add, ".rna");
  one<TF32, float, CvtMode{.rnd = Rnd::rna, .satfinite = true}>(t, add, ".rna");
  one<TF32, float, CvtMode{.rnd = Rnd::rn}>(t, add, ".rn");
  one<TF32, float, CvtMode{.rnd = Rnd::rz}>(t, add, ".rz");
  clipping<TF32, float, Rnd::rn>(t, add);
  clipping<TF32, float, Rnd::rz>(t, add);
  pairs<F16, Rnd::rn>(t, add);
  pairs<F16, Rnd::rz>(t, add);
  pairs<BF16, Rnd::rn>(t, add);
  pairs<BF16, Rnd::rz>(t, add);
  bytes<num::E4M3, false>(t, add, ".e4m3x2");
  bytes<num::E4M3, true>(t, add, ".e4m3x2");
  bytes<num::E5M2, false>(t, add, ".e5m2x2");
  bytes<num::E5M2, true>(t, add, ".e5m2x2");
}

}  // namespace kofn::sim
