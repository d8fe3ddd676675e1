// SPDX-License-Identifier: Apache-2.0
//
// The CUDA math library on the simulator against the host's in double or long double. Bounds are the CUDA programming
// guide's maximal errors in ulp (appendix on mathematical functions), plus half an ulp for rounding the reference where
// the guide's figure is a whole number of ulps of the exact result.
#include "corpus.hpp"
#include "numerics/numerics.hpp"

#include <functional>

using namespace corpus;
namespace num = kofn::sim::num;

namespace {

template <class T> double ulpOf(long double x) {
  const int lowest = std::numeric_limits<T>::min_exponent - 1, digits = std::numeric_limits<T>::digits;
  return std::ldexp(1.0, std::max(x == 0 ? lowest : std::ilogb(x), lowest) - digits + 1);
}

template <class T> using Exact = std::function<long double(long double, long double)>;

template <class T> double worstError(const std::vector<T>& got, const std::vector<T>& a, const std::vector<T>& b, const Exact<T>& exact) {
  double worst = 0;
  for (std::size_t i = 0; i < got.size(); i++) {
    const long double truth = exact(a[i], b.empty() ? 0 : b[i]);
    if (std::isnan(truth) || std::isinf(static_cast<T>(truth))) {
      const bool same = std::isnan(truth) ? std::isnan(got[i]) : got[i] == static_cast<T>(truth) || std::fabs(static_cast<double>(got[i])) >= static_cast<double>(std::numeric_limits<T>::max());
      if (!same) return INFINITY;
    } else {
      worst = std::max(worst, static_cast<double>(std::fabs(got[i] - truth)) / ulpOf<T>(truth));
    }
  }
  return worst;
}

template <class T> struct Case { const char* kernel; T low, high; double ulps; Exact<T> exact; };

constexpr unsigned kCount = 3000, kThreads = 128, kBlocks = (kCount + kThreads - 1) / kThreads;

template <class T> std::vector<T> special() {
  return {T(0), T(-0.0), T(1), T(-1), T(0.5), std::numeric_limits<T>::infinity(), -std::numeric_limits<T>::infinity(),
          std::numeric_limits<T>::quiet_NaN(), std::numeric_limits<T>::denorm_min(), std::numeric_limits<T>::min(), T(2), T(10)};
}

template <class T> void checkUnary(Program& program, const Case<T>& c, bool specials = true) {
  std::vector<T> in = program.reals<T>(kCount, c.low, c.high);
  if (specials) std::copy_n(special<T>().begin(), special<T>().size(), in.begin());
  const auto out = program.room<T>(kCount);
  program.run(c.kernel, kBlocks, kThreads, program.up(in), out, static_cast<int>(kCount));
  const double error = worstError<T>(program.down<T>(out, kCount), in, {}, c.exact);
  if (error > c.ulps) check::fail(__FILE__, __LINE__, std::string(c.kernel) + ": " + std::to_string(error) + " ulp, allowed " + std::to_string(c.ulps));
}

template <class T> void checkBinary(Program& program, const Case<T>& c) {
  std::vector<T> a = program.reals<T>(kCount, c.low, c.high), b = program.reals<T>(kCount, c.low, c.high);
  const std::vector<T> s = special<T>();
  for (std::size_t i = 0; i < s.size(); i++)
    for (std::size_t j = 0; j < s.size(); j++) a[i * s.size() + j] = s[i], b[i * s.size() + j] = s[j];
  const auto out = program.room<T>(kCount);
  program.run(c.kernel, kBlocks, kThreads, program.up(a), program.up(b), out, static_cast<int>(kCount));
  const double error = worstError<T>(program.down<T>(out, kCount), a, b, c.exact);
  if (error > c.ulps) check::fail(__FILE__, __LINE__, std::string(c.kernel) + ": " + std::to_string(error) + " ulp, allowed " + std::to_string(c.ulps));
}

#define HOST(expression) [](long double x, long double y) -> long double { (void)x, (void)y; return expression; }

}  // namespace

