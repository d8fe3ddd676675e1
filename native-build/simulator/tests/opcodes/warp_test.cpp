// SPDX-License-Identifier: Apache-2.0
//
// shfl, vote, match, redux, activemask, bar, mma, ldmatrix, stmatrix, movmatrix: every form the engine accepts, with full
// and partial member masks.
#include <algorithm>
#include <map>
#include <random>

#include "numerics/numerics.hpp"
#include "opcodes/form.hpp"
#include "opcodes/probe.hpp"

using namespace opcodes;

namespace {

std::mt19937_64& entropy() {
  static std::mt19937_64 r(77);
  return r;
}
std::vector<std::uint32_t> words(std::size_t n) {
  std::vector<std::uint32_t> v(n);
  for (auto& x : v) x = static_cast<std::uint32_t>(entropy()());
  return v;
}
std::string str(std::uint64_t n) { return std::to_string(n); }

/// Loads the lane's word (and a second one 128 bytes on) to %r0, %r1; the output address of `cells` words a lane is %l24.
std::string lanes(unsigned cells) {
  return "mul.wide.u32 %l23, %r21, 4;\nadd.s64 %l23, %l23, %l20;\nld.global.u32 %r0, [%l23];\nld.global.u32 %r1, [%l23+128];\n"
         "mul.wide.u32 %l24, %r21, " + str(4 * cells) + ";\nadd.s64 %l24, %l24, %l21;\n";
}

/// Lanes outside `mask` skip `body`.
std::string only(std::uint32_t mask, const std::string& body) {
  if (mask == 0xffffffff) return body;
  return "mov.u32 %r10, %lanemask_eq;\nand.b32 %r10, %r10, " + str(mask) + ";\nsetp.eq.u32 %p10, %r10, 0;\n@%p10 bra skip;\n" + body + "skip:\n";
}

const std::uint32_t kMasks[] = {0xffffffff, 0x0000ffff, 0x80000001, 0x13570246, 0x00000010};

}  // namespace

TEST("shfl: modes, segments, predicates, member masks") {
  simtest::Device device(10, 0);
  for (const char* mode : {"up", "down", "bfly", "idx"})
    for (std::uint32_t mask : kMasks)
      for (std::uint32_t c : {0x1fu, 0x0u, 0x181fu, 0x1800u, 0x1000u, 0x101fu, 0x1c03u})
        for (int b : {0, 1, 3, 16, 31}) {
          auto in = words(64);
          for (unsigned l = 0; l < 32; l++) in[32 + l] = b == 3 ? static_cast<std::uint32_t>(entropy()() % 32) : static_cast<std::uint32_t>(b);
          const bool differs = b == 3;  // the lane operand may differ between lanes
          const std::string text = kernel(lanes(2) + "mov.b32 %r2, 12345;\nsetp.ne.u32 %p0, %r0, %r0;\n" +
              only(mask, "shfl.sync." + std::string(mode) + ".b32 %r2|%p0, %r0, %r1, " + str(c) + ", " + str(mask) + ";\n") +
              "selp.u32 %r3, 1, 0, %p0;\nst.global.u32 [%l24], %r2;\nst.global.u32 [%l24+4], %r3;\n");
          // Reading a lane that is not active is undefined; keep to sources inside the mask.
          const auto source = [&](unsigned lane, bool& valid) {
            const unsigned bval = in[32 + lane] & 31, cval = c & 31, seg = c >> 8 & 31;
            const unsigned top = (lane & seg) | (cval & ~seg), low = lane & seg;
            unsigned j = lane;
            if (std::string(mode) == "up") j = lane - bval, valid = static_cast<int>(j) >= static_cast<int>(top);
            if (std::string(mode) == "down") j = lane + bval, valid = j <= top;
            if (std::string(mode) == "bfly") j = lane ^ bval, valid = j <= top;
            if (std::string(mode) == "idx") j = low | (bval & ~seg), valid = j <= top;
            return valid ? j : lane;
          };
          bool legal = true;
          for (unsigned l = 0; l < 32; l++) {
            bool valid = false;
            const unsigned j = source(l, valid);
            if (mask >> l & 1) legal &= mask >> (j & 31) & 1;
          }
          if (!legal || (differs && mask != 0xffffffff)) continue;
          const auto got = runKernel<std::uint32_t>(device, text, in, 64, 1, 32);
          for (unsigned l = 0; l < 32; l++) {
            bool valid = false;
            const unsigned j = source(l, valid);
            const bool member = mask >> l & 1;
            CHECK_EQ(got[2 * l], member ? in[j] : 12345u);
            CHECK_EQ(got[2 * l + 1], member && valid);
          }
        }
}

