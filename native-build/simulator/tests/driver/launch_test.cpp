// SPDX-License-Identifier: Apache-2.0
//
// Launches: parameters, limits, faults that stick, counters.
#include "driver_test.hpp"

namespace {

struct Shape {
  unsigned gridX = 1, gridY = 1, gridZ = 1, blockX = 1, blockY = 1, blockZ = 1, shared = 0;
};

CUresult launchShaped(CUfunction function, const Shape& s) {
  return cuLaunchKernel(function, s.gridX, s.gridY, s.gridZ, s.blockX, s.blockY, s.blockZ, s.shared, nullptr, nullptr, nullptr);
}

// A context of its own for a test that spoils it.
struct OwnContext {
  CUcontext context = nullptr;
  OwnContext() {
    kofnSimSetOption("quiet", "1");
    kofnSimResetReports();
    OK(cuInit(0));
    OK(cuCtxCreate_v2(&context, 0, 0));
  }
};

}  // namespace

TEST("parameters are copied by the launch") {
  Session session;
  Kernels kernels;
  DeviceBytes memory(4);
  CUdeviceptr address = memory;
  std::uint32_t value = 11;
  void* parameters[] = {&address, &value};
  OK(cuLaunchKernel(kernels["store"], 1, 1, 1, 1, 1, 1, 0, nullptr, parameters, nullptr));
  address = 0;
  value = 0;
  parameters[0] = nullptr;
  OK(cuCtxSynchronize());
  CHECK_EQ(memory.word(), 11u);
}

TEST("parameters as one buffer") {
  Session session;
  Kernels kernels;
  DeviceBytes memory(4);
  struct {
    CUdeviceptr address;
    std::uint32_t value;
  } block{memory, 12};
  std::size_t size = 12;
  const auto key = [](std::uintptr_t number) { return reinterpret_cast<void*>(number); };
  void* extra[] = {key(kLaunchParamBufferPointer), &block, key(kLaunchParamBufferSize), &size, key(kLaunchParamEnd)};
  OK(cuLaunchKernel(kernels["store"], 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, extra));
  CHECK_EQ(memory.word(), 12u);
  size = sizeof block;   // with the padding of the structure
  block.value = 13;
  OK(cuLaunchKernel(kernels["store"], 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, extra));
  CHECK_EQ(memory.word(), 13u);
  for (const std::size_t wrong : {std::size_t{0}, std::size_t{8}, std::size_t{11}, std::size_t{24}, std::size_t{4096}}) {
    size = wrong;
    EXPECT(cuLaunchKernel(kernels["store"], 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, extra), CUDA_ERROR_INVALID_VALUE);
  }
  size = 12;
  void* parameters[] = {&block.address, &block.value};
  EXPECT(cuLaunchKernel(kernels["store"], 1, 1, 1, 1, 1, 1, 0, nullptr, parameters, extra), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuLaunchKernel(kernels["store"], 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr), CUDA_ERROR_INVALID_VALUE);
  void* incomplete[] = {&block.address, nullptr};
  EXPECT(cuLaunchKernel(kernels["store"], 1, 1, 1, 1, 1, 1, 0, nullptr, incomplete, nullptr), CUDA_ERROR_INVALID_VALUE);
  void* unknown[] = {key(9), &block, key(kLaunchParamEnd)};
  EXPECT(cuLaunchKernel(kernels["store"], 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, unknown), CUDA_ERROR_INVALID_VALUE);
}

TEST("launches beyond the limits are refused") {
  Session session;
  Kernels kernels;
  const CUfunction function = kernels["shared_user"];
  const auto refused = [&](const Shape& shape) { EXPECT(launchShaped(function, shape), CUDA_ERROR_INVALID_VALUE); };
  refused({.gridX = 0});
  refused({.gridY = 65536});
  refused({.gridZ = 65536});
  refused({.gridX = 0x80000000u});
  refused({.blockX = 0});
  refused({.blockX = 1025});
  refused({.blockX = 32, .blockY = 33});
  refused({.blockZ = 65});
  refused({.shared = 48 * 1024});          // with the static bytes this passes 48 KB
  refused({.shared = 0xffffffffu});
  OK(launchShaped(function, {.shared = 47 * 1024}));
  OK(cuCtxSynchronize());
}

