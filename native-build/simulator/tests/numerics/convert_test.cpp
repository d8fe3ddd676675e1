// SPDX-License-Identifier: Apache-2.0
//
// cvt: the matrix of types, each rounding, .sat, .ftz, .relu, NaN and overflow.
#include "reference.hpp"

using namespace reference;

namespace {

__extension__ typedef __int128 Int128;

template <class... T> struct Types {};
using Integers = Types<int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t, uint64_t>;
template <class F, class... T> void forEach(Types<T...>, F f) { (f(T{}), ...); }

template <class D, class S> void integerToInteger() {
  for (S s : integers<S>()) {
    const Int128 exact = s, low = std::numeric_limits<D>::min(), high = std::numeric_limits<D>::max();
    CHECK(convert<D>(s, {.sat = true}) == static_cast<D>(exact < low ? low : exact > high ? high : exact));
    Int128 wrapped = exact & ((Int128(1) << (sizeof(D) * 8)) - 1);
    if (wrapped > high) wrapped -= Int128(1) << (sizeof(D) * 8);
    CHECK(Int128(convert<D>(s)) == wrapped);
  }
}

template <class S> void integerToFloat() {
  for (S s : integers<S>(200))
    for (Rnd r : kIeeeRoundings) {
      // Host conversions round by the host's mode; 64-bit ones are compared as exact quads.
      const CvtMode m{.rnd = r};
      const Quad exact = static_cast<Quad>(s);
      const auto check = [&](double got, auto next) {
        const auto down = next(got, -INFINITY), up = next(got, INFINITY);
        const Quad g = got;
        if (g == exact) return;
        if (r == Rnd::rz) CHECK((exact > 0) == (g < exact) && (exact > 0 ? Quad(up) > exact : Quad(down) < exact));
        if (r == Rnd::rm) CHECK(g < exact && Quad(up) > exact);
        if (r == Rnd::rp) CHECK(g > exact && Quad(down) < exact);
        if (r == Rnd::rn) CHECK(g < exact ? exact - g <= Quad(up) - exact : g - exact <= exact - Quad(down));
      };
      check(convert<double>(s, m), [](double x, double to) { return std::nextafter(x, to); });
      check(convert<float>(s, m), [](double x, double to) { return double(std::nextafter(float(x), float(to))); });
      if (r == Rnd::rn) CHECK(sameBits(convert<float>(s, m), static_cast<float>(s)) && sameBits(convert<double>(s, m), static_cast<double>(s)));
      CHECK_EQ(convert<F16>(s, m).bits, roundedBits<F16>(exact, r));
      CHECK_EQ(convert<BF16>(s, m).bits, roundedBits<BF16>(exact, r));
      CHECK(sameBits(convert<float>(s, {.rnd = r, .sat = true}), s > 0 ? 1.0f : 0.0f));
    }
}

Quad roundedToIntegral(double x, Rnd r) {
  if (std::fabs(x) >= 0x1p53) return x;
  const auto down = static_cast<int64_t>(x) - (x < 0 && double(static_cast<int64_t>(x)) != x);  // floor
  const double fraction = x - double(down);
  if (fraction == 0) return x;
  const bool up = r == Rnd::rp || (r == Rnd::rz && x < 0) || (r == Rnd::rn && (fraction > 0.5 || (fraction == 0.5 && (down & 1))));
  return down + up;
}

template <class D, class S> void floatToInteger(const std::vector<S>& values) {
  for (S s : values)
    for (Rnd r : kIeeeRoundings)
      for (bool ftz : {false, true}) {
        const S used = ftz ? flush(s) : s;
        const double x = widen(used);
        const D got = convert<D>(s, {.rnd = r, .integral = true, .ftz = ftz});
        if (std::isnan(x)) {
          const bool top = std::is_same_v<S, double> || sizeof(D) == 8;
          CHECK(std::make_unsigned_t<D>(got) == std::make_unsigned_t<D>(top ? uint64_t{1} << (sizeof(D) * 8 - 1) : 0));
          continue;
        }
        const Quad low = static_cast<Quad>(std::numeric_limits<D>::min()), high = static_cast<Quad>(std::numeric_limits<D>::max());
        const Quad whole = std::isinf(x) ? Quad(x) : roundedToIntegral(x, r);
        const D want = whole < low ? std::numeric_limits<D>::min() : whole > high ? std::numeric_limits<D>::max() : static_cast<D>(whole);
        if (got != want) CHECK_EQ(std::to_string(got) + " from " + std::to_string(x), std::to_string(want));
      }
}

std::vector<double> aroundIntegers() {
  std::vector<double> v = doubles(300);
  for (double base : {0.0, 1.0, 2.0, 3.0, 127.0, 128.0, 255.0, 256.0, 32767.0, 32768.0, 65535.0, 65536.0, 0x1p31, 0x1p32, 0x1p53, 0x1p63, 0x1p64})
    for (double delta : {-1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0})
      for (double x : {base + delta, std::nextafter(base + delta, 1e300), std::nextafter(base + delta, -1e300)}) v.push_back(x), v.push_back(-x);
  return v;
}

template <class T> std::vector<T> all16() {
  std::vector<T> v;
  for (uint32_t b = 0; b < 0x10000; b += 3) v.push_back(T{static_cast<uint16_t>(b)});
  return v;
}

}  // namespace