TEST("vote, match, activemask") {
  simtest::Device device(10, 0);
  for (std::uint32_t mask : kMasks)
    for (int kind = 0; kind < 3; kind++) {  // mixed, all equal, few values
      auto in = words(64);
      for (unsigned l = 0; l < 32; l++) in[l] = kind == 0 ? in[l] & 1 : kind == 1 ? 1 : in[l] % 3;
      const std::string m = str(mask);
      const std::string text = kernel(lanes(8) + "setp.ne.u32 %p1, %r0, 0;\ncvt.u64.u32 %l1, %r0;\nshl.b64 %l1, %l1, 40;\n" +
          "mov.b32 %r2, 0;\nmov.b32 %r3, 0;\nmov.b32 %r4, 0;\nmov.b32 %r5, 0;\nmov.b32 %r6, 0;\nmov.b32 %r7, 0;\nmov.b32 %r8, 0;\nmov.b32 %r9, 0;\n" +
          only(mask, "vote.sync.ballot.b32 %r2, %p1, " + m + ";\nvote.sync.any.pred %p2, %p1, " + m + ";\nvote.sync.all.pred %p3, %p1, " + m +
                         ";\nvote.sync.uni.pred %p4, %p1, " + m + ";\nselp.u32 %r3, 1, 0, %p2;\nselp.u32 %r4, 1, 0, %p3;\nselp.u32 %r5, 1, 0, %p4;\n" +
                         "match.any.sync.b32 %r6, %r0, " + m + ";\nmatch.any.sync.b64 %r7, %l1, " + m + ";\nmatch.all.sync.b32 %r8|%p5, %r0, " + m +
                         ";\nselp.u32 %r9, 1, 0, %p5;\nshl.b32 %r9, %r9, 1;\nmatch.all.sync.b64 %r11|%p6, %l1, " + m + ";\nselp.u32 %r12, 1, 0, %p6;\nor.b32 %r9, %r9, %r12;\n") +
          "st.global.v4.u32 [%l24], {%r2, %r3, %r4, %r5};\nst.global.v4.u32 [%l24+16], {%r6, %r7, %r8, %r9};\n");
      const auto got = runKernel<std::uint32_t>(device, text, in, 256, 1, 32);
      std::uint32_t ballot = 0;
      for (unsigned l = 0; l < 32; l++) ballot |= (in[l] != 0 && mask >> l & 1 ? 1u : 0u) << l;
      for (unsigned l = 0; l < 32; l++) {
        if (!(mask >> l & 1)) continue;
        std::uint32_t same = 0;
        for (unsigned k = 0; k < 32; k++) same |= (mask >> k & 1 && in[k] == in[l] ? 1u : 0u) << k;
        const bool all = same == mask;
        const std::uint32_t want[] = {ballot, ballot != 0, ballot == mask, ballot == 0 || ballot == mask, same, same, all ? mask : 0, all ? 3u : 0u};
        for (unsigned k = 0; k < 8; k++) CHECK_EQ(got[8 * l + k], want[k]);
      }
      const auto active = runKernel<std::uint32_t>(device, kernel(lanes(1) + "mov.b32 %r2, 0;\n" + only(mask, "activemask.b32 %r2;\n") + "st.global.u32 [%l24], %r2;\n"), in, 32, 1, 32);
      for (unsigned l = 0; l < 32; l++) CHECK_EQ(active[l], mask >> l & 1 ? mask : 0u);
    }
}

