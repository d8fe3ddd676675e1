// SPDX-License-Identifier: Apache-2.0
//
// ldmatrix, stmatrix, movmatrix and mma. All 32 lanes take part: lanes that are missing are waited for, and are a finding
// when they cannot come.
#include <cstring>

#include "engine/memory_access.hpp"
#include "numerics/mma.hpp"

namespace kofn::sim {
namespace {

using u32 = std::uint32_t;

// True when the whole warp is here. Otherwise the group waits, or a lane is gone for good.
bool wholeWarp(Warp& w, u32 exec) {
  if (exec == kAllLanes) return true;
  if (w.live != kAllLanes) {
    if (exec != w.live) {
      waitHere(w, exec);
      return false;
    }
    if (checking(w, Check::PartialShuffle)) {
      report(w, w.pc, std::countr_zero(exec), Check::PartialShuffle, Severity::Error, 0, "a matrix instruction in a warp whose other lanes have exited or do not exist");
      fault(w, Fault::LaunchFailed, "matrix instruction without all lanes");
    } else {
      w.next = w.pc + 1;
    }
    return false;
  }
  waitHere(w, exec);
  return false;
}

void fillRowAddresses(Warp& w, const Instr& i, Access& a) {
  fillAddresses(w, i, kAllLanes, a);
  a.exec = i.n == 4 ? kAllLanes : (1u << (8 * i.n)) - 1;
  a.bytes = 16;
  a.flags &= static_cast<std::uint16_t>(~(kTransposed | 512));
}

}  // namespace

void loadMatrix(Warp& w, const Instr& i, u32 exec) {
  if (!wholeWarp(w, exec)) return;
  Access a;
  a.action = Action::Load;
  fillRowAddresses(w, i, a);
  resolve(w, a, i.flags & 512 ? Window::Generic : Window::Shared, nullptr, 0);
  if (w.event == kStop) return;
  for (u32 matrix = 0; matrix < i.n; ++matrix) {
    std::uint16_t rows[8][8] = {};
    for (u32 r = 0; r < 8; ++r)
      if (a.host[8 * matrix + r]) std::memcpy(rows[r], a.host[8 * matrix + r], 16);
    num::ldmatrix_distribute(rows, i.flags & kTransposed, slot<u32>(w, i.extra->slots[matrix]));
  }
}

void storeMatrix(Warp& w, const Instr& i, u32 exec) {
  if (!wholeWarp(w, exec)) return;
  std::uint16_t rows[4][8][8] = {};
  for (u32 matrix = 0; matrix < i.n; ++matrix) num::stmatrix_collect(slot<u32>(w, i.extra->slots[matrix]), i.flags & kTransposed, rows[matrix]);
  Access a;
  a.action = Action::Store;
  fillRowAddresses(w, i, a);
  resolve(w, a, i.flags & 512 ? Window::Generic : Window::Shared, reinterpret_cast<const std::byte*>(rows), 16);
  if (w.event == kStop) return;
  for (u32 row = 0; row < 8u * i.n; ++row)
    if (a.host[row]) std::memcpy(a.host[row], rows[row / 8][row % 8], 16);
}

void moveMatrix(Warp& w, const Instr& i, u32 exec) {
  if (!wholeWarp(w, exec)) return;
  u32 out[32];
  num::movmatrix_transpose(slot<u32>(w, i.a), out);
  std::memcpy(slot<u32>(w, i.d), out, sizeof out);
}

void mma(Warp& w, const Instr& i, u32 exec) {
  if (!wholeWarp(w, exec)) return;
  const auto& slots = i.extra->slots;
  const auto& counts = i.extra->moreSlots;
  u32* registers[24];
  for (std::size_t k = 0; k < slots.size(); ++k) registers[k] = slot<u32>(w, slots[k]);
  u32** const d = registers;
  u32** const a = d + counts[0];
  u32** const b = a + counts[1];
  u32** const c = b + counts[2];
  reinterpret_cast<num::MmaFn>(const_cast<void*>(i.extra->pointer))(d, a, b, c);
  Counters& counters = w.worker->counters;
  ++counters.mmaInstructions;
  counters.mmaOperations += 2 * static_cast<std::uint64_t>(i.imm);
}

}  // namespace kofn::sim
