// SPDX-License-Identifier: Apache-2.0
//
// Approximate functions: both modes stay within the documented error; the worst mode reaches most of it, in both
// directions, and depends on the seed; special operands are exact.
#include "reference.hpp"

using namespace reference;
namespace num = kofn::sim::num;

namespace {

/// Relative to the truth, or absolute, or in units of the float's last place.
enum class Unit { relative, absolute, ulp };

double error(Unit unit, double got, double exact) {
  const double difference = got - exact;
  if (unit == Unit::absolute) return difference;
  if (unit == Unit::relative) return difference / std::fabs(exact);
  return difference / std::ldexp(1.0, std::max(std::ilogb(exact), -126) - 23);
}

struct Extremes { double low = 0, high = 0; };

/// The errors of f over `values` in one mode, measured against long double.
template <class T, class F, class G> Extremes measure(F f, G exact, Unit unit, const std::vector<T>& values, Approx mode) {
  Extremes e;
  for (T x : values) {
    const long double truth = exact(static_cast<long double>(widen(x)));
    const double got = widen(f(x, mode));
    if (!std::isfinite(got) || !std::isfinite(static_cast<double>(truth)) || truth == 0) continue;
    const double err = error(unit, got, static_cast<double>(truth));
    e.low = std::min(e.low, err), e.high = std::max(e.high, err);
  }
  return e;
}

template <class T, class F, class G> void bounded(const char* what, F f, G exact, Unit unit, double bound, const std::vector<T>& values) {
  const Extremes accurate = measure(f, exact, unit, values, {});
  const Extremes worst = measure(f, exact, unit, values, {.worst = true, .seed = 1});
  const double slack = 1 + 1e-6;  // of measuring in double
  char text[200];
  std::snprintf(text, sizeof text, "%s: bound %g, accurate [%g, %g], worst [%g, %g]", what, bound, accurate.low, accurate.high, worst.low, worst.high);
  std::puts(text);
  const bool within = std::max(-accurate.low, accurate.high) <= bound * slack && std::max(-worst.low, worst.high) <= bound * slack;
  const bool reached = std::min(-worst.low, worst.high) >= 0.9 * bound;
  if (!within || !reached) check::fail(__FILE__, __LINE__, text);
  int changed = 0;
  for (T x : values) changed += bits_of(f(x, Approx{true, 1})) != bits_of(f(x, Approx{true, 2}));
  CHECK(changed > int(values.size()) / 10);
}

std::vector<float> between(double low, double high, int count = 20000) {
  std::vector<float> v;
  for (int i = 0; i < count; i++) v.push_back(static_cast<float>(std::uniform_real_distribution<double>(low, high)(entropy())));
  return v;
}
std::vector<float> magnitudes(int low, int high, int count = 20000) {
  std::vector<float> v;
  for (double x : between(low, high, count)) v.push_back(static_cast<float>(std::exp2(x)));
  return v;
}

const float inf = std::numeric_limits<float>::infinity();

}  // namespace

