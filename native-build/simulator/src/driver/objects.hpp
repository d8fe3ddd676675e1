// SPDX-License-Identifier: Apache-2.0
//
// The objects that the driver hands out, and who owns whom:
//
//   Driver -> Device -> Context -> Stream, Event, Module -> FunctionObject, GraphExec, memory blocks
//   Driver -> Library -> KernelObject, Graph -> GraphNodeObject, Pool, host memory blocks
//
// An object lives while its handle is in the table or queued work holds it. An object of a context that ended stays a
// known handle that answers "its context is destroyed".
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "driver/cuda_abi.hpp"
#include "driver/handles.hpp"
#include "driver/scheduler.hpp"
#include "engine/engine.hpp"

namespace kofn::driver {

using namespace kofn::cuda;

struct Context;
struct Capture;

struct Pool : Object {
  static constexpr Kind kind = Kind::Pool;
  int device = 0;
  bool isDefault = false;
  std::size_t maximum = 0;         // 0: no limit of its own
  std::uint64_t releaseThreshold = 0;
  int reuse[3] = {1, 1, 1};        // the three reuse switches are kept and have no effect: addresses are never reused
  std::uint64_t used = 0, usedHigh = 0;
};

// One live allocation of device memory.
struct MemoryBlock {
  std::uint64_t address = 0, bytes = 0;
  std::uint64_t index = 0;         // counts allocations over the whole process: also the buffer id
  std::string site;
  std::weak_ptr<Context> owner;
  std::shared_ptr<Pool> pool;      // stream-ordered allocations only
  bool freeQueued = false;
  std::string freeSite;
};

// One range of page-locked host memory.
struct HostBlock {
  std::uint64_t address = 0, bytes = 0;
  std::uint64_t index = 0;
  unsigned flags = 0;
  bool registered = false;         // else allocated here
  std::string site;
  std::weak_ptr<Context> owner;
};

struct Device {
  int ordinal = 0;
  sim::DeviceProperties properties;
  std::unique_ptr<sim::DeviceMemory> memory;
  std::map<std::uint64_t, MemoryBlock> blocks;   // by address
  std::shared_ptr<Pool> defaultPool, pool;
  std::shared_ptr<Context> primary;
  unsigned primaryRetained = 0, primaryFlags = 0;

  MemoryBlock* blockAt(std::uint64_t address);   // the block that contains it
};

struct Stream : Object {
  static constexpr Kind kind = Kind::Stream;
  std::weak_ptr<Context> context;
  bool nonBlocking = false, legacy = false;
  int priority = 0;
  std::uint64_t id = 0;
  std::uint32_t lane = 0;
  OperationPtr last;                     // of what was queued
  std::shared_ptr<Capture> capture;      // while capturing
  std::vector<std::size_t> captureTips;  // nodes that the next captured one depends on
};

struct Event : Object {
  static constexpr Kind kind = Kind::Event;
  std::weak_ptr<Context> context;
  unsigned flags = 0;
  struct Record {                        // one execution of cuEventRecord
    OperationPtr operation;
    std::chrono::steady_clock::time_point time;
  };
  std::shared_ptr<Record> record;        // the latest; null: never recorded
  std::shared_ptr<Capture> capture;      // recorded last in a capturing stream
  std::vector<std::size_t> captureTips;
};

struct FunctionObject;

struct Module : Object {
  static constexpr Kind kind = Kind::Module;
  std::weak_ptr<Context> context;
  std::shared_ptr<sim::Module> code;
  std::map<std::string, std::shared_ptr<FunctionObject>> functions;   // those that were asked for
};

struct FunctionObject : Object {
  static constexpr Kind kind = Kind::Function;
  std::weak_ptr<Context> context;
  std::weak_ptr<Module> module;
  std::shared_ptr<sim::Module> code;     // keeps `function` alive
  const sim::Function* function = nullptr;
  int maxDynamicShared = 0;              // bytes, as opted in; set to the default at creation
  int carveout = -1;
};

struct KernelObject;

struct Library : Object {
  static constexpr Kind kind = Kind::Library;
  std::string ptx;
  std::map<std::string, std::shared_ptr<KernelObject>> kernels;
  std::map<Context*, std::shared_ptr<Module>> modules;   // one a context, loaded on first use
};

struct KernelObject : Object {
  static constexpr Kind kind = Kind::Kernel;
  std::weak_ptr<Library> library;
  std::string kernelName;
  int maxDynamicShared = -1;             // -1: not set
};

// A node is what a captured stream would have queued.
struct GraphNode {
  CUgraphNodeType type = CU_GRAPH_NODE_TYPE_EMPTY;
  std::string what;
  std::function<void(Operation&)> action;
  std::vector<std::size_t> dependencies;   // indices of earlier nodes of the same graph
};

struct GraphNodeObject : Object {
  static constexpr Kind kind = Kind::GraphNode;
  CUgraphNodeType type = 0;
};

struct Graph : Object {
  static constexpr Kind kind = Kind::Graph;
  std::shared_ptr<Context> context;
  std::vector<GraphNode> nodes;
  std::vector<std::shared_ptr<GraphNodeObject>> nodeHandles;   // made when asked for
};

struct GraphExec : Object {
  static constexpr Kind kind = Kind::GraphExec;
  std::weak_ptr<Context> context;
  std::shared_ptr<const std::vector<GraphNode>> nodes;
  std::vector<std::uint32_t> lanes;      // by node
  OperationPtr last;                     // launches of one executable graph never overlap
};

struct Context : Object {
  static constexpr Kind kind = Kind::Context;
  Device* device = nullptr;
  bool primary = false, ended = false;
  unsigned flags = 0;
  std::uint64_t id = 0;
  int fault = 0;                         // sticky CUresult
  std::string faultText;
  std::shared_ptr<Stream> legacy;
  std::map<std::thread::id, std::shared_ptr<Stream>> perThread;
  std::set<std::shared_ptr<Stream>> streams;      // created and not destroyed
  std::vector<std::shared_ptr<Stream>> draining;  // destroyed with work still queued
  std::set<std::shared_ptr<Event>> events;
  std::set<std::shared_ptr<Module>> modules;
  std::set<std::shared_ptr<GraphExec>> executables;
  std::vector<std::shared_ptr<Capture>> captures; // under way
  std::map<int, std::size_t> limits;
  int cacheConfig = 0, sharedConfig = 0;

  std::vector<OperationPtr> lastOperations() const;   // of every stream: waiting for them waits for all
  std::vector<std::shared_ptr<Stream>> allStreams() const;
  void setFault(int code, std::string text);
};

}  // namespace kofn::driver