TEST("integer to integer, wrapping and saturating") {
  forEach(Integers{}, [](auto d) { forEach(Integers{}, [](auto s) { integerToInteger<decltype(d), decltype(s)>(); }); });
}

TEST("integer to f16, bf16, f32, f64 in four roundings") {
  forEach(Integers{}, [](auto s) { integerToFloat<decltype(s)>(); });
}

TEST("f16, bf16, f32, f64 to integer in four roundings, clamped, with NaN") {
  const auto wide = aroundIntegers();
  std::vector<float> narrow;
  for (double x : wide) narrow.push_back(static_cast<float>(x));
  const auto halves = all16<F16>();
  const auto brains = all16<BF16>();
  forEach(Integers{}, [&](auto d) {
    floatToInteger<decltype(d)>(wide);
    floatToInteger<decltype(d)>(narrow);
    floatToInteger<decltype(d)>(halves);
    floatToInteger<decltype(d)>(brains);
  });
}

TEST("float to float: rounding, integral rounding, .ftz, .sat, .relu") {
  for (double x : aroundIntegers()) {
    const auto narrow = static_cast<float>(x);
    for (Rnd r : kIeeeRoundings) {
      const auto cast = [](double a, double, double) { return static_cast<double>(static_cast<float>(a)); };
      const auto want = static_cast<float>(onHost(r, cast, x));
      CHECK(same(convert<float>(x, {.rnd = r}), want));
      CHECK(same(convert<float>(x, {.rnd = r, .ftz = true}), flush(want)));
      CHECK(sameBits(convert<float>(x, {.rnd = r, .sat = true}), std::isnan(want) || want <= 0 ? 0.0f : std::min(want, 1.0f)));
      const auto toIntegral = [](double a, double, double) { return std::rint(a); };
      CHECK(same(convert<double>(x, {.rnd = r, .integral = true}), onHost(r, toIntegral, x)));
      CHECK(same(convert<float>(narrow, {.rnd = r, .integral = true}), static_cast<float>(onHost(r, toIntegral, double(narrow)))));
      CHECK(same(convert<float>(narrow, {.rnd = r, .integral = true, .ftz = true}), static_cast<float>(onHost(r, toIntegral, double(flush(narrow))))));
      if (!std::isfinite(x)) continue;
      for (bool satfinite : {false, true})
        for (bool relu : {false, true}) {
          const CvtMode m{.rnd = r, .relu = relu, .satfinite = satfinite};
          const auto expect = [&](uint32_t bits, uint32_t sign) { return relu && (bits & sign) ? 0u : bits; };
          const float f = narrow;
          if (!std::isfinite(f)) continue;
          const bool zero = std::signbit(f);
          CHECK_EQ(convert<F16>(f, m).bits, expect(roundedBits<F16>(f, r, zero, satfinite), 0x8000));
          CHECK_EQ(convert<BF16>(f, m).bits, expect(roundedBits<BF16>(f, r, zero, satfinite), 0x8000));
          CHECK_EQ(convert<TF32>(f, m).bits, expect(roundedBits<TF32>(f, r, zero, satfinite), 0x80000000));
          CHECK_EQ(convert<F16>(x, m).bits, expect(roundedBits<F16>(x, r, std::signbit(x), satfinite), 0x8000));
          if (satfinite && r == Rnd::rn) {
            CHECK_EQ(convert<E4M3>(f, m).bits, expect(roundedBits<E4M3>(f, r, zero, true), 0x80));
            CHECK_EQ(convert<E5M2>(f, m).bits, expect(roundedBits<E5M2>(f, r, zero, true), 0x80));
          }
        }
      if (std::isfinite(narrow)) CHECK_EQ(convert<TF32>(narrow, {.rnd = Rnd::rna}).bits, roundedBits<TF32>(narrow, Rnd::rna, std::signbit(narrow)));
    }
  }
}