CORPUS_TEST("float functions", "math") {
  const Case<float> cases[] = {
      {"f_exp", -100, 90, 2, HOST(std::exp(x))},       {"f_log", 0, 1e6f, 1.5, HOST(std::log(x))},   {"f_erf", -4, 4, 2.5, HOST(std::erf(x))},
      {"f_erfc", -3, 9, 4.5, HOST(std::erfc(x))},      {"f_tanh", -10, 10, 2.5, HOST(std::tanh(x))}, {"f_sin", -1e6f, 1e6f, 2.5, HOST(std::sin(x))},
      {"f_cos", -100, 100, 2.5, HOST(std::cos(x))},    {"f_tan", -1000, 1000, 4.5, HOST(std::tan(x))}, {"f_cbrt", -1e9f, 1e9f, 1.5, HOST(std::cbrt(x))},
      {"f_log1p", -0.99f, 10, 1.5, HOST(std::log1p(x))}, {"f_expm1", -20, 20, 1.5, HOST(std::expm1(x))}, {"f_exp2", -140, 127, 2.5, HOST(std::exp2(x))},
      {"f_log2", 0, 100, 1.5, HOST(std::log2(x))},     {"f_rsqrt", 0, 1e6f, 2.5, HOST(1 / std::sqrt(x))}, {"f_sqrt", 0, 1e30f, 0.5, HOST(std::sqrt(x))},
      {"f_atan", -50, 50, 2.5, HOST(std::atan(x))},    {"f_asin", -1, 1, 2.5, HOST(std::asin(x))},   {"f_sinh", -80, 80, 3.5, HOST(std::sinh(x))}};
  for (const auto& c : cases) checkUnary(program, c);
  checkUnary<float>(program, {"f_lgamma", 0.5f, 100, 6.5, HOST(std::lgamma(x))}, false);
}

CORPUS_TEST("rounding functions are exact", "math") {
  std::vector<float> in = program.reals<float>(kCount, -20, 20);
  for (unsigned i = 0; i < 200; i++) in[i] = static_cast<float>(i) / 4 - 25;
  const auto out = program.room<float>(kCount);
  program.run("f_round", kBlocks, kThreads, program.up(in), out, static_cast<int>(kCount));
  const auto got = program.down<float>(out, kCount);
  for (unsigned i = 0; i < kCount; i++) CHECK_EQ(got[i], std::round(in[i]) + std::rint(in[i]) + std::floor(in[i]) + std::ceil(in[i]) + std::trunc(in[i]));
}

CORPUS_TEST("fast float intrinsics", "math") {
  // Guide: __expf 2 + floor(|1.173 x|) ulp; __logf 2^-21.41 absolute in [0.5, 2]; __sinf 2^-21.41 absolute in [-pi, pi].
  checkUnary<float>(program, {"f_fastexp", -8, 8, 2 + 9, HOST(std::exp(x))}, false);
  for (const auto& [kernel, low, high, f] : {std::tuple{"f_fastlog", 0.5f, 2.0f, +[](double x) { return std::log(x); }},
                                              std::tuple{"f_fastsin", -3.14f, 3.14f, +[](double x) { return std::sin(x); }}}) {
    const auto in = program.reals<float>(kCount, low, high);
    const auto out = program.room<float>(kCount);
    program.run(kernel, kBlocks, kThreads, program.up(in), out, static_cast<int>(kCount));
    const auto got = program.down<float>(out, kCount);
    for (unsigned i = 0; i < kCount; i++) CHECK(std::fabs(got[i] - f(in[i])) <= std::exp2(-21.41));
  }
}

CORPUS_TEST("double functions", "math") {
  const Case<double> cases[] = {
      {"d_exp", -700, 700, 1.5, HOST(std::exp(x))},   {"d_log", 0, 1e100, 1.5, HOST(std::log(x))},  {"d_sin", -1e8, 1e8, 2.5, HOST(std::sin(x))},
      {"d_cos", -100, 100, 2.5, HOST(std::cos(x))},   {"d_tanh", -5, 5, 2.5, HOST(std::tanh(x))},   {"d_erf", -5, 5, 2.5, HOST(std::erf(x))},
      {"d_cbrt", -1e9, 1e9, 1.5, HOST(std::cbrt(x))}, {"d_rsqrt", 0, 1e9, 1.5, HOST(1 / std::sqrt(x))}};
  for (const auto& c : cases) checkUnary(program, c);
  checkUnary<double>(program, {"d_tgamma", 0.5, 150, 10.5, HOST(std::tgamma(x))}, false);
}

