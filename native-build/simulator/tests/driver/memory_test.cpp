// SPDX-License-Identifier: Apache-2.0
//
// Device and pinned memory, copies and fills, and what wrong use of them answers.
#include <numeric>

#include "driver_test.hpp"

TEST("allocation, release, and their wrong uses") {
  Session session;
  CUdeviceptr address = 0, base = 0;
  std::size_t bytes = 0;
  EXPECT(cuMemAlloc_v2(&address, 0), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuMemAlloc_v2(nullptr, 16), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuMemAlloc_v2(&address, std::size_t{1} << 45), CUDA_ERROR_OUT_OF_MEMORY);
  OK(cuMemAlloc_v2(&address, 1000));
  CHECK_EQ(address % 256, 0u);
  OK(cuMemGetAddressRange_v2(&base, &bytes, address + 999));
  CHECK_EQ(base, address);
  CHECK_EQ(bytes, std::size_t{1000});
  EXPECT(cuMemGetAddressRange_v2(&base, &bytes, address + 1000), CUDA_ERROR_NOT_FOUND);
  EXPECT(cuMemFree_v2(address + 16), CUDA_ERROR_INVALID_VALUE);
  OK(cuMemFree_v2(address));
  EXPECT(cuMemFree_v2(address), CUDA_ERROR_INVALID_VALUE);
  CHECK_EQ(reportsWith("was released before"), 1);
  OK(cuMemFree_v2(0));
  CUdeviceptr other = 0;
  OK(cuMemAlloc_v2(&other, 1000));
  CHECK(other != address);   // addresses never come back
  char host[8] = {};
  EXPECT(cuMemcpyDtoH_v2(host, address, 8), CUDA_ERROR_INVALID_VALUE);
  OK(cuMemFree_v2(other));
}

TEST("memory that is never released is reported with its allocation") {
  CUdeviceptr address = 0;
  {
    Session session;
    OK(cuMemAlloc_v2(&address, 4321));
    void* pinned = nullptr;
    OK(cuMemHostAlloc(&pinned, 77, 0));
  }
  CHECK_EQ(reportsWith("4321 bytes"), 1);
  CHECK_EQ(reportsWith("pinned host memory"), 1);
  Session session;
  char host[8];
  EXPECT(cuMemcpyDtoH_v2(host, address, 8), CUDA_ERROR_INVALID_VALUE);
}

TEST("copies in every direction") {
  Session session;
  std::vector<int> host(1000), back(1000);
  std::iota(host.begin(), host.end(), 5);
  DeviceBytes one(4000), two(4000);
  OK(cuMemcpyHtoD_v2(one, host.data(), 4000));
  OK(cuMemcpyDtoD_v2(two, one, 4000));
  OK(cuMemcpyDtoH_v2(back.data(), two, 4000));
  CHECK(host == back);
  OK(cuMemcpy(one + 4, two, 3996));   // direction by address
  OK(cuMemcpy(reinterpret_cast<CUdeviceptr>(back.data()), one + 4, 3996));
  CHECK_EQ(back[998], host[998]);
  OK(cuMemcpyHtoD_v2(one, host.data(), 0));
  EXPECT(cuMemcpyHtoD_v2(one + 1, host.data(), 4000), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuMemcpyHtoD_v2(reinterpret_cast<CUdeviceptr>(host.data()), back.data(), 16), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuMemcpyHtoD_v2(one, reinterpret_cast<void*>(two.address), 16), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuMemcpyDtoH_v2(nullptr, one, 16), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuMemcpyHtoD_v2(0, host.data(), 16), CUDA_ERROR_INVALID_VALUE);
}

TEST("two-dimensional copies, pitched memory") {
  Session session;
  CUdeviceptr plane = 0;
  std::size_t pitch = 0;
  EXPECT(cuMemAllocPitch_v2(&plane, &pitch, 10, 5, 3), CUDA_ERROR_INVALID_VALUE);
  OK(cuMemAllocPitch_v2(&plane, &pitch, 10, 5, 4));
  CHECK(pitch >= 10 && pitch % 16 == 0);
  std::vector<unsigned char> host(12 * 5), back(6 * 3, 0);
  std::iota(host.begin(), host.end(), 1);
  CUDA_MEMCPY2D in{};
  in.srcMemoryType = CU_MEMORYTYPE_HOST;
  in.srcHost = host.data();
  in.srcPitch = 12;
  in.dstMemoryType = CU_MEMORYTYPE_DEVICE;
  in.dstDevice = plane;
  in.dstPitch = pitch;
  in.WidthInBytes = 10;
  in.Height = 5;
  OK(cuMemcpy2D_v2(&in));
  CUDA_MEMCPY2D out{};   // rows 1..3, bytes 2..7
  out.srcMemoryType = CU_MEMORYTYPE_DEVICE;
  out.srcDevice = plane;
  out.srcPitch = pitch;
  out.srcXInBytes = 2;
  out.srcY = 1;
  out.dstMemoryType = CU_MEMORYTYPE_HOST;
  out.dstHost = back.data();
  out.dstPitch = 6;
  out.WidthInBytes = 6;
  out.Height = 3;
  OK(cuMemcpy2DUnaligned_v2(&out));
  for (int row = 0; row < 3; ++row)
    for (int x = 0; x < 6; ++x) CHECK_EQ(int(back[row * 6 + x]), int(host[(row + 1) * 12 + x + 2]));
  out.dstPitch = 5;
  EXPECT(cuMemcpy2D_v2(&out), CUDA_ERROR_INVALID_VALUE);
  out.dstPitch = 6;
  out.srcMemoryType = CU_MEMORYTYPE_ARRAY;
  EXPECT(cuMemcpy2D_v2(&out), CUDA_ERROR_NOT_SUPPORTED);
  OK(cuMemFree_v2(plane));
}

