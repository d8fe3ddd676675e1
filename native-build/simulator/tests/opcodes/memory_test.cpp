// SPDX-License-Identifier: Apache-2.0
//
// ld and st in every space, width, vector length and register size; cache and order modifiers; cvta and isspacep; cp.async.
#include <random>

#include "opcodes/probe.hpp"

using namespace opcodes;

namespace {

constexpr unsigned kThreads = 48, kBytes = 32;  // each thread has 32 bytes

struct Type { const char* name; unsigned bytes; bool isSigned; };
const Type kTypes[] = {{"b8", 1, false}, {"u8", 1, false}, {"s8", 1, true}, {"b16", 2, false}, {"u16", 2, false}, {"s16", 2, true}, {"b32", 4, false},
                       {"u32", 4, false}, {"s32", 4, true}, {"f32", 4, false}, {"b64", 8, false}, {"u64", 8, false}, {"s64", 8, true}, {"f64", 8, false}};

std::string reg(unsigned bytes) { return bytes <= 2 ? "%h" : bytes == 4 ? "%r" : "%l"; }
std::string str(unsigned n) { return std::to_string(n); }

/// Text that puts into %l24 the thread's 32 bytes in `space` (preceded by what moves %l23's global bytes there).
std::string place(const std::string& space, bool fill) {
  std::string t = "mul.wide.u32 %l23, %r20, 32;\nadd.s64 %l23, %l23, %l20;\n";
  if (space == "" || space == ".global") return t + "mov.b64 %l24, %l23;\n";
  if (space == ".const") return t + "mov.u64 %l24, cst;\nmul.wide.u32 %l25, %r21, 32;\nadd.s64 %l24, %l24, %l25;\n";
  if (space == ".shared") t += "mov.u64 %l24, buf;\nmul.wide.u32 %l25, %r21, 32;\nadd.s64 %l24, %l24, %l25;\n";
  if (space == ".local") t += "mov.u64 %l24, loc;\n";
  for (unsigned i = 0; i < 4; i++) {
    t += fill ? "ld.global.b64 %l25, [%l23+" + str(8 * i) + "];\n" : "mov.b64 %l25, 0;\n";
    t += "st" + space + ".b64 [%l24+" + str(8 * i) + "], %l25;\n";
  }
  return t;
}

std::string scope(const std::string& space, const std::vector<std::uint8_t>& constants) {
  if (space == ".shared") return ".shared .align 32 .b8 buf[" + str(kThreads * kBytes) + "];\n";
  if (space != ".const") return "";
  std::string t = ".const .align 32 .b8 cst[" + str(kThreads * kBytes) + "] = {";
  for (unsigned i = 0; i < kThreads * kBytes; i++) t += (i ? "," : "") + str(constants[i]);
  return t + "};\n";
}

std::vector<std::uint8_t> randomBytes(std::size_t n) {
  static std::mt19937 r(5);
  std::vector<std::uint8_t> v(n);
  for (auto& b : v) b = static_cast<std::uint8_t>(r());
  return v;
}

std::uint64_t extended(const std::uint8_t* at, const Type& t, unsigned width) {
  std::uint64_t v = 0;
  std::memcpy(&v, at, t.bytes);
  if (t.isSigned && t.bytes < 8 && v >> (8 * t.bytes - 1)) v |= ~std::uint64_t{0} << (8 * t.bytes);
  return width == 8 ? v : v & ((std::uint64_t{1} << (8 * width)) - 1);
}

/// One load form; false when the engine does not know it.
bool checkLoad(simtest::Device& device, const std::string& space, const std::string& modifiers, unsigned vector, const Type& t, unsigned width) {
  const std::string form = "ld" + modifiers + space + (vector > 1 ? ".v" + str(vector) : "") + "." + t.name;
  const auto in = randomBytes(kThreads * kBytes);
  const std::string local = space == ".local" ? ".local .align 32 .b8 loc[32];\n" : "";
  std::string body = local + place(space, true) + form + " " + list(reg(width), vector) + ", [%l24];\n";
  body += "mul.wide.u32 %l26, %r20, 64;\nadd.s64 %l26, %l26, %l21;\n";
  for (unsigned i = 0; i < vector; i++)
    body += "st.global.b" + str(8 * width) + " [%l26+" + str(8 * i) + "], " + reg(width) + str(i) + ";\n";
  const std::string text = kernel(body, scope(space, in));
  if (!accepts(device, text)) return false;
  const auto module = device.load(text);
  const auto a = device.upload(in), b = device.upload(std::vector<std::uint64_t>(8 * kThreads));
  device.launch(*module, "k", {1}, {kThreads}, a, b, std::uint64_t{0});
  const auto got = device.download<std::uint64_t>(b, 8 * kThreads);
  bool good = true;
  for (unsigned lane = 0; lane < kThreads; lane++)
    for (unsigned i = 0; i < vector; i++) good &= got[8 * lane + i] == extended(&in[lane * kBytes + i * t.bytes], t, width);
  if (!good) check::fail(__FILE__, __LINE__, form + " into " + str(8 * width) + "-bit registers is wrong");
  return true;
}

bool checkStore(simtest::Device& device, const std::string& space, const std::string& modifiers, unsigned vector, const Type& t, unsigned width) {
  const std::string form = "st" + modifiers + space + (vector > 1 ? ".v" + str(vector) : "") + "." + t.name;
  const auto in = randomBytes(kThreads * 64);
  std::string body = space == ".local" ? ".local .align 32 .b8 loc[32];\n" : "";
  body += "mul.wide.u32 %l26, %r20, 64;\nadd.s64 %l26, %l26, %l20;\n";
  for (unsigned i = 0; i < vector; i++)
    body += "ld.global.b" + str(8 * width) + " " + reg(width) + str(i) + ", [%l26+" + str(8 * i) + "];\n";
  // The destination is the output (global, generic) or a zeroed place whose 32 bytes are then copied there.
  const bool direct = space == "" || space == ".global";
  body += direct ? "mul.wide.u32 %l24, %r20, 32;\nadd.s64 %l24, %l24, %l21;\n" : place(space, false);
  body += form + " [%l24], " + list(reg(width), vector) + ";\n";
  if (!direct) {
    body += "mul.wide.u32 %l27, %r20, 32;\nadd.s64 %l27, %l27, %l21;\n";
    for (unsigned i = 0; i < 4; i++) body += "ld" + space + ".b64 %l25, [%l24+" + str(8 * i) + "];\nst.global.b64 [%l27+" + str(8 * i) + "], %l25;\n";
  }
  const std::string text = kernel(body, scope(space, in));
  if (!accepts(device, text)) return false;
  const auto module = device.load(text);
  const auto a = device.upload(in), b = device.upload(std::vector<std::uint8_t>(kBytes * kThreads));
  device.launch(*module, "k", {1}, {kThreads}, a, b, std::uint64_t{0});
  const auto got = device.download<std::uint8_t>(b, kBytes * kThreads);
  std::vector<std::uint8_t> want(kBytes * kThreads);
  for (unsigned lane = 0; lane < kThreads; lane++)
    for (unsigned i = 0; i < vector; i++) std::memcpy(&want[lane * kBytes + i * t.bytes], &in[lane * 64 + i * 8], t.bytes);
  if (got != want) check::fail(__FILE__, __LINE__, form + " from " + str(8 * width) + "-bit registers is wrong");
  return true;
}

}  // namespace

