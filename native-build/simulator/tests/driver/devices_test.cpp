// SPDX-License-Identifier: Apache-2.0
//
// Two devices in one process: an address belongs to one of them, and is no address on the other.
#include "driver_test.hpp"

namespace {

// The primary contexts of devices 0 and 1, the first one current.
struct TwoSessions {
  CUcontext contexts[2] = {};
  TwoSessions() {
    kofnSimSetOption("quiet", "1");
    kofnSimSetOption("devices", "2");
    kofnSimResetReports();
    OK(cuInit(0));
    for (int device : {0, 1}) OK(cuDevicePrimaryCtxRetain(&contexts[device], device));
    use(0);
  }
  ~TwoSessions() {
    cuCtxSetCurrent(nullptr);
    for (int device : {0, 1}) OK(cuDevicePrimaryCtxRelease_v2(device));
  }
  void use(int device) const { OK(cuCtxSetCurrent(contexts[device])); }
};

CUdeviceptr allocate() {
  CUdeviceptr address = 0;
  OK(cuMemAlloc_v2(&address, 64));
  return address;
}

int ordinalOf(CUdeviceptr address) {
  int ordinal = -1;
  OK(cuPointerGetAttribute(&ordinal, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL, address));
  return ordinal;
}

}  // namespace

TEST("an address names its device") {
  TwoSessions session;
  const CUdeviceptr first = allocate();
  session.use(1);
  const CUdeviceptr second = allocate();
  CHECK(first != second);
  for (int current : {0, 1}) {
    session.use(current);
    CHECK_EQ(ordinalOf(first), 0);
    CHECK_EQ(ordinalOf(second), 1);
  }
  EXPECT(cuMemFree_v2(first), CUDA_ERROR_INVALID_VALUE);
  OK(cuMemFree_v2(second));
  session.use(0);
  OK(cuMemFree_v2(first));
  CHECK_EQ(reports().size(), std::size_t{1});   // the free on the wrong device
}

TEST("a kernel cannot reach the other device's memory") {
  TwoSessions session;
  const CUdeviceptr first = allocate();
  session.use(1);
  CUmodule module = nullptr;
  OK(cuModuleLoadData(&module, kKernels));
  OK(launchOne(kernel(module, "store"), nullptr, first, 7u));
  EXPECT(cuCtxSynchronize(), CUDA_ERROR_ILLEGAL_ADDRESS);
  CHECK(reportsWith("out-of-bounds") == 1);
}

TEST_MAIN