TEST("f32 functions stay within their bound and the worst mode reaches it") {
  const auto ex2 = [](float x, Approx m) { return ex2_approx(x, false, m); };
  const auto lg2 = [](float x, Approx m) { return lg2_approx(x, false, m); };
  const auto rcp = [](float x, Approx m) { return rcp_approx(x, false, m); };
  const auto rsqrt = [](float x, Approx m) { return rsqrt_approx(x, false, m); };
  const auto sqrt = [](float x, Approx m) { return sqrt_approx(x, false, m); };
  const auto sin = [](float x, Approx m) { return sin_approx(x, false, m); };
  const auto cos = [](float x, Approx m) { return cos_approx(x, false, m); };
  const auto tanh = [](float x, Approx m) { return num::tanh_approx(x, m); };
  const auto log2l = [](long double x) { return std::log2(x); };
  // Its bound counts from the rounded result.
  bounded("ex2", ex2, [](long double x) { return static_cast<float>(std::exp2(x)); }, Unit::ulp, 2, between(-140, 127));
  bounded("lg2 in (0.5, 2)", lg2, log2l, Unit::absolute, 0x1p-22, between(0.5001, 1.9999));
  bounded("lg2 elsewhere", lg2, log2l, Unit::relative, 0x1p-22, magnitudes(2, 127));
  bounded("rcp", rcp, [](long double x) { return 1 / x; }, Unit::ulp, 1, magnitudes(-126, 126));
  bounded("rsqrt", rsqrt, [](long double x) { return 1 / std::sqrt(x); }, Unit::relative, std::exp2(-22.9), magnitudes(-126, 127));
  bounded("sqrt", sqrt, [](long double x) { return std::sqrt(x); }, Unit::relative, 0x1p-23, magnitudes(-126, 127));
  bounded("sin near", sin, [](long double x) { return std::sin(x); }, Unit::absolute, std::exp2(-20.5), between(-6.28, 6.28));
  bounded("cos near", cos, [](long double x) { return std::cos(x); }, Unit::absolute, std::exp2(-20.5), between(-6.28, 6.28));
  bounded("sin far", sin, [](long double x) { return std::sin(x); }, Unit::absolute, std::exp2(-14.7), between(6.5, 314));
  bounded("cos far", cos, [](long double x) { return std::cos(x); }, Unit::absolute, std::exp2(-14.7), between(-314, -6.5));
  bounded("tanh", tanh, [](long double x) { return std::tanh(x); }, Unit::relative, 0x1p-11, between(-9, 9));
}

TEST("division") {
  const std::vector<float> divisors = magnitudes(-125, 125);
  for (float a : {1.0f, -3.1415927f, 0x1.fffffep0f}) {
    const auto exact = [a](long double b) { return a / b; };
    bounded("div.full", [a](float b, Approx m) { return div_full(a, b, false, m); }, exact, Unit::ulp, 2, divisors);
    bounded("div.approx", [a](float b, Approx m) { return div_approx(a, b, false, m); }, exact, Unit::ulp, 2, divisors);
  }
  CHECK(sameBits(div_approx(5.0f, 0x1.8p126f, false), 0.0f) && sameBits(div_approx(5.0f, -0x1.8p126f, false), -0.0f));
  CHECK(std::isnan(div_approx(inf, 0x1.8p126f, false)) && sameBits(div_full(0x1p127f, 0x1p127f, false), 1.0f));
  CHECK(sameBits(div_approx(1.0f, inf, false), 0.0f) && div_approx(1.0f, 0.0f, false) == inf);
  CHECK(div_full(0x1p-130f, 1.0f, true) == 0 && div_full(1.0f, 0x1p-130f, true) == inf);
}

TEST("16-bit ex2 and tanh") {
  std::vector<F16> halves;
  std::vector<BF16> brains;
  for (uint32_t b = 0; b < 0x10000; b++) {
    const F16 h{static_cast<uint16_t>(b)};
    const BF16 f{static_cast<uint16_t>(b)};
    if (std::fabs(widen(h)) < 13.9 && std::fabs(widen(h)) > 0x1p-10) halves.push_back(h);
    if (std::fabs(widen(f)) < 120 && std::fabs(widen(f)) > 0x1p-6) brains.push_back(f);
  }
  const auto exp2l = [](long double x) { return std::exp2(x); };
  const auto tanhl = [](long double x) { return std::tanh(x); };
  bounded("ex2.f16", [](F16 x, Approx m) { return ex2_approx(x, false, m); }, exp2l, Unit::relative, std::exp2(-9.9), halves);
  bounded("ex2.bf16", [](BF16 x, Approx m) { return ex2_approx(x, true, m); }, exp2l, Unit::relative, 0x1p-7, brains);
  bounded("tanh.f16", [](F16 x, Approx m) { return num::tanh_approx(x, m); }, tanhl, Unit::absolute, std::exp2(-10.987), halves);
  bounded("tanh.bf16", [](BF16 x, Approx m) { return num::tanh_approx(x, m); }, tanhl, Unit::absolute, 0x1p-8, brains);
}

