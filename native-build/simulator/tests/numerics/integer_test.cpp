// SPDX-License-Identifier: Apache-2.0
//
// Integer arithmetic against exact arithmetic in 128 bits (256 where a 64-bit product needs it: by halves).
#include "reference.hpp"

using namespace reference;

namespace {

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 UInt128;

template <class T> T wrapped(Int128 v) { return static_cast<T>(static_cast<std::make_unsigned_t<T>>(static_cast<UInt128>(v))); }

template <class T> void arithmetic() {
  constexpr int width = sizeof(T) * 8;
  const auto all = integers<T>(12);
  for (T a : all)
    for (T b : all) {
      const Int128 x = a, y = b;
      CHECK(wrap_add(a, b) == wrapped<T>(x + y) && wrap_sub(a, b) == wrapped<T>(x - y));
      CHECK(div_int(a, b) == (b == 0 ? wrapped<T>(-1) : wrapped<T>(x / y)));
      CHECK(rem_int(a, b) == (b == 0 ? a : wrapped<T>(x % y)));
      const T c = all[entropy()() % all.size()];
      CHECK(sad(a, b, c) == wrapped<T>(Int128(c) + (x < y ? y - x : x - y)));
      if constexpr (std::is_signed_v<T>) {
        const Int128 low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max();
        CHECK(add_sat(a, b) == T(std::clamp(x + y, low, high)) && sub_sat(a, b) == T(std::clamp(x - y, low, high)));
      }
      if constexpr (width < 64) {
        CHECK(Int128(mul_wide(a, b)) == x * y);
        CHECK(mul_lo(a, b) == wrapped<T>(x * y) && mul_hi(a, b) == wrapped<T>((x * y) >> width));
        CHECK(mad_lo(a, b, c) == wrapped<T>(x * y + c) && mad_hi(a, b, c) == wrapped<T>(((x * y) >> width) + c));
        const auto wide = static_cast<decltype(mul_wide(a, b))>(x * 3);
        CHECK(mad_wide(a, b, wide) == wrapped<decltype(mul_wide(a, b))>(x * y + wide));
      } else {
        // By 32-bit halves of magnitudes, then the sign.
        const bool negative = (a < 0) != (b < 0);
        const UInt128 p = x < 0 ? UInt128(-x) : UInt128(x), q = y < 0 ? UInt128(-y) : UInt128(y);
        const uint64_t pl = uint32_t(p), ph = uint64_t(p >> 32), ql = uint32_t(q), qh = uint64_t(q >> 32);
        UInt128 product = (UInt128(ph * qh) << 64) + (UInt128(pl * qh) << 32) + (UInt128(ph * ql) << 32) + pl * ql;
        if (negative) product = -product;
        CHECK(mul_lo(a, b) == T(uint64_t(product)) && mul_hi(a, b) == T(uint64_t(product >> 64)));
        CHECK(mad_hi(a, b, c) == T(uint64_t(product >> 64) + uint64_t(c)) && mad_lo(a, b, c) == T(uint64_t(product) + uint64_t(c)));
      }
    }
  for (T a : all) {
    CHECK(neg_int(a) == wrapped<T>(-Int128(a)));
    if constexpr (std::is_signed_v<T>) CHECK(abs_int(a) == wrapped<T>(a < 0 ? -Int128(a) : Int128(a)));
    for (uint32_t n : {0u, 1u, 7u, 8u, 15u, 16u, 31u, 32u, 33u, 63u, 64u, 65u, 127u, 128u, 255u, 256u, 0x80000000u, 0xffffffffu}) {
      const Int128 factor = n < 64 ? Int128(1) << n : 0;
      CHECK(shl(a, n) == (n >= width ? T(0) : wrapped<T>(Int128(a) * factor)));
      // Floor division is an arithmetic shift.
      const Int128 floor = n >= width ? (a < 0 ? -1 : 0) : (Int128(a) - ((Int128(a) % factor + factor) % factor)) / factor;
      CHECK(shr(a, n) == T(floor));
    }
  }
}

template <class T> void carries() {
  static_assert(std::is_unsigned_v<T>);
  constexpr int width = sizeof(T) * 8;
  const auto all = integers<T>(12);
  for (T a : all)
    for (T b : all)
      for (bool in : {false, true}) {
        const Int128 sum = Int128(a) + b + in, difference = Int128(a) - b - in;
        const auto plus = add_carry(a, b, in);
        CHECK(plus.value == wrapped<T>(sum) && plus.carry == (sum >> width != 0));
        const auto minus = sub_borrow(a, b, in);
        CHECK(minus.value == wrapped<T>(difference) && minus.carry == (difference < 0));
        const T c = all[entropy()() % all.size()];
        const UInt128 product = UInt128(a) * b;
        for (bool high : {false, true}) {
          const Int128 total = Int128(T(high ? product >> width : product)) + c + in;
          const auto mad = mad_carry(high, a, b, c, in);
          CHECK(mad.value == wrapped<T>(total) && mad.carry == (total >> width != 0));
        }
      }
}

}  // namespace

