// SPDX-License-Identifier: Apache-2.0
//
// Function attributes and occupancy. Occupancy is a model: threads, blocks and shared memory of a multiprocessor, each
// block's share of shared memory with the reserve of the system. Registers do not limit it, because PTX names virtual
// registers and only ptxas decides how many there are; CU_FUNC_ATTRIBUTE_NUM_REGS is that virtual count, capped at 255.
#include <algorithm>

#include "driver/driver.hpp"

namespace kofn::driver {

int functionAttribute(const FunctionObject& function, CUfunction_attribute attribute) {
  const sim::FunctionInfo& info = function.function->info();
  const sim::DeviceProperties& device = function.code->properties();
  switch (attribute) {
    case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK: return static_cast<int>(std::min(info.maxThreadsPerBlock, device.maxThreadsPerBlock));
    case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES: return static_cast<int>(info.staticShared);
    case CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES: return static_cast<int>(info.constBytes);
    case CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES: return static_cast<int>(info.localBytes);
    case CU_FUNC_ATTRIBUTE_NUM_REGS: return static_cast<int>(info.registers);
    case CU_FUNC_ATTRIBUTE_PTX_VERSION: return info.targetArch;   // "the PTX virtual architecture version"
    case CU_FUNC_ATTRIBUTE_BINARY_VERSION: return device.major * 10 + device.minor;
    case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES: return function.maxDynamicShared;
    case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT: return function.carveout;
    default:
      if (attribute < 0 || attribute > CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE)
        fail(CUDA_ERROR_INVALID_VALUE, "there is no function attribute ", attribute);
      return 0;   // caching switches and clusters: not there
  }
}

void setFunctionAttribute(FunctionObject& function, CUfunction_attribute attribute, int value) {
  const sim::DeviceProperties& device = function.code->properties();
  switch (attribute) {
    case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES: {
      const int most = static_cast<int>(device.sharedPerBlockOptin) - static_cast<int>(function.function->info().staticShared);
      if (value < 0 || value > most)
        fail(CUDA_ERROR_INVALID_VALUE, "dynamic shared memory of ", value, " bytes; this function can have 0 to ", most, " on this device");
      function.maxDynamicShared = value;
      return;
    }
    case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
      if (value < -1 || value > 100) fail(CUDA_ERROR_INVALID_VALUE, "a carve-out of ", value, " percent; allowed: -1 to 100");
      function.carveout = value;   // a hint without effect
      return;
    default: fail(CUDA_ERROR_INVALID_VALUE, "function attribute ", attribute, " cannot be set");
  }
}

namespace {

int blocksPerMultiprocessor(const FunctionObject& function, int blockSize, std::size_t dynamicShared) {
  const sim::DeviceProperties& d = function.code->properties();
  const sim::FunctionInfo& info = function.function->info();
  if (blockSize > functionAttribute(function, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK)) return 0;
  if (info.staticShared + dynamicShared > d.sharedPerBlockOptin) return 0;
  const std::size_t warps = (static_cast<std::size_t>(blockSize) + d.warpSize - 1) / d.warpSize;
  const std::size_t reserved = d.sharedPerMultiprocessor - d.sharedPerBlockOptin;
  const std::size_t byThreads = d.maxThreadsPerMultiprocessor / (warps * d.warpSize);
  const std::size_t byShared = d.sharedPerMultiprocessor / (reserved + info.staticShared + dynamicShared);
  return static_cast<int>(std::min<std::size_t>({byThreads, byShared, d.maxBlocksPerMultiprocessor}));
}

void requireBlockSize(int blockSize) {
  if (blockSize <= 0) fail(CUDA_ERROR_INVALID_VALUE, "blockSize is ", blockSize, "; it must be positive");
}

CUresult activeBlocks(Entry entry, int* blocks, CUfunction function, int blockSize, std::size_t dynamicShared, unsigned flags) {
  return call(entry, Need::Context, [&](Call& c) {
    requirePointer(blocks, "numBlocks");
    requireBlockSize(blockSize);
    if (flags & ~1u) fail(CUDA_ERROR_INVALID_VALUE, "flags is ", flags, "; allowed: 0, 1");
    *blocks = blocksPerMultiprocessor(*resolveFunction(c, function), blockSize, dynamicShared);
  });
}

// The largest occupancy in threads; of equals, the largest block.
CUresult potentialBlockSize(Entry entry, int* minGridSize, int* blockSize, CUfunction function, CUoccupancyB2DSize sharedOfBlock,
                            std::size_t dynamicShared, int limit, unsigned flags) {
  return call(entry, Need::Context, [&](Call& c) {
    requirePointer(minGridSize, "minGridSize");
    requirePointer(blockSize, "blockSize");
    if (flags & ~1u) fail(CUDA_ERROR_INVALID_VALUE, "flags is ", flags, "; allowed: 0, 1");
    auto object = resolveFunction(c, function);
    int most = functionAttribute(*object, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
    if (limit > 0) most = std::min(most, limit);
    int best = 0, bestThreads = 0, bestBlocks = 0;
    for (int size = (most + 31) / 32 * 32; size >= 32; size -= 32) {
      const int threads = std::min(size, most);
      const int blocks = blocksPerMultiprocessor(*object, threads, sharedOfBlock ? sharedOfBlock(threads) : dynamicShared);
      if (blocks * threads > bestThreads) bestThreads = blocks * threads, best = threads, bestBlocks = blocks;
    }
    *blockSize = best;
    *minGridSize = bestBlocks * c.context->device->properties.multiprocessors;
  });
}

}  // namespace
}  // namespace kofn::driver

namespace kofn::cuda {
using namespace kofn::driver;

CUresult cuFuncGetAttribute(int* value, CUfunction_attribute attribute, CUfunction function) {
  return call(Entry::cuFuncGetAttribute, Need::Context, [&](Call& c) {
    requirePointer(value, "pi");
    *value = functionAttribute(*resolveFunction(c, function), attribute);
  });
}

CUresult cuFuncSetAttribute(CUfunction function, CUfunction_attribute attribute, int value) {
  return call(Entry::cuFuncSetAttribute, Need::Context,
              [&](Call& c) { setFunctionAttribute(*resolveFunction(c, function), attribute, value); });
}

// Preferences without effect, as on current devices.
CUresult cuFuncSetCacheConfig(CUfunction function, CUfunc_cache config) {
  return call(Entry::cuFuncSetCacheConfig, Need::Context, [&](Call& c) {
    resolveFunction(c, function);
    if (config < 0 || config > 3) fail(CUDA_ERROR_INVALID_VALUE, "config is ", config, "; allowed: 0 to 3");
  });
}

CUresult cuFuncSetSharedMemConfig(CUfunction function, CUsharedconfig config) {
  return call(Entry::cuFuncSetSharedMemConfig, Need::Context, [&](Call& c) {
    resolveFunction(c, function);
    if (config < 0 || config > 2) fail(CUDA_ERROR_INVALID_VALUE, "config is ", config, "; allowed: 0 to 2");
  });
}

CUresult cuFuncGetModule(CUmodule* module, CUfunction function) {
  return call(Entry::cuFuncGetModule, Need::Context, [&](Call& c) {
    requirePointer(module, "hmod");
    auto owner = resolveFunction(c, function)->module.lock();
    if (!owner) fail(CUDA_ERROR_INVALID_HANDLE, "the function's module was unloaded");
    *module = handleOf<CUmodule>(*owner);
  });
}

CUresult cuFuncGetName(const char** name, CUfunction function) {
  return call(Entry::cuFuncGetName, Need::Context, [&](Call& c) {
    requirePointer(name, "name");
    *name = resolveFunction(c, function)->function->info().name.c_str();
  });
}

CUresult cuFuncGetParamInfo(CUfunction function, std::size_t index, std::size_t* offset, std::size_t* size) {
  return call(Entry::cuFuncGetParamInfo, Need::Context, [&](Call& c) {
    requirePointer(offset, "paramOffset");
    auto object = resolveFunction(c, function);
    const auto& parameters = object->function->info().parameters;
    if (index >= parameters.size()) fail(CUDA_ERROR_INVALID_VALUE, "paramIndex is ", index, "; the function has ", parameters.size());
    *offset = parameters[index].offset;
    if (size) *size = parameters[index].bytes;
  });
}

CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, CUfunction function, int blockSize, std::size_t dynamicShared) {
  return activeBlocks(Entry::cuOccupancyMaxActiveBlocksPerMultiprocessor, blocks, function, blockSize, dynamicShared, 0);
}

CUresult cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, CUfunction function, int blockSize, std::size_t dynamicShared,
                                                              unsigned flags) {
  return activeBlocks(Entry::cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags, blocks, function, blockSize, dynamicShared, flags);
}

