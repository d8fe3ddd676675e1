// SPDX-License-Identifier: Apache-2.0
//
// A CUDA driver whose kernels do nothing, as far as kofn calls one: what a launch costs beside the driver can be measured
// with it. Device memory is host memory, copies and fills are made at once, handles are numbers, nothing is checked, and of
// a launch only so much is noted that a benchmark can tell that it arrived.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#ifndef KOFN_NOOP_VERSION
#define KOFN_NOOP_VERSION 13000
#endif

namespace {

constexpr int kSuccess = 0;
using Address = std::uint64_t;   // of device memory
using Handle = void*;

void* pointer(Address address) { return reinterpret_cast<void*>(address); }

int give(Handle* out) {
  static std::uintptr_t last = 0x1000;
  *out = reinterpret_cast<Handle>(last += 0x10);
  return kSuccess;
}

int allocate(Address* out, std::size_t bytes) {
  *out = reinterpret_cast<Address>(std::calloc(bytes ? bytes : 1, 1));
  return kSuccess;
}

int copy(void* to, const void* from, std::size_t bytes) {
  std::memcpy(to, from, bytes);
  return kSuccess;
}

int say(const char** out) {
  *out = "CUDA_ERROR_OF_A_DRIVER_THAT_DOES_NOTHING";
  return kSuccess;
}

int attribute(int which) {
  switch (which) {
    case 16: return 100;   // multiprocessors
    case 75: return 9;     // compute capability
    default: return 0;
  }
}

int launchedBlocks = 0, launchedFirst = 0;

}  // namespace

extern "C" {

int cuInit(unsigned) { return kSuccess; }
int cuDriverGetVersion(int* version) { return *version = KOFN_NOOP_VERSION, kSuccess; }
int cuGetErrorName(int, const char** text) { return say(text); }
int cuGetErrorString(int, const char** text) { return say(text); }

int cuDeviceGetCount(int* count) { return *count = 1, kSuccess; }
int cuDeviceGet(int* device, int ordinal) { return *device = ordinal, kSuccess; }
int cuDeviceGetName(char* name, int length, int) { return std::strncpy(name, "a device that does nothing", length), kSuccess; }
int cuDeviceTotalMem_v2(std::size_t* bytes, int) { return *bytes = std::size_t{1} << 30, kSuccess; }
int cuDeviceGetAttribute(int* value, int which, int) { return *value = attribute(which), kSuccess; }
int cuDevicePrimaryCtxRetain(Handle* context, int) { return give(context); }
int cuDevicePrimaryCtxRelease_v2(int) { return kSuccess; }
int cuCtxSetCurrent(Handle) { return kSuccess; }

#if KOFN_NOOP_VERSION >= 12000
int cuLibraryLoadData(Handle* library, const void*, void*, void*, unsigned, void*, void*, unsigned) { return give(library); }
int cuLibraryUnload(Handle) { return kSuccess; }
int cuLibraryGetModule(Handle* module, Handle) { return give(module); }
int cuLibraryGetKernel(Handle* kernel, Handle, const char*) { return give(kernel); }
int cuKernelSetAttribute(int, int, Handle, int) { return kSuccess; }
#endif
int cuLaunchKernel(Handle, unsigned blocks, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, Handle, void** parameters, void**) {
  launchedBlocks = static_cast<int>(blocks);
  launchedFirst = *static_cast<const int*>(parameters[0]);
  return kSuccess;
}
// What the latest launch was called with: its blocks, and its first parameter as an int.
int kofnNoopBlocks(void) { return launchedBlocks; }
int kofnNoopFirst(void) { return launchedFirst; }

int cuMemGetInfo_v2(std::size_t* available, std::size_t* all) { return *available = *all = std::size_t{1} << 30, kSuccess; }
int cuMemAlloc_v2(Address* address, std::size_t bytes) { return allocate(address, bytes); }
int cuMemFree_v2(Address address) { return std::free(pointer(address)), kSuccess; }
int cuMemPoolCreate(Handle* pool, const void*) { return give(pool); }
int cuMemPoolDestroy(Handle) { return kSuccess; }
int cuMemPoolSetAttribute(Handle, int, void*) { return kSuccess; }
int cuMemAllocFromPoolAsync(Address* address, std::size_t bytes, Handle, Handle) { return allocate(address, bytes); }
int cuMemFreeAsync(Address address, Handle) { return std::free(pointer(address)), kSuccess; }
int cuMemHostAlloc(void** memory, std::size_t bytes, unsigned) { return *memory = std::calloc(bytes, 1), kSuccess; }
int cuMemFreeHost(void* memory) { return std::free(memory), kSuccess; }
int cuPointerGetAttributes(unsigned, int*, void**, Address) { return kSuccess; }
int cuMemsetD8Async(Address to, unsigned char value, std::size_t count, Handle) {
  return std::memset(pointer(to), value, count), kSuccess;
}
int cuMemsetD32Async(Address to, unsigned value, std::size_t count, Handle) {
  for (std::size_t i = 0; i < count; ++i) static_cast<unsigned*>(pointer(to))[i] = value;
  return kSuccess;
}
int cuMemcpyHtoDAsync_v2(Address to, const void* from, std::size_t bytes, Handle) { return copy(pointer(to), from, bytes); }
int cuMemcpyDtoHAsync_v2(void* to, Address from, std::size_t bytes, Handle) { return copy(to, pointer(from), bytes); }
int cuMemcpyDtoDAsync_v2(Address to, Address from, std::size_t bytes, Handle) { return copy(pointer(to), pointer(from), bytes); }

int cuStreamCreate(Handle* stream, unsigned) { return give(stream); }
int cuStreamDestroy_v2(Handle) { return kSuccess; }
int cuStreamSynchronize(Handle) { return kSuccess; }
int cuStreamQuery(Handle) { return kSuccess; }
int cuStreamWaitEvent(Handle, Handle, unsigned) { return kSuccess; }
int cuStreamGetCtx(Handle, Handle* context) { return give(context); }
int cuEventCreate(Handle* event, unsigned) { return give(event); }
int cuEventDestroy_v2(Handle) { return kSuccess; }
int cuEventRecord(Handle, Handle) { return kSuccess; }
int cuEventSynchronize(Handle) { return kSuccess; }
int cuEventQuery(Handle) { return kSuccess; }
int cuEventElapsedTime(float* milliseconds, Handle, Handle) { return *milliseconds = 0, kSuccess; }
int cuStreamBeginCapture_v2(Handle, int) { return kSuccess; }
int cuStreamEndCapture(Handle, Handle* graph) { return give(graph); }
int cuGraphDestroy(Handle) { return kSuccess; }
int cuGraphGetNodes(Handle, Handle*, std::size_t* count) { return *count = 0, kSuccess; }
int cuGraphInstantiateWithFlags(Handle* executable, Handle, unsigned long long) { return give(executable); }
int cuGraphLaunch(Handle, Handle) { return kSuccess; }
int cuGraphExecDestroy(Handle) { return kSuccess; }

}
