// SPDX-License-Identifier: Apache-2.0
//
// atom and red. Lanes take effect one after the other in an order that the seed chooses, as the hardware promises none.
#include <cstring>

#include "engine/memory_access.hpp"
#include "numerics/numerics.hpp"

namespace kofn::sim {
namespace {

using u32 = std::uint32_t;
using u64 = std::uint64_t;

template <class T> using Bits = std::conditional_t<sizeof(T) == 8, u64, std::conditional_t<sizeof(T) == 4, u32, std::uint16_t>>;

// Replaces *p by f(*p); returns the old value.
template <class T, class F> T update(std::byte* p, F f) {
  using B = Bits<T>;
  B* const at = reinterpret_cast<B*>(p);
  B old = __atomic_load_n(at, __ATOMIC_RELAXED), next;
  do next = std::bit_cast<B>(f(std::bit_cast<T>(old)));
  while (!__atomic_compare_exchange_n(at, &old, next, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
  return std::bit_cast<T>(old);
}

template <Window W, class T, auto F> void atomic(Warp& w, const Instr& i, u32 exec) {
  Access a;
  a.action = Action::Atomic;
  a.bytes = sizeof(T);
  fillAddresses(w, i, exec, a);
  resolve(w, a, W, nullptr, 0);
  if (w.event == kStop) return;
  w.block->strongAccesses++;
  if (W != Window::Shared)
    for (u32 m = exec; m != 0; m &= m - 1) releaseGlobal(w, a.address[std::countr_zero(m)], i.flags & kRelease);
  const T *b = slot<T>(w, i.b), *c = slot<T>(w, i.c);
  T* d = i.flags & kNoResult ? nullptr : slot<T>(w, i.d);
  const int turn = w.launch->options->randomOrder ? static_cast<int>(nextRandom(w.worker->random) & 31) : 0;
  for (int k = 0; k < 32; ++k) {
    const int l = (k + turn) & 31;
    if (!(exec >> l & 1) || !a.host[l]) continue;
    const T x = b[l], y = c[l];
    const T old = update<T>(a.host[l], [&](T v) { return F(v, x, y); });
    if (d) d[l] = old;
  }
  if (W != Window::Shared)
    for (u32 m = exec; m != 0; m &= m - 1) acquireGlobal(w, a.address[std::countr_zero(m)]);
}

template <class T> T addition(T v, T x, T) { return num::wrap_add(v, x); }
template <class T> T smaller(T v, T x, T) { return x < v ? x : v; }
template <class T> T larger(T v, T x, T) { return v < x ? x : v; }
template <class T> T conjunction(T v, T x, T) { return v & x; }
template <class T> T disjunction(T v, T x, T) { return v | x; }
template <class T> T difference(T v, T x, T) { return v ^ x; }
template <class T> T exchange(T, T x, T) { return x; }
template <class T> T compareAndSwap(T v, T x, T y) { return v == x ? y : v; }
u32 increment(u32 v, u32 x, u32) { return v >= x ? 0 : v + 1; }
u32 decrement(u32 v, u32 x, u32) { return v == 0 || v > x ? x : v - 1; }
float addFloat(float v, float x, float) { return num::add(v, x, {.ftz = true}); }     // PTX: atom.add.f32 on global memory flushes
float addFloatShared(float v, float x, float) { return num::add(v, x); }
double addDouble(double v, double x, double) { return num::add(v, x); }
template <class H> H addHalf(H v, H x, H) { return num::add(v, x); }
template <class H> u32 addPair(u32 v, u32 x, u32) { return num::each_half<H>([](H p, H q) { return num::add(p, q); }, v, x); }

template <Window W> Handler inWindow(std::string_view op, ptx::Type type) {
  using ptx::Type;
  using i32 = std::int32_t;
  using i64 = std::int64_t;
  const bool b32 = type == Type::B32, b64 = type == Type::B64;
  if (op == "cas") return type == Type::B16 ? atomic<W, std::uint16_t, compareAndSwap<std::uint16_t>> : b32 ? atomic<W, u32, compareAndSwap<u32>> : b64 ? atomic<W, u64, compareAndSwap<u64>> : nullptr;
  if (op == "exch") return b32 ? atomic<W, u32, exchange<u32>> : b64 ? atomic<W, u64, exchange<u64>> : nullptr;
  if (op == "and") return b32 ? atomic<W, u32, conjunction<u32>> : b64 ? atomic<W, u64, conjunction<u64>> : nullptr;
  if (op == "or") return b32 ? atomic<W, u32, disjunction<u32>> : b64 ? atomic<W, u64, disjunction<u64>> : nullptr;
  if (op == "xor") return b32 ? atomic<W, u32, difference<u32>> : b64 ? atomic<W, u64, difference<u64>> : nullptr;
  if (op == "inc") return type == Type::U32 ? atomic<W, u32, increment> : nullptr;
  if (op == "dec") return type == Type::U32 ? atomic<W, u32, decrement> : nullptr;
  if (op == "min") {
    if (type == Type::U32) return atomic<W, u32, smaller<u32>>;
    if (type == Type::S32) return atomic<W, i32, smaller<i32>>;
    if (type == Type::U64) return atomic<W, u64, smaller<u64>>;
    if (type == Type::S64) return atomic<W, i64, smaller<i64>>;
  }
  if (op == "max") {
    if (type == Type::U32) return atomic<W, u32, larger<u32>>;
    if (type == Type::S32) return atomic<W, i32, larger<i32>>;
    if (type == Type::U64) return atomic<W, u64, larger<u64>>;
    if (type == Type::S64) return atomic<W, i64, larger<i64>>;
  }
  if (op == "add") {
    if (type == Type::U32) return atomic<W, u32, addition<u32>>;
    if (type == Type::S32) return atomic<W, i32, addition<i32>>;
    if (type == Type::U64 || type == Type::S64) return atomic<W, u64, addition<u64>>;
    if (type == Type::F32) return atomic<W, float, W == Window::Shared ? addFloatShared : addFloat>;
    if (type == Type::F64) return atomic<W, double, addDouble>;
    if (type == Type::F16) return atomic<W, num::F16, addHalf<num::F16>>;
    if (type == Type::BF16) return atomic<W, num::BF16, addHalf<num::BF16>>;
    if (type == Type::F16x2) return atomic<W, u32, addPair<num::F16>>;
    if (type == Type::BF16x2) return atomic<W, u32, addPair<num::BF16>>;
  }
  return nullptr;
}

}  // namespace

Handler atomicHandler(Window window, std::string_view operation, ptx::Type type) {
  switch (window) {
    case Window::Global: return inWindow<Window::Global>(operation, type);
    case Window::Shared: return inWindow<Window::Shared>(operation, type);
    case Window::Generic: return inWindow<Window::Generic>(operation, type);
    case Window::Local: return nullptr;
  }
  return nullptr;
}

}  // namespace kofn::sim
