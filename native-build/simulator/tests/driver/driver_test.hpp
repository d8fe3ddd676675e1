// SPDX-License-Identifier: Apache-2.0
//
// What the driver's tests share: calls that must succeed or must answer one code, a context for the length of a test, and
// a few kernels as PTX text.
#pragma once

#include <string>
#include <vector>

#include "check.hpp"
#include "driver/entry_points.hpp"
#include "kofn_sim.h"

using namespace kofn::cuda;

inline std::string resultText(CUresult code) {
  const char* name = nullptr;
  cuGetErrorName(code, &name);
  return name ? name : std::to_string(int(code));
}

inline std::string lastMessage() {
  std::string text(kofnSimLastMessage(nullptr, 0), '\0');
  kofnSimLastMessage(text.data(), text.size() + 1);
  return text;
}

inline void expectResult(CUresult got, CUresult wanted, const char* text, const char* file, int line) {
  if (got == wanted) return;
  check::fail(file, line, std::string(text) + " answered " + resultText(got) + " (" + lastMessage() + "), not " + resultText(wanted) +
                              "; KOFN_SIM_SEED=" + std::to_string(kofnSimSeed()));
}
#define EXPECT(call, code) expectResult((call), (code), #call, __FILE__, __LINE__)
#define OK(call) EXPECT(call, CUDA_SUCCESS)

inline std::vector<std::string> reports() {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < kofnSimReportCount(); ++i) {
    std::string text(kofnSimReportText(i, nullptr, 0), '\0');
    kofnSimReportText(i, text.data(), text.size() + 1);
    all.push_back(text);
  }
  return all;
}

// The number of reports whose text contains `part`.
inline int reportsWith(const std::string& part) {
  int count = 0;
  for (const std::string& text : reports()) count += text.find(part) != std::string::npos;
  return count;
}

// The primary context of device 0, current for the life of the object. Reports are not printed: the tests provoke them.
struct Session {
  CUcontext context = nullptr;
  Session() {
    kofnSimSetOption("quiet", "1");
    kofnSimResetReports();
    OK(cuInit(0));
    OK(cuDevicePrimaryCtxRetain(&context, 0));
    OK(cuCtxSetCurrent(context));
  }
  ~Session() {
    cuCtxSetCurrent(nullptr);
    OK(cuDevicePrimaryCtxRelease_v2(0));
  }
};

// store(p, v): *p = v.   append(p, v): p[1 + p[0]] = v, then p[0] += 1.   copy_word(from, to): *to = *from.
// trap_kernel(): traps.   shared_user(): has 1024 bytes of static and any dynamic shared memory.   table: 16 bytes.
inline const char* const kKernels = R"(
.version 9.0
.target sm_80
.address_size 64

.global .align 4 .b8 table[16] = {1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0};
.extern .shared .align 16 .b8 dynamic_bytes[];

.visible .entry store(
  .param .u64 store_p,
  .param .u32 store_v
)
{
  .reg .b64 %rd<3>;
  .reg .b32 %r<2>;
  ld.param.u64 %rd1, [store_p];
  ld.param.u32 %r1, [store_v];
  cvta.to.global.u64 %rd2, %rd1;
  st.global.u32 [%rd2], %r1;
  ret;
}

.visible .entry append(
  .param .u64 append_p,
  .param .u32 append_v
)
{
  .reg .b64 %rd<5>;
  .reg .b32 %r<4>;
  ld.param.u64 %rd1, [append_p];
  ld.param.u32 %r1, [append_v];
  cvta.to.global.u64 %rd2, %rd1;
  ld.global.u32 %r2, [%rd2];
  mul.wide.u32 %rd3, %r2, 4;
  add.s64 %rd4, %rd2, %rd3;
  st.global.u32 [%rd4+4], %r1;
  add.s32 %r3, %r2, 1;
  st.global.u32 [%rd2], %r3;
  ret;
}

.visible .entry copy_word(
  .param .u64 copy_from,
  .param .u64 copy_to
)
{
  .reg .b64 %rd<5>;
  .reg .b32 %r<2>;
  ld.param.u64 %rd1, [copy_from];
  ld.param.u64 %rd2, [copy_to];
  cvta.to.global.u64 %rd3, %rd1;
  cvta.to.global.u64 %rd4, %rd2;
  ld.global.u32 %r1, [%rd3];
  st.global.u32 [%rd4], %r1;
  ret;
}

.visible .entry trap_kernel(
)
{
  trap;
  ret;
}

.visible .entry shared_user(
)
{
  .reg .b32 %r<3>;
  .shared .align 4 .b8 fixed_bytes[1024];
  mov.u32 %r1, dynamic_bytes;
  mov.u32 %r2, 7;
  st.shared.u32 [fixed_bytes], %r2;
  st.shared.u32 [%r1], %r2;
  ret;
}
)";

inline CUfunction kernel(CUmodule module, const char* name) {
  CUfunction function = nullptr;
  OK(cuModuleGetFunction(&function, module, name));
  return function;
}

// One thread of one block.
template <class... Arguments>
CUresult launchOne(CUfunction function, CUstream stream, Arguments... arguments) {
  void* parameters[] = {&arguments..., nullptr};
  return cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, stream, parameters, nullptr);
}

// A module of the kernels above, for the life of the object.
struct Kernels {
  CUmodule module = nullptr;
  Kernels() { OK(cuModuleLoadData(&module, kKernels)); }
  ~Kernels() { OK(cuModuleUnload(module)); }
  CUfunction operator[](const char* name) const { return kernel(module, name); }
};

struct DeviceBytes {
  CUdeviceptr address = 0;
  explicit DeviceBytes(std::size_t bytes) { OK(cuMemAlloc_v2(&address, bytes)); }
  ~DeviceBytes() { OK(cuMemFree_v2(address)); }
  operator CUdeviceptr() const { return address; }
  std::uint32_t word(std::size_t index = 0) const {
    std::uint32_t value = 0;
    OK(cuMemcpyDtoH_v2(&value, address + 4 * index, 4));
    return value;
  }
};
