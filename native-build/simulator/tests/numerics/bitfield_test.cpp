// SPDX-License-Identifier: Apache-2.0
//
// Bit manipulation against the manual's bit-by-bit definitions.
#include "reference.hpp"

using namespace reference;

namespace {

template <class T> bool bitOf(T v, int i) { return static_cast<std::make_unsigned_t<T>>(v) >> i & 1; }

template <class T> void fields() {
  using U = std::make_unsigned_t<T>;
  constexpr int msb = sizeof(T) * 8 - 1;
  for (T a : integers<T>(10))
    for (uint32_t b : {0u, 1u, 5u, 16u, 30u, 31u, 32u, 33u, 62u, 63u, 64u, 65u, 200u, 255u, 256u, 257u})
      for (uint32_t c : {0u, 1u, 2u, 16u, 31u, 32u, 33u, 63u, 64u, 65u, 255u, 256u, 258u}) {
        const int pos = b & 0xff, len = c & 0xff;
        const bool sign = std::is_signed_v<T> && len > 0 && bitOf(a, std::min(pos + len - 1, msb));
        U extracted = 0, inserted = static_cast<U>(0x5a5a5a5aa5a5a5a5);
        const U into = inserted;
        for (int i = 0; i <= msb; i++) {
          if (i < len && pos + i <= msb ? bitOf(a, pos + i) : sign) extracted |= U{1} << i;
          if (i < len && pos + i <= msb) inserted = static_cast<U>((inserted & ~(U{1} << (pos + i))) | (U{bitOf(a, i)} << (pos + i)));
        }
        CHECK_EQ(U(bfe(a, b, c)), extracted);
        CHECK_EQ(bfi(U(a), into, b, c), inserted);
      }
}

template <class T> void positions() {
  constexpr int msb = sizeof(T) * 8 - 1;
  for (T a : integers<T>(200)) {
    uint32_t found = ~0u;  // the highest bit that differs from the sign; upwards, so that the last one wins
    const bool negative = std::is_signed_v<T> && a < 0;
    for (int i = 0; i <= msb; i++)
      if (bitOf(a, i) != negative) found = static_cast<uint32_t>(i);
    CHECK_EQ(bfind(a, false), found);
    CHECK_EQ(bfind(a, true), found == ~0u ? found : msb - found);
    if constexpr (std::is_unsigned_v<T>) {
      uint32_t ones = 0, zeros = 0;
      T reversed = 0;
      for (int i = 0; i <= msb; i++) {
        ones += bitOf(a, i);
        if (bitOf(a, i)) reversed |= T{1} << (msb - i), zeros = 0;
        else zeros++;
      }
      CHECK_EQ(popc(a), ones);
      CHECK_EQ(clz(a), zeros);
      CHECK_EQ(brev(a), reversed);
      CHECK_EQ(cnot(a), T(!a));
    }
  }
}

}  // namespace

TEST("bfe, bfi") {
  fields<int32_t>();
  fields<uint32_t>();
  fields<int64_t>();
  fields<uint64_t>();
}

TEST("bfind, clz, popc, brev, cnot") {
  positions<int32_t>();
  positions<uint32_t>();
  positions<int64_t>();
  positions<uint64_t>();
  CHECK_EQ(cnot<uint16_t>(0), 1);
}

TEST("bmsk, szext") {
  for (uint32_t a : {0u, 1u, 7u, 31u, 32u, 33u, 63u, 64u, 0xffffffffu})
    for (uint32_t b : {0u, 1u, 8u, 31u, 32u, 33u, 64u, 0xffffffffu})
      for (bool wrap : {false, true}) {
        const uint64_t start = wrap ? a % 32 : a, count = wrap ? b % 32 : b;
        uint32_t mask = 0;
        for (uint64_t i = 0; i < 32; i++) mask |= i >= start && i < start + count ? 1u << i : 0;
        CHECK_EQ(bmsk(a, b, wrap), mask);
      }
  for (uint32_t a : integers<uint32_t>(50))
    for (uint32_t n : {0u, 1u, 8u, 31u, 32u, 33u, 64u, 0xffffffffu})
      for (bool wrap : {false, true}) {
        const uint64_t keep = wrap ? n % 32 : n;
        const int64_t low = keep >= 32 ? a : a % (uint64_t{1} << keep);
        const bool negative = keep > 0 && keep < 32 && (low >> (keep - 1) & 1);
        CHECK_EQ(szext(a, n, wrap), uint32_t(low));
        CHECK_EQ(uint32_t(szext(int32_t(a), n, wrap)), uint32_t(negative ? low - (int64_t{1} << keep) : low));
      }
}

