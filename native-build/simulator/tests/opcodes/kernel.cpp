// SPDX-License-Identifier: Apache-2.0
#include "kernel.hpp"

#include <stdexcept>

namespace opcodes {
namespace {

std::string number(std::uint64_t v) { return std::to_string(v); }

/// Register names by width; operand n of a kind gets number n.
std::string registerName(int bits, std::size_t n) {
  const char* prefix = bits == 1 ? "%p" : bits == 16 ? "%h" : bits == 32 ? "%r" : "%l";
  return prefix + number(n);
}

}  // namespace

int operandBits(char letter) {
  switch (letter) {
    case 'i': return 0;
    case 'p': return 1;
    case 'q': case 'b': return 8;
    case 'h': case 's': return 16;
    case 'r': case 'w': return 32;
    case 'l': return 64;
  }
  throw std::runtime_error(std::string("operand letter ") + letter);
}

int registerBits(char letter, bool wider) {
  const int bits = operandBits(letter);
  if (bits == 1) return 1;
  const int own = bits == 8 ? 16 : bits;
  return wider && own < 64 ? own * 2 : own;
}

int Subject::sourceCells() const {
  int n = carryIn;
  for (char c : sources) n += c != 'i';
  return n;
}
int Subject::resultCells() const { return static_cast<int>(results.size()) + carryOut; }

namespace {

std::string kernelText(const Subject& s, std::size_t index) {
  const std::string name = "k" + number(index);
  std::string t = ".visible .entry " + name + "(.param .u64 " + name + "_in, .param .u64 " + name + "_out)\n{\n";
  t += ".reg .pred %p<16>;\n.reg .b16 %h<16>;\n.reg .b32 %r<32>;\n.reg .b64 %l<32>;\n";
  t += "ld.param.u64 %l20, [" + name + "_in];\nld.param.u64 %l21, [" + name + "_out];\n";
  t += "mov.u32 %r20, %ctaid.x;\nmov.u32 %r21, %ntid.x;\nmov.u32 %r22, %tid.x;\nmad.lo.s32 %r20, %r20, %r21, %r22;\n";
  t += "mul.wide.u32 %l22, %r20, " + number(8u * static_cast<unsigned>(s.sourceCells())) + ";\nadd.s64 %l20, %l20, %l22;\n";
  t += "mul.wide.u32 %l22, %r20, " + number(8u * static_cast<unsigned>(s.resultCells())) + ";\nadd.s64 %l21, %l21, %l22;\n";
  std::vector<std::string> sources;
  int cell = 0;
  for (std::size_t n = 0; n < s.sources.size(); n++) {
    const char letter = s.sources[n];
    if (letter == 'i') {
      sources.push_back(number(s.immediate));
      continue;
    }
    const std::string at = "[%l20+" + number(8u * static_cast<unsigned>(cell++)) + "]";
    const int bits = registerBits(letter, s.wider && s.integerSource);
    sources.push_back(registerName(bits, n));
    if (bits == 1) t += "ld.global.u32 %r23, " + at + ";\nsetp.ne.u32 " + sources.back() + ", %r23, 0;\n";
    else t += "ld.global.b" + number(static_cast<unsigned>(bits)) + " " + sources.back() + ", " + at + ";\n";
  }
  if (s.carryIn) {  // the flag comes from a comparable instruction: 1 + 0xffffffff carries, 0 - 1 borrows
    t += "ld.global.u32 %r24, [%l20+" + number(8u * static_cast<unsigned>(cell)) + "];\n";
    t += s.form.compare(0, 3, "sub") == 0 ? "sub.cc.u32 %r25, 0, %r24;\n" : "add.cc.u32 %r25, %r24, -1;\n";
  }
  std::vector<std::string> results;
  for (std::size_t n = 0; n < s.results.size(); n++) results.push_back(registerName(registerBits(s.results[n], s.wider && s.integerResult), n + 8));
  if (s.guarded) {
    t += "and.b32 %r28, %r22, 3;\nsetp.ne.u32 %p15, %r28, 1;\n";
    for (std::size_t n = 0; n < results.size(); n++) {
      const int bits = registerBits(s.results[n], s.wider && s.integerResult);
      if (bits == 1) t += "setp.eq.u32 " + results[n] + ", 0, 0;\n";
      else t += "mov.b" + number(static_cast<unsigned>(bits)) + " " + results[n] + ", " + number(bits == 64 ? kUntouched : kUntouched & ((std::uint64_t{1} << bits) - 1)) + ";\n";
    }
    t += "@%p15 ";
  }
  t += s.form + " " + results[0] + (results.size() == 2 ? "|" + results[1] : "");
  for (const std::string& source : sources) t += ", " + source;
  t += ";\n";
  if (s.carryOut) t += s.form.compare(0, 3, "sub") == 0 ? "subc.u32 %r26, 0, 0;\nneg.s32 %r26, %r26;\n" : "addc.u32 %r26, 0, 0;\n";
  cell = 0;
  for (std::size_t n = 0; n < s.results.size(); n++) {
    const int bits = registerBits(s.results[n], s.wider && s.integerResult);
    std::string from = results[n];
    if (bits == 1) {
      t += "selp.u32 %r27, 1, 0, " + from + ";\n";
      from = "%r27";
    }
    // Zero the cell's upper part, then store the register at its own width.
    t += "mov.u64 %l23, 0;\nst.global.b64 [%l21+" + number(8u * static_cast<unsigned>(cell)) + "], %l23;\n";
    t += "st.global.b" + number(static_cast<unsigned>(bits == 1 ? 32 : bits)) + " [%l21+" + number(8u * static_cast<unsigned>(cell++)) + "], " + from + ";\n";
  }
  if (s.carryOut) t += "cvt.u64.u32 %l23, %r26;\nst.global.u64 [%l21+" + number(8u * static_cast<unsigned>(cell)) + "], %l23;\n";
  return t + "ret;\n}\n";
}

}  // namespace

std::string moduleText(const std::vector<Subject>& subjects) {
  std::string t = ".version 9.0\n.target sm_100\n.address_size 64\n";
  for (std::size_t i = 0; i < subjects.size(); i++) t += kernelText(subjects[i], i);
  return t;
}

}  // namespace opcodes
