// SPDX-License-Identifier: Apache-2.0
//
// add, sub, mul, fma, div, rcp, sqrt in every type and rounding, against the host's arithmetic in its own rounding modes
// (f32), __float128 (f64) and tables (f16, bf16).
#include "reference.hpp"

using namespace reference;
namespace num = kofn::sim::num;  // where the C library has the same name

namespace {

const auto hostAdd = [](auto a, auto b, auto) { return a + b; };
const auto hostSub = [](auto a, auto b, auto) { return a - b; };
const auto hostMul = [](auto a, auto b, auto) { return a * b; };
const auto hostDiv = [](auto a, auto b, auto) { return a / b; };
const auto hostFma = [](auto a, auto b, auto c) { return std::fma(a, b, c); };
const auto hostSqrt = [](auto a, auto, auto) { return std::sqrt(a); };

/// f32 results: the host's, NaN canonical.
void checkFloat(float got, float want, const char* what, float a, float b, float c, Rnd r) {
  if (std::isnan(want) ? bits_of(got) == 0x7fffffff : sameBits(got, want)) return;
  char text[200];
  std::snprintf(text, sizeof text, "%s(%a, %a, %a) rounding %d: got %a, want %a", what, a, b, c, int(r), got, want);
  check::fail(__FILE__, __LINE__, text);
}

/// The double that the exact value rounds to, found among the neighbours of its nearest double.
double roundedDouble(Quad exact, Rnd r, bool zeroSign) {
  if (exact == 0) return zeroSign ? -0.0 : 0.0;
  const double nearest = static_cast<double>(exact);  // the host rounds to nearest here
  if (r == Rnd::rn || Quad(nearest) == exact) return nearest;
  const double inf = std::numeric_limits<double>::infinity();
  const double below = Quad(nearest) < exact ? nearest : std::nextafter(nearest, -inf);
  const double above = Quad(nearest) > exact ? nearest : std::nextafter(nearest, inf);
  if (r == Rnd::rm) return below;
  if (r == Rnd::rp) return above;
  return exact > 0 ? below : above;
}

}  // namespace

TEST("f32 add, sub, mul, div in four roundings") {
  const auto all = floats();
  for (float a : all)
    for (float b : all)
      for (Rnd r : kIeeeRoundings) {
        const FpMode m{.rnd = r};
        checkFloat(add(a, b, m), onHost(r, hostAdd, a, b), "add", a, b, 0, r);
        checkFloat(sub(a, b, m), onHost(r, hostSub, a, b), "sub", a, b, 0, r);
        checkFloat(mul(a, b, m), onHost(r, hostMul, a, b), "mul", a, b, 0, r);
        checkFloat(div(a, b, m), onHost(r, hostDiv, a, b), "div", a, b, 0, r);
      }
}

TEST("f32 fma in four roundings, with near-cancelling and far addends") {
  const auto all = floats(60);
  for (float a : all)
    for (float b : all)
      for (int i = 0; i < 12; i++) {
        const float product = a * b;
        const float c = i == 0 ? -product : i == 1 ? std::nextafter(-product, 1.0f) : i == 2 ? product * 0x1p-25f
                      : i == 3 ? -product * 0x1p24f : i == 4 ? 0x1p-149f : i == 5 ? -0.0f : all[entropy()() % all.size()];
        for (Rnd r : kIeeeRoundings) checkFloat(num::fma(a, b, c, {.rnd = r}), onHost(r, hostFma, a, b, c), "fma", a, b, c, r);
      }
}

TEST("f32 rcp and sqrt in four roundings") {
  for (float a : floats(4000))
    for (Rnd r : kIeeeRoundings) {
      checkFloat(rcp(a, {.rnd = r}), onHost(r, hostDiv, 1.0f, a), "rcp", a, 0, 0, r);
      checkFloat(num::sqrt(a, {.rnd = r}), onHost(r, hostSqrt, a), "sqrt", a, 0, 0, r);
    }
}

TEST("f32 .ftz and .sat apply to inputs and results") {
  const auto all = floats(40);
  for (float a : all)
    for (float b : all)
      for (Rnd r : kIeeeRoundings) {
        const float fa = flush(a), fb = flush(b);
        checkFloat(add(a, b, {.rnd = r, .ftz = true}), flush(onHost(r, hostAdd, fa, fb)), "add.ftz", a, b, 0, r);
        checkFloat(mul(a, b, {.rnd = r, .ftz = true}), flush(onHost(r, hostMul, fa, fb)), "mul.ftz", a, b, 0, r);
        checkFloat(div(a, b, {.rnd = r, .ftz = true}), flush(onHost(r, hostDiv, fa, fb)), "div.ftz", a, b, 0, r);
        checkFloat(num::fma(a, b, fb, {.rnd = r, .ftz = true}), flush(onHost(r, hostFma, fa, fb, fb)), "fma.ftz", a, b, fb, r);
        const float sum = onHost(r, hostAdd, a, b);
        checkFloat(add(a, b, {.rnd = r, .sat = true}), std::isnan(sum) || sum <= 0 ? 0.0f : std::min(sum, 1.0f), "add.sat", a, b, 0, r);
      }
  CHECK(sameBits(sqrt(0x1p-140f, {.ftz = true}), 0.0f) && sameBits(rcp(-0x1p-140f, {.ftz = true}), -std::numeric_limits<float>::infinity()));
}

