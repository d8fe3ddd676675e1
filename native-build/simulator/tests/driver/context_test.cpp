// SPDX-License-Identifier: Apache-2.0
//
// Initialisation, devices, contexts, errors, symbols. The first test relies on running before any cuInit.
#include <dlfcn.h>

#include <thread>

#include "driver_test.hpp"

TEST("nothing works before cuInit, except what needs no device") {
  kofnSimSetOption("quiet", "1");
  int number = 0;
  CUcontext context = nullptr;
  EXPECT(cuDeviceGetCount(&number), CUDA_ERROR_NOT_INITIALIZED);
  EXPECT(cuDevicePrimaryCtxRetain(&context, 0), CUDA_ERROR_NOT_INITIALIZED);
  EXPECT(cuCtxGetCurrent(&context), CUDA_ERROR_NOT_INITIALIZED);
  EXPECT(cuCtxSynchronize(), CUDA_ERROR_NOT_INITIALIZED);
  OK(cuDriverGetVersion(&number));
  CHECK_EQ(number, 13000);
  EXPECT(cuInit(1), CUDA_ERROR_INVALID_VALUE);
  OK(cuInit(0));
  OK(cuInit(0));
  CHECK(kofnSimSetOption("arch", "90") == 1);   // too late
  CHECK(lastMessage().find("before cuInit") != std::string::npos);
}

TEST("devices answer consistently") {
  Session session;
  int count = 0, device = -1, value = 0, major = 0, minor = 0;
  OK(cuDeviceGetCount(&count));
  CHECK_EQ(count, 1);
  OK(cuDeviceGet(&device, 0));
  EXPECT(cuDeviceGet(&device, 1), CUDA_ERROR_INVALID_DEVICE);
  EXPECT(cuDeviceGet(&device, -1), CUDA_ERROR_INVALID_DEVICE);
  char name[100], shortName[5], bus[16];
  OK(cuDeviceGetName(name, sizeof name, 0));
  OK(cuDeviceGetName(shortName, sizeof shortName, 0));
  CHECK_EQ(std::string(shortName), std::string(name, 4));
  OK(cuDeviceGetPCIBusId(bus, sizeof bus, 0));
  OK(cuDeviceGetByPCIBusId(&device, bus));
  CHECK_EQ(device, 0);
  OK(cuDeviceComputeCapability(&major, &minor, 0));
  OK(cuDeviceGetAttribute(&value, 75, 0));
  CHECK_EQ(value, major);
  int block = 0, optin = 0, multiprocessor = 0, reserved = 0;
  OK(cuDeviceGetAttribute(&block, 8, 0));
  OK(cuDeviceGetAttribute(&optin, 97, 0));
  OK(cuDeviceGetAttribute(&multiprocessor, 81, 0));
  OK(cuDeviceGetAttribute(&reserved, 111, 0));
  CHECK_EQ(block, 48 * 1024);
  CHECK_EQ(optin + reserved, multiprocessor);
  for (int attribute = 1; attribute <= 147; ++attribute) OK(cuDeviceGetAttribute(&value, attribute, 0));
  EXPECT(cuDeviceGetAttribute(&value, 0, 0), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuDeviceGetAttribute(&value, 148, 0), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuDeviceGetAttribute(nullptr, 1, 0), CUDA_ERROR_INVALID_VALUE);
  CUdevprop properties;
  OK(cuDeviceGetProperties(&properties, 0));
  CHECK_EQ(properties.SIMDWidth, 32);
  CHECK_EQ(properties.maxThreadsPerBlock, 1024);
  std::size_t total = 0, free = 0, all = 0;
  OK(cuDeviceTotalMem_v2(&total, 0));
  OK(cuMemGetInfo_v2(&free, &all));
  CHECK_EQ(total, all);
  CHECK(free <= all);
  CUuuid one, two;
  OK(cuDeviceGetUuid(&one, 0));
  OK(cuDeviceGetUuid_v2(&two, 0));
  CHECK(std::memcmp(&one, &two, sizeof one) == 0);
}

