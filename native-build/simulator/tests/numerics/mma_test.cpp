// SPDX-License-Identifier: Apache-2.0
//
// mma, ldmatrix, stmatrix, movmatrix: fragments written out per lane as the manual's layout formulas say, sums in
// __float128 or int64.
#include "reference.hpp"

#include <array>

using namespace reference;

namespace {

using Registers = std::vector<std::array<uint32_t, 32>>;

/// Row and column of element i of lane `lane`'s fragment, literally from the manual's formulas. 16-bit and 32-bit A:
/// i counts elements in register order; `bits` is the element width.
struct At { int row, column; };

At atA(int m, int k, int bits, int lane, int i) {
  const int group = lane >> 2, thread = lane % 4;
  if (m == 8) return {group, thread * 4 + i};  // m8n8k16, bytes
  if (bits == 32) {                             // tf32: a1, a3 eight rows below; a2, a3 four columns right
    return {i % 2 ? group + 8 : group, i < 2 ? thread : thread + 4};
  }
  if (bits == 16) {
    const bool below = k == 8 ? i >= 2 : (i >= 2 && i < 4) || i >= 6;
    return {below ? group + 8 : group, thread * 2 + (i & 1) + (i >= 4 ? 8 : 0)};
  }
  const bool below = k == 16 ? i >= 4 : (i >= 4 && i < 8) || i >= 12;
  return {below ? group + 8 : group, thread * 4 + (i & 3) + (i >= 8 ? 16 : 0)};
}
At atB(int bits, int lane, int i) {
  const int group = lane >> 2, thread = lane % 4;
  if (bits == 32) return {thread + 4 * i, group};
  if (bits == 16) return {thread * 2 + (i & 1) + (i >= 2 ? 8 : 0), group};
  return {thread * 4 + (i & 3) + (i >= 4 ? 16 : 0), group};
}
At atC(int lane, int i) {
  return {i < 2 ? lane >> 2 : (lane >> 2) + 8, (lane % 4) * 2 + (i & 1)};
}

struct Case { int m, k, bits; MmaType type, typeB, sum; };

uint32_t element(const Registers& r, int bits, int lane, int i) {
  const int per = 32 / bits;
  const uint32_t word = r[static_cast<size_t>(i / per)][static_cast<size_t>(lane)] >> (bits * (i % per) % 32);
  return bits == 32 ? word : word & ((1u << bits) - 1);
}

double valueOf(MmaType t, uint32_t bits) {
  switch (t) {
    case MmaType::f16: return widen(F16{static_cast<uint16_t>(bits)});
    case MmaType::bf16: return widen(BF16{static_cast<uint16_t>(bits)});
    case MmaType::tf32: return std::bit_cast<float>(bits & 0xffffe000);
    case MmaType::s8: return static_cast<int8_t>(bits);
    case MmaType::u8: return static_cast<uint8_t>(bits);
    default: return 0;
  }
}

/// Random element bits with moderate exponents.
uint32_t randomBits(MmaType t) {
  const float x = std::uniform_real_distribution<float>(-4, 4)(entropy());
  if (t == MmaType::f16) return nearest<F16>(x).bits;
  if (t == MmaType::bf16) return nearest<BF16>(x).bits;
  if (t == MmaType::tf32) return bits_of(x);
  return static_cast<uint32_t>(entropy()());
}

Registers randomRegisters(int count, int bits, MmaType t) {
  Registers r(static_cast<size_t>(count));
  for (auto& reg : r)
    for (auto& lane : reg)
      for (int i = 0; i < 32; i += bits) lane = bits == 32 ? randomBits(t) : lane | (randomBits(t) & ((1u << bits) - 1)) << i;
  return r;
}

std::vector<uint32_t*> pointers(Registers& r) {
  std::vector<uint32_t*> p;
  for (auto& x : r) p.push_back(x.data());
  return p;
}

void runCase(const Case& c, bool satfinite) {
  const MmaOp op = find_mma(c.m, 8, c.k, c.sum, c.type, c.typeB, c.sum, satfinite);
  CHECK(op.run != nullptr);
  if (!op.run) return;
  CHECK_EQ(op.a * 32 * (32 / c.bits), c.m * c.k);
  CHECK_EQ(op.b * 32 * (32 / c.bits), c.k * 8);
  CHECK_EQ(op.macs, c.m * 8 * c.k);
  const bool half = c.sum == MmaType::f16, integer = c.sum == MmaType::s32;
  CHECK_EQ(op.c * (half ? 2 : 1) * 32, c.m * 8);
  for (int repeat = 0; repeat < 20; repeat++) {
    Registers a = randomRegisters(op.a, c.bits, c.type), b = randomRegisters(op.b, c.bits, c.typeB);
    Registers start = half ? randomRegisters(op.c, 16, MmaType::f16) : randomRegisters(op.c, 32, integer ? MmaType::s8 : MmaType::tf32);
    double A[16][32] = {}, B[32][8] = {};
    for (int lane = 0; lane < 32; lane++) {
      for (int i = 0; i < op.a * 32 / c.bits; i++) {
        const At at = atA(c.m, c.k, c.bits, lane, i);
        A[at.row][at.column] = valueOf(c.type, element(a, c.bits, lane, i));
      }
      for (int i = 0; i < op.b * 32 / c.bits; i++) {
        const At at = atB(c.bits, lane, i);
        B[at.row][at.column] = valueOf(c.typeB, element(b, c.bits, lane, i));
      }
    }
    // The result overwrites the operands' registers in another order: operands must be read first.
    Registers d = start;
    auto pd = pointers(d), pc = pointers(start);
    if (repeat % 2) {
      pd.clear();
      for (size_t i = 0; i < start.size(); i++) pd.push_back(start[(i + 1) % start.size()].data());
    }
    const Registers before = start;
    op.run(pd.data(), pointers(a).data(), pointers(b).data(), pc.data());
    for (int lane = 0; lane < 32; lane++)
      for (int i = 0; i < c.m / 4; i++) {
        const At at = atC(lane, i);
        const auto reg = static_cast<size_t>(half ? i / 2 : i);
        const uint32_t got = pd[reg][lane] >> (half ? 16 * (i % 2) : 0), from = before[reg][static_cast<size_t>(lane)] >> (half ? 16 * (i % 2) : 0);
        if (integer) {
          int64_t sum = static_cast<int32_t>(from);
          for (int k = 0; k < c.k; k++) sum += static_cast<int64_t>(A[at.row][k] * B[k][at.column]);
          if (satfinite) sum = std::clamp<int64_t>(sum, INT32_MIN, INT32_MAX);
          CHECK_EQ(got, static_cast<uint32_t>(static_cast<uint64_t>(sum)));
        } else {
          const double c0 = half ? widen(F16{static_cast<uint16_t>(from)}) : std::bit_cast<float>(from);
          Quad exact = c0;
          double magnitude = std::fabs(c0);
          float ordered = static_cast<float>(c0);
          for (int k = 0; k < c.k; k++) {
            exact += Quad(A[at.row][k]) * B[k][at.column];
            magnitude += std::fabs(A[at.row][k] * B[k][at.column]);
            ordered += static_cast<float>(A[at.row][k]) * static_cast<float>(B[k][at.column]);
          }
          const double value = half ? widen(F16{static_cast<uint16_t>(got)}) : std::bit_cast<float>(got);
          const double bound = magnitude * c.k * 0x1p-23 + (half ? magnitude * 0x1p-11 : 0);
          CHECK(std::fabs(static_cast<double>(Quad(value) - exact)) <= bound);
          // The documented order, exactly.
          if (half) CHECK_EQ(got & 0xffff, nearest<F16>(ordered).bits);
          else CHECK_EQ(got, bits_of(ordered));
        }
      }
  }
}

}  // namespace

