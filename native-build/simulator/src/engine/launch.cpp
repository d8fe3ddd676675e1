// SPDX-License-Identifier: Apache-2.0
//
// A launch: check the request, run its blocks on the host threads, gather what they found and counted.
#include <algorithm>
#include <numeric>
#include <thread>

#include "engine/block.hpp"
#include "engine/function.hpp"
#include "engine/global_sync.hpp"
#include "engine/handlers.hpp"
#include "engine/interpreter.hpp"
#include "engine/l2.hpp"
#include "engine/memory_impl.hpp"

namespace kofn::sim {
namespace {

LaunchResult refused(Fault fault, std::string text) {
  LaunchResult r;
  r.fault = fault;
  r.faultText = std::move(text);
  return r;
}

std::string shown(const Dim3& d) { return "(" + std::to_string(d.x) + ", " + std::to_string(d.y) + ", " + std::to_string(d.z) + ")"; }

void setUp(Launch& l, const LaunchRequest& request, const Options& options, const DeviceProperties& properties) {
  const auto& function = static_cast<const FunctionImpl&>(*request.function);
  l.program = &function.program();
  l.request = &request;
  l.options = &options;
  l.device = &function.module().memory();
  l.memory = &l.device->impl();
  l.properties = &properties;
  l.parameters = request.parameters.data();
  l.blocks = request.grid.count();
  l.threadsPerBlock = static_cast<std::uint32_t>(request.block.count());
  l.warpsPerBlock = (l.threadsPerBlock + 31) / 32;
  l.sharedBytes = l.program->staticShared + request.dynamicShared;
  l.ownerBase = l.memory->nextOwner.fetch_add(l.blocks);
  for (std::size_t k = 0; k < kChecks; ++k) l.check[k] = options.checks[k];
  l.checkGlobal = options.on(Check::GlobalRace);
  l.anySharedRace = options.on(Check::SharedRace) || options.on(Check::WarpRace);
  l.count = options.counters;
  {   // launches without a number are ordered after all before them: noted only where others have numbers
    const std::lock_guard lock(l.memory->mutex);
    if (request.launchId || !l.memory->launches.empty()) l.memory->launches.push_back({l.ownerBase, request.launchId});
  }
  if (options.randomOrder && l.blocks > 1) {
    std::uint64_t random = options.seed;
    l.orderOffset = nextRandom(random) % l.blocks;
    do l.orderMultiplier = nextRandom(random) % l.blocks;
    while (std::gcd(l.orderMultiplier, l.blocks) != 1);
  }
}

// Instruction counts by class, from the counts by pc.
void gatherInstructions(const Launch& l, Worker& worker) {
  const Program& p = *l.program;
  Counters& c = worker.counters;
  for (std::size_t pc = 0; pc < p.code.size(); ++pc) {
    const std::uint8_t cls = p.code[pc].cls;
    if (cls >= kInstructionClasses) continue;
    c.warpByClass[cls] += worker.warpCount[pc];
    c.threadByClass[cls] += worker.threadCount[pc];
    c.warpInstructions += worker.warpCount[pc];
    c.threadInstructions += worker.threadCount[pc];
    if (const Handler h = p.handlerAt(static_cast<std::uint32_t>(pc)); h == branch || h == branchIndexed) c.branches += worker.warpCount[pc];
  }
}

}  // namespace

LaunchResult validate(const LaunchRequest& q) {
  if (!q.function) return refused(Fault::InvalidValue, "no function");
  const FunctionInfo& f = q.function->info();
  const DeviceProperties& d = q.function->module().properties();
  const std::string kernel = "kernel " + f.name + ": ";
  if (q.grid.count() == 0 || q.grid.x > d.maxGrid.x || q.grid.y > d.maxGrid.y || q.grid.z > d.maxGrid.z)
    return refused(Fault::InvalidValue, kernel + "grid " + shown(q.grid) + ", allowed is 1 to " + shown(d.maxGrid));
  if (q.block.count() == 0 || q.block.x > d.maxBlock.x || q.block.y > d.maxBlock.y || q.block.z > d.maxBlock.z || q.block.count() > d.maxThreadsPerBlock)
    return refused(Fault::InvalidValue, kernel + "block " + shown(q.block) + ", allowed is 1 to " + shown(d.maxBlock) + " with at most " + std::to_string(d.maxThreadsPerBlock) + " threads");
  if (q.block.count() > f.maxThreadsPerBlock)
    return refused(Fault::LaunchOutOfResources, kernel + std::to_string(q.block.count()) + " threads in a block, compiled for at most " + std::to_string(f.maxThreadsPerBlock));
  const Dim3& r = f.requiredBlock;
  if (r.x && (r.x != q.block.x || r.y != q.block.y || r.z != q.block.z))
    return refused(Fault::InvalidValue, kernel + "block " + shown(q.block) + ", compiled for exactly " + shown(r));
  if (std::uint64_t{f.staticShared} + q.dynamicShared > d.sharedPerBlockOptin)
    return refused(Fault::InvalidValue, kernel + std::to_string(f.staticShared) + " + " + std::to_string(q.dynamicShared) + " bytes of shared memory, at most " + std::to_string(d.sharedPerBlockOptin));
  if (q.parameters.size() != f.parameterBytes)
    return refused(Fault::InvalidValue, kernel + std::to_string(q.parameters.size()) + " bytes of parameters, expected " + std::to_string(f.parameterBytes));
  return {};
}

LaunchResult run(const LaunchRequest& request, const Options& options) {
  LaunchResult result = validate(request);
  result.seed = options.seed;
  if (result.fault != Fault::None) return result;

  const DeviceProperties& properties = request.function->module().properties();
  Launch launch;
  setUp(launch, request, options, properties);
  const std::uint64_t l2Bytes = options.l2Bytes ? options.l2Bytes : properties.l2Bytes;
  std::unique_ptr<L2Model> l2;
  if (launch.count) l2 = std::make_unique<L2Model>(l2Bytes);
  GlobalSync sync;
  launch.l2 = l2.get();
  launch.sync = &sync;

  const unsigned cores = options.hostThreads ? options.hostThreads : std::max(1u, std::thread::hardware_concurrency());
  const auto threads = static_cast<unsigned>(std::min<std::uint64_t>(cores, launch.blocks));
  std::deque<Worker> workers(threads);
  for (unsigned k = 0; k < threads; ++k) {
    Worker& w = workers[k];
    w.launch = &launch;
    w.random = options.seed * 0x9e3779b97f4a7c15ull + k;
    w.warpCount.assign(launch.program->code.size(), 0);
    w.threadCount.assign(launch.program->code.size(), 0);
  }
  {
    std::vector<std::jthread> others;
    for (unsigned k = 1; k < threads; ++k) others.emplace_back([&workers, k] { runBlocks(workers[k]); });
    runBlocks(workers[0]);
  }
  for (Worker& w : workers) {
    gatherInstructions(launch, w);
    result.counters += w.counters;
  }
  if (l2) {
    l2->flush(result.counters.dramReadBytes, result.counters.dramWriteBytes);
    result.counters.l2Bytes = l2Bytes;
  }
  result.fault = launch.fault;
  result.faultText = launch.faultText;
  result.reports = mergeFindings(workers, options.maxReports);
  return result;
}

}  // namespace kofn::sim
