// SPDX-License-Identifier: Apache-2.0
//
// atom and red: every operation, type and space that the engine accepts, each thread on a cell of its own over boundary
// values; then all threads on one cell.
#include <map>
#include <random>

#include "numerics/numerics.hpp"
#include "opcodes/form.hpp"
#include "opcodes/probe.hpp"
#include "opcodes/values.hpp"

using namespace opcodes;

namespace {

constexpr unsigned kThreads = 256;

unsigned bytesOf(const std::string& type) {
  if (type == "f16" || type == "bf16" || type == "b16" || type == "u16" || type == "s16") return 2;
  return type.size() > 2 && type.substr(type.size() - 2) == "64" ? 8 : 4;
}

/// The new value of a cell.
std::uint64_t updated(const std::string& op, const std::string& type, bool flushes, std::uint64_t old, std::uint64_t b, std::uint64_t c) {
  std::uint64_t r = 0;
  const auto integers = [&]<class T>(T) {
    const T x = get<T>(old), y = get<T>(b);
    using U = std::make_unsigned_t<T>;
    if (op == "add") r = static_cast<U>(static_cast<U>(x) + static_cast<U>(y));
    if (op == "min") r = put(x < y ? x : y);
    if (op == "max") r = put(x > y ? x : y);
    if (op == "and") r = put(static_cast<T>(x & y));
    if (op == "or") r = put(static_cast<T>(x | y));
    if (op == "xor") r = put(static_cast<T>(x ^ y));
    if (op == "exch") r = put(y);
    if (op == "cas") r = put(x == y ? get<T>(c) : x);
    if (op == "inc") r = put(static_cast<U>(x) >= static_cast<U>(y) ? T(0) : static_cast<T>(x + 1));
    if (op == "dec") r = put(x == 0 || static_cast<U>(x) > static_cast<U>(y) ? y : static_cast<T>(x - 1));
  };
  if (withInteger(type, integers)) return r;
  if (type == "f32") return put(num::add(get<float>(old), get<float>(b), {.ftz = flushes}));
  if (type == "f64") return put(num::add(get<double>(old), get<double>(b)));
  const bool brain = type[0] == 'b';
  const auto one = [&](std::uint64_t x, std::uint64_t y) -> std::uint64_t {
    const auto apply = [&]<class T>(T) {
      const T p = get<T>(x), q = get<T>(y);
      return put(op == "min" ? num::min(p, q) : op == "max" ? num::max(p, q) : num::add(p, q));
    };
    return brain ? apply(num::BF16{}) : apply(num::F16{});
  };
  if (!isPacked(type)) return one(old, b);
  return one(old >> 16, b >> 16) << 16 | one(old & 0xffff, b & 0xffff);
}

struct AtomForm { std::string text, op, type, space; bool reduction; };

std::vector<AtomForm> candidates() {
  std::vector<AtomForm> all;
  for (const bool red : {false, true})
    for (const std::string space : {"", ".global", ".shared"})
      for (const std::string op : {"add", "min", "max", "and", "or", "xor", "exch", "cas", "inc", "dec"})
        for (const std::string type : {"b16", "b32", "b64", "u32", "u64", "s32", "s64", "f32", "f64", "f16", "f16x2", "bf16", "bf16x2"}) {
          const bool half = type.find("f16") != std::string::npos;
          all.push_back({std::string(red ? "red" : "atom") + space + "." + op + (half ? ".noftz." : ".") + type, op, type, space, red});
        }
  return all;
}

std::string text(const AtomForm& f) {
  const unsigned bytes = bytesOf(f.type);
  const std::string r = bytes == 2 ? "%h" : bytes == 4 ? "%r" : "%l", b = std::to_string(8 * bytes);
  std::string body = "mul.wide.u32 %l10, %r20, 24;\nadd.s64 %l10, %l10, %l20;\nmul.wide.u32 %l11, %r20, 16;\nadd.s64 %l11, %l11, %l21;\n"
                     "mov.b64 %l9, 0;\nst.global.b64 [%l11], %l9;\nst.global.b64 [%l11+8], %l9;\n";
  body += "ld.global.b" + b + " " + r + "0, [%l10];\nld.global.b" + b + " " + r + "1, [%l10+8];\nld.global.b" + b + " " + r + "2, [%l10+16];\n";
  // The cell: in shared memory, or the second output cell.
  if (f.space == ".shared") body += "mul.wide.u32 %l12, %r21, 8;\nmov.u64 %l13, buf;\nadd.s64 %l12, %l12, %l13;\n";
  else body += "add.s64 %l12, %l11, 8;\n";
  const std::string plain = f.space == ".shared" ? ".shared" : ".global";
  body += "st" + plain + ".b" + b + " [%l12], " + r + "0;\n";
  body += f.text + (f.reduction ? " [%l12], " : " " + r + "3, [%l12], ") + r + "1" + (f.op == "cas" ? ", " + r + "2" : "") + ";\n";
  if (!f.reduction) body += "st.global.b" + b + " [%l11], " + r + "3;\n";
  body += "ld" + plain + ".b" + b + " " + r + "4, [%l12];\nst.global.b" + b + " [%l11+8], " + r + "4;\n";
  return kernel(body, ".shared .align 8 .b8 buf[" + std::to_string(8 * kThreads) + "];\n");
}

}  // namespace

