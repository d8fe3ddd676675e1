// SPDX-License-Identifier: Apache-2.0
//
// Formats: widening of every bit pattern, rounding of values at, beside and between every pair of neighbours.
#include "reference.hpp"

using namespace reference;

namespace {

/// Every encoding of T widens to its definition's value, and rounds back to itself.
template <class T> void everyValueWidens() {
  const Table& t = tableOf(T{});
  const uint32_t sign = 1u << (Format<T>::exponent + Format<T>::mantissa);
  for (uint32_t code = 0; code < t.values.size(); code++)
    for (uint32_t s : {0u, sign}) {
      const T x = from_bits<T>((code | s) << Format<T>::unused);
      CHECK(sameBits(static_cast<double>(widen(x)), s ? -t.values[code] : t.values[code]));
      CHECK_EQ(bits_of(round_to<T>(widen(x), Rnd::rn)), bits_of(x));
    }
}

/// Points in and around every gap between neighbours, in every rounding.
template <class T> void everyGapRounds(uint32_t stride) {
  const Table& t = tableOf(T{});
  for (uint32_t code = 0; code < t.values.size(); code += stride) {
    const double low = t.values[code];
    const double next = code + 1 < t.values.size() ? t.values[code + 1] : low + (low - t.values[code - 1]);
    const double middle = low + (next - low) / 2;
    for (double m : {low, std::nextafter(low, next), std::nextafter(middle, low), middle, std::nextafter(middle, next), std::nextafter(next, low)})
      for (double x : {m, -m})
        for (Rnd r : {Rnd::rn, Rnd::rz, Rnd::rm, Rnd::rp, Rnd::rna}) {
          const uint32_t want = roundedBits<T>(x, r, std::signbit(x));
          CHECK_EQ(bits_of(round_to<T>(x, r)), want);
          CHECK_EQ(bits_of(round_to<T>(x, r, true)), roundedBits<T>(x, r, std::signbit(x), true));
        }
  }
}

}  // namespace

TEST("the host evaluates float as float, keeps denormals and does not contract") {
  volatile float tiny = 0x1p-126f, half = 0.5f;
  CHECK(tiny * half == 0x1p-127f);
  volatile float x = 1 + 0x1p-12f, minus = -(1 + 0x1p-11f);
  CHECK(x * x + minus == 0);  // a contracted fma gives 2^-24
  CHECK(fma(x, x, minus) == 0x1p-24f);
}

TEST("every value of a 16- or 8-bit format, and tf32, widens exactly") {
  everyValueWidens<F16>();
  everyValueWidens<BF16>();
  everyValueWidens<TF32>();
  everyValueWidens<E4M3>();
  everyValueWidens<E5M2>();
}

TEST("rounding in every gap and direction") {
  everyGapRounds<F16>(1);
  everyGapRounds<BF16>(1);
  everyGapRounds<TF32>(7);
  everyGapRounds<E4M3>(1);
  everyGapRounds<E5M2>(1);
}

TEST("infinities and NaN in every format") {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  for (Rnd r : kIeeeRoundings) {
    CHECK_EQ(bits_of(round_to<F16>(inf, r)), 0x7c00u);
    CHECK_EQ(bits_of(round_to<F16>(-inf, r)), 0xfc00u);
    CHECK_EQ(bits_of(round_to<BF16>(-inf, r)), 0xff80u);
    CHECK_EQ(bits_of(round_to<float>(inf, r)), 0x7f800000u);
    CHECK_EQ(bits_of(round_to<TF32>(inf, r)), 0x7f800000u);
    CHECK_EQ(bits_of(round_to<E4M3>(inf, r, true)), 0x7eu);
    CHECK_EQ(bits_of(round_to<E5M2>(-inf, r, true)), 0xfbu);
    CHECK_EQ(bits_of(round_to<F16>(inf, r, true)), 0x7bffu);
    CHECK_EQ(bits_of(round_to<F16>(-nan, r)), 0x7fffu);
    CHECK_EQ(bits_of(round_to<BF16>(nan, r)), 0x7fffu);
    CHECK_EQ(bits_of(round_to<TF32>(nan, r)), 0x7fffffffu);
    CHECK_EQ(bits_of(round_to<E4M3>(nan, r, true)), 0x7fu);
    CHECK_EQ(bits_of(round_to<E5M2>(nan, r, true)), 0x7fu);
  }
  for (uint32_t b = 0x7c01; b < 0x8000; b++) {
    CHECK(std::isnan(widen(F16{static_cast<uint16_t>(b)})) && std::isnan(widen(F16{static_cast<uint16_t>(b | 0x8000)})));
    CHECK(is_nan(F16{static_cast<uint16_t>(b)}));
  }
  CHECK(std::isinf(widen(F16{0x7c00})) && widen(F16{0xfc00}) < 0 && !is_nan(F16{0xfc00}));
  CHECK(std::isnan(widen(E4M3{0xff})) && std::isnan(widen(E5M2{0x7d})) && std::isinf(widen(E5M2{0x7c})));
}

