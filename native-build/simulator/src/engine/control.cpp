// SPDX-License-Identifier: Apache-2.0
//
// Branches, calls, returns, exits. Return addresses are kept per lane, so lanes that called one function from different
// places run it together and part again when they return.
#include <cstring>

#include "engine/handlers.hpp"
#include "engine/interpreter.hpp"

namespace kofn::sim {
namespace {

using u32 = std::uint32_t;
constexpr u32 kDeepestCall = 4096;

// Copies a parameter of every lane between two lane-strided storages.
void copyStorage(Warp& w, u32 exec, u32 to, u32 toStride, u32 from, u32 fromStride, u32 bytes) {
  for (u32 m = exec; m != 0; m &= m - 1) {
    const u32 l = static_cast<u32>(std::countr_zero(m));
    std::memmove(w.regs + to + l * toStride, w.regs + from + l * fromStride, bytes);
  }
}

// Saves and restores one lane's columns of a recursive function's frame.
void saveFrame(Warp& w, const FunctionFrame& f, u32 lane) {
  std::vector<std::byte>& s = w.saved[lane];
  for (const auto& [offset, bytes] : f.columns) {
    if (bytes == 0) {
      s.push_back(static_cast<std::byte>(predicate(w, offset) >> lane & 1));
    } else {
      const std::byte* p = w.regs + offset + lane * bytes;
      s.insert(s.end(), p, p + bytes);
    }
  }
}
void restoreFrame(Warp& w, const FunctionFrame& f, u32 lane) {
  std::vector<std::byte>& s = w.saved[lane];
  std::size_t size = 0;
  for (const auto& column : f.columns) size += column.second ? column.second : 1;
  std::size_t at = s.size() - size;
  for (const auto& [offset, bytes] : f.columns) {
    if (bytes == 0) setPredicate(w, offset, 1u << lane, static_cast<u32>(s[at]) << lane);
    else std::memcpy(w.regs + offset + lane * bytes, s.data() + at, bytes);
    at += bytes ? bytes : 1;
  }
  s.resize(s.size() - size);
}

void enter(Warp& w, const Instr& i, u32 exec, u32 number) {
  const Program& p = program(w);
  const FunctionFrame& f = p.frames[number];
  const std::vector<u32>& passed = i.extra->slots;
  if (passed.size() != 3 * f.parameters.size() || i.extra->moreSlots.size() > 3 * f.results.size()) {
    fault(w, Fault::InvalidProgramCounter, "an indirect call with the wrong number of parameters");
    return;
  }
  for (u32 m = exec; m != 0; m &= m - 1) {
    const u32 l = static_cast<u32>(std::countr_zero(m));
    if (w.stack[l].size() >= kDeepestCall) {
      report(w, w.pc, static_cast<int>(l), std::nullopt, Severity::Error, 0, "stack overflow: more than 4096 nested calls");
      fault(w, Fault::LaunchFailed, "stack overflow");
      return;
    }
    if (f.recursive) {
      // The parameters may live in the very frame that is saved and overwritten: take them out first.
      std::vector<std::byte> values;
      for (std::size_t k = 0; k < f.parameters.size(); ++k) {
        const std::byte* from = w.regs + passed[3 * k] + l * passed[3 * k + 1];
        values.insert(values.end(), from, from + f.parameterBytes[k]);
      }
      saveFrame(w, f, l);
      std::size_t at = 0;
      for (std::size_t k = 0; k < f.parameters.size(); ++k) {
        std::memcpy(w.regs + f.parameters[k][0] + l * f.parameters[k][1], values.data() + at, f.parameterBytes[k]);
        at += f.parameterBytes[k];
      }
      slot<std::uint64_t>(w, f.localBase)[l] = p.localStack + w.localTop[l];
      w.localTop[l] += f.localBytes;
      if (p.localStack + w.localTop[l] > p.localBytes) {
        report(w, w.pc, static_cast<int>(l), std::nullopt, Severity::Error, 0, "stack overflow: local variables of recursive calls exceed the stack");
        fault(w, Fault::LaunchFailed, "stack overflow");
        return;
      }
    }
    w.stack[l].push_back({w.pc, number});
  }
  if (!f.recursive)
    for (std::size_t k = 0; k < f.parameters.size(); ++k)
      copyStorage(w, exec, f.parameters[k][0], f.parameters[k][1], passed[3 * k], passed[3 * k + 1], f.parameterBytes[k]);
  if (exec == w.active && w.groups.empty()) {
    w.next = f.entry;
    ++w.depth;
    return;
  }
  if (const u32 rest = w.active & ~exec) splitOff(w, rest, w.pc + 1, w.depth);
  w.next = f.entry;
  ++w.depth;
  w.event = kRegroup;
}

}  // namespace

void branch(Warp& w, const Instr& i, u32 exec) {
  if (exec == w.active) {
    w.next = i.target;
    return;
  }
  ++w.worker->counters.divergentBranches;
  splitOff(w, exec, i.target, w.depth);
}

void branchIndexed(Warp& w, const Instr& i, u32 exec) {
  const u32* index = slot<u32>(w, i.a);
  u32 first = ~0u;
  bool uniform = exec == w.active;
  for (u32 m = exec; m != 0; m &= m - 1) {
    const u32 v = index[std::countr_zero(m)];
    if (v >= i.extra->slots.size()) {
      report(w, w.pc, std::countr_zero(m), std::nullopt, Severity::Error, v, "brx.idx with an index beyond its list of targets");
      fault(w, Fault::InvalidProgramCounter, "branch index out of range");
      return;
    }
    if (first == ~0u) first = v;
    uniform &= v == first;
  }
  if (uniform) {
    w.next = i.extra->slots[first];
    return;
  }
  ++w.worker->counters.divergentBranches;
  for (u32 m = exec; m != 0;) {
    const u32 v = index[std::countr_zero(m)];
    u32 same = 0;
    for (u32 r = m; r != 0; r &= r - 1)
      if (index[std::countr_zero(r)] == v) same |= r & (~r + 1);
    w.groups.push_back({i.extra->slots[v], same, w.depth, false});
    w.active &= ~same;
    m &= ~same;
  }
  w.event = kRegroup;
}

void call(Warp& w, const Instr& i, u32 exec) { enter(w, i, exec, i.target); }

void callIndirect(Warp& w, const Instr& i, u32 exec) {
  const std::uint64_t* address = slot<std::uint64_t>(w, i.a);
  const std::uint64_t target = address[std::countr_zero(exec)];
  u32 same = 0;
  for (u32 m = exec; m != 0; m &= m - 1)
    if (address[std::countr_zero(m)] == target) same |= m & (~m + 1);
  const auto it = program(w).functionAt.find(target);
  if (it == program(w).functionAt.end()) {
    report(w, w.pc, std::countr_zero(exec), std::nullopt, Severity::Error, target, "call of an address that is no function");
    fault(w, Fault::InvalidProgramCounter, "call of an address that is no function");
    return;
  }
  if (same != exec) splitOff(w, exec & ~same, w.pc, w.depth);   // the others try again
  enter(w, i, same, it->second);
}

void returnFrom(Warp& w, const Instr& i, u32 exec) {
  const Program& p = program(w);
  const FunctionFrame& f = p.frames[i.target];
  // Lanes by the place they were called from.
  const u32 first = w.stack[std::countr_zero(exec)].back().returnPc;
  u32 same = 0;
  for (u32 m = exec; m != 0; m &= m - 1)
    if (w.stack[std::countr_zero(m)].back().returnPc == first) same |= m & (~m + 1);
  if (same != exec) splitOff(w, exec & ~same, w.pc, w.depth);
  const std::vector<u32>& taken = p.code[first].extra->moreSlots;
  std::vector<std::byte> values;
  for (u32 m = same; m != 0; m &= m - 1) {
    const u32 l = static_cast<u32>(std::countr_zero(m));
    values.clear();
    for (std::size_t k = 0; 3 * k < taken.size(); ++k) {
      const std::byte* from = w.regs + f.results[k][0] + l * f.results[k][1];
      values.insert(values.end(), from, from + std::min(f.resultBytes[k], taken[3 * k + 2]));
    }
    if (f.recursive) {
      restoreFrame(w, f, l);
      w.localTop[l] -= f.localBytes;
    }
    std::size_t at = 0;
    for (std::size_t k = 0; 3 * k < taken.size(); ++k) {
      const u32 bytes = std::min(f.resultBytes[k], taken[3 * k + 2]);
      std::memcpy(w.regs + taken[3 * k] + l * taken[3 * k + 1], values.data() + at, bytes);
      at += bytes;
    }
    w.stack[l].pop_back();
  }
  const u32 rest = w.active & ~exec;   // guarded: the others go on inside the function
  if (rest) splitOff(w, rest, w.pc + 1, w.depth);
  w.next = first + 1;
  --w.depth;
  if (!w.groups.empty()) w.event = kRegroup;
}

void exitLanes(Warp& w, const Instr&, u32 exec) {
  w.live &= ~exec;
  w.active &= ~exec;
  wakeAll(w);
  if (w.active) w.next = w.pc + 1;
}

void trap(Warp& w, const Instr&, u32 exec) {
  report(w, w.pc, std::countr_zero(exec), std::nullopt, Severity::Error, 0, "trap");
  fault(w, Fault::LaunchFailed, "the kernel executed trap");
}

void nothing(Warp&, const Instr&, u32) {}

// A clock that advances by one with each instruction of the warp's host thread.
void readClock(Warp& w, const Instr& i, u32 exec) {
  const std::uint64_t now = w.worker->instructions + ++w.instructions;
  if (i.imm == 64) {
    std::uint64_t* d = slot<std::uint64_t>(w, i.d);
    eachLane(exec, [=](int l) { d[l] = now; });
  } else {
    u32* d = slot<u32>(w, i.d);
    eachLane(exec, [=](int l) { d[l] = static_cast<u32>(i.flags ? now >> 32 : now); });
  }
}

}  // namespace kofn::sim