TEST("every result has a name and a text") {
  const char* text = nullptr;
#define KOFN_RESULT(name, value, words)              \
  OK(cuGetErrorName(name, &text));                   \
  CHECK_EQ(std::string(text), std::string(#name));   \
  OK(cuGetErrorString(name, &text));                 \
  CHECK(text && *text);
#include "driver/results.def"
#undef KOFN_RESULT
  EXPECT(cuGetErrorName(static_cast<CUresult>(12345), &text), CUDA_ERROR_INVALID_VALUE);
  CHECK(text == nullptr);
}

TEST("a context is current to one thread") {
  Session session;
  CUcontext current = nullptr;
  OK(cuCtxGetCurrent(&current));
  CHECK(current == session.context);
  std::thread([&] {
    CUdeviceptr address = 0;
    CUcontext here = session.context;
    OK(cuCtxGetCurrent(&here));
    CHECK(here == nullptr);
    EXPECT(cuMemAlloc_v2(&address, 16), CUDA_ERROR_INVALID_CONTEXT);
    EXPECT(cuCtxPopCurrent_v2(&here), CUDA_ERROR_INVALID_CONTEXT);
    OK(cuCtxPushCurrent_v2(session.context));
    OK(cuCtxSynchronize());
    OK(cuCtxPopCurrent_v2(&here));
    CHECK(here == session.context);
  }).join();
}

TEST("contexts are created, stacked and destroyed once") {
  Session session;
  CUcontext made = nullptr, current = nullptr;
  EXPECT(cuCtxCreate_v2(&made, 0x1000, 0), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuCtxCreate_v2(&made, 3, 0), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuCtxCreate_v2(&made, 0, 7), CUDA_ERROR_INVALID_DEVICE);
  OK(cuCtxCreate_v2(&made, 0, 0));
  OK(cuCtxGetCurrent(&current));
  CHECK(current == made);
  CUstream stream = nullptr;
  OK(cuStreamCreate(&stream, 0));
  OK(cuCtxPopCurrent_v2(&current));
  EXPECT(cuStreamSynchronize(stream), CUDA_ERROR_INVALID_HANDLE);   // belongs to another context
  OK(cuCtxPushCurrent_v2(made));
  OK(cuCtxDestroy_v2(made));
  CHECK_EQ(reportsWith("a stream, made by cuStreamCreate"), 1);     // the leak
  EXPECT(cuCtxDestroy_v2(made), CUDA_ERROR_INVALID_CONTEXT);
  CHECK_EQ(reportsWith("was destroyed by cuCtxDestroy_v2"), 1);
  EXPECT(cuStreamSynchronize(stream), CUDA_ERROR_INVALID_HANDLE);
  EXPECT(cuCtxDestroy_v2(session.context), CUDA_ERROR_INVALID_CONTEXT);
  OK(cuCtxGetCurrent(&current));
  CHECK(current == session.context);
  CUctxCreateParams plain{};
  OK(cuCtxCreate_v4(&made, &plain, 0, 0));
  OK(cuCtxDestroy_v2(made));
}

TEST("a destroyed context that is current elsewhere says so") {
  Session session;
  CUcontext made = nullptr;
  OK(cuCtxCreate_v2(&made, 0, 0));
  CUcontext popped = nullptr;
  OK(cuCtxPopCurrent_v2(&popped));
  std::thread([&] {
    OK(cuCtxSetCurrent(made));
    OK(cuCtxDestroy_v2(made));   // pops it here
    CUcontext here = made;
    OK(cuCtxGetCurrent(&here));
    CHECK(here == nullptr);
  }).join();
  EXPECT(cuCtxPushCurrent_v2(made), CUDA_ERROR_INVALID_CONTEXT);
}

TEST("the primary context is counted, and a new one after the last release") {
  kofnSimSetOption("quiet", "1");
  OK(cuInit(0));
  CUcontext first = nullptr, again = nullptr;
  unsigned flags = 0;
  int active = 1;
  OK(cuDevicePrimaryCtxGetState(0, &flags, &active));
  CHECK_EQ(active, 0);
  OK(cuDevicePrimaryCtxRetain(&first, 0));
  OK(cuDevicePrimaryCtxRetain(&again, 0));
  CHECK(first == again);
  OK(cuDevicePrimaryCtxRelease_v2(0));
  OK(cuCtxSetCurrent(first));
  OK(cuCtxSynchronize());
  OK(cuDevicePrimaryCtxRelease_v2(0));
  EXPECT(cuCtxSynchronize(), CUDA_ERROR_CONTEXT_IS_DESTROYED);
  EXPECT(cuDevicePrimaryCtxRelease_v2(0), CUDA_ERROR_INVALID_CONTEXT);
  OK(cuCtxSetCurrent(nullptr));
  OK(cuDevicePrimaryCtxRetain(&again, 0));
  CHECK(first != again);
  OK(cuDevicePrimaryCtxRelease_v2(0));
}

TEST("limits are kept and unknown ones refused") {
  Session session;
  std::size_t value = 0;
  OK(cuCtxSetLimit(0, 4096));
  OK(cuCtxGetLimit(&value, 0));
  CHECK_EQ(value, std::size_t{4096});
  EXPECT(cuCtxGetLimit(&value, 77), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuCtxGetLimit(&value, 3), CUDA_ERROR_UNSUPPORTED_LIMIT);
}

TEST("cuGetProcAddress gives the form of the asked version") {
  void* function = nullptr;
  int status = -1;
  OK(cuGetProcAddress_v2("cuMemAlloc", &function, 13000, 0, &status));
  CHECK(function == reinterpret_cast<void*>(&cuMemAlloc_v2));
  CHECK_EQ(status, 0);
  OK(cuGetProcAddress_v2("cuCtxCreate", &function, 12000, 0, &status));
  CHECK(function == reinterpret_cast<void*>(&cuCtxCreate_v3));
  OK(cuGetProcAddress_v2("cuCtxCreate", &function, 13000, 0, &status));
  CHECK(function == reinterpret_cast<void*>(&cuCtxCreate_v4));
  OK(cuGetProcAddress("cuCtxCreate_v2", &function, 13000, 0));
  CHECK(function == reinterpret_cast<void*>(&cuCtxCreate_v2));
  EXPECT(cuGetProcAddress_v2("cuNoSuchThing", &function, 13000, 0, &status), CUDA_ERROR_NOT_FOUND);
  CHECK(function == nullptr);
  CHECK_EQ(status, 1);
  OK(cuGetProcAddress_v2("cuLaunchKernelEx", &function, 11000, 0, &status));
  CHECK(function == nullptr);
  CHECK_EQ(status, 2);
  const void* table = &status;
  EXPECT(cuGetExportTable(&table, nullptr), CUDA_ERROR_NOT_FOUND);
}

TEST("old and unsimulated names refuse") {
  Session session;
  using Any = CUresult (*)(void*, std::size_t);
  auto find = [](const char* name) { return reinterpret_cast<Any>(dlsym(RTLD_DEFAULT, name)); };
  CHECK(find("cuMemAlloc") != nullptr);
  if (!find("cuMemAlloc")) return;
  void* pointer = nullptr;
  EXPECT(find("cuMemAlloc")(&pointer, 16), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT(find("cuTexRefCreate")(&pointer, 0), CUDA_ERROR_NOT_SUPPORTED);
  CHECK_EQ(reportsWith("cuMemAlloc answers CUDA_ERROR_INVALID_CONTEXT"), 1);
}

TEST("answers can be forced by entry point and call") {
  Session session;
  CHECK_EQ(kofnSimSetOption("fail", "cuMemAlloc_v2:2:2,cuStreamCreate:1:999"), 0);
  CUdeviceptr one = 0, two = 0;
  CUstream stream = nullptr;
  OK(cuMemAlloc_v2(&one, 16));
  EXPECT(cuMemAlloc_v2(&two, 16), CUDA_ERROR_OUT_OF_MEMORY);
  EXPECT(cuStreamCreate(&stream, 0), CUDA_ERROR_UNKNOWN);
  OK(cuMemFree_v2(one));
  CHECK_EQ(kofnSimSetOption("fail", ""), 0);
  CHECK_EQ(kofnSimSetOption("oom", "1"), 0);
  EXPECT(cuMemAlloc_v2(&two, 16), CUDA_ERROR_OUT_OF_MEMORY);
  CHECK_EQ(kofnSimSetOption("oom", "0"), 0);
  OK(cuMemAlloc_v2(&two, 16));
  OK(cuMemFree_v2(two));
  CHECK_EQ(kofnSimSetOption("fail", "nonsense"), 1);
  CHECK_EQ(kofnSimSetOption("nonsense", "1"), 1);
  CHECK_EQ(kofnSimSetOption("off", "out-of-bonds"), 1);
}

TEST_MAIN