CUresult cuOccupancyMaxPotentialBlockSize(int* minGridSize, int* blockSize, CUfunction function, CUoccupancyB2DSize sharedOfBlock,
                                          std::size_t dynamicShared, int limit) {
  return potentialBlockSize(Entry::cuOccupancyMaxPotentialBlockSize, minGridSize, blockSize, function, sharedOfBlock, dynamicShared, limit, 0);
}

CUresult cuOccupancyMaxPotentialBlockSizeWithFlags(int* minGridSize, int* blockSize, CUfunction function, CUoccupancyB2DSize sharedOfBlock,
                                                   std::size_t dynamicShared, int limit, unsigned flags) {
  return potentialBlockSize(Entry::cuOccupancyMaxPotentialBlockSizeWithFlags, minGridSize, blockSize, function, sharedOfBlock, dynamicShared,
                            limit, flags);
}

CUresult cuOccupancyAvailableDynamicSMemPerBlock(std::size_t* bytes, CUfunction function, int blocks, int blockSize) {
  return call(Entry::cuOccupancyAvailableDynamicSMemPerBlock, Need::Context, [&](Call& c) {
    requirePointer(bytes, "dynamicSmemSize");
    requireBlockSize(blockSize);
    if (blocks <= 0) fail(CUDA_ERROR_INVALID_VALUE, "numBlocks is ", blocks, "; it must be positive");
    auto object = resolveFunction(c, function);
    const sim::DeviceProperties& d = object->code->properties();
    const std::size_t reserved = d.sharedPerMultiprocessor - d.sharedPerBlockOptin, used = object->function->info().staticShared;
    const std::size_t share = d.sharedPerMultiprocessor / static_cast<std::size_t>(blocks);
    const std::size_t most = std::min<std::size_t>(d.sharedPerBlockOptin - used, share > reserved + used ? share - reserved - used : 0);
    *bytes = blocksPerMultiprocessor(*object, blockSize, most) >= blocks ? most : 0;
  });
}

}  // namespace kofn::cuda