TEST("every accepted atom and red computes what its spelling says") {
  simtest::Device device(10, 0);
  std::map<std::string, int> covered;
  std::mt19937_64 random(3);
  for (const AtomForm& f : candidates()) {
    const std::string module = text(f);
    if (!accepts(device, module)) continue;
    covered[(f.reduction ? "red." : "atom.") + f.op + "." + f.type]++;
    const unsigned bits = 8 * bytesOf(f.type);
    const std::uint64_t mask = bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
    std::vector<std::uint64_t> in(3 * kThreads);
    for (unsigned i = 0; i < kThreads; i++)
      for (std::size_t n = 0; n < 3; n++) in[3 * i + n] = operandValue(static_cast<int>(i), n, static_cast<int>(bits), &in[3 * i], random) & mask;
    const auto got = runKernel<std::uint64_t>(device, module, in, 2 * kThreads, 1, kThreads);
    // The manual: atom.add.f32 flushes subnormals on global memory and keeps them on shared memory.
    const bool flushes = f.space != ".shared";
    for (unsigned i = 0; i < kThreads; i++) {
      const std::uint64_t want = updated(f.op, f.type, flushes, in[3 * i], in[3 * i + 1], in[3 * i + 2]);
      const bool nan = f.type == "f64" && std::isnan(get<double>(want)) && std::isnan(get<double>(got[2 * i + 1]));
      if ((!nan && got[2 * i + 1] != want) || (!f.reduction && got[2 * i] != in[3 * i])) {
        char line[200];
        std::snprintf(line, sizeof line, "%s on %#llx with %#llx, %#llx: new %#llx (want %#llx), returned %#llx", f.text.c_str(), (unsigned long long)in[3 * i],
                      (unsigned long long)in[3 * i + 1], (unsigned long long)in[3 * i + 2], (unsigned long long)got[2 * i + 1], (unsigned long long)want, (unsigned long long)got[2 * i]);
        check::fail(__FILE__, __LINE__, line);
        break;
      }
    }
  }
  for (const auto& [form, spaces] : covered) std::printf("  %s (%d spaces)\n", form.c_str(), spaces);
  // What nvcc emits for CUDA's atomics must be there.
  for (const char* needed : {"atom.add.u32", "atom.add.u64", "atom.add.f32", "atom.add.f64", "atom.min.s32", "atom.max.u64", "atom.and.b32", "atom.or.b64", "atom.xor.b32",
                             "atom.exch.b32", "atom.exch.b64", "atom.cas.b32", "atom.cas.b64", "atom.inc.u32", "atom.dec.u32", "red.add.u32", "red.add.f32", "red.max.s32"})
    if (!covered.count(needed)) check::fail(__FILE__, __LINE__, std::string("not accepted: ") + needed);
}

TEST("contended atomics lose nothing and return a permutation") {
  simtest::Device device(10, 0);
  const std::string text = kernel(
      "atom.global.add.u32 %r0, [%l22], 1;\natom.global.max.u32 %r1, [%l22+4], %r20;\nred.global.add.u64 [%l22+8], 3;\n"
      "mul.wide.u32 %l0, %r0, 4;\nadd.s64 %l0, %l0, %l21;\nst.global.u32 [%l0], %r20;\n");
  const auto aux = device.upload(std::vector<std::uint64_t>{0, 0});
  auto got = runKernel<std::uint32_t, std::uint32_t>(device, text, {0}, 1000, 8, 125, aux);
  std::sort(got.begin(), got.end());
  for (unsigned i = 0; i < 1000; i++) CHECK_EQ(got[i], i);
  const auto totals = device.download<std::uint64_t>(aux, 2);
  CHECK_EQ(totals[0], (std::uint64_t{999} << 32 | 1000));
  CHECK_EQ(totals[1], 3000u);
}

TEST_MAIN