TEST("redux: every accepted operation and type") {
  simtest::Device device(10, 0);
  int covered = 0;
  for (const std::string op : {"add", "min", "max", "and", "or", "xor"})
    for (const std::string type : {"u32", "s32", "b32", "f32"})
      for (std::uint32_t mask : kMasks) {
        const auto in = words(64);
        const std::string text = kernel(lanes(1) + "mov.b32 %r2, 0;\n" + only(mask, "redux.sync." + op + "." + type + " %r2, %r0, " + str(mask) + ";\n") + "st.global.u32 [%l24], %r2;\n");
        if (!accepts(device, text)) continue;
        covered += mask == 0xffffffff;
        const auto got = runKernel<std::uint32_t>(device, text, in, 32, 1, 32);
        std::uint32_t want = 0;
        bool first = true;
        for (unsigned l = 0; l < 32; l++) {
          if (!(mask >> l & 1)) continue;
          const std::uint32_t x = in[l];
          const auto signedLess = [](std::uint32_t p, std::uint32_t q) { return static_cast<std::int32_t>(p) < static_cast<std::int32_t>(q); };
          const bool less = type == "s32" ? signedLess(x, want) : x < want;
          if (type == "f32") {
            const auto f = [](std::uint32_t b) { return std::bit_cast<float>(b); };
            want = first ? num::bits_of(num::min(f(x), f(x))) : num::bits_of(op == "min" ? num::min(f(x), f(want)) : num::max(f(x), f(want)));
          } else if (first) want = x;
          else if (op == "add") want += x;
          else if (op == "min") want = less ? x : want;
          else if (op == "max") want = less ? want : x;
          else want = op == "and" ? want & x : op == "or" ? want | x : want ^ x;
          first = false;
        }
        for (unsigned l = 0; l < 32; l++) CHECK_EQ(got[l], mask >> l & 1 ? want : 0u);
      }
  std::printf("  redux: %d forms\n", covered);
  CHECK(covered >= 9);
}

TEST("block barriers: sync, arrive, red, numbered, with counts") {
  simtest::Device device(10, 0);
  const std::string text = kernel(
      "mul.wide.u32 %l23, %r21, 4;\nadd.s64 %l24, %l23, %l20;\nld.global.u32 %r0, [%l24];\nmov.u64 %l25, buf;\nadd.s64 %l25, %l25, %l23;\nst.shared.u32 [%l25], %r0;\n"
      "bar.sync 0;\nxor.b32 %r1, %r21, 37;\nmul.wide.u32 %l26, %r1, 4;\nmov.u64 %l27, buf;\nadd.s64 %l26, %l26, %l27;\nld.shared.u32 %r2, [%l26];\n"
      "and.b32 %r3, %r0, 1;\nsetp.ne.u32 %p0, %r3, 0;\nbar.red.popc.u32 %r4, 1, %p0;\nbarrier.cta.red.and.aligned.pred %p1, 2, %p0;\nbar.red.or.pred %p2, 3, %p0;\n"
      "selp.u32 %r5, 1, 0, %p1;\nselp.u32 %r6, 2, 0, %p2;\nor.b32 %r5, %r5, %r6;\n"
      // The first warp produces for the second through barrier 5, which only those two pass.
      "shr.u32 %r7, %r21, 5;\nsetp.eq.u32 %p3, %r7, 0;\nsetp.eq.u32 %p4, %r7, 1;\nmov.u32 %r8, 0;\nsetp.eq.u32 %p5, %r21, 0;\n@!%p3 bra notFirst;\n@%p5 st.shared.u32 [extra], 4711;\nbar.arrive 5, 64;\nnotFirst:\n"
      "@!%p4 bra notSecond;\nbar.sync 5, 64;\nld.shared.u32 %r8, [extra];\nnotSecond:\n"
      "mul.wide.u32 %l28, %r21, 16;\nadd.s64 %l28, %l28, %l21;\nst.global.v4.u32 [%l28], {%r2, %r4, %r5, %r8};\n",
      ".shared .align 4 .b8 buf[512];\n.shared .align 4 .b8 extra[4];\n");
  for (int kind = 0; kind < 3; kind++) {
    auto in = words(128);
    if (kind) for (auto& x : in) x = kind == 1 ? x | 1 : x & ~1u;
    const auto got = runKernel<std::uint32_t>(device, text, in, 512, 1, 128);
    unsigned odd = 0;
    for (std::uint32_t x : in) odd += x & 1;
    for (unsigned t = 0; t < 128; t++) {
      CHECK_EQ(got[4 * t], in[t ^ 37]);
      CHECK_EQ(got[4 * t + 1], odd);
      CHECK_EQ(got[4 * t + 2], (odd == 128 ? 1u : 0u) | (odd ? 2u : 0u));
      CHECK_EQ(got[4 * t + 3], t / 32 == 1 ? 4711u : 0u);
    }
  }
}