TEST("more dynamic shared memory needs the opt-in") {
  Session session;
  Kernels kernels;
  const CUfunction function = kernels["shared_user"];
  int value = 0, optin = 0;
  OK(cuDeviceGetAttribute(&optin, 97, 0));
  OK(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, function));
  const int fixed = value;
  OK(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, function));
  CHECK_EQ(value, 48 * 1024 - fixed);
  EXPECT(launchShaped(function, {.shared = 100000}), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuFuncSetAttribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, optin - fixed + 1), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuFuncSetAttribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, -1), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuFuncSetAttribute(function, CU_FUNC_ATTRIBUTE_NUM_REGS, 10), CUDA_ERROR_INVALID_VALUE);
  OK(cuFuncSetAttribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 100000));
  OK(launchShaped(function, {.shared = 100000}));
  EXPECT(launchShaped(function, {.shared = 100001}), CUDA_ERROR_INVALID_VALUE);
  OK(cuCtxSynchronize());
}

TEST("function attributes, parameters and occupancy") {
  Session session;
  Kernels kernels;
  const CUfunction function = kernels["store"];
  int value = 0;
  for (int attribute = 0; attribute <= 15; ++attribute) OK(cuFuncGetAttribute(&value, attribute, function));
  EXPECT(cuFuncGetAttribute(&value, 16, function), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuFuncGetAttribute(&value, 0, nullptr), CUDA_ERROR_INVALID_HANDLE);
  std::size_t offset = 0, size = 0;
  OK(cuFuncGetParamInfo(function, 1, &offset, &size));
  CHECK_EQ(offset, std::size_t{8});
  CHECK_EQ(size, std::size_t{4});
  EXPECT(cuFuncGetParamInfo(function, 2, &offset, &size), CUDA_ERROR_INVALID_VALUE);
  const char* name = nullptr;
  OK(cuFuncGetName(&name, function));
  CHECK_EQ(std::string(name), std::string("store"));
  int blocks = 0, grid = 0, block = 0;
  OK(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, function, 1024, 0));
  CHECK_EQ(blocks, 2);   // 2048 threads
  OK(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, function, 32, 0));
  CHECK_EQ(blocks, 32);
  OK(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, function, 32, 40 * 1024));
  CHECK_EQ(blocks, 4);   // 164 KB by 41 KB
  EXPECT(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, function, 0, 0), CUDA_ERROR_INVALID_VALUE);
  OK(cuOccupancyMaxPotentialBlockSize(&grid, &block, function, nullptr, 0, 0));
  CHECK_EQ(block, 1024);
  CHECK_EQ(grid, 2 * 108);
  OK(cuOccupancyAvailableDynamicSMemPerBlock(&offset, function, 2, 128));
  CHECK_EQ(offset, std::size_t{81 * 1024});
}

TEST("cuLaunchKernelEx takes attributes it can honour and refuses the others") {
  Session session;
  Kernels kernels;
  DeviceBytes memory(4);
  CUdeviceptr address = memory;
  std::uint32_t value = 21;
  void* parameters[] = {&address, &value};
  CUlaunchAttribute attribute{};
  CUlaunchConfig config{};
  config.gridDimX = config.gridDimY = config.gridDimZ = config.blockDimX = config.blockDimY = config.blockDimZ = 1;
  config.attrs = &attribute;
  config.numAttrs = 1;
  attribute.id = CU_LAUNCH_ATTRIBUTE_PRIORITY;
  OK(cuLaunchKernelEx(&config, kernels["store"], parameters, nullptr));
  CHECK_EQ(memory.word(), 21u);
  attribute.id = CU_LAUNCH_ATTRIBUTE_COOPERATIVE;
  OK(cuLaunchKernelEx(&config, kernels["store"], parameters, nullptr));
  attribute.value.cooperative = 1;
  EXPECT(cuLaunchKernelEx(&config, kernels["store"], parameters, nullptr), CUDA_ERROR_NOT_SUPPORTED);
  attribute.id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
  attribute.value.clusterDim = {2, 1, 1};
  EXPECT(cuLaunchKernelEx(&config, kernels["store"], parameters, nullptr), CUDA_ERROR_NOT_SUPPORTED);
  attribute.id = 9999;
  EXPECT(cuLaunchKernelEx(&config, kernels["store"], parameters, nullptr), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuLaunchKernelEx(nullptr, kernels["store"], parameters, nullptr), CUDA_ERROR_INVALID_VALUE);
  config.attrs = nullptr;
  EXPECT(cuLaunchKernelEx(&config, kernels["store"], parameters, nullptr), CUDA_ERROR_INVALID_VALUE);
}