TEST("f16, bf16, tf32 fragments and sums") {
  for (int k : {8, 16}) {
    runCase({16, k, 16, MmaType::f16, MmaType::f16, MmaType::f32}, false);
    runCase({16, k, 16, MmaType::bf16, MmaType::bf16, MmaType::f32}, false);
    runCase({16, k, 16, MmaType::f16, MmaType::f16, MmaType::f16}, false);
  }
  for (int k : {4, 8}) runCase({16, k, 32, MmaType::tf32, MmaType::tf32, MmaType::f32}, false);
}

TEST("s8 and u8 fragments and sums, wrapping and saturating") {
  for (MmaType a : {MmaType::s8, MmaType::u8})
    for (MmaType b : {MmaType::s8, MmaType::u8})
      for (bool satfinite : {false, true}) {
        runCase({16, 16, 8, a, b, MmaType::s32}, satfinite);
        runCase({16, 32, 8, a, b, MmaType::s32}, satfinite);
        runCase({8, 16, 8, a, b, MmaType::s32}, satfinite);
      }
  // All extremes at once: the largest sums.
  Registers a(4), b(2), c(4);
  for (auto* r : {&a, &b})
    for (auto& reg : *r) reg.fill(0x80808080);
  for (auto& reg : c) reg.fill(0x7fffffff);
  find_mma(16, 8, 32, MmaType::s32, MmaType::s8, MmaType::s8, MmaType::s32, true).run(pointers(c).data(), pointers(a).data(), pointers(b).data(), pointers(c).data());
  for (auto& reg : c)
    for (uint32_t x : reg) CHECK_EQ(x, 0x7fffffffu);
  find_mma(16, 8, 32, MmaType::s32, MmaType::u8, MmaType::s8, MmaType::s32, false).run(pointers(c).data(), pointers(a).data(), pointers(b).data(), pointers(c).data());
  for (auto& reg : c)
    for (uint32_t x : reg) CHECK_EQ(x, 0x7fffffffu - 32 * 128 * 128);
}

