// SPDX-License-Identifier: Apache-2.0
//
// One warp's access to memory, for the lanes of a mask: from addresses to checked host pointers. Shared by loads and
// stores, atomics, cp.async and ldmatrix.
#pragma once

#include "engine/handlers.hpp"
#include "engine/interpreter.hpp"
#include "engine/memory_impl.hpp"

namespace kofn::sim {

enum class Action : std::uint8_t { Load, Store, Atomic };

struct Access {
  std::uint64_t address[32];
  std::byte* host[32];          // filled by resolve*(); null for a lane that must be left alone
  std::uint32_t exec = 0;
  std::uint32_t bytes = 0;      // of each lane
  std::uint16_t flags = 0;      // MemoryFlag
  Action action = Action::Load;
};

// Fills address[] from a + imm.
void fillAddresses(const Warp& w, const Instr& i, std::uint32_t exec, Access& a);

// Check bounds, life, alignment, initialisation (loads) and races, count the traffic, fill host[]. Lanes with a finding that
// ends the kernel get null; the launch then has its fault. For stores, `values` (lane-strided by `stride`) lets a write of
// the value that is there already pass as harmless.
void resolveGlobal(Warp& w, Access& a, const std::byte* values, std::uint32_t stride);
void resolveShared(Warp& w, Access& a, const std::byte* values, std::uint32_t stride);
void resolveLocal(Warp& w, Access& a);
// Splits generic addresses by window and calls the above.
void resolveGeneric(Warp& w, Access& a, const std::byte* values, std::uint32_t stride);
void resolve(Warp& w, Access& a, Window window, const std::byte* values, std::uint32_t stride);

// races.cpp
void raceShared(Warp& w, int lane, std::uint32_t offset, std::uint32_t bytes, Action action, bool strong, bool sameValue);
void raceGlobal(Warp& w, int lane, std::uint64_t address, std::uint32_t bytes, Action action, std::uint16_t flags, bool sameValue);
void releaseGlobal(Warp& w, std::uint64_t address, bool withFence);
void acquireGlobal(Warp& w, std::uint64_t address);

// counters.cpp
void countGlobal(Warp& w, const Access& a);
void countShared(Warp& w, const Access& a);

}  // namespace kofn::sim