TEST("ld and st: every space, type, vector length and register size") {
  simtest::Device device(10, 0);
  int loads = 0, stores = 0;
  for (const std::string space : {"", ".global", ".shared", ".local", ".const"})
    for (const Type& t : kTypes)
      for (unsigned vector : {1u, 2u, 4u, 8u})
        for (unsigned width : {2u, 4u, 8u}) {
          if (width < t.bytes || vector * t.bytes > 32) continue;
          const bool isFloat = t.name[0] == 'f';
          if (isFloat && width != t.bytes) continue;
          const bool needed = vector <= 4 && vector * t.bytes <= 16;  // PTX has these everywhere; 32 bytes on sm_100 only
          const bool loaded = checkLoad(device, space, "", vector, t, width);
          const bool stored = space != ".const" && checkStore(device, space, "", vector, t, width);
          loads += loaded, stores += stored;
          if (needed) CHECK(loaded && (stored || space == ".const"));
        }
  std::printf("  %d load and %d store forms\n", loads, stores);
}

TEST("cache, order and scope modifiers change nothing about the value") {
  simtest::Device device(10, 0);
  const Type u32{"u32", 4, false};
  for (const char* m : {".relaxed.gpu", ".relaxed.cta", ".relaxed.sys", ".acquire.gpu", ".volatile", ".weak"}) {
    CHECK(checkLoad(device, ".global", m, 1, u32, 4));
    CHECK(checkLoad(device, ".shared", m, 1, u32, 4));
  }
  for (const char* m : {".relaxed.gpu", ".release.gpu", ".volatile", ".weak"}) CHECK(checkStore(device, ".global", m, 1, u32, 4));
  for (const char* s : {".global.nc", ".global.ca", ".global.cg", ".global.cs", ".global.L1::no_allocate", ".global.nc.L1::no_allocate.L2::128B", ".shared::cta"}) {
    std::string text = kernel(std::string(s) == ".shared::cta" ? "st.shared.b32 [buf], 7;\nbar.warp.sync -1;\nld.shared::cta.u32 %r0, [buf];\nst.global.u32 [%l21], %r0;\n"
                                                               : "ld" + std::string(s) + ".u32 %r0, [%l20];\nst.global.u32 [%l21], %r0;\n",
                              ".shared .align 8 .b8 buf[8];\n");
    CHECK_EQ((runKernel<std::uint32_t, std::uint32_t>(device, text, {7}, 1, 1, 1)[0]), 7u);
  }
}

