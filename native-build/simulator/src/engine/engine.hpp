// SPDX-License-Identifier: Apache-2.0
//
// The simulated device, seen from outside. This header is all that the driver layer and the tests need:
//
//   DeviceProperties  what kind of device is imitated (limits and attributes, no behaviour)
//   DeviceMemory      one device's memory: never-reused addresses, a shadow byte per byte, checked host access
//   Module            PTX text, parsed and decoded; fails closed with a log that names the line
//   run()             one kernel launch, from the first block to the last, on the calling thread's time
//   LaunchResult      the fault code (CUresult number), the sanitizer's reports, the counters
//
// Everything is a plain value or an object with an owner; there are no globals, so any number of devices can
// exist side by side. Nothing here throws across the interface except std::bad_alloc.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kofn::sim {

struct Dim3 {
  std::uint32_t x = 1, y = 1, z = 1;
  std::uint64_t count() const { return std::uint64_t{x} * y * z; }
};

// ---------------------------------------------------------------------------------------------------------------------
// Device properties

struct DeviceProperties {
  std::string name;
  int major = 8, minor = 0;                    // compute capability
  int multiprocessors = 108;
  int warpSize = 32;
  std::uint32_t maxThreadsPerBlock = 1024;
  std::uint32_t maxThreadsPerMultiprocessor = 2048;
  std::uint32_t maxBlocksPerMultiprocessor = 32;
  Dim3 maxBlock{1024, 1024, 64};
  Dim3 maxGrid{0x7fffffffu, 65535, 65535};
  std::uint32_t sharedPerBlock = 48 * 1024;           // without opt-in
  std::uint32_t sharedPerBlockOptin = 163 * 1024;     // 99, 163 or 227 KB by architecture
  std::uint32_t sharedPerMultiprocessor = 164 * 1024;
  std::uint32_t registersPerBlock = 65536;
  std::uint32_t maxParameterBytes = 4096;             // kernel parameters
  std::uint64_t totalMemory = std::uint64_t{4} << 30;
  std::uint64_t l2Bytes = std::uint64_t{40} << 20;
  std::uint32_t memoryClockKHz = 1215000, memoryBusBits = 5120, clockKHz = 1410000;
};

// The modelled attributes of compute capability major.minor (8.0, 8.6, 8.9, 9.0, 10.0, 12.0); others give the nearest
// older one with the numbers changed. The name says that the device is simulated.
DeviceProperties propertiesFor(int major, int minor);

// ---------------------------------------------------------------------------------------------------------------------
// Checks and reports

enum class Check : std::uint8_t {
  OutOfBounds,           // global, shared or local address outside any allocation
  UseAfterFree,          // inside an allocation that was released
  Misaligned,
  UninitialisedGlobal,   // a read of bytes that nobody wrote
  UninitialisedShared,
  UninitialisedLocal,
  UninitialisedRegister,
  SharedRace,            // between two warps, no barrier between
  WarpRace,              // between two lanes of a warp, no __syncwarp between
  GlobalRace,            // between two blocks, no atomic or grid order between
  DivergentBarrier,      // some lanes of a warp can never arrive, or a barrier waits for ever
  PartialShuffle,        // shuffle, vote, match, redux, mma, ldmatrix: a lane named in the mask can never arrive
  BarrierMismatch,       // warps of a block wait at different barrier instructions
  AsyncCopyUnwaited,     // read or write of bytes that a cp.async has yet to deliver
  Count
};
inline constexpr std::size_t kChecks = static_cast<std::size_t>(Check::Count);

// Stable short name, as used in reports and JSON ("out-of-bounds", "shared-race", ...).
std::string_view name(Check check);

enum class Severity : std::uint8_t { Warning, Error };

struct Report {
  std::optional<Check> check;   // none: a trap, an assertion or another fault that is no sanitizer check
  Severity severity = Severity::Error;
  std::string kernel;
  Dim3 block{0, 0, 0}, thread{0, 0, 0};
  std::uint32_t ptxLine = 0;        // 1-based line of the module's PTX text
  std::string instruction;          // that line, trimmed
  std::string sourceFile;           // with -lineinfo, else empty
  std::uint32_t sourceLine = 0;
  std::uint64_t address = 0;
  std::string text;                 // what happened, in words
  std::uint64_t occurrences = 1;    // reports of one check at one PTX line are merged
  std::uint64_t seed = 0;           // repeats the run

  std::string toString() const;     // one readable paragraph
};

// ---------------------------------------------------------------------------------------------------------------------
// Device memory

// Addresses handed out start at this value: no host process can dereference them. Every device has a range of its own.
inline constexpr std::uint64_t kGlobalBase = 0x0000'8000'0000'0000ull, kGlobalStride = 1ull << 43;
// Windows of the generic address space that hold shared and local memory.
inline constexpr std::uint64_t kSharedWindow = 0x0001'0000'0000'0000ull;
inline constexpr std::uint64_t kLocalWindow = 0x0002'0000'0000'0000ull;

