// SPDX-License-Identifier: Apache-2.0
//
// shfl, vote, match, redux and elect with .sync: every lane named in a lane's member mask has to be here, unless it has
// exited. Lanes of one instruction may name different masks; each mask is then a group of its own.
#include <algorithm>

#include "engine/handlers.hpp"
#include "engine/interpreter.hpp"

namespace kofn::sim {
namespace {

using u32 = std::uint32_t;
using u64 = std::uint64_t;

// Runs f(lanes, mask) once for each distinct member mask, or lets the group wait.
template <class F> void together(Warp& w, u32 exec, const u32* masks, F f) {
  for (u32 m = exec; m != 0; m &= m - 1) {
    const int l = std::countr_zero(m);
    if (!(masks[l] >> l & 1)) {
      if (!checking(w, Check::PartialShuffle)) continue;
      report(w, w.pc, l, Check::PartialShuffle, Severity::Error, 0, "the lane is not in its own member mask");
      fault(w, Fault::LaunchFailed, "warp-synchronous instruction by a lane outside its mask");
      return;
    }
    if (masks[l] & w.live & ~exec) {
      waitHere(w, exec);
      return;
    }
  }
  for (u32 m = exec; m != 0;) {
    const u32 mask = masks[std::countr_zero(m)];
    u32 lanes = 0;
    for (u32 r = m; r != 0; r &= r - 1)
      if (masks[std::countr_zero(r)] == mask) lanes |= r & (~r + 1);
    f(lanes, mask);
    m &= ~lanes;
  }
}

enum class Shuffle { Up, Down, Bfly, Idx };

// a: value, b: lane or distance, c: clamp and segment mask, e: member mask; d: result, d2: in range.
template <Shuffle S> void shfl(Warp& w, const Instr& i, u32 exec) {
  u32* d = slot<u32>(w, i.d);
  const u32 *a = slot<u32>(w, i.a), *b = slot<u32>(w, i.b), *c = slot<u32>(w, i.c);
  together(w, exec, slot<u32>(w, i.e), [&](u32 lanes, u32) {
    u32 value[32], valid = 0;
    for (u32 m = lanes; m != 0; m &= m - 1) {
      const int l = std::countr_zero(m);
      const int distance = static_cast<int>(b[l] & 31), clamp = static_cast<int>(c[l] & 31), segment = static_cast<int>(c[l] >> 8 & 31);
      const int most = (l & segment) | (clamp & ~segment), least = l & segment;
      int from = 0;
      bool in = false;
      switch (S) {
        case Shuffle::Up: from = l - distance; in = from >= most; break;
        case Shuffle::Down: from = l + distance; in = from <= most; break;
        case Shuffle::Bfly: from = l ^ distance; in = from <= most; break;
        case Shuffle::Idx: from = least | (distance & ~segment); in = from <= most; break;
      }
      if (!in) from = l;
      valid |= static_cast<u32>(in) << l;
      value[l] = a[from];
      if (!(lanes >> from & 1) && checking(w, Check::PartialShuffle))
        report(w, w.pc, l, Check::PartialShuffle, Severity::Error, 0, "shfl reads lane " + std::to_string(from) + ", which does not take part");
    }
    for (u32 m = lanes; m != 0; m &= m - 1) d[std::countr_zero(m)] = value[std::countr_zero(m)];
    if (i.flags) setPredicate(w, i.d2, lanes, valid);
  });
}

enum class Vote { All, Any, Uni, Ballot };
template <Vote V> void vote(Warp& w, const Instr& i, u32 exec) {
  together(w, exec, slot<u32>(w, i.b), [&](u32 lanes, u32) {
    const u32 yes = predicate(w, i.a) & lanes;
    if (V == Vote::Ballot) {
      u32* d = slot<u32>(w, i.d);
      for (u32 m = lanes; m != 0; m &= m - 1) d[std::countr_zero(m)] = yes;
    } else {
      const bool r = V == Vote::All ? yes == lanes : V == Vote::Any ? yes != 0 : yes == lanes || yes == 0;
      setPredicate(w, i.d, lanes, r ? ~0u : 0);
    }
  });
}

template <class T, bool All> void match(Warp& w, const Instr& i, u32 exec) {
  const T* a = slot<T>(w, i.a);
  together(w, exec, slot<u32>(w, i.b), [&](u32 lanes, u32) {
    u32 result[32];
    bool all = true;
    for (u32 m = lanes; m != 0; m &= m - 1) {
      const int l = std::countr_zero(m);
      u32 same = 0;
      for (u32 r = lanes; r != 0; r &= r - 1)
        if (a[std::countr_zero(r)] == a[l]) same |= r & (~r + 1);
      result[l] = same;
      all &= same == lanes;
    }
    u32* d = slot<u32>(w, i.d);
    for (u32 m = lanes; m != 0; m &= m - 1) d[std::countr_zero(m)] = All ? (all ? lanes : 0) : result[std::countr_zero(m)];
    if (All && i.flags) setPredicate(w, i.d2, lanes, all ? ~0u : 0);
  });
}

template <class T, auto F> void redux(Warp& w, const Instr& i, u32 exec) {
  const T* a = slot<T>(w, i.a);
  together(w, exec, slot<u32>(w, i.b), [&](u32 lanes, u32) {
    T r = a[std::countr_zero(lanes)];
    for (u32 m = lanes & (lanes - 1); m != 0; m &= m - 1) r = F(r, a[std::countr_zero(m)]);
    T* d = slot<T>(w, i.d);
    for (u32 m = lanes; m != 0; m &= m - 1) d[std::countr_zero(m)] = r;
  });
}

// a: member mask; d: the elected lane, d2: whether this lane is it.
void elect(Warp& w, const Instr& i, u32 exec) {
  together(w, exec, slot<u32>(w, i.a), [&](u32 lanes, u32) {
    u32* d = slot<u32>(w, i.d);
    const u32 leader = static_cast<u32>(std::countr_zero(lanes));
    for (u32 m = lanes; m != 0; m &= m - 1) d[std::countr_zero(m)] = leader;
    if (i.flags) setPredicate(w, i.d2, lanes, 1u << leader);
  });
}

using i32 = std::int32_t;
constexpr struct { std::string_view name; SyncForm form; } kForms[] = {
    {"shfl.sync.up.b32", {shfl<Shuffle::Up>, "rP=rrrr"}},
    {"shfl.sync.down.b32", {shfl<Shuffle::Down>, "rP=rrrr"}},
    {"shfl.sync.bfly.b32", {shfl<Shuffle::Bfly>, "rP=rrrr"}},
    {"shfl.sync.idx.b32", {shfl<Shuffle::Idx>, "rP=rrrr"}},
    {"vote.sync.all.pred", {vote<Vote::All>, "p=pr"}},
    {"vote.sync.any.pred", {vote<Vote::Any>, "p=pr"}},
    {"vote.sync.uni.pred", {vote<Vote::Uni>, "p=pr"}},
    {"vote.sync.ballot.b32", {vote<Vote::Ballot>, "r=pr"}},
    {"match.any.sync.b32", {match<u32, false>, "r=rr"}},
    {"match.any.sync.b64", {match<u64, false>, "r=lr"}},
    {"match.all.sync.b32", {match<u32, true>, "rP=rr"}},
    {"match.all.sync.b64", {match<u64, true>, "rP=lr"}},
    {"redux.sync.add.u32", {redux<u32, [](u32 a, u32 b) { return a + b; }>, "r=rr"}},
    {"redux.sync.add.s32", {redux<u32, [](u32 a, u32 b) { return a + b; }>, "r=rr"}},
    {"redux.sync.min.u32", {redux<u32, [](u32 a, u32 b) { return std::min(a, b); }>, "r=rr"}},
    {"redux.sync.max.u32", {redux<u32, [](u32 a, u32 b) { return std::max(a, b); }>, "r=rr"}},
    {"redux.sync.min.s32", {redux<i32, [](i32 a, i32 b) { return std::min(a, b); }>, "r=rr"}},
    {"redux.sync.max.s32", {redux<i32, [](i32 a, i32 b) { return std::max(a, b); }>, "r=rr"}},
    {"redux.sync.and.b32", {redux<u32, [](u32 a, u32 b) { return a & b; }>, "r=rr"}},
    {"redux.sync.or.b32", {redux<u32, [](u32 a, u32 b) { return a | b; }>, "r=rr"}},
    {"redux.sync.xor.b32", {redux<u32, [](u32 a, u32 b) { return a ^ b; }>, "r=rr"}},
    {"elect.sync", {elect, "rP=r"}},
};

}  // namespace

const SyncForm* findSyncForm(std::string_view form) {
  for (const auto& f : kForms)
    if (f.name == form) return &f.form;
  return nullptr;
}

void activeMask(Warp& w, const Instr& i, u32 exec) {
  u32* d = slot<u32>(w, i.d);
  for (u32 m = exec; m != 0; m &= m - 1) d[std::countr_zero(m)] = exec;
}

}  // namespace kofn::sim
