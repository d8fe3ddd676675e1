// SPDX-License-Identifier: Apache-2.0
//
// Operand values: the edges of every type of a width, mixed with random bits.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace opcodes {

inline const std::vector<std::uint64_t>& edges(int bits) {
  static const std::vector<std::uint64_t> h = {
      0, 1, 2, 3, 5, 8, 15, 16, 17, 31, 32, 63, 64, 0x7f, 0x80, 0x81, 0xff, 0x100, 0x3ff, 0x400, 0x401, 0x7ffe, 0x7fff, 0x8000, 0x8001,
      0xfffe, 0xffff, 0x3c00, 0x3c01, 0xbc00, 0x3800, 0x4000, 0x7bff, 0xfbff, 0x7c00, 0xfc00, 0x7c01, 0x7e00, 0x83ff, 0x8400, 0x3f80,
      0x3f81, 0xbf80, 0x4000, 0x7f7f, 0xff7f, 0x7f80, 0xff80, 0x7fc0, 0x007f, 0x0080, 0x807f, 0x5555, 0xaaaa, 0x5640, 0xd640, 0x4300};
  static const std::vector<std::uint64_t> r = [] {
    std::vector<std::uint64_t> v = {
        0, 1, 2, 3, 4, 7, 8, 15, 16, 24, 31, 32, 33, 63, 64, 127, 128, 255, 256, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffff, 0x800000,
        0x800001, 0xffffff, 0x1000000, 0x7ffffffe, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff, 0x33800000, 0x387fc000,
        0x387fffff, 0x38800000, 0x3effffff, 0x3f000000, 0x3f000001, 0x3f7fffff, 0x3f800000, 0x3f800001, 0x3fc00000, 0x40000000,
        0x40200000, 0x40490fdb, 0x42fe0000, 0x43000000, 0x437f0000, 0x46fffe00, 0x47000000, 0x477fe000, 0x477ff000, 0x477fffff,
        0x47800000, 0x4b000000, 0x4b000001, 0x4b7fffff, 0x4b800000, 0x4effffff, 0x4f000000, 0x4f7fffff, 0x4f800000, 0x5effffff,
        0x5f000000, 0x5f7fffff, 0x5f800000, 0x7e800000, 0x7f000000, 0x7f7fffff, 0x7f800000, 0x7fc00000, 0x7f800001, 0x3f802000,
        0x3f803000, 0x3c003c00, 0x7c00fc00, 0x80000001, 0x3f803f80, 0x7f80ff80, 0x7e007c01, 0x5555aaaa, 0x80808080, 0x7f7f7f7f};
    const std::size_t n = v.size();
    for (std::size_t i = 0; i < n; i++)
      if (v[i] >= 0x33800000 && v[i] < 0x80000000) v.push_back(v[i] | 0x80000000);
    return v;
  }();
  static const std::vector<std::uint64_t> l = [] {
    std::vector<std::uint64_t> v = {
        0, 1, 2, 3, 31, 32, 33, 63, 64, 65, 127, 255, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff,
        0x000fffffffffffff, 0x0010000000000000, 0x0010000000000001, 0x3fe0000000000000, 0x3fefffffffffffff, 0x3ff0000000000000,
        0x3ff0000000000001, 0x3ff8000000000000, 0x4000000000000000, 0x4004000000000000, 0x40efffe000000000, 0x41dfffffffc00000,
        0x41e0000000000000, 0x41efffffffe00000, 0x4330000000000000, 0x4340000000000000, 0x43dfffffffffffff, 0x43e0000000000000,
        0x43f0000000000000, 0x47efffffe0000000, 0x47effffff0000000, 0x36a0000000000000, 0x3690000000000000, 0x3810000000000000,
        0x380fffffffffffff, 0x7fefffffffffffff, 0x7ff0000000000000, 0x7ff8000000000000, 0x7ff0000000000001, 0x40effc0000000000,
        0x3f10000000000000, 0x3e70000000000000, 0x5555555555555555};
    const std::size_t n = v.size();
    for (std::size_t i = 0; i < n; i++) v.push_back(v[i] | 0x8000000000000000), v.push_back(~v[i]);
    return v;
  }();
  return bits <= 16 ? h : bits == 32 ? r : l;
}

/// Case `i`'s value for source `n` of `bits` bits, given the case's earlier sources.
inline std::uint64_t operandValue(int i, std::size_t n, int bits, const std::uint64_t* earlier, std::mt19937_64& random) {
  const auto& pool = edges(bits);
  if (bits == 1) return random() & 1;
  if (n == 0 && static_cast<std::size_t>(i) < pool.size()) return pool[static_cast<std::size_t>(i)];
  const std::uint64_t draw = random();
  if (n > 0) {
    switch (draw % 16) {
      case 0: return earlier[0];
      case 1: return earlier[0] ^ (std::uint64_t{1} << (bits - 1));
      case 2: return earlier[0] + 1;
      case 3: return earlier[0] - 1;
      case 4: return (draw >> 8) % 80;  // shift amounts, positions
      case 5: return (draw >> 8) % 300;
      default: break;
    }
  }
  if (draw % 3) return pool[(draw >> 8) % pool.size()];
  const std::uint64_t wild = random();
  if (draw % 5 == 0) {  // a random mantissa at a moderate exponent, for sums that round
    if (bits == 32) return 0x3f000000 + wild % 0x02000000;
    if (bits == 64) return 0x3fe0000000000000 + wild % 0x0040000000000000;
    return 0x3800 + wild % 0x1000;
  }
  return wild;
}

}  // namespace opcodes
