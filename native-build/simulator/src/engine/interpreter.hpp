// SPDX-License-Identifier: Apache-2.0
//
// What handlers and the scheduler share: groups of lanes, waiting, faults and reports.
#pragma once

#include <string>

#include "engine/lanes.hpp"
#include "engine/program.hpp"

namespace kofn::sim {

// --- groups.cpp: divergence and reconvergence inside a warp.
// The running group splits: lanes of `mask` go on at `pc` (and call depth) later, the others stay running.
void splitOff(Warp& w, std::uint32_t mask, std::uint32_t pc, std::uint32_t depth);
// Chooses the group to run: the deepest call, then the lowest pc; merges equal ones. False when no group can run.
bool regroup(Warp& w, bool yield);
// The executing lanes stay at this instruction until more lanes arrive; lanes of the group that the guard excluded go on.
void waitHere(Warp& w, std::uint32_t exec);
// All groups may try again (a lane exited).
void wakeAll(Warp& w);

// Runs at most `budget` instructions of a ready warp. Returns how many ran.
std::uint32_t runWarp(Warp& w, std::uint32_t budget);

// --- reports.cpp
inline const Program& program(const Warp& w) { return *w.launch->program; }
inline std::uint32_t pcOf(const Warp& w, const Instr& i) { return static_cast<std::uint32_t>(&i - program(w).code.data()); }
void report(Warp& w, std::uint32_t pc, int lane, std::optional<Check> check, Severity severity, std::uint64_t address, std::string text);
// Ends the launch with this fault (the first one wins).
void fault(Warp& w, Fault code, const std::string& text);
inline bool checking(const Warp& w, Check c) { return w.launch->check[static_cast<std::size_t>(c)]; }
Report makeReport(const Launch& launch, const Block& block, std::uint32_t thread, std::uint32_t pc, std::optional<Check> check, Severity severity,
                  std::uint64_t address, std::string text);
std::vector<Report> mergeFindings(std::deque<Worker>& workers, std::uint32_t most);

// --- barriers.cpp
void warpFinished(Warp& w);                     // all its lanes exited: barriers may now be complete
void resolveStuckWarp(Warp& w);                 // no group can run
void reportStuckBlock(Block& b, Worker& worker); // no warp can run

}  // namespace kofn::sim