TEST("round_to<float> agrees with the host in every rounding") {
  for (double x : doubles(20000))
    for (Rnd r : kIeeeRoundings) {
      const auto cast = [](double a, double, double) { return static_cast<double>(static_cast<float>(a)); };
      CHECK(same(static_cast<double>(round_to<float>(x, r)), onHost(r, cast, x)));
    }
}

TEST("nearest<F16> and nearest<BF16> agree with the table for floats in every gap") {
  const auto agree = [](float x) {
    const bool zero = std::signbit(x);
    CHECK_EQ(nearest<F16>(x).bits, roundedBits<F16>(x, Rnd::rn, zero));
    CHECK_EQ(nearest<BF16>(x).bits, roundedBits<BF16>(x, Rnd::rn, zero));
  };
  for (uint32_t b = 0; b < 0x7f800000; b += 1021) {
    agree(std::bit_cast<float>(b));
    agree(std::bit_cast<float>(b | 0x80000000));
  }
  for (uint32_t code = 0; code < 0x7f7f; code++)  // every bf16 tie and its neighbours; f16 ties are among these patterns
    for (uint32_t low : {0x7fffu, 0x8000u, 0x8001u, 0xffffu}) agree(std::bit_cast<float>(code << 16 | low));
  for (uint32_t code = 0x3300; code < 0x4780; code++)
    for (uint32_t low = 0; low < 0x10000; low += 0x1000)
      for (uint32_t delta : {0u, 1u, 0xfffu}) agree(std::bit_cast<float>(code << 16 | low | delta));
  for (uint32_t nan : {0x7f800001u, 0xffc00000u, 0x7fffffffu}) {
    CHECK_EQ(nearest<F16>(std::bit_cast<float>(nan)).bits, 0x7fff);
    CHECK_EQ(nearest<BF16>(std::bit_cast<float>(nan)).bits, 0x7fff);
  }
  CHECK_EQ(nearest<F16>(std::bit_cast<float>(0xff800000)).bits, 0xfc00);
  CHECK_EQ(nearest<BF16>(std::bit_cast<float>(0x7f800000)).bits, 0x7f80);
}

TEST(".ftz, .sat and .relu") {
  for (float x : floats()) {
    const bool subnormal = std::fpclassify(x) == FP_SUBNORMAL;
    CHECK(sameBits(flush(x), subnormal ? std::copysign(0.0f, x) : x));
    const float clamped = std::isnan(x) || x <= 0 ? 0.0f : std::min(x, 1.0f);
    CHECK(sameBits(saturate(x), clamped));
    CHECK(same(rectify(x), std::isnan(x) ? x : x > 0 ? x : 0.0f));
  }
  for (uint32_t b = 0; b < 0x10000; b++) {
    const F16 h{static_cast<uint16_t>(b)};
    const float x = widen(h);
    CHECK_EQ(flush(h).bits, std::fabs(x) < 0x1p-14f ? b & 0x8000 : b);
    CHECK(sameBits(widen(saturate(h)), std::isnan(x) || x <= 0 ? 0.0f : std::min(x, 1.0f)));
    CHECK_EQ(rectify(h).bits, std::isnan(x) || !(b & 0x8000) ? b : 0u);
    const BF16 f{static_cast<uint16_t>(b)};
    CHECK_EQ(flush(f).bits, std::fabs(widen(f)) < 0x1p-126f ? b & 0x8000 : b);
  }
  CHECK_EQ(bits_of(finish(std::bit_cast<float>(0xffc12345), {})), 0x7fffffffu);
}

TEST("packed halves") {
  CHECK_EQ(pack(F16{0x1234}, F16{0x5678}), 0x12345678u);
  CHECK_EQ(each_half<F16>([](F16 a, F16 b) { return add(a, b); }, 0x3c004000u, 0x40003c00u), 0x42004200u);
  CHECK_EQ(each_half<BF16>([](BF16 a) { return neg(a); }, 0x3f804000u), 0xbf80c000u);
}

TEST_MAIN
