// SPDX-License-Identifier: Apache-2.0
//
// Data races: two accesses to a byte, one of them a write, not both atomic or strong, and nothing that orders them.
//
// Inside a block, order comes from barriers. Every warp has a clock that advances when it synchronises, and remembers
// for each other warp up to which of its clocks everything is ordered before now (a vector clock, joined at barriers).
// Between lanes of one warp only __syncwarp and barriers order; running in lockstep is no promise.
//
// Between blocks, order comes from the grid (launches follow each other) and from atomics behind fences: a block that
// executed a device-wide fence releases all it wrote with its next atomic or strong store; a block that then reads that
// location atomically or strongly has acquired it. Blocks keep vector clocks over blocks, locations keep what was released
// to them. This accepts a little more than the memory model does (the acquiring side needs no fence here).
//
// A write that stores what is there already is not reported against another write.
#include <algorithm>
#include <cstdio>
#include <unordered_map>

#include "engine/global_sync.hpp"
#include "engine/memory_access.hpp"

namespace kofn::sim {
namespace {

using u32 = std::uint32_t;
using u64 = std::uint64_t;

// One access: clock << 32 | thread << 16 | bytes << 8 | flags.
constexpr u64 kStrongFlag = 1, kSeveralLanes = 2;
u64 pack(u32 clock, u32 thread, u32 bytes, u64 flags) { return u64{clock} << 32 | u64{thread} << 16 | u64{bytes} << 8 | flags; }
u32 clockOf(u64 v) { return static_cast<u32>(v >> 32); }
u32 threadOf(u64 v) { return static_cast<u32>(v >> 16) & 0xffff; }
u32 bytesOf(u64 v) { return static_cast<u32>(v >> 8) & 0xff; }

bool ordered(const Warp& w, u32 lane, u64 earlier) {
  const u32 warp = threadOf(earlier) / 32, from = threadOf(earlier) % 32, clock = clockOf(earlier);
  if (warp != w.index) return clock <= w.seen[warp];
  if (from == lane && !(earlier & kSeveralLanes)) return true;
  return clock <= w.syncedAll || (!w.laneSeen.empty() && clock <= w.laneSeen[lane * 32 + from]);
}

void reportShared(Warp& w, u32 lane, u64 earlier, u32 offset, const char* what) {
  const u32 thread = threadOf(earlier);
  const bool within = thread / 32 == w.index;
  const Check check = within ? Check::WarpRace : Check::SharedRace;
  if (!checking(w, check)) return;
  const Dim3& size = w.launch->request->block;
  char text[256];
  std::snprintf(text, sizeof text, "%s at shared address 0x%x: thread (%u,%u,%u)%s did so before, and no %s lies between", what, offset, thread % size.x,
                thread / size.x % size.y, thread / size.x / size.y, within ? " of the same warp" : "", within ? "__syncwarp or barrier" : "barrier");
  report(w, w.pc, static_cast<int>(lane), check, Severity::Error, offset, text);
}

}  // namespace

void raceShared(Warp& w, int laneNumber, u32 offset, u32 bytes, Action action, bool strong, bool sameValue) {
  const auto lane = static_cast<u32>(laneNumber);
  const u32 thread = w.index * 32 + lane, base = w.block->cellClock;
  strong |= action == Action::Atomic;
  for (u32 at = offset; at < offset + bytes;) {
    const u32 in = at & 3, n = std::min(4 - in, offset + bytes - at), mask = ((1u << n) - 1) << in;
    SharedCell& c = w.block->sharedCells[at / 4];
    const u64 now = pack(w.clock, thread, mask, strong ? kStrongFlag : 0);
    const auto conflicts = [&](u64 earlier) {
      return clockOf(earlier) >= base && (bytesOf(earlier) & mask) && !(strong && (earlier & kStrongFlag)) && !ordered(w, lane, earlier);
    };
    if (conflicts(c.write) && !(action == Action::Store && sameValue))
      reportShared(w, lane, c.write, at, action == Action::Load ? "read after an unordered write" : "write after an unordered write");
    if (action != Action::Load) {
      if (conflicts(c.read)) reportShared(w, lane, c.read, at, "write after an unordered read");
      else if (conflicts(c.olderRead)) reportShared(w, lane, c.olderRead, at, "write after an unordered read");
      c.write = now;
    } else {
      const bool sameWarp = threadOf(c.read) / 32 == w.index && clockOf(c.read) >= base;
      if (!sameWarp) c.olderRead = c.read;
      const bool several = sameWarp && clockOf(c.read) == w.clock && (threadOf(c.read) != thread || (c.read & kSeveralLanes));
      c.read = now | (several ? kSeveralLanes | (u64{bytesOf(c.read)} << 8) : 0);
    }
    at += n;
  }
}

// --------------------------------------------------------------------------------------------------------------------
// Global memory. A cell field: owner (block number over all launches) << 24 | clock << 8 | bytes << 4 | flags.

namespace {

u64 packGlobal(u64 owner, u32 clock, u32 mask, u64 flags) { return owner << 24 | u64{std::min(clock, 0xffffu)} << 8 | u64{mask} << 4 | flags; }
u64 ownerOf(u64 v) { return v >> 24; }
u32 globalClockOf(u64 v) { return static_cast<u32>(v >> 8) & 0xffff; }
u32 globalBytesOf(u64 v) { return static_cast<u32>(v >> 4) & 0xf; }

bool orderedGlobal(const Warp& w, u64 earlier) {
  const Launch& l = *w.launch;
  const u64 owner = ownerOf(earlier);
  if (owner == 0 || owner == w.block->owner) return true;
  if (owner >= l.ownerBase && owner < l.ownerBase + l.blocks) {
    const u64 block = owner - l.ownerBase;
    const auto& seen = w.block->blockSeen;
    const u32 clock = globalClockOf(earlier);
    return clock == 0xffff || (block < seen.size() && clock <= seen[block]);   // beyond 2^16 releases clocks say nothing
  }
  return l.sync->launchOrdered(l, owner);
}

void reportGlobal(Warp& w, int lane, u64 earlier, u64 address, const char* what) {
  const Launch& l = *w.launch;
  char text[256];
  const u64 owner = ownerOf(earlier);
  if (owner >= l.ownerBase && owner < l.ownerBase + l.blocks) {
    const u64 b = owner - l.ownerBase;
    const Dim3& g = l.request->grid;
    std::snprintf(text, sizeof text, "%s at 0x%llx: block (%llu,%llu,%llu) did so before, and neither an atomic behind a fence nor the grid orders the two", what,
                  static_cast<unsigned long long>(address), static_cast<unsigned long long>(b % g.x), static_cast<unsigned long long>(b / g.x % g.y),
                  static_cast<unsigned long long>(b / g.x / g.y));
  } else {
    std::snprintf(text, sizeof text, "%s at 0x%llx: an earlier launch that nothing orders before this one did so", what, static_cast<unsigned long long>(address));
  }
  report(w, w.pc, lane, Check::GlobalRace, Severity::Error, address, text);
}

}  // namespace

void raceGlobal(Warp& w, int lane, u64 address, u32 bytes, Action action, std::uint16_t flags, bool sameValue) {
  const bool strong = action == Action::Atomic || (flags & kStrong);
  GlobalCell* const cells = w.launch->memory->cells;
  const u64 offset = address - w.launch->memory->base;
  const u64 owner = w.block->owner;
  for (u64 at = offset; at < offset + bytes;) {
    const u32 in = static_cast<u32>(at & 3), n = static_cast<u32>(std::min<u64>(4 - in, offset + bytes - at)), mask = ((1u << n) - 1) << in;
    GlobalCell& c = cells[at / 4];
    const u64 now = packGlobal(owner, w.block->clock, mask, strong ? 1 : 0);
    const u64 write = __atomic_load_n(&c.write, __ATOMIC_RELAXED);
    const auto conflicts = [&](u64 earlier) { return ownerOf(earlier) != owner && (globalBytesOf(earlier) & mask) && !(strong && (earlier & 1)) && !orderedGlobal(w, earlier); };
    if (conflicts(write) && !(action == Action::Store && sameValue))
      reportGlobal(w, lane, write, address, action == Action::Load ? "read after an unordered write" : "write after an unordered write");
    if (action == Action::Load) {
      if (__atomic_load_n(&c.read, __ATOMIC_RELAXED) != now) __atomic_store_n(&c.read, now, __ATOMIC_RELAXED);
    } else {
      const u64 read = __atomic_load_n(&c.read, __ATOMIC_RELAXED);
      if (conflicts(read)) reportGlobal(w, lane, read, address, "write after an unordered read");
      __atomic_store_n(&c.write, now, __ATOMIC_RELAXED);
    }
    at += n;
  }
}

void releaseGlobal(Warp& w, u64 address, bool withFence) {
  Block& b = *w.block;
  if (!w.launch->checkGlobal || !(b.fenced || withFence)) return;
  w.launch->sync->release(w, address);
}

void acquireGlobal(Warp& w, u64 address) {
  if (w.launch->checkGlobal) w.launch->sync->acquire(w, address);
}

// --------------------------------------------------------------------------------------------------------------------

void GlobalSync::release(Warp& w, u64 address) {
  Block& b = *w.block;
  const u64 self = b.owner - w.launch->ownerBase;
  const std::lock_guard lock(mutex_);
  any_.store(true, std::memory_order_relaxed);
  std::vector<u32>& clocks = released_[address];
  if (clocks.size() < b.blockSeen.size()) clocks.resize(b.blockSeen.size());
  for (std::size_t k = 0; k < b.blockSeen.size(); ++k) clocks[k] = std::max(clocks[k], b.blockSeen[k]);
  if (clocks.size() <= self) clocks.resize(self + 1);
  clocks[self] = std::max(clocks[self], b.clock);
  ++b.clock;
}

void GlobalSync::acquire(Warp& w, u64 address) {
  if (!any_.load(std::memory_order_relaxed)) return;
  const std::lock_guard lock(mutex_);
  const auto it = released_.find(address);
  if (it == released_.end()) return;
  std::vector<u32>& seen = w.block->blockSeen;
  if (seen.size() < it->second.size()) seen.resize(it->second.size());
  for (std::size_t k = 0; k < it->second.size(); ++k) seen[k] = std::max(seen[k], it->second[k]);
}

bool GlobalSync::launchOrdered(const Launch& l, u64 owner) {
  if (l.request->launchId == 0 || !l.request->happensAfter) return true;
  DeviceMemory::Impl& m = *l.memory;
  const std::lock_guard lock(m.mutex);
  auto it = std::upper_bound(m.launches.begin(), m.launches.end(), owner, [](u64 o, const auto& p) { return o < p.firstOwner; });
  if (it == m.launches.begin()) return true;
  const u64 id = std::prev(it)->launchId;
  return id == 0 || id == l.request->launchId || l.request->happensAfter(id);
}

}  // namespace kofn::sim