struct Allocation {
  std::uint64_t address = 0, bytes = 0;
  bool released = false;
  std::string site;      // who asked for it, as given to allocate()
};

enum class AccessError : std::uint8_t { None, OutOfBounds, UseAfterFree, Uninitialised };

struct AccessStatus {
  AccessError error = AccessError::None;
  std::uint64_t address = 0;   // first offending byte
  std::string text;            // empty when error is None
  // Uninitialised is a finding, not a failure: the copy has been done.
  bool done() const { return error == AccessError::None || error == AccessError::Uninitialised; }
};

// One device's memory. All members may be called from any thread; they exclude each other, and the caller sees to it
// that no kernel that touches the same bytes runs meanwhile (as on a device).
class DeviceMemory {
 public:
  // `index` tells several devices apart: their addresses are disjoint.
  explicit DeviceMemory(std::uint64_t totalBytes, unsigned index = 0);
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  // Address of `bytes` fresh, poisoned bytes, aligned to 512, at least 256 unallocated bytes behind it; never an address
  // that was handed out before. 0 when the live allocations would exceed totalBytes (or bytes is 0).
  std::uint64_t allocate(std::uint64_t bytes, std::string site = {});
  // False unless `address` is exactly the start of a live allocation.
  bool release(std::uint64_t address);

  // The allocation that contains `address`, live or released.
  std::optional<Allocation> find(std::uint64_t address) const;
  std::vector<Allocation> live() const;
  std::uint64_t totalBytes() const;
  std::uint64_t freeBytes() const;

  // Host memory that kernels may address directly (pinned, mapped): its device address is its host address.
  bool mapHost(void* host, std::uint64_t bytes, std::string site = {});
  bool unmapHost(void* host);

  AccessStatus copyIn(std::uint64_t destination, const void* source, std::uint64_t bytes);
  // Copies, then says whether some source bytes were never written.
  AccessStatus copyOut(void* destination, std::uint64_t source, std::uint64_t bytes) const;
  // Initialisation travels with the bytes; overlapping ranges behave like memmove.
  AccessStatus copyDevice(std::uint64_t destination, std::uint64_t source, std::uint64_t bytes);
  // `width` is 1, 2 or 4; `count` elements of that width are set to the low bits of `value`.
  AccessStatus fill(std::uint64_t destination, std::uint32_t value, unsigned width, std::uint64_t count);
  // Whether [address, address + bytes) lies in one live allocation; changes nothing.
  AccessStatus probe(std::uint64_t address, std::uint64_t bytes) const;

