// SPDX-License-Identifier: Apache-2.0
//
// Fences, prefetches and conversions between address windows.
#include "engine/memory_access.hpp"

namespace kofn::sim {

using u32 = std::uint32_t;
using u64 = std::uint64_t;

void fence(Warp& w, const Instr& i, u32) {
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  if (i.flags & 1) w.block->fenced = true;
}

void prefetch(Warp&, const Instr&, u32) {}

void addressSpaceTest(Warp& w, const Instr& i, u32 exec) {
  const u64* a = slot<u64>(w, i.a);
  const u64 window = static_cast<u64>(i.imm) >> 48;
  setPredicate(w, i.d, exec, laneMask(exec, [=](int l) {
    const u64 in = a[l] >> 48;
    return window ? in == window : in != kSharedWindow >> 48 && in != kLocalWindow >> 48;
  }));
}

void toGeneric(Warp& w, const Instr& i, u32 exec) {
  u64* d = slot<u64>(w, i.d);
  const u64* a = slot<u64>(w, i.a);
  const u64 base = static_cast<u64>(i.imm);
  eachLane(exec, [=](int l) { d[l] = a[l] + base; });
}

void toWindow(Warp& w, const Instr& i, u32 exec) {
  u64* d = slot<u64>(w, i.d);
  const u64* a = slot<u64>(w, i.a);
  const u64 base = static_cast<u64>(i.imm);
  eachLane(exec, [=](int l) { d[l] = a[l] - base; });
}

}  // namespace kofn::sim