TEST("f64 m8n8k4") {
  double a[32], b[32], c[2][32], d[2][32];
  for (int l = 0; l < 32; l++) a[l] = l + 0.5, b[l] = 3 - l, c[0][l] = l * 0.25, c[1][l] = -l;
  const MmaOp op = find_mma(8, 8, 4, MmaType::f64, MmaType::f64, MmaType::f64, MmaType::f64, false);
  auto* pa = reinterpret_cast<uint32_t*>(a);
  auto* pb = reinterpret_cast<uint32_t*>(b);
  uint32_t* pc[] = {reinterpret_cast<uint32_t*>(c[0]), reinterpret_cast<uint32_t*>(c[1])};
  uint32_t* pd[] = {reinterpret_cast<uint32_t*>(d[0]), reinterpret_cast<uint32_t*>(d[1])};
  op.run(pd, &pa, &pb, pc);
  for (int l = 0; l < 32; l++)
    for (int i = 0; i < 2; i++) {
      double want = c[i][l];  // A: lane = 4 row + k; B: lane = 4 column + k
      for (int k = 0; k < 4; k++) want += a[(l >> 2) * 4 + k] * b[((l % 4) * 2 + i) * 4 + k];
      CHECK_EQ(d[i][l], want);
    }
}

TEST("special values in an mma: NaN is canonical, infinities and subnormals count") {
  Registers a(4), b(2), c(4);
  for (auto& reg : a) reg.fill(0x00010001);  // the smallest f16
  for (auto& reg : b) reg.fill(0x3c003c00);
  c[0].fill(0x7f800000);
  c[1].fill(0xffc00001);
  const MmaOp op = find_mma(16, 8, 16, MmaType::f32, MmaType::f16, MmaType::f16, MmaType::f32, false);
  op.run(pointers(c).data(), pointers(a).data(), pointers(b).data(), pointers(c).data());
  CHECK_EQ(c[0][3], 0x7f800000u);
  CHECK_EQ(c[1][3], 0x7fffffffu);
  CHECK_EQ(std::bit_cast<float>(c[2][3]), 0x1p-20f);
}

TEST("forms that do not exist are refused") {
  CHECK(!find_mma(16, 8, 4, MmaType::f32, MmaType::f16, MmaType::f16, MmaType::f32, false).run);
  CHECK(!find_mma(16, 8, 16, MmaType::f32, MmaType::f16, MmaType::bf16, MmaType::f32, false).run);
  CHECK(!find_mma(16, 8, 16, MmaType::f16, MmaType::bf16, MmaType::bf16, MmaType::f16, false).run);
  CHECK(!find_mma(16, 16, 16, MmaType::f32, MmaType::f16, MmaType::f16, MmaType::f32, false).run);
  CHECK(!find_mma(16, 8, 16, MmaType::f32, MmaType::f16, MmaType::f16, MmaType::f32, true).run);
  CHECK(!find_mma(16, 8, 64, MmaType::s32, MmaType::s8, MmaType::s8, MmaType::s32, false).run);
  CHECK(!find_mma(8, 8, 32, MmaType::s32, MmaType::s8, MmaType::s8, MmaType::s32, false).run);
}

TEST("ldmatrix, stmatrix, movmatrix") {
  uint16_t rows[8][8], back[8][8];
  for (int r = 0; r < 8; r++)
    for (int c = 0; c < 8; c++) rows[r][c] = static_cast<uint16_t>(r * 256 + c);
  uint32_t plain[32], transposed[32], moved[32];
  ldmatrix_distribute(rows, false, plain);
  ldmatrix_distribute(rows, true, transposed);
  movmatrix_transpose(plain, moved);
  for (uint32_t l = 0; l < 32; l++) {
    const uint32_t row = l / 4, column = l % 4 * 2;
    CHECK_EQ(plain[l], (row * 256 + column + 1) << 16 | (row * 256 + column));
    CHECK_EQ(transposed[l], ((column + 1) * 256 + row) << 16 | (column * 256 + row));
    CHECK_EQ(moved[l], transposed[l]);
  }
  for (bool trans : {false, true}) {
    stmatrix_collect(trans ? transposed : plain, trans, back);
    CHECK(std::equal(&rows[0][0], &rows[0][0] + 64, &back[0][0]));
  }
}

TEST_MAIN