TEST("unknown modifiers and impossible forms are refused") {
  simtest::Device device(10, 0);
  for (const char* line : {"ld.global.L3::evict.u32 %r0, [%l20];", "ld.global.u32.u32 %r0, [%l20];", "ld.global.v3.u32 {%r0,%r1,%r2}, [%l20];",
                           "ld.global.v2.u32 %r0, [%l20];", "ld.global.u64 %r0, [%l20];", "st.const.u32 [%l20], %r0;", "st.global.nc.u32 [%l20], %r0;",
                           "ld.relaxed.global.u32 %r0, [%l20];", "ld.global.u32 %r0, [%r1];", "ld.acquire.gpu.nc.global.u32 %r0, [%l20];",
                           "add.f32 %l0, %l1, %l2;", "mul.wide.s32 %r0, %r1, %r2;", "cvt.rn.f32.f64.sat %f0, %d0;", "add.rn.s32 %r0, %r1, %r2;",
                           "mov.u32 %r0, %nosuch;", "fma.f32 %f0, %f1, %f2, %f3;", "bra nowhere;", "mul.hi.u8 %h0, %h1, %h2;", "cvt.s32.f32 %r0, %f0;",
                           "shl.b32 %r0, %r1, %h0;", "selp.b32 %r0, %r1, %r2, %r3;", "add.s32 %r0, %r1;", "add.s32 %r0, %r1, %r2, %r3;", "add.s32 %r99, %r1, %r2;",
                           "setp.num.s32 %p0, %r0, %r1;", "setp.lo.s32 %p0, %r0, %r1;", "lop3.b32 %r0, %r1, %r2, %r3, %r4;", "atom.global.add.b32 %r0, [%l20], %r1;",
                           "mma.sync.aligned.m16n8k16.row.row.f32.f16.f16.f32 {%r0,%r1,%r2,%r3},{%r4,%r5,%r6,%r7},{%r8,%r9},{%r0,%r1,%r2,%r3};",
                           "wgmma.fence.sync.aligned;", "frobnicate.u32 %r0, %r1;"}) {
    std::string log;
    const auto module = simtest::Module::load(kernel(std::string(line) + "\n"), device.memory, device.properties, log);
    if (module) check::fail(__FILE__, __LINE__, std::string("accepted: ") + line);
    else if (log.find("ptx:19: ") == std::string::npos) check::fail(__FILE__, __LINE__, std::string(line) + " is reported as: " + log);
  }
}

