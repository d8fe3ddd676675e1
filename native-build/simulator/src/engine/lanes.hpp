// SPDX-License-Identifier: Apache-2.0
//
// How a pure lane function becomes a handler: a loop over all 32 lanes that the compiler turns into vector code, and a
// scan over the set bits where some lanes are off. A destination may be one of the sources (the same slot exactly), which
// is what `ivdep` promises.
//
// Also how such handlers are announced: under the exact spelling of the instruction, with the shape of its operands. What
// nobody announces does not exist: the decoder refuses it.
#pragma once

#include <bit>
#include <cstdint>

#include "engine/machine.hpp"

namespace kofn::sim {

template <class T> inline T* slot(const Warp& w, std::uint32_t offset) { return reinterpret_cast<T*>(w.regs + offset); }
inline std::uint32_t& predicate(const Warp& w, std::uint32_t offset) { return *slot<std::uint32_t>(w, offset); }

template <class F> [[gnu::always_inline]] inline void eachLane(std::uint32_t exec, F f) {
  if (exec == kAllLanes) {
#pragma GCC ivdep
    for (int l = 0; l < 32; ++l) f(l);
  } else {
    for (std::uint32_t m = exec; m != 0; m &= m - 1) f(std::countr_zero(m));
  }
}

// d = F(a), F(a, b), F(a, b, c), F(a, b, c, e) with types D and A, B, C, E of the slots' lanes.
template <auto F, class D, class A> void unary(Warp& w, const Instr& i, std::uint32_t exec) {
  D* d = slot<D>(w, i.d);
  const A* a = slot<A>(w, i.a);
  eachLane(exec, [=](int l) { d[l] = static_cast<D>(F(a[l])); });
}
template <auto F, class D, class A, class B> void binary(Warp& w, const Instr& i, std::uint32_t exec) {
  D* d = slot<D>(w, i.d);
  const A* a = slot<A>(w, i.a);
  const B* b = slot<B>(w, i.b);
  eachLane(exec, [=](int l) { d[l] = static_cast<D>(F(a[l], b[l])); });
}
template <auto F, class D, class A, class B, class C> void ternary(Warp& w, const Instr& i, std::uint32_t exec) {
  D* d = slot<D>(w, i.d);
  const A* a = slot<A>(w, i.a);
  const B* b = slot<B>(w, i.b);
  const C* c = slot<C>(w, i.c);
  eachLane(exec, [=](int l) { d[l] = static_cast<D>(F(a[l], b[l], c[l])); });
}
template <auto F, class D, class A, class B, class C, class E> void quaternary(Warp& w, const Instr& i, std::uint32_t exec) {
  D* d = slot<D>(w, i.d);
  const A* a = slot<A>(w, i.a);
  const B* b = slot<B>(w, i.b);
  const C* c = slot<C>(w, i.c);
  const E* e = slot<E>(w, i.e);
  eachLane(exec, [=](int l) { d[l] = static_cast<D>(F(a[l], b[l], c[l], e[l])); });
}

// Collects a lane mask of F(l).
template <class F> [[gnu::always_inline]] inline std::uint32_t laneMask(std::uint32_t exec, F f) {
  std::uint32_t mask = 0;
  if (exec == kAllLanes) {
    for (int l = 0; l < 32; ++l) mask |= static_cast<std::uint32_t>(f(l)) << l;
  } else {
    for (std::uint32_t m = exec; m != 0; m &= m - 1) {
      const int l = std::countr_zero(m);
      mask |= static_cast<std::uint32_t>(f(l)) << l;
    }
  }
  return mask;
}
inline void setPredicate(const Warp& w, std::uint32_t offset, std::uint32_t exec, std::uint32_t mask) {
  std::uint32_t& p = predicate(w, offset);
  p = (p & ~exec) | (mask & exec);
}

// Where handlers are announced. `operands` is "destinations=sources", one letter an operand: q h r l for 8, 16, 32 and 64
// bits, p for a predicate, i for a constant that goes to Instr::imm; e.g. "r=rr". Sources fill a, b, c, e; destinations
// d, d2; a destination in upper case may be missing or the sink '_'.
// `imm` reaches the handler as Instr::imm: rare modifiers are told there instead of by a handler of their own.
class OpTable;
struct Announce {
  void (*to)(OpTable& table, const char* form, const char* operands, InstructionClass cls, Handler handler, std::int64_t imm);
  void operator()(OpTable& table, const char* form, const char* operands, InstructionClass cls, Handler handler, std::int64_t imm = 0) const {
    to(table, form, operands, cls, handler, imm);
  }
};

}  // namespace kofn::sim