TEST("add, sub, mul, mad, div, rem, sad, shifts of every width and signedness") {
  arithmetic<int16_t>();
  arithmetic<uint16_t>();
  arithmetic<int32_t>();
  arithmetic<uint32_t>();
  arithmetic<int64_t>();
  arithmetic<uint64_t>();
}

TEST("division corner cases") {
  CHECK_EQ(div_int<int32_t>(INT32_MIN, -1), INT32_MIN);
  CHECK_EQ(rem_int<int32_t>(INT32_MIN, -1), 0);
  CHECK_EQ(div_int<int64_t>(INT64_MIN, -1), INT64_MIN);
  CHECK_EQ(div_int<uint32_t>(7, 0), 0xffffffffu);
  CHECK_EQ(div_int<uint64_t>(7, 0), ~uint64_t{0});
  CHECK_EQ(rem_int<uint32_t>(7, 0), 7u);
  CHECK_EQ(rem_int<int32_t>(-7, 4), -3);
}

TEST("add.cc, addc, sub.cc, subc, mad.cc, madc") {
  carries<uint32_t>();
  carries<uint64_t>();
  // The signed spellings have the same bits and the same (unsigned) carry.
  CHECK(add_carry<int32_t>(-1, 1, false).carry && sub_borrow<int32_t>(0, 1, false).carry && !sub_borrow<int32_t>(-1, 1, false).carry);
}

TEST("a 128-bit sum by four carries") {
  for (int i = 0; i < 10000; i++) {
    const UInt128 a = UInt128(entropy()()) << 64 | entropy()(), b = UInt128(entropy()()) << 64 | entropy()();
    UInt128 sum = 0, difference = 0;
    bool carry = false, borrow = false;
    for (int w = 0; w < 128; w += 32) {
      const auto plus = add_carry(uint32_t(a >> w), uint32_t(b >> w), carry);
      const auto minus = sub_borrow(uint32_t(a >> w), uint32_t(b >> w), borrow);
      sum |= UInt128(plus.value) << w, carry = plus.carry;
      difference |= UInt128(minus.value) << w, borrow = minus.carry;
    }
    CHECK(sum == a + b && difference == a - b && borrow == (a < b));
  }
}

TEST("mul24 and mad24") {
  for (uint32_t a : integers<uint32_t>(20))
    for (uint32_t b : integers<uint32_t>(20)) {
      const uint64_t u = uint64_t(a % (1 << 24)) * (b % (1 << 24));
      const auto extend = [](uint32_t v) { v %= 1 << 24; return v >= 1 << 23 ? int64_t(v) - (1 << 24) : int64_t(v); };
      const int64_t s = extend(a) * extend(b);
      const uint32_t c = 0x87654321;
      CHECK(mul24_lo(a, b) == uint32_t(u) && mul24_hi(a, b) == uint32_t(u >> 16));
      CHECK(mad24_lo(a, b, c) == uint32_t(u) + c && mad24_hi(a, b, c) == uint32_t(u >> 16) + c);
      CHECK(mul24_lo(int32_t(a), int32_t(b)) == int32_t(uint32_t(uint64_t(s))) && mul24_hi(int32_t(a), int32_t(b)) == int32_t(uint32_t(uint64_t(s >> 16))));
      const Int128 sum = Int128(int32_t(uint32_t(uint64_t(s >> 16)))) + int32_t(c);
      CHECK_EQ(mad24_hi_sat(int32_t(a), int32_t(b), int32_t(c)), int32_t(std::clamp(sum, Int128(INT32_MIN), Int128(INT32_MAX))));
      const Int128 high = (Int128(int32_t(a)) * int32_t(b) >> 32) + int32_t(c);
      CHECK_EQ(mad_hi_sat(int32_t(a), int32_t(b), int32_t(c)), int32_t(std::clamp(high, Int128(INT32_MIN), Int128(INT32_MAX))));
    }
}

