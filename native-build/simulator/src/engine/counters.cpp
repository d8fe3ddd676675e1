// SPDX-License-Identifier: Apache-2.0
//
// Counters: sectors, wavefronts and the words for them. Instructions are counted by the dispatch loop.
#include <algorithm>
#include <sstream>

#include "engine/l2.hpp"
#include "engine/memory_access.hpp"

namespace kofn::sim {

std::string_view name(InstructionClass c) {
  constexpr std::string_view kNames[kInstructionClasses] = {
      "integer", "float32", "float64", "half", "conversion", "move", "predicate", "branch", "barrier", "warpSync", "globalLoad", "globalStore",
      "globalAtomic", "sharedLoad", "sharedStore", "sharedAtomic", "local", "parameter", "asyncCopy", "matrixLoad", "mma", "special", "other"};
  const auto k = static_cast<std::size_t>(c);
  return k < kInstructionClasses ? kNames[k] : "none";
}

Counters& Counters::operator+=(const Counters& o) {
  warpInstructions += o.warpInstructions;
  threadInstructions += o.threadInstructions;
  for (std::size_t k = 0; k < kInstructionClasses; ++k) warpByClass[k] += o.warpByClass[k], threadByClass[k] += o.threadByClass[k];
  globalLoadRequests += o.globalLoadRequests;
  globalLoadSectors += o.globalLoadSectors;
  globalStoreRequests += o.globalStoreRequests;
  globalStoreSectors += o.globalStoreSectors;
  globalAtomicRequests += o.globalAtomicRequests;
  globalAtomicSectors += o.globalAtomicSectors;
  dramReadBytes += o.dramReadBytes;
  dramWriteBytes += o.dramWriteBytes;
  l2Bytes = std::max(l2Bytes, o.l2Bytes);
  sharedRequests += o.sharedRequests;
  sharedWavefronts += o.sharedWavefronts;
  sharedWavefrontsMinimum += o.sharedWavefrontsMinimum;
  mmaInstructions += o.mmaInstructions;
  mmaOperations += o.mmaOperations;
  branches += o.branches;
  divergentBranches += o.divergentBranches;
  barriers += o.barriers;
  blocks += o.blocks;
  warps += o.warps;
  return *this;
}

std::string Counters::toJson() const {
  std::ostringstream s;
  s << "{\"warpInstructions\": " << warpInstructions << ", \"threadInstructions\": " << threadInstructions;
  for (const auto& [key, values] : {std::pair{"warpByClass", &warpByClass}, {"threadByClass", &threadByClass}}) {
    s << ", \"" << key << "\": {";
    for (std::size_t k = 0; k < kInstructionClasses; ++k) s << (k ? ", " : "") << '"' << sim::name(static_cast<InstructionClass>(k)) << "\": " << (*values)[k];
    s << "}";
  }
  const std::pair<const char*, std::uint64_t> rest[] = {
      {"globalLoadRequests", globalLoadRequests}, {"globalLoadSectors", globalLoadSectors}, {"globalStoreRequests", globalStoreRequests},
      {"globalStoreSectors", globalStoreSectors}, {"globalAtomicRequests", globalAtomicRequests}, {"globalAtomicSectors", globalAtomicSectors},
      {"dramReadBytes", dramReadBytes}, {"dramWriteBytes", dramWriteBytes}, {"l2Bytes", l2Bytes}, {"sharedRequests", sharedRequests},
      {"sharedWavefronts", sharedWavefronts}, {"sharedWavefrontsMinimum", sharedWavefrontsMinimum}, {"mmaInstructions", mmaInstructions},
      {"mmaOperations", mmaOperations}, {"branches", branches}, {"divergentBranches", divergentBranches}, {"barriers", barriers},
      {"blocks", blocks}, {"warps", warps}};
  for (const auto& [key, value] : rest) s << ", \"" << key << "\": " << value;
  s << "}";
  return s.str();
}

namespace {

// The distinct 32-byte sectors of an access, in `out`; at most two a lane.
unsigned sectorsOf(const Access& a, std::uint64_t (&out)[64]) {
  unsigned n = 0;
  bool sorted = true;
  for (std::uint32_t m = a.exec; m != 0; m &= m - 1) {
    const std::uint64_t address = a.address[std::countr_zero(m)];
    const std::uint64_t first = address / 32, last = (address + a.bytes - 1) / 32;
    for (std::uint64_t s = first; s <= last && n < 64; ++s) {
      if (n && out[n - 1] == s) continue;
      if (n && out[n - 1] > s) sorted = false;
      out[n++] = s;
    }
  }
  if (!sorted) {
    std::sort(out, out + n);
    n = static_cast<unsigned>(std::unique(out, out + n) - out);
  }
  return n;
}

}  // namespace

void countGlobal(Warp& w, const Access& a) {
  std::uint64_t sectors[64];
  const unsigned n = sectorsOf(a, sectors);
  Counters& c = w.worker->counters;
  switch (a.action) {
    case Action::Load: ++c.globalLoadRequests, c.globalLoadSectors += n; break;
    case Action::Store: ++c.globalStoreRequests, c.globalStoreSectors += n; break;
    case Action::Atomic: ++c.globalAtomicRequests, c.globalAtomicSectors += n; break;
  }
  for (unsigned k = 0; k < n; ++k) {
    if (a.action != Action::Store) w.launch->l2->access(sectors[k], false);
    if (a.action != Action::Load) w.launch->l2->access(sectors[k], true);
  }
}

// 32 banks of 4 bytes. Lanes of up to 4 bytes are served together, 8 bytes in half warps, 16 bytes in quarter warps; each
// such phase takes as many wavefronts as its busiest bank has distinct words. The minimum is what the same number of bytes
// needs without conflicts.
void countShared(Warp& w, const Access& a) {
  const unsigned phases = a.bytes >= 16 ? 4 : a.bytes == 8 ? 2 : 1, lanes = 32 / phases;
  Counters& c = w.worker->counters;
  ++c.sharedRequests;
  for (unsigned p = 0; p < phases; ++p) {
    const std::uint32_t mask = a.exec >> (p * lanes) << (p * lanes) & (phases == 1 ? kAllLanes : ((1ull << ((p + 1) * lanes)) - 1));
    if (mask == 0) continue;
    // Words seen by bank: a small open list each.
    std::uint64_t words[32][32];
    std::uint8_t used[32] = {};
    unsigned worst = 0, distinct = 0;
    for (std::uint32_t m = mask; m != 0; m &= m - 1) {
      const std::uint64_t address = a.address[std::countr_zero(m)];
      for (std::uint64_t word = address / 4; word <= (address + a.bytes - 1) / 4; ++word) {
        const unsigned bank = word % 32;
        bool seen = false;
        for (unsigned k = 0; k < used[bank]; ++k) seen |= words[bank][k] == word;
        if (seen) continue;
        words[bank][used[bank]] = word;
        worst = std::max<unsigned>(worst, ++used[bank]);
        ++distinct;
      }
    }
    c.sharedWavefronts += worst;
    c.sharedWavefrontsMinimum += (distinct + 31) / 32;
  }
}

}  // namespace kofn::sim