TEST("f64 in four roundings") {
  const auto all = doubles(100);
  const auto moderate = [](double x) { return x == 0 || (std::fabs(x) > 0x1p-30 && std::fabs(x) < 0x1p30); };
  for (double a : all)
    for (double b : all)
      for (Rnd r : kIeeeRoundings) {
        const FpMode m{.rnd = r};
        CHECK(same(add(a, b, m), onHost(r, hostAdd, a, b)));
        CHECK(same(sub(a, b, m), onHost(r, hostSub, a, b)));
        CHECK(same(mul(a, b, m), onHost(r, hostMul, a, b)));
        CHECK(same(div(a, b, m), onHost(r, hostDiv, a, b)));
        if (!moderate(a) || !moderate(b)) continue;
        // Exact in 113 bits: products always; sums since the exponents differ by less than 60.
        const bool opposite = (a == 0 && b == 0) ? std::signbit(a) != std::signbit(b) : true;
        CHECK(same(add(a, b, m), a == 0 && b == 0 ? onHost(r, hostAdd, a, b) : roundedDouble(Quad(a) + b, r, opposite && r == Rnd::rm)));
        CHECK(same(mul(a, b, m), roundedDouble(Quad(a) * b, r, std::signbit(a) != std::signbit(b))));
      }
}

TEST("f64 fma, sqrt, rcp in four roundings") {
  const auto all = doubles(60);
  for (double a : all)
    for (Rnd r : kIeeeRoundings) {
      CHECK(same(num::sqrt(a, {.rnd = r}), onHost(r, hostSqrt, a)));
      CHECK(same(rcp(a, {.rnd = r}), onHost(r, hostDiv, 1.0, a)));
      for (int i = 0; i < 200; i++) {
        const double b = all[entropy()() % all.size()], c = i % 4 ? all[entropy()() % all.size()] : -a * b;
        CHECK(same(num::fma(a, b, c, {.rnd = r}), onHost(r, hostFma, a, b, c)));
      }
    }
  for (int i = 0; i < 20000; i++) {  // products of 26-bit numbers: a * b + c is exact in 113 bits
    const double a = std::ldexp(double(entropy()() >> 38), -20), b = std::ldexp(double(entropy()() >> 38), -20), c = -std::ldexp(double(entropy()() >> 11), -40);
    for (Rnd r : kIeeeRoundings) CHECK(same(num::fma(a, b, c, {.rnd = r}), roundedDouble(Quad(a) * b + c, r, r == Rnd::rm)));
  }
}

namespace {

/// add, sub, mul, fma of a 16-bit type against exact sums and products in __float128, rounded by table.
template <class T> void halfArithmetic(int pairs) {
  const auto pick = [](int i) -> uint16_t {
    static const uint16_t edges[] = {0, 0x8000, 1, 0x8001, 0x03ff, 0x0400, 0x007f, 0x0080, 0x3c00, 0xbc00, 0x3f80, 0x7bff, 0xfbff, 0x7f7f, 0xff7f, 0x3555, 0x1400};
    return i % 3 ? static_cast<uint16_t>(entropy()()) : edges[entropy()() % std::size(edges)];
  };
  for (int i = 0; i < pairs; i++) {
    const T a{pick(i)}, b{pick(i / 3)};
    T c{pick(i / 9)};
    if (i % 5 == 0) c = neg(mul(a, b));
    const float x = widen(a), y = widen(b), z = widen(c);
    if (!std::isfinite(x) || !std::isfinite(y) || !std::isfinite(z)) continue;
    const auto zeroSign = [](bool first, bool second) { return first && second; };
    // The exponents of a product and c can differ by more than 113 bits for bf16: then c only decides the direction.
    Quad product = Quad(x) * y, addend = z;
    if (product != 0 && addend != 0) {
      const Quad big = product < 0 ? -product : product, small = addend < 0 ? -addend : addend;
      if (small < big * Quad(0x1p-100)) addend = (addend < 0 ? -1 : 1) * big * Quad(0x1p-60);
      if (big < small * Quad(0x1p-100)) product = (product < 0 ? -1 : 1) * small * Quad(0x1p-60);
    }
    CHECK_EQ(add(a, b).bits, roundedBits<T>(Quad(x) + y, Rnd::rn, zeroSign(a.bits >> 15, b.bits >> 15)));
    CHECK_EQ(sub(a, b).bits, roundedBits<T>(Quad(x) - y, Rnd::rn, zeroSign(a.bits >> 15, !(b.bits >> 15))));
    CHECK_EQ(mul(a, b).bits, roundedBits<T>(Quad(x) * y, Rnd::rn, (a.bits ^ b.bits) >> 15));
    const uint32_t sum = roundedBits<T>(product + addend, Rnd::rn, zeroSign((a.bits ^ b.bits) >> 15, c.bits >> 15));
    CHECK_EQ(fma(a, b, c).bits, sum);
    CHECK_EQ(fma(a, b, c, {.relu = true}).bits, sum & 0x8000 ? 0u : sum);
  }
}

}  // namespace

