// SPDX-License-Identifier: Apache-2.0
//
// Text that has to be refused, with the line; and text that has to load.
#include "check.hpp"
#include "kernel_runner.hpp"

using namespace kernel_test;

namespace {

const std::string kHead = ".version 9.0\n.target sm_90\n.address_size 64\n";

std::string kernel(const std::string& body) {
  return kHead + ".visible .entry k(.param .u64 p)\n{\n.reg .pred %p<4>;\n.reg .b16 %rs<8>;\n.reg .b32 %r<8>;\n.reg .f32 %f<8>;\n.reg .b64 %rd<8>;\n.reg .f64 %fd<4>;\n" + body + "\nret;\n}\n";
}
constexpr int kBodyLine = 12;

void refused(const std::string& text, int line, const std::string& part) {
  Device d;
  CHECK(!d.load(text));
  CHECK(d.memory.live().empty());
  const std::string want = "ptx:" + std::to_string(line) + ": ";
  if (line > 0 && d.log.compare(0, want.size(), want) != 0) check::fail(__FILE__, __LINE__, "log '" + d.log + "' is not about line " + std::to_string(line) + "\n" + text);
  if (d.log.find(part) == std::string::npos) check::fail(__FILE__, __LINE__, "log '" + d.log + "' does not say '" + part + "'");
}
void refusedBody(const std::string& body, const std::string& part) { refused(kernel(body), kBodyLine, part); }

}  // namespace

TEST("instructions that do not exist") {
  for (const char* body : {"add.u33 %r1, %r2, %r3;", "addd.u32 %r1, %r2, %r3;", "add.sat.u32 %r1, %r2, %r3;", "mul.u32 %r1, %r2, %r3;", "fma.f32 %f1, %f2, %f3, %f1;",
                           "cvt.f16.f32 %rs1, %f1;", "cvt.s32.f32 %r1, %f1;", "setp.num.s32 %p1, %r1, %r2;", "mul.hi.b16 %rs1, %rs2, %rs3;", "ld.global.v3.u32 {%r1,%r2,%r3}, [%rd1];",
                           "ld.gloobal.u32 %r1, [%rd1];", "ld.acquire.u32 %r1, [%rd1];", "atom.global.sub.u32 %r1, [%rd1], %r2;", "shfl.bfly.b32 %r1, %r2, 1, 31;",
                           "mma.sync.aligned.m16n8k16.col.row.f32.bf16.bf16.f32 {%f1,%f2,%f3,%f4}, {%r1,%r2,%r3,%r4}, {%r5,%r6}, {%f1,%f2,%f3,%f4};",
                           "wgmma.fence.sync.aligned;", "bar.sync 16;", "tex.2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%rd1, {%f1,%f2}];", "cp.async.cg.shared.global [%r1], [%rd1], 8;",
                           "prmt.b32.f5e %r1, %r2, %r3, %r4;", "lop3.b32 %r1, %r2, %r3, %r4, %r5;"})
    refused(kernel(body), kBodyLine, "");
}

TEST("operands that do not fit") {
  refusedBody("add.u32 %r1, %r2, %rd3;", "wrong size");
  refusedBody("add.u32 %r1, %r2;", "operands");
  refusedBody("add.u32 %r1, %r2, %r9;", "unknown special register");
  refusedBody("add.u32 %r1, %r2, 0x1ffffffff;", "does not fit");
  refusedBody("add.f32 %f1, %f2, 1;", "integer constant");
  refusedBody("mov.u32 %r1, %nosuch;", "special register");
  refusedBody("ld.param.u64 %rd1, [p+4];", "beyond the end");
  refusedBody("ld.global.u32 %r1, [%r2];", "64-bit");
  refusedBody("@%r1 bra L;", "guard");
  refusedBody("bra NOWHERE;", "unknown name");
  refusedBody("selp.b32 %r1, %r2, %r3, %r4;", "predicate");
}

TEST("broken text") {
  refused("", 1, ".version");
  refused("garbage \x01", 1, "");
  refused(kHead + ".visible .entry k() {", 4, "'}'");
  refused(kHead + ".bogus 1;", 4, "unknown directive");
  refused(kHead + "/* no end", 4, "comment");
  refused(kHead + ".global .b8 a[99999999999999999999];", 4, "64 bits");
  refused(kHead + ".global .u32 a = {1, 2};", 4, "too many");
  refused(kHead + ".shared .align 3 .b8 a[4];", 4, "power of two");
  refused(kHead + ".visible .entry k() { .reg .b32 %r<2>; .reg .b32 %r1; ret; }", 4, "declared twice");
  refused(".version 9.0\n.target sm_100\n.address_size 64\n", 1, "sm_100");
  refused(kHead + ".extern .global .u32 a;\n", 4, "nowhere");
}

TEST("every prefix of a good text is refused or loads, and never crashes") {
  const std::string text = kernel("ld.param.u64 %rd1, [p];\n@%p1 bra L;\nst.global.u32 [%rd1], 7;\nL:");
  Device d;
  CHECK(d.load(text));
  for (std::size_t n = 0; n < text.size(); ++n) d.load(std::string_view(text).substr(0, n));
}

TEST("scoped labels and registers, comments, guards") {
  Device d;
  CHECK(d.load(kernel("ld.param.u64 %rd1, [p]; // comment\n{ .reg .b32 %r1; mov.u32 %r1, 3; bra L; L: st.global.u32 [%rd1], %r1; }\n/* more */ { mov.u32 %r1, 4; bra L; L: st.global.u32 [%rd1+4], %r1; }")));
  CHECK_EQ(d.log, "");
  const auto out = d.memory.allocate(8);
  const LaunchResult r = d.launch("k", {1}, {1}, Arguments() << out);
  CHECK_EQ(describe(r), "");
  CHECK_EQ(d.download<int>(out, 2)[0], 3);
  CHECK_EQ(d.download<int>(out, 2)[1], 4);
}

TEST("a bad launch is refused, and says why") {
  Device d;
  CHECK(d.load(kernel("")));
  CHECK_EQ(static_cast<int>(d.launch("k", {1}, {2048}, Arguments() << std::uint64_t{0}).fault), 1);
  CHECK_EQ(static_cast<int>(d.launch("k", {0}, {32}, Arguments() << std::uint64_t{0}).fault), 1);
  CHECK_EQ(static_cast<int>(d.launch("k", {1}, {32}, Arguments()).fault), 1);
  CHECK_EQ(static_cast<int>(d.launch("nosuch", {1}, {32}, Arguments()).fault), 1);
  CHECK_EQ(static_cast<int>(d.launch("k", {1}, {32}, Arguments() << std::uint64_t{0}, 1 << 20).fault), 1);
  CHECK(d.launch("k", {1}, {2048}, Arguments() << std::uint64_t{0}).faultText.find("2048") != std::string::npos);
}

TEST_MAIN
