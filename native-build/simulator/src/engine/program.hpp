// SPDX-License-Identifier: Apache-2.0
//
// A decoded kernel: everything a launch needs and nothing that it changes.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "engine/machine.hpp"

namespace kofn::sim {

// Special registers that are slots.
enum class Special : std::uint8_t {
  TidX, TidY, TidZ, NtidX, NtidY, NtidZ, CtaidX, CtaidY, CtaidZ, NctaidX, NctaidY, NctaidZ, LaneId, WarpId, NWarpId, SmId,
  NSmId, GridId, LaneMaskEq, LaneMaskLt, LaneMaskLe, LaneMaskGt, LaneMaskGe, DynamicSmem, TotalSmem, Zero, One, Count
};

struct SourceLine {
  std::uint32_t ptxLine = 0, file = 0, fileLine = 0;
};

// A register whose definedness has to be followed while running: slot of the register, slot of its lane mask.
struct Tracked {
  Handler inner = nullptr;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> uses;   // (definedness slot, register number for the report)
  std::vector<std::uint32_t> defines;                          // definedness slots
  std::vector<std::uint32_t> copied;                           // definedness slots that the defined ones inherit from
};

struct FunctionFrame {
  std::uint32_t entry = 0;              // instruction index
  std::uint32_t begin = 0, end = 0;     // its slots [begin, end)
  // Columns to save when it is called again by itself: (offset, bytes a lane); predicates have 0 bytes.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> columns;
  bool recursive = false;
  std::uint32_t localBase = 0;          // slot, 64-bit: where this call's local variables are (recursive functions)
  std::uint32_t localBytes = 0;
  std::vector<std::array<std::uint32_t, 2>> parameters, results;   // (offset, stride) of lane-strided storage
  std::vector<std::uint32_t> parameterBytes, resultBytes;
};

struct Program {
  FunctionInfo info;
  std::vector<Instr> code;
  std::vector<SourceLine> lines;                  // by pc
  std::vector<std::string> texts;                 // the PTX text's lines, by pc, for reports
  std::deque<Extra> extras;
  std::vector<Tracked> tracked;                   // by Instr index through trackedIndex
  std::vector<std::int32_t> trackedIndex;         // by pc, -1: not tracked
  std::uint32_t registerBytes = 0;                // a warp's register file
  std::vector<std::pair<std::uint32_t, std::vector<std::byte>>> constants;   // slot and its contents
  std::vector<std::pair<Special, std::uint32_t>> specials;                   // and their 32-bit (GridId: 64) slots
  std::uint32_t definedBegin = 0, definedEnd = 0; // masks that are cleared when a block starts
  std::uint32_t staticShared = 0;
  std::uint32_t localBytes = 0;                   // per thread, the stack of recursive functions included
  std::uint32_t localStack = 0;                   // where that stack begins
  std::deque<FunctionFrame> frames;               // 0: the kernel itself
  std::map<std::uint64_t, std::uint32_t> functionAt;   // code address -> frame
  std::map<std::uint32_t, std::string> files;

  // What the instruction does, also where its registers are tracked.
  Handler handlerAt(std::uint32_t pc) const { return trackedIndex[pc] < 0 ? code[pc].run : tracked[static_cast<std::size_t>(trackedIndex[pc])].inner; }
  std::vector<std::string> registerNames;         // of tracked registers
};

inline constexpr std::uint64_t kParameterWindow = 0x0003'0000'0000'0000ull;
inline constexpr std::uint64_t kCodeWindow = 0x0004'0000'0000'0000ull;

}  // namespace kofn::sim