CORPUS_TEST("binary functions and divisions", "math") {
  const auto powl = HOST(std::pow(x, y));
  checkBinary<float>(program, {"f_pow", -30, 30, 4.5, powl});
  checkBinary<float>(program, {"f_atan2", -10, 10, 3.5, HOST(std::atan2(x, y))});
  checkBinary<float>(program, {"f_fmod", -1000, 1000, 0, HOST(std::fmod(x, y))});
  checkBinary<float>(program, {"f_remainder", -1000, 1000, 0, HOST(std::remainder(x, y))});
  checkBinary<float>(program, {"f_hypot", -1000, 1000, 3.5, HOST(std::hypot(x, y))});
  checkBinary<float>(program, {"f_div", -1000, 1000, 0.5, HOST(x / y)});
  checkBinary<double>(program, {"d_pow", -30, 30, 2.5, powl});
  checkBinary<double>(program, {"d_div", -1e9, 1e9, 0.5001, HOST(x / y)});  // the truth itself is rounded to 64 bits
}

CORPUS_TEST("min, max, copysign", "math") {
  const auto a = program.reals<float>(kCount, -5, 5), b = program.reals<float>(kCount, -5, 5);
  const auto out = program.room<float>(kCount);
  program.run("f_minmax", kBlocks, kThreads, program.up(a), program.up(b), out, static_cast<int>(kCount));
  const auto got = program.down<float>(out, kCount);
  for (unsigned i = 0; i < kCount; i++) CHECK_EQ(got[i], std::max(a[i], b[i]) - std::min(a[i], b[i]) + std::copysign(a[i], b[i]));
}

CORPUS_TEST("64-bit division, high products", "math") {
  std::vector<long long> a(kCount), b(kCount);
  const auto wide = [&] { return static_cast<long long>(static_cast<unsigned long long>(program.random()) << 32 | program.random()) >> (program.random() % 60); };
  for (unsigned i = 0; i < kCount; i++) a[i] = wide(), b[i] = wide() | 1;
  const auto da = program.up(a), db = program.up(b), out = program.room<long long>(kCount);
  program.run("i_div", kBlocks, kThreads, da, db, out, static_cast<int>(kCount));
  const auto divided = program.down<long long>(out, kCount);
  program.run("i_mulhi", kBlocks, kThreads, da, db, out, static_cast<int>(kCount));
  const auto multiplied = program.down<long long>(out, kCount);
  for (unsigned i = 0; i < kCount; i++) {
    if (b[i] != -1) CHECK_EQ(divided[i], static_cast<long long>(static_cast<unsigned long long>(a[i] / b[i]) + static_cast<unsigned long long>(a[i] % b[i])));
    const auto high = static_cast<unsigned long long>(static_cast<__int128>(a[i]) * b[i] >> 64);
    const auto unsignedHigh = static_cast<unsigned long long>(static_cast<unsigned __int128>(static_cast<unsigned long long>(a[i])) * static_cast<unsigned long long>(b[i]) >> 64);
    CHECK_EQ(static_cast<unsigned long long>(multiplied[i]), high + unsignedHigh);
  }
}