TEST("special operands, in both modes") {
  for (Approx m : {Approx{}, Approx{true, 7}}) {
    CHECK(sameBits(ex2_approx(-inf, false, m), 0.0f) && ex2_approx(inf, false, m) == inf);
    CHECK(sameBits(ex2_approx(0.0f, false, m), 1.0f) && sameBits(ex2_approx(-0.0f, false, m), 1.0f));
    CHECK(sameBits(ex2_approx(0x1p-140f, true, m), 1.0f) && ex2_approx(-130.0f, true, m) == 0 && ex2_approx(-130.0f, false, m) > 0);
    CHECK(lg2_approx(0.0f, false, m) == -inf && lg2_approx(-0.0f, false, m) == -inf && lg2_approx(inf, false, m) == inf);
    CHECK(bits_of(lg2_approx(-1.0f, false, m)) == 0x7fffffff && lg2_approx(0x1p-140f, true, m) == -inf);
    CHECK(std::fabs(lg2_approx(0x1p-140f, false, m) + 140) < 1e-4);
    CHECK(rcp_approx(0.0f, false, m) == inf && rcp_approx(-0.0f, false, m) == -inf && sameBits(rcp_approx(-inf, false, m), -0.0f));
    CHECK(rcp_approx(0x1p-128f, true, m) == inf && std::isfinite(rcp_approx(0x1.8p-127f, false, m)));
    CHECK(rsqrt_approx(0.0f, false, m) == inf && rsqrt_approx(-0.0f, false, m) == -inf && sameBits(rsqrt_approx(inf, false, m), 0.0f));
    CHECK(bits_of(rsqrt_approx(-1.0f, false, m)) == 0x7fffffff);
    CHECK(sameBits(sqrt_approx(-0.0f, false, m), -0.0f) && sqrt_approx(inf, false, m) == inf && std::isnan(sqrt_approx(-1.0f, false, m)));
    CHECK(sameBits(sin_approx(-0.0f, false, m), -0.0f) && bits_of(sin_approx(inf, false, m)) == 0x7fffffff);
    CHECK(sameBits(sin_approx(-0x1p-140f, true, m), -0.0f) && sameBits(cos_approx(0x1p-140f, true, m), 1.0f));
    CHECK(sameBits(cos_approx(0.0f, false, m), 1.0f) && std::isnan(cos_approx(-inf, false, m)));
    CHECK(sameBits(num::tanh_approx(inf, m), 1.0f) && sameBits(num::tanh_approx(-inf, m), -1.0f) && std::isnan(num::tanh_approx(NAN, m)));
    CHECK(ex2_approx(F16{0xfc00}, false, m).bits == 0 && ex2_approx(F16{0x7e00}, false, m).bits == 0x7fff && ex2_approx(F16{0}, false, m).bits == 0x3c00);
    CHECK(ex2_approx(BF16{0x7f80}, true, m).bits == 0x7f80 && num::tanh_approx(F16{0xfc00}, m).bits == 0xbc00);
  }
}

TEST("rcp and rsqrt.approx.ftz.f64 use 20 bits of mantissa") {
  for (double x : doubles(2000)) {
    const double r = rcp_approx_f64(x), s = rsqrt_approx_f64_ftz(x);
    CHECK_EQ(std::bit_cast<uint64_t>(r) & 0xffffffff, 0u);
    CHECK_EQ(std::bit_cast<uint64_t>(s) & 0xffffffff, 0u);
    if (std::isnormal(x) && std::isnormal(1 / x) && std::isnormal(r)) CHECK(std::fabs(r * x - 1) < 0x1p-19);
    if (std::isnormal(x) && x > 0) CHECK(std::fabs(s * std::sqrt(x) - 1) < 0x1p-19);
  }
  CHECK(rcp_approx_f64(0.0) == INFINITY && rcp_approx_f64(-0x1p-1060) == -INFINITY && sameBits(rcp_approx_f64(-INFINITY), -0.0));
  CHECK(sameBits(rcp_approx_f64(0x1.8p1023), 0.0) && std::isnan(rsqrt_approx_f64_ftz(-1.0)));
  CHECK(num::rsqrt_approx(4.0) == 0.5);
}

TEST_MAIN