TEST("a fault is found by the next synchronisation and sticks until the context is gone") {
  for (const bool address : {false, true}) {
    OwnContext own;
    CUmodule module = nullptr;
    OK(cuModuleLoadData(&module, kKernels));
    CUdeviceptr memory = 0;
    OK(cuMemAlloc_v2(&memory, 4));
    const CUresult expected = address ? CUDA_ERROR_ILLEGAL_ADDRESS : CUDA_ERROR_LAUNCH_FAILED;
    OK(address ? launchOne(kernel(module, "store"), nullptr, memory + 4096, 1u) : launchOne(kernel(module, "trap_kernel"), nullptr));
    EXPECT(cuCtxSynchronize(), expected);
    EXPECT(cuCtxSynchronize(), expected);
    CUdeviceptr more = 0;
    EXPECT(cuMemAlloc_v2(&more, 4), expected);
    EXPECT(cuMemFree_v2(memory), expected);
    std::uint32_t word = 0;
    EXPECT(cuMemcpyDtoH_v2(&word, memory, 4), expected);
    CHECK(!reports().empty());
    CUcontext other = nullptr;
    OK(cuCtxCreate_v2(&other, 0, 0));   // another context is not affected
    OK(cuCtxSynchronize());
    OK(cuCtxDestroy_v2(other));
    OK(cuCtxDestroy_v2(own.context));
  }
}

TEST("work queued behind a fault is dropped, and a reset heals the primary context") {
  Session session;
  CUmodule module = nullptr;
  OK(cuModuleLoadData(&module, kKernels));
  void* pinned = nullptr;
  OK(cuMemHostAlloc(&pinned, 4, 0));
  *static_cast<std::uint32_t*>(pinned) = 7;
  const auto target = reinterpret_cast<CUdeviceptr>(pinned);
  const CUfunction trap = kernel(module, "trap_kernel"), store = kernel(module, "store");
  OK(launchOne(trap, nullptr));
  const CUresult second = launchOne(store, nullptr, target, 8u);   // refused if the first has run already
  CHECK(second == CUDA_SUCCESS || second == CUDA_ERROR_LAUNCH_FAILED);
  EXPECT(cuStreamSynchronize(nullptr), CUDA_ERROR_LAUNCH_FAILED);
  CHECK_EQ(*static_cast<std::uint32_t*>(pinned), 7u);
  OK(cuDevicePrimaryCtxReset_v2(0));
  OK(cuCtxSynchronize());
  Kernels kernels;
  DeviceBytes memory(4);
  OK(launchOne(kernels["store"], nullptr, memory.address, 9u));
  CHECK_EQ(memory.word(), 9u);
}

TEST("what was executed is counted, by kernel and in all") {
  Session session;
  kofnSimResetCounters();
  Kernels kernels;
  DeviceBytes memory(4);
  CHECK_EQ(kofnSimCounters("", nullptr, 0), std::size_t{0});
  for (int i = 0; i < 3; ++i) OK(launchOne(kernels["store"], nullptr, memory.address, 1u));
  OK(cuCtxSynchronize());
  const std::size_t count = kofnSimCounters("*", nullptr, 0);
  CHECK(count > 20);
  std::vector<std::uint64_t> all(count), last(count), one(count);
  kofnSimCounters("*", all.data(), count);
  kofnSimCounters("", last.data(), count);
  kofnSimCounters("store", one.data(), count);
  CHECK_EQ(kofnSimCounters("no_such_kernel", nullptr, 0), std::size_t{0});
  CHECK(kofnSimCounterName(count) == nullptr);
  for (std::size_t i = 0; i < count; ++i)
    if (std::string(kofnSimCounterName(i)) == "threadInstructions") {
      CHECK(last[i] > 0);
      CHECK_EQ(all[i], 3 * last[i]);
      CHECK_EQ(one[i], all[i]);
    }
  std::string json(kofnSimCountersJson(nullptr, 0), '\0');
  kofnSimCountersJson(json.data(), json.size() + 1);
  CHECK(json.find("\"launches\":3") != std::string::npos);
  CHECK(json.find("\"store\":{\"launches\":3") != std::string::npos);
}

TEST_MAIN
