// SPDX-License-Identifier: Apache-2.0
//
// Which spellings does the engine accept? For instructions that the decoder builds from parts, the tests try every
// combination of PTX's grammar: what loads must be tested, so the coverage list is the engine's own answer.
#pragma once

#include <string>
#include <vector>

#include "check.hpp"
#include "device.hpp"

namespace opcodes {

inline const std::string kHeader = ".version 9.0\n.target sm_100\n.address_size 64\n";

/// A kernel "k" with parameters k_in, k_out and k_aux (u64, in %l20, %l21, %l22), %r20 = thread index in the grid, %r21 = thread in the
/// block; registers %p0-15, %h0-31, %r0-31, %l0-31, %f0-15, %d0-15.
inline std::string kernel(const std::string& body, const std::string& moduleScope = "") {
  return kHeader + moduleScope +
         ".visible .entry k(.param .u64 k_in, .param .u64 k_out, .param .u64 k_aux)\n{\n"
         ".reg .pred %p<16>;\n.reg .b16 %h<32>;\n.reg .b32 %r<32>;\n.reg .b64 %l<32>;\n.reg .f32 %f<16>;\n.reg .f64 %d<16>;\n"
         "ld.param.u64 %l20, [k_in];\nld.param.u64 %l21, [k_out];\nld.param.u64 %l22, [k_aux];\n"
         "mov.u32 %r22, %ctaid.x;\nmov.u32 %r23, %ntid.x;\nmov.u32 %r21, %tid.x;\nmad.lo.s32 %r20, %r22, %r23, %r21;\n" +
         body + "ret;\n}\n";
}

inline bool accepts(simtest::Device& device, const std::string& text) {
  std::string log;
  const bool loaded = simtest::Module::load(text, device.memory, device.properties, log) != nullptr;
  if (!loaded && log.find("ptx:") == std::string::npos) check::fail(__FILE__, __LINE__, "refused without a line: " + log);
  return loaded;
}

/// Runs kernel `k` of `text` and returns `count` cells of its output.
template <class T, class In> std::vector<T> runKernel(simtest::Device& device, const std::string& text, const std::vector<In>& in, std::size_t count,
                                                      unsigned blocks, unsigned threads, std::uint64_t aux = 0) {
  const auto module = device.load(text);
  const std::uint64_t a = device.upload(in), b = device.allocate(count * sizeof(T));
  device.launch(*module, "k", {blocks}, {threads}, a, b, aux);
  auto result = device.download<T>(b, count);
  device.memory.release(a);
  device.memory.release(b);
  return result;
}

/// "%r0, %r1, ..." from a prefix.
inline std::string list(const std::string& prefix, unsigned n, unsigned first = 0) {
  std::string s;
  for (unsigned i = 0; i < n; i++) s += (i ? ", " : "") + prefix + std::to_string(first + i);
  return n == 1 ? s : "{" + s + "}";
}

}  // namespace opcodes