CORPUS_TEST("integer intrinsics", "math") {
  std::vector<unsigned> a(kCount), b(kCount);
  for (unsigned i = 0; i < kCount; i++) a[i] = static_cast<unsigned>(program.random()) >> (i % 32), b[i] = static_cast<unsigned>(program.random());
  const auto out = program.room<unsigned>(kCount);
  program.run("i_bits", kBlocks, kThreads, program.up(a), program.up(b), out, static_cast<int>(kCount));
  const auto got = program.down<unsigned>(out, kCount);
  for (unsigned i = 0; i < kCount; i++) {
    const unsigned x = a[i], y = b[i];
    const auto bytes = [&](auto f) {
      unsigned r = 0;
      for (int k = 0; k < 32; k += 8) r |= (static_cast<unsigned>(f(static_cast<int>(x >> k & 0xff), static_cast<int>(y >> k & 0xff))) & 0xff) << k;
      return r;
    };
    unsigned reversed = 0, permuted = 0, maxima = 0;
    for (int k = 0; k < 32; k++) reversed |= (x >> k & 1) << (31 - k);
    const std::uint64_t joined = static_cast<std::uint64_t>(y) << 32 | x;
    for (int k = 0; k < 4; k++) permuted |= static_cast<unsigned>(joined >> (8 * ((y & 0x7777) >> (4 * k) & 7)) & 0xff) << (8 * k);
    for (int k = 0; k < 32; k += 16) maxima |= std::max(x >> k & 0xffff, y >> k & 0xffff) << k;
    const auto sx = static_cast<int>(x), sy = static_cast<int>(y);
    unsigned dot = 3;
    for (int k = 0; k < 32; k += 8) dot += static_cast<unsigned>(static_cast<signed char>(x >> k) * static_cast<signed char>(y >> k));
    const auto low24 = [](int v) { return static_cast<std::int64_t>(v << 8 >> 8); };
    unsigned want = (reversed ^ permuted) + static_cast<unsigned>(joined << (y & 31) >> 32) * 3 + static_cast<unsigned>(joined >> std::min(x, 32u));
    want += static_cast<unsigned>(__builtin_popcount(x)) * 5 + static_cast<unsigned>(y ? __builtin_clz(y) : 32) * 7 + static_cast<unsigned>(__builtin_ffs(sx));
    want += static_cast<unsigned>(9 + std::llabs(static_cast<long long>(sx) - sy)) + static_cast<unsigned>(static_cast<std::uint64_t>(x) * y >> 32);
    want += static_cast<unsigned>((static_cast<std::uint64_t>(x) + y) >> 1) + bytes([](int p, int q) { return p + q; }) + maxima;
    want += bytes([](int p, int q) { return std::abs(p - q); }) + dot + static_cast<unsigned>(static_cast<std::uint64_t>(low24(sx) * low24(sy)));
    want += static_cast<unsigned>((static_cast<long long>(sx) + sy + 1) >> 1);
    CHECK_EQ(got[i], want);
  }
}

CORPUS_TEST("half and bfloat16 arithmetic", "math") {
  const auto a = program.reals<float>(kCount, -30, 30), b = program.reals<float>(kCount, -30, 30);
  const auto da = program.up(a), db = program.up(b), out = program.room<float>(8 * kCount);
  // Host: exact in double (products of 11 bits, sums of neighbours), rounded once by comparing neighbours in numerics' tables.
  const auto half = [](double x) { return num::widen(num::round_to<num::F16>(x, num::Rnd::rn)); };
  const auto brain = [](double x) { return num::widen(num::round_to<num::BF16>(x, num::Rnd::rn)); };
  program.run("halves", kBlocks, kThreads, da, db, out, static_cast<int>(kCount));
  const auto h = program.down<float>(out, 8 * kCount);
  program.run("brains", kBlocks, kThreads, da, db, out, static_cast<int>(kCount));
  const auto f = program.down<float>(out, 6 * kCount);
  for (unsigned i = 0; i < kCount; i++) {
    const double x = half(a[i]), y = half(b[i]);
    const float want[] = {half(x + y), half(x * y), half(x * y + x), half(x * x + y), half(y * y + y), x < y ? 1.0f : 0.0f,
                          static_cast<float>(std::max(x, y)), static_cast<float>(std::rint(x)) + num::widen(num::round_to<num::F16>(i, num::Rnd::rz))};
    for (unsigned k = 0; k < 8; k++) CHECK_EQ(h[8 * i + k], want[k]);
    const double p = brain(a[i]), q = brain(b[i]);
    const float wantBrain[] = {brain(p + q), brain(p * q), brain(p * q + p), brain(p * p + p), brain(q * q + q), static_cast<float>(std::min(p, q))};
    for (unsigned k = 0; k < 6; k++) CHECK_EQ(f[6 * i + k], wantBrain[k]);
  }
}

TEST_MAIN
