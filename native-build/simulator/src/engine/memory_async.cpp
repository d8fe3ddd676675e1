// SPDX-License-Identifier: Apache-2.0
//
// cp.async. A copy is only noted when it is issued, and its destination marked as in flight; the bytes move when the
// issuing lane waits for the copy's group. A missing wait thus reads old bytes, and is reported.
#include <algorithm>
#include <cstring>

#include "engine/memory_access.hpp"

namespace kofn::sim {
namespace {

using u32 = std::uint32_t;
using u64 = std::uint64_t;

void deliver(Warp& w, const PendingCopy& c) {
  Block& b = *w.block;
  std::byte* const to = b.shared.data() + c.shared;
  if (c.sourceBytes) {
    std::byte* from = nullptr;
    if (w.launch->memory->contains(c.global, c.sourceBytes)) from = w.launch->memory->data + (c.global - w.launch->memory->base);
    else from = w.launch->memory->hostPointer(c.global, c.sourceBytes);
    if (from) std::memcpy(to, from, c.sourceBytes);
  }
  std::memset(to + c.sourceBytes, 0, c.bytes - c.sourceBytes);
  std::memset(b.sharedState.data() + c.shared, kInitialised, c.bytes);
  if (w.launch->anySharedRace) raceShared(w, static_cast<int>(c.lane), c.shared, c.bytes, Action::Store, false, false);
}

}  // namespace

void asyncCopy(Warp& w, const Instr& i, u32 exec) {
  Access shared;
  shared.action = Action::Store;
  shared.bytes = i.n;
  fillAddresses(w, i, exec, shared);
  const u64 offset = i.extra->slots[0] | u64{i.extra->slots[1]} << 32;
  const u64* base = slot<u64>(w, i.b);

  Access global;
  global.action = Action::Load;
  global.exec = exec;
  for (u32 m = exec; m != 0; m &= m - 1) global.address[std::countr_zero(m)] = base[std::countr_zero(m)] + offset;
  // Lanes with fewer source bytes than the copy has read just those; one access for each size that occurs.
  u32 sizes[32];
  for (u32 m = exec; m != 0; m &= m - 1) {
    const int l = std::countr_zero(m);
    sizes[l] = i.n;
    if (i.flags & kHasSourceSize) sizes[l] = std::min<u32>(slot<u32>(w, i.c)[l], i.n);
    if ((i.flags & kIgnoreSource) && (predicate(w, i.c) >> l & 1)) sizes[l] = 0;
  }
  for (u32 m = exec; m != 0;) {
    const u32 size = sizes[std::countr_zero(m)];
    u32 same = 0;
    for (u32 r = m; r != 0; r &= r - 1)
      if (sizes[std::countr_zero(r)] == size) same |= r & (~r + 1);
    m &= ~same;
    if (size == 0) continue;
    if ((size & (size - 1)) == 0) {
      global.exec = same;
      global.bytes = size;
      resolveGlobal(w, global, nullptr, 0);
    } else {   // an odd number of bytes: byte by byte
      for (u32 b = 0; b < size && w.event != kStop; ++b) {
        Access one = global;
        one.exec = same;
        one.bytes = 1;
        for (u32 r = same; r != 0; r &= r - 1) one.address[std::countr_zero(r)] += b;
        resolveGlobal(w, one, nullptr, 0);
      }
    }
    if (w.event == kStop) return;
  }

  const u64 size = w.block->shared.size();
  for (u32 m = exec; m != 0; m &= m - 1) {
    const int l = std::countr_zero(m);
    const u64 at = shared.address[l];
    const u32 bytes = i.n;
    if (at >= size || bytes > size - at || at % bytes != 0) {
      const bool outside = at >= size || bytes > size - at;
      const Check check = outside ? Check::OutOfBounds : Check::Misaligned;
      if (checking(w, check)) {
        report(w, w.pc, l, check, Severity::Error, at, "cp.async of " + std::to_string(bytes) + " bytes to shared address " + std::to_string(at) +
               (outside ? " beyond the block's " + std::to_string(size) + " bytes" : " is misaligned"));
        fault(w, outside ? Fault::IllegalAddress : Fault::MisalignedAddress, outside ? "illegal address" : "misaligned address");
        return;
      }
      continue;
    }
    std::uint8_t* const state = w.block->sharedState.data() + at;
    if (std::memchr(state, kInFlight, bytes) && checking(w, Check::AsyncCopyUnwaited))
      report(w, w.pc, l, Check::AsyncCopyUnwaited, Severity::Error, at, "cp.async to shared bytes that another cp.async has yet to deliver");
    if (w.launch->anySharedRace) raceShared(w, l, static_cast<u32>(at), bytes, Action::Store, false, false);
    std::memset(state, kInFlight, bytes);
    w.copies.push_back({w.pc, static_cast<u32>(l), static_cast<u32>(at), bytes, sizes[l], global.address[l], PendingCopy::kOpen});
  }
  shared.exec = exec;
  if (w.launch->count) countShared(w, shared);
}

void asyncCommit(Warp& w, const Instr&, u32 exec) {
  for (PendingCopy& c : w.copies)
    if ((exec >> c.lane & 1) && c.group == PendingCopy::kOpen) c.group = w.commits[c.lane];
  for (u32 m = exec; m != 0; m &= m - 1) ++w.commits[std::countr_zero(m)];
}

void asyncWait(Warp& w, const Instr& i, u32 exec) {
  const auto done = [&](const PendingCopy& c) {
    if (!(exec >> c.lane & 1)) return false;
    if (i.imm < 0) return true;                       // wait_all: committed or not
    return c.group != PendingCopy::kOpen && static_cast<std::int64_t>(c.group) + i.imm < static_cast<std::int64_t>(w.commits[c.lane]);
  };
  for (const PendingCopy& c : w.copies)
    if (done(c)) deliver(w, c);
  w.copies.erase(std::remove_if(w.copies.begin(), w.copies.end(), done), w.copies.end());
}

}  // namespace kofn::sim
