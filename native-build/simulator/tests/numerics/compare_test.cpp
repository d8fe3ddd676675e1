// SPDX-License-Identifier: Apache-2.0
//
// Comparisons, testp, min, max.
#include "reference.hpp"

using namespace reference;
namespace num = kofn::sim::num;

namespace {

/// The operator's meaning from the manual's table: which of "less, equal, greater, unordered" make it true.
struct Meaning { Cmp op; bool less, equal, greater, unordered; };
const Meaning kFloat[] = {
    {Cmp::eq, false, true, false, false}, {Cmp::ne, true, false, true, false}, {Cmp::lt, true, false, false, false},
    {Cmp::le, true, true, false, false},  {Cmp::gt, false, false, true, false}, {Cmp::ge, false, true, true, false},
    {Cmp::equ, false, true, false, true}, {Cmp::neu, true, false, true, true}, {Cmp::ltu, true, false, false, true},
    {Cmp::leu, true, true, false, true},  {Cmp::gtu, false, false, true, true}, {Cmp::geu, false, true, true, true},
    {Cmp::num, true, true, true, false},  {Cmp::nan, false, false, false, true}};

template <class T> bool meant(const Meaning& m, T a, T b) {
  if (std::isnan(a) || std::isnan(b)) return m.unordered;
  return a < b ? m.less : a > b ? m.greater : m.equal;
}

template <class I> void integerCompares() {
  using Other = std::conditional_t<std::is_signed_v<I>, std::make_unsigned_t<I>, std::make_signed_t<I>>;
  for (I a : integers<I>(5))
    for (I b : integers<I>(5)) {
      const __int128 x = a, y = b;
      CHECK_EQ(compare(Cmp::eq, a, b), x == y);
      CHECK_EQ(compare(Cmp::ne, a, b), x != y);
      CHECK_EQ(compare(Cmp::lt, a, b), x < y);
      CHECK_EQ(compare(Cmp::le, a, b), x <= y);
      CHECK_EQ(compare(Cmp::gt, a, b), x > y);
      CHECK_EQ(compare(Cmp::ge, a, b), x >= y);
      const __int128 u = std::is_signed_v<I> ? __int128(Other(a)) : x, v = std::is_signed_v<I> ? __int128(Other(b)) : y;
      CHECK_EQ(compare(Cmp::lo, a, b), u < v);
      CHECK_EQ(compare(Cmp::ls, a, b), u <= v);
      CHECK_EQ(compare(Cmp::hi, a, b), u > v);
      CHECK_EQ(compare(Cmp::hs, a, b), u >= v);
      CHECK(num::min(a, b) == (x < y ? a : b) && num::max(a, b) == (x < y ? b : a));
      const I low = x < y ? a : b, high = x < y ? b : a;
      CHECK(num::min(a, b, {.relu = true}) == (low < 0 ? I(0) : low) && num::max(a, b, {.relu = true}) == (high < 0 ? I(0) : high));
    }
}

/// min/max by the manual's rules, on values.
template <class T> T expected(bool max, T a, T b, bool propagate) {
  const T nan = std::numeric_limits<T>::quiet_NaN();
  if (std::isnan(a) && std::isnan(b)) return nan;
  if (std::isnan(a) || std::isnan(b)) return propagate ? nan : std::isnan(a) ? b : a;
  if (a == 0 && b == 0) return (max ? std::signbit(a) && std::signbit(b) : std::signbit(a) || std::signbit(b)) ? T(-0.0) : T(0);
  return max ? std::max(a, b) : std::min(a, b);
}

}  // namespace

TEST("integer comparisons, min and max") {
  integerCompares<int8_t>();
  integerCompares<uint8_t>();
  integerCompares<int16_t>();
  integerCompares<uint16_t>();
  integerCompares<int32_t>();
  integerCompares<uint32_t>();
  integerCompares<int64_t>();
  integerCompares<uint64_t>();
}

TEST("floating-point comparisons follow the table, with unordered operands") {
  for (const Meaning& m : kFloat) {
    for (float a : floats(20))
      for (float b : floats(0)) {
        CHECK_EQ(compare(m.op, a, b), meant(m, a, b));
        CHECK_EQ(compare(m.op, a, b, true), meant(m, flush(a), flush(b)));
        CHECK_EQ(compare(m.op, double(a), double(b)), meant(m, a, b));
      }
    for (int i = 0; i < 20000; i++) {
      const auto x = static_cast<uint16_t>(entropy()()), y = static_cast<uint16_t>(i % 4 ? entropy()() : x ^ 0x8000);
      CHECK_EQ(compare(m.op, F16{x}, F16{y}), meant(m, widen(F16{x}), widen(F16{y})));
      CHECK_EQ(compare(m.op, F16{x}, F16{y}, true), meant(m, widen(flush(F16{x})), widen(flush(F16{y}))));
      CHECK_EQ(compare(m.op, BF16{x}, BF16{y}), meant(m, widen(BF16{x}), widen(BF16{y})));
    }
  }
}

