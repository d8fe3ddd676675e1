// SPDX-License-Identifier: Apache-2.0
//
// Operand forms around the arithmetic: packed moves, constants, special registers, negated predicates, guards, sinks,
// narrow and wide registers of cvt, address arithmetic, variables.
#include "opcodes/probe.hpp"

using namespace opcodes;

namespace {

/// Results of a body run by one thread: it stores 64-bit cells through %l21.
std::vector<std::uint64_t> one(const std::string& body, std::size_t cells, const std::string& moduleScope = "", std::vector<std::uint64_t> in = {0x1122334455667788, 0x99aabbccddeeff00}) {
  simtest::Device device(10, 0);
  return runKernel<std::uint64_t>(device, kernel(body, moduleScope), in, cells, 1, 1);
}
using Cells = std::vector<std::uint64_t>;

}  // namespace

TEST("mov packs and unpacks halves, words and quarters") {
  CHECK(one("ld.global.u64 %l0, [%l20];\nmov.b64 {%r0, %r1}, %l0;\nmov.b64 %l1, {%r1, %r0};\nst.global.u64 [%l21], %l1;\n"
            "mov.b32 {%h0, %h1}, %r0;\nmov.b32 %r2, {%h1, %h0};\ncvt.u64.u32 %l2, %r2;\nst.global.u64 [%l21+8], %l2;\n"
            "mov.b64 {%h2, %h3, %h4, %h5}, %l0;\nmov.b64 %l3, {%h5, %h4, %h3, %h2};\nst.global.u64 [%l21+16], %l3;\n"
            "mov.b64 {_, %r3}, %l0;\ncvt.u64.u32 %l4, %r3;\nst.global.u64 [%l21+24], %l4;\n", 4) ==
        (Cells{0x5566778811223344, 0x77885566, 0x7788556633441122, 0x11223344}));
}

TEST("constants: decimal, hex, octal, binary, negative, float and double bits") {
  CHECK(one("mov.u64 %l0, 0x10;\nadd.s64 %l0, %l0, 017;\nadd.s64 %l0, %l0, 0b101;\nadd.s64 %l0, %l0, -1;\nst.global.u64 [%l21], %l0;\n"
            "mov.f32 %f0, 0f3FC00000;\nadd.f32 %f0, %f0, 0fBF000000;\ncvt.f64.f32 %d0, %f0;\nadd.f64 %d0, %d0, 0d3FF8000000000000;\nst.global.f64 [%l21+8], %d0;\n"
            "add.s32 %r0, 5, -8;\ncvt.s64.s32 %l1, %r0;\nst.global.u64 [%l21+16], %l1;\nmov.f32 %f1, 0.5;\ncvt.f64.f32 %d1, %f1;\nst.global.f64 [%l21+24], %d1;\n", 4) ==
        (Cells{35, std::bit_cast<std::uint64_t>(2.5), ~std::uint64_t{2}, std::bit_cast<std::uint64_t>(0.5)}));
}

TEST("predicates: negated sources, guards, sinks, pairs") {
  CHECK(one("ld.global.u64 %l0, [%l20];\nsetp.gt.u64 %p0|%p1, %l0, 5;\nand.pred %p2, %p0, !%p1;\nselp.u32 %r0, 7, 8, %p2;\nmov.u32 %r1, 1;\n@%p1 mov.u32 %r1, 2;\n@!%p1 add.u32 %r1, %r1, 10;\n"
            "setp.eq.or.u64 %p3, %l0, 5, !%p0;\nselp.u32 %r2, 7, 8, %p3;\nsetp.gt.and.u64 %p5|%p4, %l0, 5, %p0;\nselp.u32 %r3, 7, 8, %p4;\n"
            "mad.lo.u32 %r4, %r0, 1000, %r1;\nmad.lo.u32 %r4, %r4, 10, %r2;\nmad.lo.u32 %r4, %r4, 10, %r3;\ncvt.u64.u32 %l1, %r4;\nst.global.u64 [%l21], %l1;\n", 1) ==
        (Cells{701188}));
}