TEST("cvt.rna.tf32.f32 is adding half a unit and clearing the low bits") {
  for (float f : floats(100000)) {
    if (!std::isfinite(f)) continue;
    CHECK_EQ(convert<TF32>(f, {.rnd = Rnd::rna}).bits, (bits_of(f) + 0x1000) & 0xffffe000);
  }
  CHECK_EQ(convert<TF32>(NAN, {.rnd = Rnd::rna}).bits, 0x7fffffffu);
}

TEST("every f16 and bf16 to the other, to f32 and f64; NaN is canonical") {
  for (uint32_t b = 0; b < 0x10000; b++) {
    const F16 h{static_cast<uint16_t>(b)};
    const BF16 f{static_cast<uint16_t>(b)};
    CHECK(same(convert<float>(h), widen(h)) && same(convert<double>(h), double(widen(h))) && same(convert<float>(f), widen(f)));
    if (is_nan(h)) {
      CHECK(bits_of(convert<float>(h)) == 0x7fffffff && convert<BF16>(h).bits == 0x7fff && convert<F16>(h).bits == 0x7fff);
    } else {
      CHECK_EQ(convert<F16>(h).bits, b);
      CHECK_EQ(convert<F16>(convert<float>(h)).bits, b);
      CHECK_EQ(convert<F16>(h, {.rnd = Rnd::rm, .integral = true}).bits, convert<F16>(std::floor(widen(h))).bits);
      for (Rnd r : kIeeeRoundings)
        if (std::isfinite(widen(h))) CHECK_EQ(convert<BF16>(h, {.rnd = r}).bits, roundedBits<BF16>(widen(h), r, b >> 15));
    }
    if (std::isfinite(widen(f)))
      for (Rnd r : kIeeeRoundings) CHECK_EQ(convert<F16>(f, {.rnd = r}).bits, roundedBits<F16>(widen(f), r, b >> 15));
    CHECK_EQ(convert<F16>(h, {.relu = true}).bits, is_nan(h) ? 0x7fffu : b & 0x8000 ? 0 : b);
  }
}

TEST("packed conversions put the first operand on top") {
  CHECK_EQ(convert_pair<F16>(1.0f, 2.0f), 0x3c004000u);
  CHECK_EQ(convert_pair<BF16>(-1.0f, 2.0f, {.relu = true}), 0x00004000u);
  CHECK_EQ(convert_pair<BF16>(1.00390625f, 1.01171875f, {.rnd = Rnd::rz}), 0x3f803f81u);
  CHECK_EQ(convert_pair8<E4M3>(1.0f, 1000.0f), 0x387e);
  CHECK_EQ(convert_pair8<E5M2>(-1.0f, 1.0f), 0xbc3c);
  CHECK_EQ(widen_pair8<E4M3>(0x387e), 0x3c005f00u);
  CHECK_EQ(widen_pair8<E5M2>(0xbc3c, true), 0x00003c00u);
}

TEST_MAIN
