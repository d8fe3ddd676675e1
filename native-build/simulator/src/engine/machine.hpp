// SPDX-License-Identifier: Apache-2.0
//
// The machine's state while it runs, and the form of a decoded instruction. Plain data: whoever changes it is named
// beside it. From large to small: Launch (shared by all host threads), Worker (one host thread), Block, Warp.
//
// A warp's register file is one array of bytes. Every operand is a *slot* in it: 32 consecutive lanes of 1, 2, 4 or 8
// bytes, or for a predicate one 32-bit lane mask. Registers, constants (broadcast once) and special registers (filled when
// a block starts) are all slots, so a handler never asks what its operand was.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "engine/engine.hpp"

namespace kofn::sim {

struct Warp;
struct Instr;
struct Program;

inline constexpr std::uint32_t kAllLanes = ~0u;

// Executes one instruction for the lanes of `exec`, which is not empty.
using Handler = void (*)(Warp&, const Instr&, std::uint32_t exec);

// What an instruction with more operands than fit into Instr carries beside it.
struct Extra {
  std::vector<std::uint32_t> slots;
  std::vector<std::uint32_t> moreSlots;
  const void* pointer = nullptr;
};

struct alignas(64) Instr {
  Handler run = nullptr;
  std::uint32_t guard = 0, guardFlip = 0;           // executing lanes: active & (predicate at guard ^ guardFlip)
  std::uint32_t d = 0, d2 = 0;                      // destination slots
  std::uint32_t a = 0, b = 0, c = 0, e = 0;         // source slots
  std::int64_t imm = 0;
  const Extra* extra = nullptr;
  std::uint32_t target = 0;                         // of a branch or call: instruction index
  std::uint8_t cls = 0;                             // InstructionClass; Count: an auxiliary step that is not counted
  std::uint8_t n = 1;                               // vector length
  std::uint16_t flags = 0;
};
static_assert(sizeof(Instr) == 64);

// Lanes that share a program counter.
struct Group {
  std::uint32_t pc = 0, mask = 0, depth = 0;
  bool waiting = false;   // at a warp-synchronous instruction or barrier whose other lanes have not come
};

// cp.async: one lane's copy, done when it is waited for.
struct PendingCopy {
  std::uint32_t pc, lane, shared, bytes, sourceBytes;
  std::uint64_t global;
  std::uint32_t group;     // commit number, kOpen until committed
  static constexpr std::uint32_t kOpen = ~0u;
};

struct Frame {
  std::uint32_t returnPc;
  std::uint32_t savedBytes;   // of this lane's columns of the callee's frame, on Warp::saved
};

struct Block;
struct Worker;
struct Launch;

enum Event : std::uint32_t {
  kNone = 0,
  kRegroup,     // groups changed: choose again
  kWait,        // this group cannot go on before others come: it stays at its instruction
  kBlocked,     // the whole warp stands at a block barrier
  kStop,        // fault: the launch ends
};

struct Warp {
  std::byte* regs = nullptr;          // first member: handlers of pure lane functions use nothing else
  std::uint32_t active = 0;           // lanes of the running group
  std::uint32_t pc = 0;               // of the running instruction; `next` is where it goes on
  std::uint32_t next = 0;
  std::uint32_t depth = 0;            // call depth of the running group
  Event event = kNone;
  std::uint32_t mergeAt = ~0u;        // lowest pc of another group of this depth
  std::uint32_t live = 0;             // lanes that have not exited
  Block* block = nullptr;
  Worker* worker = nullptr;
  Launch* launch = nullptr;
  std::uint32_t index = 0;            // in the block
  std::vector<Group> groups;          // all but the running one
  std::uint32_t quantaAlone = 0;      // quanta for which other runnable groups had to wait

  enum State : std::uint8_t { Ready, AtBarrier, Done } state = Ready;
  std::uint32_t barrierId = 0, barrierPc = 0;
  std::uint32_t barrierDestination = 0, barrierKind = 0, barrierLanes = 0;   // of bar.red

  std::vector<Frame> stack[32];
  std::vector<std::byte> saved[32];
  std::uint64_t localTop[32] = {};    // stack pointer of recursive functions' local variables
  std::uint32_t carry = 0;            // condition code register CC.CF, a lane mask