TEST("f16 and bf16 add, sub, mul, fma round once") {
  halfArithmetic<F16>(400000);
  halfArithmetic<BF16>(400000);
  // A tie broken by an addend 2^-100 smaller: a single rounding in double would lose it.
  const BF16 a{0x3f81}, b{0x3f82}, tiny{0x0d80};
  const float exact = widen(a) * widen(b);
  for (uint32_t high = 0x3f81; high < 0x3fff; high++) {
    const BF16 x{static_cast<uint16_t>(high)};
    for (BF16 c : {tiny, neg(tiny)}) {
      const Quad value = Quad(widen(x)) * widen(b) + Quad(widen(c)) * Quad(0x1p40);
      CHECK_EQ(fma(x, b, c).bits, roundedBits<BF16>(value, Rnd::rn));
    }
  }
  CHECK(exact > 1);
}

TEST("f16 and bf16 special values") {
  const F16 inf{0x7c00}, nan{0x7e01}, one{0x3c00}, zero{0};
  CHECK_EQ(add(inf, neg(inf)).bits, 0x7fff);
  CHECK_EQ(add(inf, one).bits, 0x7c00);
  CHECK_EQ(mul(inf, zero).bits, 0x7fff);
  CHECK_EQ(mul(nan, one).bits, 0x7fff);
  CHECK_EQ(fma(nan, one, one, {.relu = true}).bits, 0x7fff);
  CHECK_EQ(fma(one, one, nan, {.sat = true}).bits, 0);
  CHECK_EQ(fma(inf, zero, one).bits, 0x7fff);
  CHECK_EQ(fma(BF16{0x7f80}, BF16{0x3f80}, BF16{0xff80}).bits, 0x7fff);
  CHECK_EQ(add(F16{0x03ff}, F16{0x0001}, {.ftz = true}).bits, 0);
  CHECK_EQ(add(F16{0x0400}, F16{0x8001}, {.ftz = true}).bits, 0x0400);
  CHECK_EQ(sub(F16{0x0400}, F16{0x0401}, {.ftz = true}).bits, 0x8000);
}

TEST("fma over a warp is fma lane by lane, in place too") {
  const auto singles = floats(2000);
  const auto wide = doubles(2000);
  for (int i = 0; i < 20000; i++) {
    float a[32], b[32], c[32], d[32];
    double p[32], q[32], r[32], s[32];
    for (int l = 0; l < 32; l++) {
      a[l] = singles[entropy()() % singles.size()], b[l] = singles[entropy()() % singles.size()], c[l] = l % 4 ? singles[entropy()() % singles.size()] : -a[l] * b[l];
      p[l] = wide[entropy()() % wide.size()], q[l] = wide[entropy()() % wide.size()], r[l] = l % 4 ? wide[entropy()() % wide.size()] : -p[l] * q[l];
    }
    fma_lanes(d, a, b, c);
    fma_lanes(s, p, q, r);
    for (int l = 0; l < 32; l++) CHECK(sameBits(d[l], num::fma(a[l], b[l], c[l])) && same(s[l], num::fma(p[l], q[l], r[l])));
    fma_lanes(c, a, b, c);
    for (int l = 0; l < 32; l++) CHECK(sameBits(d[l], c[l]));
  }
}

TEST("neg, abs, copysign") {
  for (float a : floats(50)) {
    CHECK_EQ(bits_of(neg(a)), bits_of(a) ^ 0x80000000);
    CHECK_EQ(bits_of(num::abs(a)), bits_of(a) & 0x7fffffff);
    for (float b : floats(5)) CHECK_EQ(bits_of(copysign(a, b)), (bits_of(b) & 0x7fffffff) | (bits_of(a) & 0x80000000));
  }
  CHECK(sameBits(neg(0x1p-130f, {.ftz = true}), -0.0f) && sameBits(num::abs(-0x1p-130f, {.ftz = true}), 0.0f));
  CHECK(sameBits(neg(0.0), -0.0) && sameBits(num::abs(-1.5), 1.5) && sameBits(num::copysign(-1.0, 3.0), -3.0));
  CHECK_EQ(neg(F16{0x7e00}).bits, 0xfe00);
  CHECK_EQ(num::abs(BF16{0xff81}).bits, 0x7f81);
}

TEST_MAIN
