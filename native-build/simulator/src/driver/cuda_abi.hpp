// SPDX-License-Identifier: Apache-2.0
//
// The binary interface of the CUDA driver as far as this library speaks it: types, constants and structure layouts, so
// that the library builds on a machine without the CUDA toolkit. Where the toolkit is installed, tests/driver/abi_check.cpp
// compares every value, layout and signature given here with its cuda.h at compile time.
//
// Everything lives in namespace kofn::cuda; only the entry points themselves have C linkage. Handles are opaque numbers
// here: the library never dereferences one that a caller passes (see handles.hpp).
#pragma once

#include <cstddef>
#include <cstdint>

namespace kofn::cuda {

enum CUresult : int {
#define KOFN_RESULT(name, value, text) name = value,
#include "results.def"
#undef KOFN_RESULT
};

using CUdevice = int;
using CUdeviceptr = unsigned long long;

struct CUctx_st;
struct CUmod_st;
struct CUfunc_st;
struct CUlib_st;
struct CUkern_st;
struct CUstream_st;
struct CUevent_st;
struct CUgraph_st;
struct CUgraphNode_st;
struct CUgraphExec_st;
struct CUmemPoolHandle_st;
struct CUarray_st;
using CUcontext = CUctx_st*;
using CUmodule = CUmod_st*;
using CUfunction = CUfunc_st*;
using CUlibrary = CUlib_st*;
using CUkernel = CUkern_st*;
using CUstream = CUstream_st*;
using CUevent = CUevent_st*;
using CUgraph = CUgraph_st*;
using CUgraphNode = CUgraphNode_st*;
using CUgraphExec = CUgraphExec_st*;
using CUmemoryPool = CUmemPoolHandle_st*;
using CUarray = CUarray_st*;

using CUhostFn = void (*)(void* userData);
using CUstreamCallback = void (*)(CUstream stream, CUresult status, void* userData);
using CUoccupancyB2DSize = std::size_t (*)(int blockSize);

// Enumerations that cross the interface are plain ints there, so that a value outside the enumeration stays an argument
// to be refused rather than undefined behaviour.
using CUdevice_attribute = int;
using CUfunction_attribute = int;
using CUpointer_attribute = int;
using CUlimit = int;
using CUjit_option = int;
using CUlibraryOption = int;
using CUfunc_cache = int;
using CUsharedconfig = int;
using CUstreamCaptureMode = int;
using CUstreamCaptureStatus = int;
using CUgraphNodeType = int;
using CUmemPool_attribute = int;
using CUdriverProcAddressQueryResult = int;
using CUmoduleLoadingMode = int;
using CUdevice_P2PAttribute = int;

struct CUuuid {
  char bytes[16];
};

struct CUdevprop {
  int maxThreadsPerBlock;
  int maxThreadsDim[3];
  int maxGridSize[3];
  int sharedMemPerBlock;
  int totalConstantMemory;
  int SIMDWidth;
  int memPitch;
  int regsPerBlock;
  int clockRate;
  int textureAlign;
};

struct CUmemLocation {
  int type;
  int id;
};

struct CUmemPoolProps {
  int allocType;
  int handleTypes;
  CUmemLocation location;
  void* win32SecurityAttributes;
  std::size_t maxSize;
  unsigned short usage;
  unsigned char reserved[54];
};

struct CUlaunchAttribute {
  int id;
  char pad[4];
  union {
    char bytes[64];
    int cooperative;
    int priority;
    int programmaticStreamSerializationAllowed;
    struct {
      unsigned x, y, z;
    } clusterDim;
    std::uint64_t align;
  } value;
};

struct CUlaunchConfig {
  unsigned gridDimX, gridDimY, gridDimZ;
  unsigned blockDimX, blockDimY, blockDimZ;
  unsigned sharedMemBytes;
  CUstream hStream;
  CUlaunchAttribute* attrs;
  unsigned numAttrs;
};

struct CUDA_MEMCPY2D {
  std::size_t srcXInBytes, srcY;
  int srcMemoryType;
  const void* srcHost;
  CUdeviceptr srcDevice;
  CUarray srcArray;
  std::size_t srcPitch;
  std::size_t dstXInBytes, dstY;
  int dstMemoryType;
  void* dstHost;
  CUdeviceptr dstDevice;
  CUarray dstArray;
  std::size_t dstPitch;
  std::size_t WidthInBytes, Height;
};

struct CUDA_GRAPH_INSTANTIATE_PARAMS {
  std::uint64_t flags;
  CUstream hUploadStream;
  CUgraphNode hErrNode_out;
  int result_out;
};

struct CUctxCreateParams {
  void* execAffinityParams;
  int numExecAffinityParams;
  void* cigParams;
};

// Two handles are reserved numbers rather than objects: the legacy default stream (also spelled null) and the calling
// thread's own default stream.
inline constexpr std::uintptr_t kStreamLegacy = 1;
inline constexpr std::uintptr_t kStreamPerThread = 2;

// The `extra` array of a launch is a list of (key, value) pairs that these keys end and label.
inline constexpr std::uintptr_t kLaunchParamEnd = 0;
inline constexpr std::uintptr_t kLaunchParamBufferPointer = 1;
inline constexpr std::uintptr_t kLaunchParamBufferSize = 2;

#define KOFN_CONSTANT(name, value) inline constexpr int name = value;
#include "constants.def"
#undef KOFN_CONSTANT

}  // namespace kofn::cuda