TEST("mma: every accepted shape and type gives what numerics gives for the warp's registers") {
  simtest::Device device(10, 0);
  int covered = 0;
  const std::map<std::string, num::MmaType> types = {{"f16", num::MmaType::f16}, {"bf16", num::MmaType::bf16}, {"tf32", num::MmaType::tf32}, {"f32", num::MmaType::f32},
                                                     {"s8", num::MmaType::s8}, {"u8", num::MmaType::u8}, {"s32", num::MmaType::s32}};
  for (const int m : {8, 16})
    for (const int k : {4, 8, 16, 32, 64})
      for (const std::string d : {"f16", "f32", "s32"})
        for (const std::string a : {"f16", "bf16", "tf32", "s8", "u8"})
          for (const std::string b : {"f16", "bf16", "tf32", "s8", "u8"})
            for (const bool satfinite : {false, true}) {
              const num::MmaOp op = num::find_mma(m, 8, k, types.at(d), types.at(a), types.at(b), types.at(d), satfinite);
              const std::string form = "mma.sync.aligned.m" + str(static_cast<unsigned>(m)) + "n8k" + str(static_cast<unsigned>(k)) + ".row.col" + (satfinite ? ".satfinite" : "") + "." + d + "." + a + "." + b + "." + d;
              const auto nd = static_cast<unsigned>(op.run ? op.d : 4), na = static_cast<unsigned>(op.run ? op.a : 4), nb = static_cast<unsigned>(op.run ? op.b : 2);
              std::string body = "mul.wide.u32 %l23, %r21, 4;\nadd.s64 %l23, %l23, %l20;\nadd.s64 %l24, %l21, 0;\nmul.wide.u32 %l25, %r21, 4;\nadd.s64 %l24, %l24, %l25;\n";
              for (unsigned i = 0; i < na + nb + nd; i++) body += "ld.global.u32 %r" + str(i) + ", [%l23+" + str(128 * i) + "];\n";
              body += form + " " + list("%r", nd, na + nb).insert(0, nd == 1 ? "{" : "") + (nd == 1 ? "}" : "") + ", " + (na == 1 ? "{%r0}" : list("%r", na)) + ", " +
                      (nb == 1 ? "{%r" + str(na) + "}" : list("%r", nb, na)) + ", " + list("%r", nd, na + nb) + ";\n";
              for (unsigned i = 0; i < nd; i++) body += "st.global.u32 [%l24+" + str(128 * i) + "], %r" + str(na + nb + i) + ";\n";
              const bool known = accepts(device, kernel(body));
              CHECK_EQ(known, op.run != nullptr);
              if (!known || !op.run) continue;
              covered++;
              auto in = words(32 * (na + nb + nd));
              if (d[0] == 'f') for (auto& x : in) x &= a == "f16" ? 0xbfffbfff : a == "bf16" ? 0xbfffbfff : 0xbfffffff;  // no infinities, no NaN
              const auto got = runKernel<std::uint32_t>(device, kernel(body), in, 32 * nd, 1, 32);
              std::vector<std::uint32_t> want(32 * nd);
              std::vector<std::uint32_t*> pd;
              std::vector<const std::uint32_t*> pa, pb, pc;
              for (unsigned i = 0; i < nd; i++) pd.push_back(&want[32 * i]), pc.push_back(&in[32 * (na + nb + i)]);
              for (unsigned i = 0; i < na; i++) pa.push_back(&in[32 * i]);
              for (unsigned i = 0; i < nb; i++) pb.push_back(&in[32 * (na + i)]);
              op.run(pd.data(), pa.data(), pb.data(), pc.data());
              if (got != want) check::fail(__FILE__, __LINE__, form + " is wrong");
            }
  std::printf("  mma: %d forms\n", covered);
  CHECK(covered >= 15);
}

TEST("mma.m8n8k4.f64") {
  simtest::Device device(10, 0);
  std::vector<double> in(128);
  for (std::size_t i = 0; i < in.size(); i++) in[i] = static_cast<double>(i % 13) - 5.5;
  const std::string text = kernel(
      "mul.wide.u32 %l23, %r21, 8;\nadd.s64 %l24, %l23, %l21;\nadd.s64 %l23, %l23, %l20;\nld.global.f64 %d0, [%l23];\nld.global.f64 %d1, [%l23+256];\nld.global.f64 %d2, [%l23+512];\nld.global.f64 %d3, [%l23+768];\n"
      "mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%d4, %d5}, {%d0}, {%d1}, {%d2, %d3};\nst.global.f64 [%l24], %d4;\nst.global.f64 [%l24+256], %d5;\n");
  const auto got = runKernel<double>(device, text, in, 64, 1, 32);
  for (unsigned l = 0; l < 32; l++)
    for (unsigned i = 0; i < 2; i++) {
      double want = in[64 + 32 * i + l];
      for (unsigned k = 0; k < 4; k++) want += in[l / 4 * 4 + k] * in[32 + (l % 4 * 2 + i) * 4 + k];
      CHECK_EQ(got[32 * i + l], want);
    }
}

