// SPDX-License-Identifier: Apache-2.0
//
// Block barriers (numbered, with or without a thread count, with a reduction), __syncwarp, and what happens when nobody
// can go on. A warp arrives as a whole: its lanes that have not exited wait for each other first. Exited lanes and finished
// warps never hold anybody up.
#include <algorithm>
#include <cstdio>

#include "engine/handlers.hpp"
#include "engine/interpreter.hpp"

namespace kofn::sim {
namespace {

using u32 = std::uint32_t;

std::string lineOf(const Program& p, u32 pc) { return "line " + std::to_string(p.lines[pc].ptxLine); }

void deliverReduction(Warp& w, const NamedBarrier& b) {
  if (w.barrierKind == kPopc) {
    u32* d = slot<u32>(w, w.barrierDestination);
    for (u32 m = w.barrierLanes; m != 0; m &= m - 1) d[std::countr_zero(m)] = b.count;
  } else if (w.barrierKind != kPlain) {
    setPredicate(w, w.barrierDestination, w.barrierLanes, (w.barrierKind == kAnd ? b.all : b.any) ? ~0u : 0);
  }
}

void release(Block& block, NamedBarrier& b) {
  for (Warp& w : block.warps)
    if (b.waiting >> w.index & 1) {
      for (u32 k = 0; k < 32; ++k) w.seen[k] = std::max(w.seen[k], b.joined[k]);
      deliverReduction(w, b);
      w.state = Warp::Ready;
      w.pc = w.next;
      w.event = kNone;
    }
  b = NamedBarrier{};
}

u32 liveMask(const Block& block) {
  u32 mask = 0;
  for (const Warp& w : block.warps)
    if (w.state != Warp::Done) mask |= 1u << w.index;
  return mask;
}

bool complete(const Block& block, const NamedBarrier& b) {
  if (b.arrived == 0) return false;
  if (b.expected) return b.arrived >= b.expected;
  return (liveMask(block) & ~b.participants) == 0;
}

// The warp's live lanes all stand at this barrier.
void arrive(Warp& w, const Instr& i, u32 lanes) {
  Block& block = *w.block;
  const int lane = std::countr_zero(lanes);
  const u32 id = i.flags & kBarrierSlot ? slot<u32>(w, i.a)[lane] : static_cast<u32>(i.imm);
  if (id > 15) {
    report(w, w.pc, lane, std::nullopt, Severity::Error, id, "barrier number " + std::to_string(id) + " is beyond 15");
    return fault(w, Fault::IllegalInstruction, "illegal barrier number");
  }
  const u32 count = i.flags & kCountSlot ? slot<u32>(w, i.b)[lane] : 0;
  if ((i.flags & kCountSlot) && (count == 0 || count % 32 != 0)) {
    report(w, w.pc, lane, std::nullopt, Severity::Error, count, "barrier thread count " + std::to_string(count) + " is no positive multiple of 32");
    return fault(w, Fault::IllegalInstruction, "illegal barrier thread count");
  }
  NamedBarrier& b = block.barriers[id];
  const bool arriveOnly = i.flags & kArriveOnly;
  if (b.arrived == 0) {
    b.expected = count;
    b.pc = w.pc;
  } else {
    if (b.expected != count && checking(w, Check::BarrierMismatch))
      report(w, w.pc, lane, Check::BarrierMismatch, Severity::Error, 0, "barrier " + std::to_string(id) + " is expected by " + std::to_string(count) +
             " threads here and by " + std::to_string(b.expected) + " at " + lineOf(program(w), b.pc));
    if (b.pc != w.pc && b.waiting != 0 && !arriveOnly && checking(w, Check::BarrierMismatch))
      report(w, w.pc, lane, Check::BarrierMismatch, Severity::Warning, 0, "this warp meets warps that wait at the barrier of " + lineOf(program(w), b.pc));
  }
  b.arrived += 32;
  b.participants |= 1u << w.index;
  if (i.n != kPlain) {
    const u32 yes = predicate(w, i.c) & lanes;
    b.count += static_cast<u32>(std::popcount(yes));
    b.all &= yes == lanes;
    b.any |= yes != 0;
  }
  ++w.worker->counters.barriers;
  for (u32 k = 0; k < 32; ++k) b.joined[k] = std::max(b.joined[k], w.seen[k]);
  b.joined[w.index] = std::max(b.joined[w.index], w.clock);
  w.syncedAll = w.clock++;
  if (!arriveOnly) {
    b.waiting |= 1u << w.index;
    w.barrierId = id;
    w.barrierPc = w.pc;
    w.barrierKind = i.n;
    w.barrierDestination = i.d;
    w.barrierLanes = lanes;
    w.state = Warp::AtBarrier;
    w.event = kBlocked;
  }
  if (complete(block, b)) release(block, b);
}

}  // namespace

void barrier(Warp& w, const Instr& i, u32 exec) {
  if (exec != w.live) return waitHere(w, exec);
  arrive(w, i, exec);
}

void warpFinished(Warp& w) {
  for (NamedBarrier& b : w.block->barriers)
    if (complete(*w.block, b) && b.waiting) release(*w.block, b);
}

// a: member mask. Lanes of a mask may stand at different __syncwarp()s; resolveStuckWarp() brings those together.
void warpBarrier(Warp& w, const Instr& i, u32 exec) {
  const u32* masks = slot<u32>(w, i.a);
  u32 wanted = 0;
  for (u32 m = exec; m != 0; m &= m - 1) {
    const int l = std::countr_zero(m);
    wanted |= masks[l];
    if (masks[l] & w.live & ~exec) return waitHere(w, exec);
  }
  if ((wanted & w.live) == w.live) {
    w.syncedAll = w.clock;
  } else {
    if (w.laneSeen.empty()) w.laneSeen.assign(32 * 32, 0);
    for (u32 m = exec; m != 0; m &= m - 1) {
      const u32 l = static_cast<u32>(std::countr_zero(m));
      for (u32 k = 0; k < 32; ++k)
        if (masks[l] >> k & 1) w.laneSeen[l * 32 + k] = w.clock;
    }
  }
  ++w.clock;
}

// Every group of the warp waits. Lanes at different __syncwarp()s of one mask, and lanes at different non-aligned block
// barriers, may go on together; anything else is a deadlock.
void resolveStuckWarp(Warp& w) {
  const Program& p = program(w);
  if (w.groups.empty()) return;
  const auto allAt = [&](Handler h) {
    return std::all_of(w.groups.begin(), w.groups.end(), [&](const Group& g) { return p.handlerAt(g.pc) == h; });
  };
  if (allAt(warpBarrier)) {
    u32 here = 0;
    for (const Group& g : w.groups) here |= g.mask;
    bool complete = true;
    for (const Group& g : w.groups)
      for (u32 m = g.mask; m != 0; m &= m - 1) complete &= (slot<u32>(w, p.code[g.pc].a)[std::countr_zero(m)] & w.live & ~here) == 0;
    if (complete) {
      w.syncedAll = w.clock++;
      for (Group& g : w.groups) ++g.pc, g.waiting = false;
      regroup(w, false);
      return;
    }
  }
  const Group& first = w.groups.front();
  const int lane = std::countr_zero(first.mask);
  std::string others;
  for (const Group& g : w.groups) {
    char text[64];
    std::snprintf(text, sizeof text, "%s%d lanes (mask %08x) at ", others.empty() ? "" : ", ", std::popcount(g.mask), g.mask);
    others += text + lineOf(p, g.pc);
  }
  if (allAt(barrier)) {
    bool aligned = false;
    for (const Group& g : w.groups) aligned |= (p.code[g.pc].flags & kAligned) != 0;
    if (!aligned || !checking(w, Check::DivergentBarrier)) {   // all arrive through the first group's instruction
      const Instr& i = p.code[first.pc];
      for (Group& g : w.groups) ++g.pc, g.waiting = false;
      w.pc = static_cast<u32>(&i - p.code.data());
      arrive(w, i, w.live);
      if (w.event == kBlocked || w.event == kNone) {
        const Event e = w.event;
        w.active = 0;
        regroup(w, false);
        w.next = w.pc;
        w.event = e;
        if (e == kBlocked) w.barrierLanes = w.live;
      }
      return;
    }
    report(w, first.pc, lane, Check::DivergentBarrier, Severity::Error, 0, "lanes of one warp wait at different barriers: " + others);
    return fault(w, Fault::LaunchFailed, "deadlock: divergent barrier");
  }
  const bool anyBarrier = std::any_of(w.groups.begin(), w.groups.end(), [&](const Group& g) { return p.handlerAt(g.pc) == barrier; });
  const bool onlyBarriersAndSync = anyBarrier && std::all_of(w.groups.begin(), w.groups.end(), [&](const Group& g) {
    return p.handlerAt(g.pc) == barrier || p.handlerAt(g.pc) == warpBarrier;
  });
  const Check check = onlyBarriersAndSync ? Check::DivergentBarrier : Check::PartialShuffle;
  const Group* at = &first;
  for (const Group& g : w.groups)
    if ((p.handlerAt(g.pc) == barrier) == (check == Check::DivergentBarrier)) at = &g;
  if (checking(w, check)) report(w, at->pc, std::countr_zero(at->mask), check, Severity::Error, 0, "deadlock: lanes of one warp wait for each other: " + others);
  fault(w, Fault::LaunchFailed, "deadlock inside a warp");
}

void reportStuckBlock(Block& b, Worker& worker) {
  const Program& p = *worker.launch->program;
  Warp* first = nullptr;
  std::string where;
  for (Warp& w : b.warps) {
    if (w.state != Warp::AtBarrier) continue;
    if (!first) first = &w;
    if (where.size() < 400)
      where += (where.empty() ? "" : ", ") + std::string("warp ") + std::to_string(w.index) + " at barrier " + std::to_string(w.barrierId) + " of " + lineOf(p, w.barrierPc);
  }
  if (!first) return;
  if (checking(*first, Check::BarrierMismatch))
    report(*first, first->barrierPc, std::countr_zero(first->live), Check::BarrierMismatch, Severity::Error, 0, "deadlock: warps wait at different barriers: " + where);
  fault(*first, Fault::LaunchFailed, "deadlock: warps wait at barriers that can never complete");
}

}  // namespace kofn::sim