TEST("fns") {
  for (uint32_t mask : integers<uint32_t>(20))
    for (uint32_t base = 0; base < 32; base += 3)
      for (int offset = -33; offset <= 33; offset++) {
        std::vector<uint32_t> set;  // positions in the direction of search
        if (offset >= 0) for (uint32_t i = base; i < 32; i++) { if (mask >> i & 1) set.push_back(i); }
        else for (int i = int(base); i >= 0; i--) { if (mask >> i & 1) set.push_back(uint32_t(i)); }
        const auto n = static_cast<size_t>(std::abs(offset));
        const uint32_t want = offset == 0 ? (mask >> base & 1 ? base : ~0u) : n <= set.size() ? set[n - 1] : ~0u;
        CHECK_EQ(fns(mask, base, offset), want);
      }
}

TEST("lop3, all 256 tables") {
  const uint32_t a = 0xf0f0a55a, b = 0xcccc3c5a, c = 0xaaaa0f5a;
  for (uint32_t table = 0; table < 256; table++) {
    uint32_t want = 0;
    for (int i = 0; i < 32; i++) want |= (table >> ((a >> i & 1) * 4 + (b >> i & 1) * 2 + (c >> i & 1)) & 1) << i;
    CHECK_EQ(lop3(a, b, c, table), want);
  }
  CHECK_EQ(lop3(a, b, c, 0x80), a & b & c);
  CHECK_EQ(lop3(a, b, c, 0xca), (a & b) | (~a & c));
}

TEST("prmt, every mode") {
  const uint32_t a = 0x83020100, b = 0x07860584;
  const auto byte = [&](int i) { return (i < 4 ? a >> (8 * i) : b >> (8 * (i - 4))) & 0xff; };
  for (uint32_t control = 0; control < 0x10000; control++) {
    uint32_t want = 0;
    for (int i = 0; i < 4; i++) {
      const uint32_t nibble = control >> (4 * i) & 15, v = byte(nibble & 7);
      want |= (nibble < 8 ? v : v >= 0x80 ? 0xff : 0) << (8 * i);
    }
    CHECK_EQ(prmt(a, b, control | 0xabc0000, Prmt::index), want);
  }
  // The manual's tables: bytes 3, 2, 1, 0 of the result for c = 0, 1, 2, 3.
  const struct { Prmt mode; int bytes[4][4]; } tables[] = {
      {Prmt::f4e, {{3, 2, 1, 0}, {4, 3, 2, 1}, {5, 4, 3, 2}, {6, 5, 4, 3}}},
      {Prmt::b4e, {{5, 6, 7, 0}, {6, 7, 0, 1}, {7, 0, 1, 2}, {0, 1, 2, 3}}},
      {Prmt::rc8, {{0, 0, 0, 0}, {1, 1, 1, 1}, {2, 2, 2, 2}, {3, 3, 3, 3}}},
      {Prmt::ecl, {{3, 2, 1, 0}, {3, 2, 1, 1}, {3, 2, 2, 2}, {3, 3, 3, 3}}},
      {Prmt::ecr, {{0, 0, 0, 0}, {1, 1, 1, 0}, {2, 2, 1, 0}, {3, 2, 1, 0}}},
      {Prmt::rc16, {{1, 0, 1, 0}, {3, 2, 3, 2}, {1, 0, 1, 0}, {3, 2, 3, 2}}}};
  for (const auto& t : tables)
    for (uint32_t c = 0; c < 8; c++) {
      const int* p = t.bytes[c % 4];
      CHECK_EQ(prmt(a, b, c, t.mode), byte(p[0]) << 24 | byte(p[1]) << 16 | byte(p[2]) << 8 | byte(p[3]));
    }
}

TEST_MAIN
