// SPDX-License-Identifier: Apache-2.0
#include "engine/block.hpp"

#include <algorithm>
#include <cstring>

#include "engine/interpreter.hpp"
#include "engine/memory_impl.hpp"

namespace kofn::sim {
namespace {

using u32 = std::uint32_t;
using u64 = std::uint64_t;

constexpr int kPoison = 0xCD;

void allocate(Worker& worker, Block& b) {
  const Launch& l = *worker.launch;
  const Program& p = *l.program;
  b.warps.resize(l.warpsPerBlock);
  b.registers.assign(std::size_t{l.warpsPerBlock} * p.registerBytes + 64, static_cast<std::byte>(kPoison));
  b.registerBase = reinterpret_cast<std::byte*>((reinterpret_cast<std::uintptr_t>(b.registers.data()) + 63) / 64 * 64);
  b.shared.resize(l.sharedBytes);
  b.sharedState.resize(l.sharedBytes);
  b.sharedCells.assign((l.sharedBytes + 3) / 4, SharedCell{});
  b.local.resize(std::size_t{l.warpsPerBlock} * 32 * p.localBytes);
  b.localState.resize(b.local.size());
  for (u32 k = 0; k < l.warpsPerBlock; ++k) {
    Warp& w = b.warps[k];
    w.regs = b.registerBase + std::size_t{k} * p.registerBytes;
    w.block = &b;
    w.worker = &worker;
    w.launch = worker.launch;
    w.index = k;
    for (const auto& [offset, image] : p.constants) std::memcpy(w.regs + offset, image.data(), image.size());
  }
  b.prepared = true;
}

u32 specialValue(const Launch& l, const Block& b, Special s, u32 thread) {
  const Dim3 &size = l.request->block, &grid = l.request->grid;
  const u32 lane = thread % 32;
  switch (s) {
    case Special::TidX: return thread % size.x;
    case Special::TidY: return thread / size.x % size.y;
    case Special::TidZ: return thread / size.x / size.y;
    case Special::NtidX: return size.x;
    case Special::NtidY: return size.y;
    case Special::NtidZ: return size.z;
    case Special::CtaidX: return b.index.x;
    case Special::CtaidY: return b.index.y;
    case Special::CtaidZ: return b.index.z;
    case Special::NctaidX: return grid.x;
    case Special::NctaidY: return grid.y;
    case Special::NctaidZ: return grid.z;
    case Special::LaneId: return lane;
    case Special::WarpId: return thread / 32;
    case Special::NWarpId: return l.properties->maxThreadsPerMultiprocessor / 32;
    case Special::SmId: return static_cast<u32>(b.linear % static_cast<u64>(l.properties->multiprocessors));
    case Special::NSmId: return static_cast<u32>(l.properties->multiprocessors);
    case Special::LaneMaskEq: return 1u << lane;
    case Special::LaneMaskLt: return (1u << lane) - 1;
    case Special::LaneMaskLe: return static_cast<u32>((2ull << lane) - 1);
    case Special::LaneMaskGt: return ~static_cast<u32>((2ull << lane) - 1);
    case Special::LaneMaskGe: return ~((1u << lane) - 1);
    case Special::DynamicSmem: return l.request->dynamicShared;
    case Special::TotalSmem: return l.sharedBytes;
    case Special::One: return 1;
    case Special::Zero:
    case Special::GridId:
    case Special::Count: break;
  }
  return 0;
}

void fillSpecials(const Launch& l, Block& b, Warp& w) {
  for (const auto& [s, offset] : l.program->specials) {
    if (s == Special::GridId) {
      u64* d = slot<u64>(w, offset);
      for (int k = 0; k < 32; ++k) d[k] = l.ownerBase;
      continue;
    }
    u32* d = slot<u32>(w, offset);
    for (u32 k = 0; k < 32; ++k) d[k] = specialValue(l, b, s, w.index * 32 + k);
  }
}

void startWarp(const Launch& l, Block& b, Warp& w) {
  const u32 left = l.threadsPerBlock - w.index * 32;
  w.live = left >= 32 ? kAllLanes : (1u << left) - 1;
  w.active = w.live;
  w.pc = w.next = 0;
  w.depth = 0;
  w.event = kNone;
  w.mergeAt = ~0u;
  w.groups.clear();
  w.quantaAlone = 0;
  w.state = Warp::Ready;
  for (auto& s : w.stack) s.clear();
  for (auto& s : w.saved) s.clear();
  std::fill(std::begin(w.localTop), std::end(w.localTop), 0);
  w.carry = 0;
  w.copies.clear();
  std::fill(std::begin(w.commits), std::end(w.commits), 0);
  w.clock = b.cellClock;
  w.syncedAll = b.cellClock - 1;
  std::fill(std::begin(w.seen), std::end(w.seen), b.cellClock - 1);
  w.laneSeen.clear();
  fillSpecials(l, b, w);
  const Program& p = *l.program;
  if (p.definedEnd > p.definedBegin) std::memset(w.regs + p.definedBegin, 0, p.definedEnd - p.definedBegin);
}

void finishBlock(Worker& worker, Block& b) {
  b.running = false;
  u32 clock = b.cellClock;
  for (const Warp& w : b.warps) clock = std::max(clock, w.clock);
  b.cellClock = clock + 1;
  if (b.cellClock > (1u << 31)) {   // clocks start over
    b.cellClock = 1;
    std::fill(b.sharedCells.begin(), b.sharedCells.end(), SharedCell{});
  }
  worker.counters.blocks++;
  worker.counters.warps += b.warps.size();
  worker.launch->finishedBlocks.fetch_add(1, std::memory_order_relaxed);
}

// The number of the next block to start, or `blocks` when none is left.
u64 takeBlock(Launch& l) {
  const u64 n = l.nextBlock.fetch_add(1, std::memory_order_relaxed);
  if (n >= l.blocks) return l.blocks;
  return static_cast<u64>((static_cast<unsigned __int128>(n) * l.orderMultiplier + l.orderOffset) % l.blocks);
}

Warp* chooseWarp(Worker& worker, Block& b) {
  Warp* ready[32];
  u32 n = 0;
  for (Warp& w : b.warps)
    if (w.state == Warp::Ready) ready[n++] = &w;
  if (n == 0) return nullptr;
  return ready[worker.launch->options->randomOrder ? nextRandom(worker.random) % n : 0];
}

}  // namespace

void startBlock(Worker& worker, Block& b, u64 linear) {
  const Launch& l = *worker.launch;
  if (!b.prepared) allocate(worker, b);
  const Dim3& g = l.request->grid;
  b.linear = linear;
  b.index = {static_cast<u32>(linear % g.x), static_cast<u32>(linear / g.x % g.y), static_cast<u32>(linear / g.x / g.y)};
  b.owner = l.ownerBase + linear;
  b.clock = 1;
  b.fenced = false;
  b.blockSeen.clear();
  b.strongAccesses = 0;
  b.running = true;
  b.liveWarps = l.warpsPerBlock;
  for (NamedBarrier& n : b.barriers) n = NamedBarrier{};
  if (!b.shared.empty()) {
    std::memset(b.shared.data(), kPoison, b.shared.size());
    std::memset(b.sharedState.data(), kUninitialised, b.sharedState.size());
  }
  if (!b.local.empty()) {
    std::memset(b.local.data(), kPoison, b.local.size());
    std::memset(b.localState.data(), kUninitialised, b.localState.size());
  }
  for (Warp& w : b.warps) startWarp(l, b, w);
}

void runBlocks(Worker& worker) {
  Launch& l = *worker.launch;
  const bool random = l.options->randomOrder;
  std::size_t residents = random ? 2 : 1;
  constexpr u64 kPatience = 1u << 18;   // instructions without a finished block, after which spinning blocks get company
  const u64 limit = l.options->maxThreadInstructions ? l.options->maxThreadInstructions : 200'000'000'000ull;
  u64 sinceProgress = 0;
  bool blocksLeft = true;
  std::vector<Block*> running;
  while (!l.stop.load(std::memory_order_relaxed)) {
    running.clear();
    for (Block& b : worker.residents)
      if (b.running) running.push_back(&b);
    while (blocksLeft && running.size() < residents) {
      const u64 linear = takeBlock(l);
      if (linear == l.blocks) {
        blocksLeft = false;
        break;
      }
      Block* free = nullptr;
      for (Block& b : worker.residents)
        if (!b.running) free = &b;
      if (!free) free = &worker.residents.emplace_back();
      startBlock(worker, *free, linear);
      running.push_back(free);
    }
    if (running.empty()) return;
    Block& b = *running[random ? nextRandom(worker.random) % running.size() : sinceProgress / 4096 % running.size()];
    Warp* w = chooseWarp(worker, b);
    if (!w) {
      reportStuckBlock(b, worker);
      return;
    }
    const u32 budget = random ? 32 + static_cast<u32>(nextRandom(worker.random) % 1500) : 4096;
    const u32 ran = runWarp(*w, budget);
    worker.instructions += ran;
    sinceProgress += ran;
    if (w->state == Warp::Done && --b.liveWarps == 0) {
      finishBlock(worker, b);
      sinceProgress = 0;
    }
    if (sinceProgress > kPatience) {
      bool spinning = true;
      for (Block* r : running) {
        spinning &= r->strongAccesses > 1000;
        r->strongAccesses = 0;
      }
      if (spinning && blocksLeft && residents < 8192) ++residents;
      sinceProgress = 0;
      if (l.threadInstructions.fetch_add(u64{kPatience} * 32, std::memory_order_relaxed) > limit) {
        report(*w, w->pc, 0, std::nullopt, Severity::Error, 0, "the launch took more than the allowed number of instructions");
        fault(*w, Fault::Timeout, "launch timed out");
        return;
      }
    }
  }
}

}  // namespace kofn::sim