TEST("ldmatrix, stmatrix, movmatrix: every count, plain and transposed") {
  simtest::Device device(10, 0);
  std::vector<std::uint16_t> in(256);
  for (unsigned i = 0; i < 256; i++) in[i] = static_cast<std::uint16_t>(i * 257 + 3);
  for (unsigned n : {1u, 2u, 4u})
    for (const std::string trans : {"", ".trans"}) {
      // Rows of matrix i lie at addresses of lanes 8i..8i+7, shuffled here: row r of matrix i is stored at slot 31 - (8i + r).
      const std::string copyIn = "mul.wide.u32 %l23, %r21, 16;\nadd.s64 %l24, %l23, %l20;\nmov.u64 %l25, buf;\nadd.s64 %l26, %l25, %l23;\nld.global.v4.u32 {%r0, %r1, %r2, %r3}, [%l24];\n"
                                 "sub.s32 %r4, 31, %r21;\nmul.wide.u32 %l27, %r4, 16;\nadd.s64 %l27, %l27, %l25;\n";
      const std::string matrices = n == 1 ? "{%r8}" : list("%r", n, 8);
      const std::string load = kernel(copyIn + "st.shared.v4.u32 [%l27], {%r0, %r1, %r2, %r3};\nbar.sync 0;\nldmatrix.sync.aligned.m8n8.x" + str(n) + trans + ".shared.b16 " + matrices + ", [%l27];\n" +
                                      "mul.wide.u32 %l28, %r21, 4;\nadd.s64 %l28, %l28, %l21;\n" + [&] {
                                        std::string s;
                                        for (unsigned i = 0; i < n; i++) s += "st.global.u32 [%l28+" + str(128 * i) + "], %r" + str(8 + i) + ";\n";
                                        return s;
                                      }(), ".shared .align 16 .b8 buf[512];\n");
      const auto got = runKernel<std::uint32_t>(device, load, in, 32 * n, 1, 32);
      for (unsigned i = 0; i < n; i++)
        for (unsigned l = 0; l < 32; l++) {
          const unsigned row = l / 4, column = l % 4 * 2;
          const auto at = [&](unsigned r, unsigned c) { return static_cast<std::uint32_t>(in[64 * i + 8 * r + c]); };
          CHECK_EQ(got[32 * i + l], trans.empty() ? at(row, column) | at(row, column + 1) << 16 : at(column, row) | at(column + 1, row) << 16);
        }
      // stmatrix puts back what ldmatrix took.
      const std::string store = kernel(copyIn + "st.shared.v4.u32 [%l27], {%r0, %r1, %r2, %r3};\nbar.sync 0;\nldmatrix.sync.aligned.m8n8.x" + str(n) + trans + ".shared.b16 " + matrices + ", [%l27];\nbar.sync 0;\n" +
                                       "mov.b32 %r5, 0;\nst.shared.v4.u32 [%l26], {%r5, %r5, %r5, %r5};\nbar.sync 0;\nstmatrix.sync.aligned.m8n8.x" + str(n) + trans + ".shared.b16 [%l26], " + matrices + ";\n" +
                                       "bar.sync 0;\nld.shared.v4.u32 {%r0, %r1, %r2, %r3}, [%l26];\nadd.s64 %l28, %l23, %l21;\nst.global.v4.u32 [%l28], {%r0, %r1, %r2, %r3};\n", ".shared .align 16 .b8 buf[512];\n");
      const auto back = runKernel<std::uint16_t>(device, store, in, 256, 1, 32);
      for (unsigned i = 0; i < 256; i++) CHECK_EQ(int(back[i]), i < 64 * n ? int(in[i]) : 0);
    }
  const std::string move = kernel("mul.wide.u32 %l23, %r21, 4;\nadd.s64 %l24, %l23, %l20;\nld.global.u32 %r0, [%l24];\nmovmatrix.sync.aligned.m8n8.trans.b16 %r1, %r0;\nadd.s64 %l25, %l23, %l21;\nst.global.u32 [%l25], %r1;\n");
  const auto moved = runKernel<std::uint16_t>(device, move, in, 64, 1, 32);
  for (unsigned r = 0; r < 8; r++)
    for (unsigned c = 0; c < 8; c++) CHECK_EQ(int(moved[8 * r + c]), int(in[8 * c + r]));
}

TEST_MAIN
