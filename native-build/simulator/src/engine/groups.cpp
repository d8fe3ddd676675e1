// SPDX-License-Identifier: Apache-2.0
//
// A warp's lanes form groups with one program counter each. One group runs; it always is the one deepest in calls and,
// among those, with the lowest pc, so that the lanes of a branch meet again at the first instruction they share. Because
// real hardware lets every lane progress, a group that runs for long while others could is set aside now and then.
#include <algorithm>

#include "engine/interpreter.hpp"

namespace kofn::sim {
namespace {

void findMergePoint(Warp& w) {
  w.mergeAt = ~0u;
  for (const Group& g : w.groups)
    if (g.depth == w.depth) w.mergeAt = std::min(w.mergeAt, g.pc);
}

bool before(const Group& a, const Group& b) { return a.depth != b.depth ? a.depth > b.depth : a.pc < b.pc; }

}  // namespace

void splitOff(Warp& w, std::uint32_t mask, std::uint32_t pc, std::uint32_t depth) {
  w.groups.push_back({pc, mask, depth, false});
  w.active &= ~mask;
  w.event = kRegroup;
}

void waitHere(Warp& w, std::uint32_t exec) {
  if (const std::uint32_t rest = w.active & ~exec) w.groups.push_back({w.pc + 1, rest, w.depth, false});
  w.active = exec;
  w.next = w.pc;
  w.event = kWait;
}

void wakeAll(Warp& w) {
  for (Group& g : w.groups) g.waiting = false;
  w.event = kRegroup;
}

bool regroup(Warp& w, bool yield) {
  if (w.active) w.groups.push_back({w.next, w.active, w.depth, w.event == kWait});
  w.active = 0;
  // Merge groups of one place. A merged group is not waiting: it tries again with more lanes.
  for (std::size_t a = 0; a < w.groups.size(); ++a)
    for (std::size_t b = a + 1; b < w.groups.size();) {
      if (w.groups[b].pc == w.groups[a].pc && w.groups[b].depth == w.groups[a].depth) {
        w.groups[a].mask |= w.groups[b].mask;
        w.groups[a].waiting = false;
        w.groups.erase(w.groups.begin() + static_cast<std::ptrdiff_t>(b));
      } else {
        ++b;
      }
    }
  std::size_t best = w.groups.size();
  for (std::size_t g = 0; g < w.groups.size(); ++g)
    if (!w.groups[g].waiting && (best == w.groups.size() || (yield ? before(w.groups[best], w.groups[g]) : before(w.groups[g], w.groups[best])))) best = g;
  if (best == w.groups.size()) return false;
  const Group chosen = w.groups[best];
  w.groups.erase(w.groups.begin() + static_cast<std::ptrdiff_t>(best));
  w.active = chosen.mask;
  w.pc = w.next = chosen.pc;
  w.depth = chosen.depth;
  w.event = kNone;
  findMergePoint(w);
  if (yield) w.mergeAt = ~0u;   // otherwise the group set aside would come back at once
  return true;
}

std::uint32_t runWarp(Warp& w, std::uint32_t budget) {
  const Instr* const code = w.launch->program->code.data();
  Worker& worker = *w.worker;
  std::uint64_t* const warpCount = worker.warpCount.data();
  std::uint64_t* const threadCount = worker.threadCount.data();
  if (w.active == 0 && !regroup(w, false)) {
    resolveStuckWarp(w);
    if (w.active == 0) return 0;
  }
  if (!w.groups.empty()) {
    // Fairness: after some quanta the group that would never be chosen gets one; soon where the block may be spinning.
    const std::uint32_t patience = w.block->strongAccesses > 64 ? 2 : 32;
    const bool anyRunnable = std::any_of(w.groups.begin(), w.groups.end(), [](const Group& g) { return !g.waiting; });
    if (anyRunnable && ++w.quantaAlone % patience == 0) regroup(w, true);
    else if (w.mergeAt == ~0u) regroup(w, false);
  }
  std::uint32_t done = 0;
  while (done < budget) {
    const std::uint32_t pc = w.pc;
    const Instr& i = code[pc];
    const std::uint32_t exec = w.active & (predicate(w, i.guard) ^ i.guardFlip);
    w.next = pc + 1;
    ++done;
    ++warpCount[pc];
    if (exec) {
      threadCount[pc] += static_cast<std::uint64_t>(std::popcount(exec));
      i.run(w, i, exec);
      if (w.event != kNone) [[unlikely]] {
        if (w.event == kWait) --warpCount[pc], threadCount[pc] -= static_cast<std::uint64_t>(std::popcount(exec));
        if (w.event == kStop || w.event == kBlocked) break;
        if (w.live == 0) {
          w.active = 0;
          w.state = Warp::Done;
          warpFinished(w);
          break;
        }
        if (!regroup(w, false)) {
          resolveStuckWarp(w);
          if (w.active == 0) break;
        }
        continue;
      }
    }
    w.pc = w.next;
    if (w.next >= w.mergeAt) [[unlikely]] {
      if (!regroup(w, false)) break;
    }
  }
  return done;
}

}  // namespace kofn::sim
