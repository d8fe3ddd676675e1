// SPDX-License-Identifier: Apache-2.0
//
// The handlers that do more than compute on registers, by the file that defines them. The decoder fills Instr as said here.
#pragma once

#include "engine/machine.hpp"
#include "ptx/ast.hpp"

namespace kofn::sim {

// Instr::flags of memory instructions.
enum MemoryFlag : std::uint16_t {
  kAddress32 = 1,      // a is a 32-bit slot
  kStrong = 2,         // .volatile, .relaxed, .acquire, .release, .mmio: takes part in no data race
  kAcquire = 4,
  kRelease = 8,
  kReadOnly = 16,      // ld.global.nc
  kNoAddress = 32,     // address is imm alone
};

enum class Window : std::uint8_t { Generic, Global, Shared, Local };

// memory_access.cpp. a + imm: address; n elements of `bytes` from or to extra->slots, lanes of registerBytes each.
Handler loadHandler(Window window, unsigned bytes, unsigned registerBytes, bool isSigned);   // null: no such form
Handler storeHandler(Window window, unsigned bytes, unsigned registerBytes);

// memory_parameters.cpp. Kernel parameters: imm is the offset. Function parameters: lane-strided storage at slot a, stride c,
// offset imm. Destinations and sources as above. `indirect`: a is a 64-bit address in the parameter space.
Handler loadKernelParameterHandler(unsigned bytes, unsigned registerBytes, bool isSigned, bool indirect);
Handler loadParameterHandler(unsigned bytes, unsigned registerBytes, bool isSigned);
Handler storeParameterHandler(unsigned bytes, unsigned registerBytes);

// atomics.cpp. a + imm: address, b and c: operands, d: old value (absent in flags: kNoResult).
enum AtomicFlag : std::uint16_t { kNoResult = 64 };
Handler atomicHandler(Window window, std::string_view operation, ptx::Type type);   // null: no such form

// memory_async.cpp: cp.async. a + imm: shared address; b + extra->slots[0] (constant in imm2): global; n: bytes; c: source size.
void asyncCopy(Warp&, const Instr&, std::uint32_t);        // flags: kHasSourceSize, kIgnoreSource
void asyncCommit(Warp&, const Instr&, std::uint32_t);
void asyncWait(Warp&, const Instr&, std::uint32_t);        // imm: groups that may stay pending; -1: wait_all
enum AsyncFlag : std::uint16_t { kHasSourceSize = 64, kIgnoreSource = 128 };

// memory_matrix.cpp: ldmatrix, stmatrix, movmatrix, mma. extra->slots: registers; a: row addresses; n: matrices; flags bit 8: .trans.
void loadMatrix(Warp&, const Instr&, std::uint32_t);
void storeMatrix(Warp&, const Instr&, std::uint32_t);
void moveMatrix(Warp&, const Instr&, std::uint32_t);
void mma(Warp&, const Instr&, std::uint32_t);              // extra->slots: d a b c; extra->pointer: num::MmaOp
enum MatrixFlag : std::uint16_t { kTransposed = 256 };

// memory_misc.cpp
void fence(Warp&, const Instr&, std::uint32_t);            // flags bit 0: device scope or wider
void prefetch(Warp&, const Instr&, std::uint32_t);
void addressSpaceTest(Warp&, const Instr&, std::uint32_t); // isspacep: imm: the window's base (0: global)
void toGeneric(Warp&, const Instr&, std::uint32_t);        // cvta: d = a + imm (imm 0 where a is null in the global window)
void toWindow(Warp&, const Instr&, std::uint32_t);         // cvta.to: d = a - imm

// control.cpp
void branch(Warp&, const Instr&, std::uint32_t);           // target
void branchIndexed(Warp&, const Instr&, std::uint32_t);    // a: index; extra->slots: targets
void call(Warp&, const Instr&, std::uint32_t);             // target: frame number; extra: CallSite
void callIndirect(Warp&, const Instr&, std::uint32_t);     // a: code address
void returnFrom(Warp&, const Instr&, std::uint32_t);       // target: frame number of the function that returns
void exitLanes(Warp&, const Instr&, std::uint32_t);
void trap(Warp&, const Instr&, std::uint32_t);
void nothing(Warp&, const Instr&, std::uint32_t);
void readClock(Warp&, const Instr&, std::uint32_t);        // imm: 32 or 64 bits

// One call: where the caller keeps what it passes and gets (offset, stride, bytes).
struct Passed { std::uint32_t offset, stride, bytes; };
struct CallSite { std::vector<Passed> parameters, results; };

// barriers.cpp. imm: barrier number (or slot a where flags bit 1), b: thread count slot where flags bit 2.
enum BarrierFlag : std::uint16_t { kBarrierSlot = 1, kCountSlot = 2, kAligned = 4, kArriveOnly = 8, kNegatedSource = 16 };
enum BarrierReduction : std::uint8_t { kPlain, kPopc, kAnd, kOr };
void barrier(Warp&, const Instr&, std::uint32_t);          // n: BarrierReduction; c: predicate; d: result
void warpBarrier(Warp&, const Instr&, std::uint32_t);      // a: member mask

// warp_sync.cpp. Handlers by exact form: shfl, vote, match, redux; b, c ...: see there.
struct SyncForm { Handler handler; const char* operands; };
const SyncForm* findSyncForm(std::string_view form);
void activeMask(Warp&, const Instr&, std::uint32_t);

// system_calls.cpp: functions that the device runtime provides, by name. null: unknown.
Handler systemCallHandler(std::string_view name);

}  // namespace kofn::sim