TEST("cvta and isspacep") {
  simtest::Device device(10, 0);
  const std::string text = kernel(
      ".local .align 8 .b8 loc[8];\n"
      "mov.u64 %l0, buf;\ncvta.shared.u64 %l1, %l0;\ncvta.to.shared.u64 %l2, %l1;\nsub.s64 %l2, %l2, %l0;\n"
      "mov.u64 %l3, loc;\ncvta.local.u64 %l4, %l3;\ncvta.to.local.u64 %l5, %l4;\nsub.s64 %l5, %l5, %l3;\ncvta.global.u64 %l6, %l20;\nsub.s64 %l6, %l6, %l20;\n"
      "st.b32 [%l1], 77;\nld.shared.u32 %r0, [buf];\nst.b32 [%l4], 88;\nld.local.u32 %r1, [loc];\n"
      "isspacep.shared %p0, %l1;\nisspacep.global %p1, %l1;\nisspacep.local %p2, %l4;\nisspacep.global %p3, %l20;\nisspacep.shared %p4, %l20;\n"
      "selp.u32 %r2, 1, 0, %p0;\nselp.u32 %r3, 2, 0, %p1;\nor.b32 %r2, %r2, %r3;\nselp.u32 %r3, 4, 0, %p2;\nor.b32 %r2, %r2, %r3;\n"
      "selp.u32 %r3, 8, 0, %p3;\nor.b32 %r2, %r2, %r3;\nselp.u32 %r3, 16, 0, %p4;\nor.b32 %r2, %r2, %r3;\n"
      "st.global.u64 [%l21], %l2;\nst.global.u64 [%l21+8], %l5;\nst.global.u64 [%l21+16], %l6;\n"
      "cvt.u64.u32 %l7, %r0;\nst.global.u64 [%l21+24], %l7;\ncvt.u64.u32 %l7, %r1;\nst.global.u64 [%l21+32], %l7;\ncvt.u64.u32 %l7, %r2;\nst.global.u64 [%l21+40], %l7;\n",
      ".shared .align 8 .b8 pad[24];\n.shared .align 8 .b8 buf[8];\n");
  const auto got = runKernel<std::uint64_t, std::uint64_t>(device, text, {0}, 6, 1, 1);
  CHECK(got == (std::vector<std::uint64_t>{0, 0, 0, 77, 88, 1 | 4 | 8}));
}

TEST("cp.async: sizes, zero fill, groups") {
  simtest::Device device(10, 0);
  const auto in = randomBytes(32 * 64);
  for (unsigned size : {4u, 8u, 16u})
    for (unsigned valid : {0u, 1u, size - 1, size})
      for (const char* how : {"cp.async.commit_group;\ncp.async.wait_group 0;\n", "cp.async.wait_all;\n"}) {
        const std::string cache = size == 16 ? "cg" : "ca";
        const std::string text = kernel(
            "mul.wide.u32 %l0, %r21, 16;\nmov.u64 %l1, buf;\nadd.s64 %l1, %l1, %l0;\nadd.s64 %l2, %l20, %l0;\nadd.s64 %l3, %l21, %l0;\n"
            "st.shared.b64 [%l1], -1;\nst.shared.b64 [%l1+8], -1;\n"
            "cp.async." + cache + ".shared.global [%l1], [%l2], " + str(size) + ", " + str(valid) + ";\n" + how +
            "ld.shared.v2.b64 {%l4, %l5}, [%l1];\nst.global.v2.b64 [%l3], {%l4, %l5};\n", ".shared .align 16 .b8 buf[512];\n");
        const auto got = runKernel<std::uint8_t, std::uint8_t>(device, text, in, 512, 1, 32);
        for (unsigned i = 0; i < 512; i++) CHECK_EQ(int(got[i]), i % 16 >= size ? 0xff : i % 16 < valid ? int(in[i]) : 0);
      }
  // Two groups in flight: waiting for all but one delivers the first.
  const std::string two = kernel(
      "cp.async.ca.shared.global [buf], [%l20], 4;\ncp.async.commit_group;\ncp.async.ca.shared.global [buf+4], [%l20+4], 4;\ncp.async.commit_group;\n"
      "cp.async.wait_group 1;\nld.shared.u32 %r0, [buf];\nst.global.u32 [%l21], %r0;\ncp.async.wait_group 0;\nld.shared.u32 %r0, [buf+4];\nst.global.u32 [%l21+4], %r0;\n",
      ".shared .align 16 .b8 buf[16];\n");
  CHECK((runKernel<std::uint32_t, std::uint32_t>(device, two, {11, 22}, 2, 1, 1) == std::vector<std::uint32_t>{11, 22}));
}

TEST_MAIN