TEST("shf") {
  for (int i = 0; i < 3000; i++) {
    const auto a = static_cast<uint32_t>(entropy()()), b = static_cast<uint32_t>(entropy()());
    for (uint32_t c : {0u, 1u, 5u, 31u, 32u, 33u, 63u, 64u, 100u, 0xffffffffu})
      for (bool wrap : {false, true}) {
        const uint32_t n = wrap ? c % 32 : std::min(c, 32u);
        uint32_t left = 0, right = 0;  // bit by bit from the 64-bit value b:a
        const auto bit = [&](int k) { return k < 32 ? a >> k & 1 : b >> (k - 32) & 1; };
        for (int k = 0; k < 32; k++) {
          left |= bit(k + 32 - int(n)) << k;
          right |= bit(k + int(n)) << k;
        }
        CHECK_EQ(shf_l(a, b, c, wrap), left);
        CHECK_EQ(shf_r(a, b, c, wrap), right);
      }
  }
}

TEST("dp4a and dp2a in every signedness") {
  for (int i = 0; i < 20000; i++) {
    const auto a = static_cast<uint32_t>(entropy()()), b = static_cast<uint32_t>(entropy()()), c = static_cast<uint32_t>(entropy()());
    for (bool as : {false, true})
      for (bool bs : {false, true}) {
        const auto field = [](uint32_t v, int at, int bits, bool isSigned) {
          const int64_t f = v >> at & ((1u << bits) - 1);
          return isSigned && f >> (bits - 1) ? f - (int64_t{1} << bits) : f;
        };
        int64_t four = c, low = c, high = c;
        for (int k = 0; k < 4; k++) four += field(a, 8 * k, 8, as) * field(b, 8 * k, 8, bs);
        for (int k = 0; k < 2; k++) {
          low += field(a, 16 * k, 16, as) * field(b, 8 * k, 8, bs);
          high += field(a, 16 * k, 16, as) * field(b, 16 + 8 * k, 8, bs);
        }
        CHECK_EQ(dp4a(a, as, b, bs, c), uint32_t(uint64_t(four)));
        CHECK_EQ(dp2a(a, as, b, bs, c, false), uint32_t(uint64_t(low)));
        CHECK_EQ(dp2a(a, as, b, bs, c, true), uint32_t(uint64_t(high)));
      }
  }
}

TEST("16-bit halves") {
  const auto min = [](auto a, auto b) { return a < b ? a : b; };
  CHECK_EQ(each_half_int<int16_t>(min, 0xffff0001u, 0x0001ffffu), 0xffffffffu);
  CHECK_EQ(each_half_int<uint16_t>(min, 0xffff0001u, 0x0001ffffu), 0x00010001u);
  CHECK_EQ(each_half_int<uint16_t>([](uint16_t a, uint16_t b) { return wrap_add(a, b); }, 0xffff0001u, 0x00010002u), 0x00000003u);
}

TEST("vabsdiff4") {
  for (int i = 0; i < 2000; i++) {
    const auto a = static_cast<uint32_t>(entropy()()), b = static_cast<uint32_t>(entropy()());
    uint32_t bytes = 0, sum = 41;
    for (int k = 0; k < 32; k += 8) {
      const int d = std::abs(int(a >> k & 255) - int(b >> k & 255));
      bytes |= uint32_t(d) << k, sum += uint32_t(d);
    }
    CHECK_EQ(vabsdiff4(a, b, 41, false), bytes);
    CHECK_EQ(vabsdiff4(a, b, 41, true), sum);
  }
}

TEST_MAIN
