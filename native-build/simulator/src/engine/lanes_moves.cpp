// SPDX-License-Identifier: Apache-2.0
//
// mov between registers, packing and unpacking moves, cvta (address windows), and the auxiliary steps that fit a value
// into a register of another width.
#include "engine/announce.hpp"

namespace kofn::sim {
namespace {

using I = InstructionClass;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;

template <class T> void move(Warp& w, const Instr& i, u32 exec) { unary<[](T a) { return a; }, T, T>(w, i, exec); }
template <class T> void addImmediate(Warp& w, const Instr& i, u32 exec) {
  T* d = slot<T>(w, i.d);
  const T* a = slot<T>(w, i.a);
  const T imm = static_cast<T>(i.imm);
  eachLane(exec, [=](int l) { d[l] = static_cast<T>(a[l] + imm); });
}

// {a, b} of type S into one D, and back.
template <class D, class S> void pack(Warp& w, const Instr& i, u32 exec) {
  binary<[](S a, S b) { return static_cast<D>(static_cast<D>(b) << (8 * sizeof(S)) | a); }, D, S, S>(w, i, exec);
}
template <class S, class D> void unpack(Warp& w, const Instr& i, u32 exec) {
  D *d = i.flags & 1 ? nullptr : slot<D>(w, i.d), *d2 = i.flags & 2 ? nullptr : slot<D>(w, i.d2);
  const S* a = slot<S>(w, i.a);
  for (u32 m = exec; m != 0; m &= m - 1) {
    const int l = std::countr_zero(m);
    const S v = a[l];
    if (d) d[l] = static_cast<D>(v);
    if (d2) d2[l] = static_cast<D>(v >> (8 * sizeof(D)));
  }
}
void pack4(Warp& w, const Instr& i, u32 exec) {
  quaternary<[](u16 a, u16 b, u16 c, u16 e) { return u64{e} << 48 | u64{c} << 32 | u64{b} << 16 | a; }, u64, u16, u16, u16, u16>(w, i, exec);
}

template <class D, class S> void resize(OpTable& t, Announce add, const char* name) {
  add(t, name, "-", I::Count, unary<[](S a) { return static_cast<D>(a); }, D, S>);
}

}  // namespace

void announceMoves(OpTable& t, Announce add) {
  for (const char* type : {".b16", ".u16", ".s16", ".f16", ".bf16"}) add(t, Form("mov", type), "h=h", I::Move, move<u16>);
  for (const char* type : {".b32", ".u32", ".s32", ".f32", ".f16x2", ".bf16x2"}) add(t, Form("mov", type), "r=r", I::Move, move<u32>);
  for (const char* type : {".b64", ".u64", ".s64", ".f64"}) add(t, Form("mov", type), "l=l", I::Move, move<u64>);
  // The decoder's own steps; no PTX spelling begins with '#'.
  add(t, "#pack.b32", "-", I::Move, pack<u32, u16>);
  add(t, "#pack.b64", "-", I::Move, pack<u64, u32>);
  add(t, "#pack.b16", "-", I::Move, pack<u16, std::uint8_t>);
  add(t, "#pack4.b64", "-", I::Move, pack4);
  add(t, "#unpack.b32", "-", I::Move, unpack<u32, u16>);
  add(t, "#unpack.b64", "-", I::Move, unpack<u64, u32>);
  add(t, "#unpack.b16", "-", I::Move, unpack<u16, std::uint8_t>);
  add(t, "#add32", "-", I::Move, addImmediate<u32>);
  add(t, "#add64", "-", I::Move, addImmediate<u64>);
  // #fit.FROM.TO, bytes of a lane; signed where it says s.
  resize<std::uint8_t, u16>(t, add, "#fit.2.1");
  resize<std::uint8_t, u32>(t, add, "#fit.4.1");
  resize<std::uint8_t, u64>(t, add, "#fit.8.1");
  resize<u16, u32>(t, add, "#fit.4.2");
  resize<u16, u64>(t, add, "#fit.8.2");
  resize<u32, u64>(t, add, "#fit.8.4");
  resize<u16, std::uint8_t>(t, add, "#fit.1.2");
  resize<u32, std::uint8_t>(t, add, "#fit.1.4");
  resize<u64, std::uint8_t>(t, add, "#fit.1.8");
  resize<u32, u16>(t, add, "#fit.2.4");
  resize<u64, u16>(t, add, "#fit.2.8");
  resize<u64, u32>(t, add, "#fit.4.8");
  resize<std::int16_t, std::int8_t>(t, add, "#fit.s1.2");
  resize<std::int32_t, std::int8_t>(t, add, "#fit.s1.4");
  resize<std::int64_t, std::int8_t>(t, add, "#fit.s1.8");
  resize<std::int32_t, std::int16_t>(t, add, "#fit.s2.4");
  resize<std::int64_t, std::int16_t>(t, add, "#fit.s2.8");
  resize<std::int64_t, std::int32_t>(t, add, "#fit.s4.8");
}

}  // namespace kofn::sim