  std::vector<PendingCopy> copies;
  std::uint32_t commits[32] = {};     // cp.async groups that each lane has committed

  // Happens-before inside the block (races.cpp).
  std::uint32_t clock = 1;            // advances at each synchronisation of this warp
  std::uint32_t syncedAll = 0;        // accesses of own lanes up to this clock are ordered before everything now
  std::uint32_t seen[32] = {};        // of warp i, accesses up to this clock are ordered before this warp
  std::vector<std::uint32_t> laneSeen;   // [32][32], only when partial __syncwarp occurred

  std::uint64_t instructions = 0;
};

struct NamedBarrier {
  std::uint32_t arrived = 0;          // threads, whole warps
  std::uint32_t expected = 0;         // 0: all live warps
  std::uint32_t waiting = 0;          // warps that stand here, a mask
  std::uint32_t participants = 0;     // warps whose arrival counts, arrive-only ones too
  std::uint32_t count = 0, all = 1, any = 0;   // of bar.red
  std::uint32_t pc = 0;
  std::uint32_t joined[32] = {};      // what the arrivals have seen (races.cpp)
};

// Race state of four bytes of shared memory. Each field is one access: clock << 32 | thread << 16 | bytes << 8 | flags.
struct SharedCell {
  std::uint64_t write = 0, read = 0, olderRead = 0;   // olderRead: the last one of another warp than `read`
};

struct Block {
  Dim3 index{0, 0, 0};
  std::uint64_t linear = 0;
  std::uint64_t owner = 0;            // unique over launches; 0 is nobody
  std::uint32_t clock = 1;            // advances at each release to other blocks
  bool fenced = false;                // a device-scope fence since the last release
  std::vector<std::uint32_t> blockSeen;   // of block i of this launch, writes up to this clock are ordered before us
  std::vector<Warp> warps;
  std::uint32_t liveWarps = 0;
  NamedBarrier barriers[16];
  std::vector<std::byte> registers;   // of all warps
  std::byte* registerBase = nullptr;
  std::vector<std::byte> shared;
  std::vector<std::uint8_t> sharedState;
  std::vector<SharedCell> sharedCells;
  std::uint32_t cellClock = 1;        // clocks below belong to blocks that are gone
  std::vector<std::byte> local;       // [warp][lane][localBytes]
  std::vector<std::uint8_t> localState;
  std::uint64_t strongAccesses = 0;   // atomics and strong loads: a block that spins makes many
  bool prepared = false, running = false;
};

// Reports of one worker, merged by (check, pc).
struct Findings {
  std::vector<std::pair<std::uint64_t, Report>> list;
};

class L2Model;

struct Worker {
  Launch* launch = nullptr;
  std::uint64_t random = 1;           // splitmix64 state
  Counters counters;
  std::vector<std::uint64_t> warpCount, threadCount;   // by pc
  std::deque<Block> residents;
  Findings findings;
  std::uint64_t instructions = 0;
};

struct GlobalSync;

struct Launch {
  const Program* program = nullptr;
  const LaunchRequest* request = nullptr;
  const Options* options = nullptr;
  DeviceMemory::Impl* memory = nullptr;
  DeviceMemory* device = nullptr;
  const DeviceProperties* properties = nullptr;
  const std::byte* parameters = nullptr;
  std::uint64_t blocks = 0;
  std::uint32_t threadsPerBlock = 0, warpsPerBlock = 0;
  std::uint32_t sharedBytes = 0;
  std::uint64_t ownerBase = 0;
  std::atomic<std::uint64_t> nextBlock{0}, finishedBlocks{0};
  std::uint64_t orderMultiplier = 1, orderOffset = 0;   // random block order: a permutation of the indices
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> threadInstructions{0};
  std::mutex mutex;                    // of the fields below
  Fault fault = Fault::None;
  std::string faultText;
  L2Model* l2 = nullptr;
  GlobalSync* sync = nullptr;
  std::mutex printing;
  bool checkGlobal = true, anySharedRace = true, count = true;
  bool check[kChecks] = {};
};

inline std::uint64_t nextRandom(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15ull);
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ z >> 27) * 0x94d049bb133111ebull;
  return z ^ z >> 31;
}

}  // namespace kofn::sim