TEST("fills of every width") {
  Session session;
  DeviceBytes memory(64);
  OK(cuMemsetD8_v2(memory, 0xAB, 64));
  CHECK_EQ(memory.word(15), 0xABABABABu);
  OK(cuMemsetD16_v2(memory + 2, 0x1234, 1));
  CHECK_EQ(memory.word(), 0x1234ABABu);
  OK(cuMemsetD32_v2(memory, 7, 16));
  CHECK_EQ(memory.word(15), 7u);
  OK(cuMemsetD2D8_v2(memory, 16, 1, 3, 4));
  CHECK_EQ(memory.word(12), 0x00010101u);
  CHECK_EQ(memory.word(13), 7u);
  EXPECT(cuMemsetD32_v2(memory + 2, 0, 1), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuMemsetD8_v2(memory, 0, 65), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuMemsetD2D32_v2(memory, 6, 0, 1, 2), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuMemsetD2D32_v2(memory, 4, 0, 2, 2), CUDA_ERROR_INVALID_VALUE);
}

TEST("an asynchronous copy reads and writes pinned memory when the stream gets there, pageable memory at the call") {
  Session session;
  CUstream stream = nullptr;
  OK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
  int late = 0;
  for (int round = 0; round < 50; ++round) {
    DeviceBytes memory(4);
    std::uint32_t* pinned = nullptr;
    OK(cuMemHostAlloc(reinterpret_cast<void**>(&pinned), 4, 0));
    *pinned = 1;
    OK(cuMemcpyHtoDAsync_v2(memory, pinned, 4, stream));
    *pinned = 2;   // too early: may be what arrives
    OK(cuStreamSynchronize(stream));
    late += memory.word() == 2;
    std::uint32_t pageable = 3;
    OK(cuMemcpyHtoDAsync_v2(memory, &pageable, 4, stream));
    pageable = 4;
    OK(cuStreamSynchronize(stream));
    CHECK_EQ(memory.word(), 3u);
    OK(cuMemcpyDtoHAsync_v2(&pageable, memory, 4, stream));   // returns when done
    CHECK_EQ(pageable, 3u);
    OK(cuMemFreeHost(pinned));
  }
  CHECK(late >= 40);   // seldom runs at once
  OK(cuStreamDestroy_v2(stream));
}

TEST("pinned and registered memory, and their wrong uses") {
  Session session;
  void* pinned = nullptr;
  CUdeviceptr address = 0;
  unsigned flags = 0;
  EXPECT(cuMemHostAlloc(&pinned, 0, 0), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuMemHostAlloc(&pinned, 16, 64), CUDA_ERROR_INVALID_VALUE);
  OK(cuMemHostAlloc(&pinned, 100, CU_MEMHOSTALLOC_PORTABLE));
  OK(cuMemHostGetDevicePointer_v2(&address, pinned, 0));
  CHECK_EQ(address, reinterpret_cast<CUdeviceptr>(pinned));
  OK(cuMemHostGetFlags(&flags, pinned));
  CHECK(flags & CU_MEMHOSTALLOC_PORTABLE);
  EXPECT(cuMemHostUnregister(pinned), CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED);
  EXPECT(cuMemFreeHost(static_cast<char*>(pinned) + 1), CUDA_ERROR_INVALID_VALUE);
  OK(cuMemFreeHost(pinned));
  EXPECT(cuMemFreeHost(pinned), CUDA_ERROR_INVALID_VALUE);

  std::vector<std::uint32_t> own(64, 9);
  EXPECT(cuMemHostGetDevicePointer_v2(&address, own.data(), 0), CUDA_ERROR_INVALID_VALUE);
  OK(cuMemHostRegister_v2(own.data(), 128, 0));
  EXPECT(cuMemHostRegister_v2(own.data() + 8, 16, 0), CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED);
  EXPECT(cuMemFreeHost(own.data()), CUDA_ERROR_INVALID_VALUE);
  DeviceBytes memory(256);
  EXPECT(cuMemcpyHtoD_v2(memory, own.data(), 256), CUDA_ERROR_INVALID_VALUE);   // half of it registered
  OK(cuMemcpyHtoD_v2(memory, own.data(), 128));
  Kernels kernels;
  OK(launchOne(kernels["store"], nullptr, reinterpret_cast<CUdeviceptr>(own.data()), 31u));
  OK(cuCtxSynchronize());
  CHECK_EQ(own[0], 31u);
  OK(cuMemHostUnregister(own.data()));
}

