// SPDX-License-Identifier: Apache-2.0
//
// Registers that are read before anything was written to them. A data-flow analysis finds the reads that a write precedes
// on every path; those cost nothing when the kernel runs. Only for the registers of the other reads a lane mask of "written"
// is kept, and only the instructions that touch them look at it.
//
// Moving an undefined value is no finding (compilers do that where a value is not needed); computing with it, branching on
// it, addressing with it or storing it is. What was put together from several values (selp, packing moves, shuffles) counts
// as defined as soon as one of them is.
#include <algorithm>
#include <set>

#include "engine/decoder.hpp"
#include "engine/interpreter.hpp"

namespace kofn::sim {
namespace {

using u32 = std::uint32_t;

void runTracked(Warp& w, const Instr& i, u32 exec) {
  const Program& p = program(w);
  const Tracked& t = p.tracked[static_cast<std::size_t>(p.trackedIndex[pcOf(w, i)])];
  if (checking(w, Check::UninitialisedRegister))
    for (const auto& [mask, name] : t.uses)
      if (const u32 undefined = exec & ~predicate(w, mask))
        report(w, w.pc, std::countr_zero(undefined), Check::UninitialisedRegister, Severity::Warning, 0, "register " + p.registerNames[name] + " is read before it was written");
  u32 defined = t.copied.empty() ? exec : 0;
  for (const u32 mask : t.copied) defined |= predicate(w, mask) & exec;
  t.inner(w, i, exec);
  if (w.event == kWait || w.event == kStop) return;
  for (const u32 mask : t.defines) setPredicate(w, mask, exec, defined);
}

bool copies(InstructionClass c) { return c == InstructionClass::Move || c == InstructionClass::WarpSync || c == InstructionClass::Parameter; }

using Set = std::vector<bool>;

}  // namespace

void Decoder::analyseDefinedness() {
  Program& p = *program_;
  const auto n = static_cast<u32>(p.code.size());
  p.trackedIndex.assign(n, -1);
  std::map<u32, u32> number;   // slot -> dense number
  for (const RegisterUse& u : uses_) number.try_emplace(u.slot, static_cast<u32>(number.size()));
  std::vector<std::vector<u32>> reads(n), writes(n);
  for (const RegisterUse& u : uses_) (u.isDefinition ? writes : reads)[u.pc].push_back(number[u.slot]);
  std::vector<bool> isEntry(n + 1);
  for (const FunctionFrame& f : p.frames) isEntry[f.entry] = true;

  const auto successors = [&](u32 pc) {
    std::vector<u32> s;
    const Instr& i = p.code[pc];
    const bool guarded = i.guard != allOnes_;
    if (i.run == branch) s.push_back(i.target);
    if (i.run == branchIndexed) s = i.extra->slots;
    const bool ends = i.run == branch || i.run == branchIndexed || i.run == returnFrom || i.run == exitLanes || i.run == trap;
    if ((!ends || guarded) && pc + 1 < n && !isEntry[pc + 1]) s.push_back(pc + 1);
    return s;
  };
  // Basic blocks.
  std::vector<bool> leader = isEntry;
  for (u32 pc = 0; pc < n; ++pc) {
    const std::vector<u32> s = successors(pc);
    if (s.size() == 1 && s[0] == pc + 1) continue;
    for (const u32 t : s) leader[t] = true;
    leader[pc + 1] = true;
  }
  const auto apply = [&](u32 pc, Set& set) {
    const Instr& i = p.code[pc];
    if (i.guard != allOnes_) return;
    bool defined = true;
    if (copies(static_cast<InstructionClass>(i.cls)) && !reads[pc].empty())
      defined = std::any_of(reads[pc].begin(), reads[pc].end(), [&](u32 r) { return set[r]; });
    for (const u32 r : writes[pc]) set[r] = defined;
  };
  std::map<u32, Set> in;   // of leaders; a missing one is "everything", not reached yet
  std::set<u32> todo;
  for (const FunctionFrame& f : p.frames) in[f.entry] = Set(number.size()), todo.insert(f.entry);
  std::vector<std::pair<u32, u32>> doubtful;   // (pc, register)
  const auto walk = [&](u32 start, bool record) {
    Set set = in[start];
    for (u32 pc = start;; ++pc) {
      if (record)
        for (const u32 r : reads[pc])
          if (!set[r]) doubtful.emplace_back(pc, r);
      apply(pc, set);
      if (pc + 1 >= n || leader[pc + 1]) {
        if (!record)
          for (const u32 t : successors(pc)) {
            const auto [it, fresh] = in.try_emplace(t, set);
            bool changed = fresh;
            if (!fresh)
              for (std::size_t k = 0; k < set.size(); ++k)
                if (it->second[k] && !set[k]) it->second[k] = false, changed = true;
            if (changed) todo.insert(t);
          }
        return;
      }
    }
  };
  while (!todo.empty()) {
    const u32 start = *todo.begin();
    todo.erase(todo.begin());
    walk(start, false);
  }
  std::vector<u32> starts;
  for (const auto& [start, set] : in) starts.push_back(start);
  for (const u32 start : starts) walk(start, true);
  if (doubtful.empty()) return;

  // Lane masks for the registers in doubt, and the instructions that read or write them.
  std::map<u32, u32> mask;
  for (const auto& [pc, r] : doubtful) mask.try_emplace(r, 0);
  p.definedBegin = newStorage(static_cast<u32>(mask.size()) * 4, 64);
  u32 next = p.definedBegin;
  for (auto& [r, slot] : mask) slot = next, next += 4;
  p.definedEnd = next;
  std::map<u32, std::string> names;
  for (const auto& b : bodies_)
    for (std::size_t k = 0; k < b->slots.size(); ++k)
      if (const auto it = number.find(b->slots[k]); it != number.end()) names[it->second] = b->source->registers[k].name;
  std::map<u32, u32> nameIndex;
  for (const auto& [r, slot] : mask) nameIndex[r] = static_cast<u32>(p.registerNames.size()), p.registerNames.push_back(names[r]);

  std::set<std::pair<u32, u32>> inDoubt(doubtful.begin(), doubtful.end());
  for (u32 pc = 0; pc < n; ++pc) {
    Tracked t;
    const bool copy = copies(static_cast<InstructionClass>(p.code[pc].cls));
    for (const u32 r : reads[pc])
      if (inDoubt.count({pc, r})) {
        if (copy) t.copied.push_back(mask[r]);
        else t.uses.emplace_back(mask[r], nameIndex[r]);
      }
    for (const u32 r : writes[pc])
      if (mask.count(r)) t.defines.push_back(mask[r]);
    if (t.copied.size() != reads[pc].size()) t.copied.clear();   // one source is certain
    if (t.uses.empty() && t.defines.empty()) continue;
    t.inner = p.code[pc].run;
    p.code[pc].run = runTracked;
    p.trackedIndex[pc] = static_cast<std::int32_t>(p.tracked.size());
    p.tracked.push_back(std::move(t));
  }
}

}  // namespace kofn::sim