TEST("boolean combination and set's values") {
  for (int t = 0; t < 4; t++) {
    const bool a = t & 1, b = t & 2;
    CHECK_EQ(combine(BoolOp::none, a, b), a);
    CHECK_EQ(combine(BoolOp::and_, a, b), t == 3);
    CHECK_EQ(combine(BoolOp::or_, a, b), t != 0);
    CHECK_EQ(combine(BoolOp::xor_, a, b), t == 1 || t == 2);
  }
  CHECK_EQ(set_value<uint32_t>(true), 0xffffffffu);
  CHECK_EQ(set_value<int32_t>(true), -1);
  CHECK_EQ(set_value<uint16_t>(true), 0xffff);
  CHECK_EQ(set_value<float>(true), 1.0f);
  CHECK_EQ(set_value<F16>(true).bits, 0x3c00);
  CHECK_EQ(set_value<BF16>(true).bits, 0x3f80);
  CHECK(set_value<uint32_t>(false) == 0 && set_value<float>(false) == 0 && set_value<F16>(false).bits == 0);
}

TEST("testp") {
  for (float a : floats(100)) {
    const uint32_t e = bits_of(a) >> 23 & 0xff, m = bits_of(a) & 0x7fffff;
    CHECK_EQ(testp(TestP::finite, a), e != 255);
    CHECK_EQ(testp(TestP::infinite, a), e == 255 && m == 0);
    CHECK_EQ(testp(TestP::number, a), !(e == 255 && m != 0));
    CHECK_EQ(testp(TestP::notanumber, a), e == 255 && m != 0);
    CHECK_EQ(testp(TestP::normal, a), (e != 0 && e != 255) || (e == 0 && m == 0));
    CHECK_EQ(testp(TestP::subnormal, a), e == 0 && m != 0);
  }
  CHECK(testp(TestP::normal, -0.0) && testp(TestP::subnormal, 0x1p-1060) && !testp(TestP::normal, 0x1p-1060));
}

TEST("floating-point min and max: NaN, .NaN, signed zeros, .ftz, .xorsign.abs") {
  for (float a : floats(30))
    for (float b : floats(10))
      for (bool max : {false, true})
        for (bool nan : {false, true}) {
          const auto f = [&](float x, float y, MinMaxMode m) { return max ? num::max(x, y, m) : num::min(x, y, m); };
          const float want = expected(max, a, b, nan), got = f(a, b, {.nan = nan});
          CHECK(std::isnan(want) ? bits_of(got) == 0x7fffffff : sameBits(got, want));
          CHECK(same(f(a, b, {.ftz = true, .nan = nan}), expected(max, flush(a), flush(b), nan)));
          const float magnitude = expected(max, std::fabs(a), std::fabs(b), nan);
          const float signedWant = std::signbit(a) != std::signbit(b) ? -magnitude : magnitude;
          CHECK(same(f(a, b, {.nan = nan, .xorsignAbs = true}), signedWant));
          const double wide = max ? num::max(double(a), double(b)) : num::min(double(a), double(b));
          CHECK(same(wide, expected(max, double(a), double(b), false)));
        }
  for (int i = 0; i < 200000; i++) {
    const auto x = static_cast<uint16_t>(entropy()()), y = static_cast<uint16_t>(i % 4 ? entropy()() : x ^ 0x8000);
    const float a = widen(F16{x}), b = widen(F16{y}), c = widen(BF16{x}), d = widen(BF16{y});
    for (bool nan : {false, true}) {
      CHECK(same(widen(num::min(F16{x}, F16{y}, {.nan = nan})), expected(false, a, b, nan)));
      CHECK(same(widen(num::max(F16{x}, F16{y}, {.nan = nan})), expected(true, a, b, nan)));
      CHECK(same(widen(num::min(BF16{x}, BF16{y}, {.nan = nan})), expected(false, c, d, nan)));
      CHECK(same(widen(num::max(BF16{x}, BF16{y}, {.nan = nan})), expected(true, c, d, nan)));
    }
    CHECK(same(widen(num::max(F16{x}, F16{y}, {.xorsignAbs = true})),
               (std::signbit(a) != std::signbit(b) ? -1 : 1) * expected(true, std::fabs(a), std::fabs(b), false)));
  }
}

TEST_MAIN