TEST("pointer attributes") {
  Session session;
  DeviceBytes memory(100);
  unsigned type = 0;
  int ordinal = -5;
  CUcontext context = nullptr;
  CUdeviceptr start = 0;
  std::size_t size = 0;
  OK(cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, memory + 50));
  CHECK_EQ(type, unsigned(CU_MEMORYTYPE_DEVICE));
  OK(cuPointerGetAttribute(&context, CU_POINTER_ATTRIBUTE_CONTEXT, memory));
  CHECK(context == session.context);
  int attributes[] = {CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL, CU_POINTER_ATTRIBUTE_RANGE_START_ADDR, CU_POINTER_ATTRIBUTE_RANGE_SIZE};
  void* values[] = {&ordinal, &start, &size};
  OK(cuPointerGetAttributes(3, attributes, values, memory + 99));
  CHECK_EQ(ordinal, 0);
  CHECK_EQ(start, memory.address);
  CHECK_EQ(size, std::size_t{100});
  int local = 0;
  EXPECT(cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, reinterpret_cast<CUdeviceptr>(&local)), CUDA_ERROR_INVALID_VALUE);
  OK(cuPointerGetAttributes(3, attributes, values, reinterpret_cast<CUdeviceptr>(&local)));
  CHECK_EQ(ordinal, -2);
  CHECK_EQ(size, std::size_t{0});
}

TEST("stream-ordered allocation and pools") {
  Session session;
  CUstream stream = nullptr;
  OK(cuStreamCreate(&stream, 0));
  CUdeviceptr address = 0, plain = 0;
  OK(cuMemAllocAsync(&address, 64, stream));
  OK(cuMemsetD32Async(address, 5, 16, stream));
  std::uint32_t value = 0;
  OK(cuMemcpyDtoHAsync_v2(&value, address, 4, stream));
  CHECK_EQ(value, 5u);
  CUmemoryPool pool = nullptr, made = nullptr;
  std::uint64_t used = 0;
  OK(cuDeviceGetDefaultMemPool(&pool, 0));
  OK(cuMemPoolGetAttribute(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &used));
  CHECK_EQ(used, std::uint64_t{64});
  OK(cuMemFreeAsync(address, stream));
  EXPECT(cuMemFreeAsync(address, stream), CUDA_ERROR_INVALID_VALUE);
  OK(cuStreamSynchronize(stream));
  OK(cuMemPoolGetAttribute(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &used));
  CHECK_EQ(used, std::uint64_t{0});
  OK(cuMemAlloc_v2(&plain, 16));
  EXPECT(cuMemFreeAsync(plain, stream), CUDA_ERROR_INVALID_VALUE);
  OK(cuMemFree_v2(plain));
  EXPECT(cuMemPoolDestroy(pool), CUDA_ERROR_INVALID_VALUE);
  CUmemPoolProps properties{};
  EXPECT(cuMemPoolCreate(&made, &properties), CUDA_ERROR_INVALID_VALUE);
  properties.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
  properties.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
  properties.maxSize = 100;
  OK(cuMemPoolCreate(&made, &properties));
  OK(cuMemAllocFromPoolAsync(&address, 100, made, stream));
  EXPECT(cuMemAllocFromPoolAsync(&plain, 1, made, stream), CUDA_ERROR_OUT_OF_MEMORY);
  OK(cuMemFree_v2(address));   // the plain release takes it too
  OK(cuMemPoolDestroy(made));
  EXPECT(cuMemPoolDestroy(made), CUDA_ERROR_INVALID_HANDLE);
  OK(cuStreamDestroy_v2(stream));
}

TEST("memory used after its stream-ordered release is caught") {
  CUcontext context = nullptr;
  OK(cuInit(0));
  OK(cuCtxCreate_v2(&context, 0, 0));
  CUstream stream = nullptr;
  OK(cuStreamCreate(&stream, 0));
  CUdeviceptr address = 0;
  OK(cuMemAllocAsync(&address, 64, stream));
  CHECK_EQ(kofnSimSetOption("off", "all"), 0);
  OK(cuMemFreeAsync(address, stream));
  const CUresult queued = cuMemsetD32Async(address, 5, 16, stream);   // refused if the release has run already
  CHECK(queued == CUDA_SUCCESS || queued == CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuStreamSynchronize(stream), queued == CUDA_SUCCESS ? CUDA_ERROR_ILLEGAL_ADDRESS : CUDA_SUCCESS);
  CHECK_EQ(kofnSimSetOption("off", ""), 0);
  OK(cuCtxDestroy_v2(context));
}

TEST("reading memory that nobody wrote is a warning, not a failure") {
  Session session;
  DeviceBytes memory(16);
  memory.word(1);
  CHECK_EQ(reportsWith("uninitialised-global"), 1);
}

TEST_MAIN