  struct Impl;
  Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

// ---------------------------------------------------------------------------------------------------------------------
// Modules

struct Parameter {
  std::uint32_t offset = 0, bytes = 0, alignment = 1;
};

struct FunctionInfo {
  std::string name;
  std::uint32_t maxThreadsPerBlock = 1024;   // by .maxntid / .reqntid, else the device's limit
  Dim3 requiredBlock{0, 0, 0};               // .reqntid, zero where absent
  std::uint32_t minBlocksPerMultiprocessor = 0;
  std::uint32_t staticShared = 0;            // bytes
  std::uint32_t localBytes = 0;              // per thread
  std::uint32_t constBytes = 0;              // of the module
  std::uint32_t registers = 0;               // 32-bit PTX registers, capped at 255: a virtual count, not ptxas's
  std::vector<Parameter> parameters;
  std::uint32_t parameterBytes = 0;          // of the whole block
  int ptxVersion = 0;                        // 90 for 9.0
  int targetArch = 0;                        // 80 for sm_80
};

struct GlobalInfo {
  std::string name;
  std::uint64_t address = 0, bytes = 0;
};

class Module;

class Function {
 public:
  virtual ~Function() = default;
  virtual const FunctionInfo& info() const = 0;
  virtual Module& module() const = 0;
};

class Module {
 public:
  // Parses, checks and decodes everything in `ptx`, allocates and initialises its globals in `memory`. On failure
  // returns null, leaves nothing allocated, and `log` says why, one "ptx:LINE: message" a line. `memory` outlives the module.
  static std::unique_ptr<Module> load(std::string_view ptx, DeviceMemory& memory, const DeviceProperties& properties,
                                      std::string& log);
  virtual ~Module() = default;   // releases the globals
  virtual std::vector<std::string> functionNames() const = 0;              // kernels, in order of the text
  virtual const Function* function(std::string_view name) const = 0;       // null when absent
  virtual std::vector<std::string> globalNames() const = 0;
  virtual std::optional<GlobalInfo> global(std::string_view name) const = 0;
  virtual DeviceMemory& memory() const = 0;
  virtual const DeviceProperties& properties() const = 0;
};

// ---------------------------------------------------------------------------------------------------------------------
// Counters: a model, good for "no bank conflicts" and "no more bytes than the floor", never for time.

enum class InstructionClass : std::uint8_t {
  Integer, Float32, Float64, Half, Conversion, Move, Predicate, Branch, Barrier, WarpSync, GlobalLoad, GlobalStore,
  GlobalAtomic, SharedLoad, SharedStore, SharedAtomic, Local, Parameter, AsyncCopy, MatrixLoad, Mma, Special, Other, Count
};
inline constexpr std::size_t kInstructionClasses = static_cast<std::size_t>(InstructionClass::Count);
std::string_view name(InstructionClass c);

struct Counters {
  std::uint64_t warpInstructions = 0, threadInstructions = 0;
  std::array<std::uint64_t, kInstructionClasses> warpByClass{}, threadByClass{};
  std::uint64_t globalLoadRequests = 0, globalLoadSectors = 0;      // warp instructions; 32-byte sectors they touch
  std::uint64_t globalStoreRequests = 0, globalStoreSectors = 0;
  std::uint64_t globalAtomicRequests = 0, globalAtomicSectors = 0;
  std::uint64_t dramReadBytes = 0, dramWriteBytes = 0;              // behind an L2 of l2Bytes that starts cold, ends flushed
  std::uint64_t l2Bytes = 0;
  std::uint64_t sharedRequests = 0;
  std::uint64_t sharedWavefronts = 0, sharedWavefrontsMinimum = 0;  // equal: no bank conflicts
  std::uint64_t mmaInstructions = 0, mmaOperations = 0;             // multiply-adds count as two operations
  std::uint64_t branches = 0, divergentBranches = 0;                // warp instructions
  std::uint64_t barriers = 0;                                       // warp arrivals at block barriers
  std::uint64_t blocks = 0, warps = 0;

  Counters& operator+=(const Counters& other);
  std::string toJson() const;
};

// ---------------------------------------------------------------------------------------------------------------------
// Launches

struct Options {
  std::array<bool, kChecks> checks = allChecks(true);
  bool counters = true;             // sectors, wavefronts, L2; instruction counts are always kept
  bool worstApproximation = false;  // .approx instructions return the worst value that the PTX manual allows
  std::uint64_t seed = 1;           // warp order, preemption, block order
  bool randomOrder = true;          // false: blocks and warps in order, still preempted at barriers only
  unsigned hostThreads = 0;         // 0: all cores
  std::uint64_t l2Bytes = 0;        // modelled L2; 0: the device's
  std::uint64_t maxThreadInstructions = 0;  // watchdog: fault 702 beyond; 0: 2 * 10^11, some minutes
  std::uint32_t maxReports = 64;    // distinct ones kept per launch
  std::function<void(std::string_view)> print;  // device printf; null: stdout. Never called by two threads at once.

  static constexpr std::array<bool, kChecks> allChecks(bool on) {
    std::array<bool, kChecks> a{};
    for (auto& v : a) v = on;
    return a;
  }
  bool on(Check c) const { return checks[static_cast<std::size_t>(c)]; }
};

struct LaunchRequest {
  const Function* function = nullptr;
  Dim3 grid, block;
  std::uint32_t dynamicShared = 0;
  std::vector<std::byte> parameters;   // the packed parameter block, info().parameterBytes long
  // Global races between launches. Zero: ordered after everything before. Else a number that grows with each launch on
  // this memory, and `happensAfter(earlier)` says whether this launch is ordered after that earlier one.
  std::uint64_t launchId = 0;
  std::function<bool(std::uint64_t earlierLaunchId)> happensAfter;
};

// CUresult numbers.
enum class Fault : int {
  None = 0,
  InvalidValue = 1,            // the request itself: limits, parameter size; nothing ran
  IllegalAddress = 700,
  LaunchOutOfResources = 701,
  Timeout = 702,
  Assert = 710,
  IllegalInstruction = 715,
  MisalignedAddress = 716,
  InvalidProgramCounter = 718,
  LaunchFailed = 719,          // trap, deadlock
};

struct LaunchResult {
  Fault fault = Fault::None;
  std::string faultText;            // empty when there is none
  std::vector<Report> reports;
  Counters counters;
  std::uint64_t seed = 0;
};

// Checks the request against the function and the device: None and an empty text, or why it cannot run.
LaunchResult validate(const LaunchRequest& request);

// Runs one launch to its end (or its first fault) and returns; blocks the caller, uses options.hostThreads threads.
LaunchResult run(const LaunchRequest& request, const Options& options);

}  // namespace kofn::sim