TEST("cvt takes the low part of wide registers and extends into wide ones") {
  CHECK(one("mov.u32 %r0, 0x12345680;\ncvt.s32.s8 %r1, %r0;\ncvt.s64.s32 %l0, %r1;\nst.global.u64 [%l21], %l0;\ncvt.u32.u8 %r2, %r0;\ncvt.u64.u32 %l1, %r2;\nst.global.u64 [%l21+8], %l1;\n"
            "cvt.s8.s32 %r3, %r0;\ncvt.s64.s32 %l2, %r3;\nst.global.u64 [%l21+16], %l2;\ncvt.u8.s32 %l3, %r0;\nst.global.u64 [%l21+24], %l3;\ncvt.s16.s64 %l4, %l0;\nst.global.u64 [%l21+32], %l4;\n"
            "cvt.rzi.s8.f32 %l5, 0fC2C80000;\nst.global.u64 [%l21+40], %l5;\n", 6) ==
        (Cells{0xffffffffffffff80, 0x80, 0xffffffffffffff80, 0x80, 0xffffffffffffff80, 0xffffffffffffff9c}));
}

TEST("special registers") {
  simtest::Device device(10, 0);
  const std::string text = kernel(
      "mov.u32 %r0, %tid.y;\nmov.u32 %r1, %ntid.x;\nmad.lo.u32 %r0, %r0, %r1, %r21;\nmov.u32 %r2, %ctaid.y;\nmov.u32 %r3, %nctaid.x;\nmad.lo.u32 %r2, %r2, %r3, %r22;\nmov.u32 %r4, %ntid.y;\nmul.lo.u32 %r5, %r1, %r4;\n"
      "mad.lo.u32 %r6, %r2, %r5, %r0;\nmul.wide.u32 %l0, %r6, 32;\nadd.s64 %l0, %l0, %l21;\nmov.u32 %r7, %laneid;\nmov.u32 %r8, %warpid;\nmov.u32 %r9, %nctaid.y;\nmov.u32 %r10, %tid.z;\nst.global.v4.u32 [%l0], {%r7, %r8, %r9, %r10};\n"
      "mov.u32 %r11, %lanemask_lt;\nmov.u32 %r12, %lanemask_ge;\nmov.u32 %r13, %lanemask_eq;\nmov.u32 %r14, %lanemask_le;\nst.global.v4.u32 [%l0+16], {%r11, %r12, %r13, %r14};\n");
  const auto module = device.load(text);
  const auto out = device.allocate(6 * 40 * 32);
  device.launch(*module, "k", {3, 2}, {10, 4}, std::uint64_t{0}, out, std::uint64_t{0});
  const auto got = device.download<std::uint32_t>(out, 6 * 40 * 8);
  for (unsigned i = 0; i < 240; i++) {
    const unsigned thread = i % 40, lane = thread % 32;
    const std::uint32_t below = (1u << lane) - 1, want[] = {lane, thread / 32, 2, 0, below, ~below, 1u << lane, below | 1u << lane};
    for (unsigned k = 0; k < 8; k++) CHECK_EQ(got[8 * i + k], want[k]);
  }
}

TEST("variables: initialised, addresses in initialisers, offsets, constant memory, parameters as arrays") {
  CHECK(one("ld.global.u32 %r0, [words+4];\nmov.u64 %l0, words;\nld.global.u32 %r1, [%l0+8];\nld.global.u64 %l1, [pointer];\nld.u32 %r2, [%l1];\nld.const.u16 %h0, [halves+2];\ncvt.u64.u16 %l2, %h0;\n"
            "ld.global.f64 %d0, [real];\nadd.u32 %r0, %r0, %r1;\nadd.u32 %r0, %r0, %r2;\ncvt.u64.u32 %l3, %r0;\nst.global.u64 [%l21], %l3;\nst.global.u64 [%l21+8], %l2;\nst.global.f64 [%l21+16], %d0;\n",
            3, ".global .align 4 .u32 words[4] = {1, 20, 300};\n.global .align 8 .u64 pointer = generic(words)+8;\n.const .align 2 .u16 halves[2] = {7, 9};\n.global .align 8 .f64 real = 0d4002000000000000;\n") ==
        (Cells{620, 9, std::bit_cast<std::uint64_t>(2.25)}));
}

TEST_MAIN
