// SPDX-License-Identifier: Apache-2.0
//
// The copy entry points: each names what kind of address it takes and hands a plain Area to copy().
#include "driver/copy.hpp"

namespace kofn::driver {
namespace {

CUresult linear(Entry entry, std::uint64_t target, Expect expectTarget, std::uint64_t source, Expect expectSource, std::size_t bytes,
                const CUstream* stream) {
  return call(entry, Need::Context, [&](Call& c) {
    auto on = stream ? c.stream(*stream) : c.context->legacy;
    Area area;
    area.width = bytes;
    area.target = sideOf(c, target, bytes, bytes, expectTarget, "the destination");
    area.source = sideOf(c, source, bytes, bytes, expectSource, "the source");
    copy(c, area, *on, !stream);
  });
}

template <class T>
std::uint64_t number(T* pointer) {
  return reinterpret_cast<std::uint64_t>(pointer);
}

// One side of a CUDA_MEMCPY2D: memory type, both addresses, pitch and offsets.
Side planeSide(Call& c, const char* argument, int type, const void* host, CUdeviceptr device, std::size_t pitch, std::size_t x, std::size_t y,
               std::size_t width, std::size_t height) {
  if (type == CU_MEMORYTYPE_ARRAY) fail(CUDA_ERROR_NOT_SUPPORTED, argument, " is an array; this device has none");
  if (type != CU_MEMORYTYPE_HOST && type != CU_MEMORYTYPE_DEVICE && type != CU_MEMORYTYPE_UNIFIED)
    fail(CUDA_ERROR_INVALID_VALUE, argument, " has memory type ", type, "; allowed: 1 (host), 2 (device), 4 (unified)");
  if (pitch == 0 && height <= 1) pitch = x + width;
  if (pitch < x + width) fail(CUDA_ERROR_INVALID_VALUE, argument, " has pitch ", pitch, ", less than x + width = ", x + width);
  const std::uint64_t base = type == CU_MEMORYTYPE_HOST ? number(host) : device;
  if (!base && width && height) fail(CUDA_ERROR_INVALID_VALUE, argument, " is null");
  const std::uint64_t bytes = width && height ? pitch * (height - 1) + width : 0;
  const Expect expect = type == CU_MEMORYTYPE_HOST ? Expect::Host : type == CU_MEMORYTYPE_DEVICE ? Expect::Device : Expect::Any;
  return sideOf(c, base + y * pitch + x, pitch, bytes, expect, argument);
}

CUresult plane(Entry entry, const CUDA_MEMCPY2D* copied, const CUstream* stream) {
  return call(entry, Need::Context, [&](Call& c) {
    requirePointer(copied, "pCopy");
    const CUDA_MEMCPY2D& p = *copied;
    auto on = stream ? c.stream(*stream) : c.context->legacy;
    constexpr std::size_t most = std::size_t{1} << 46;
    if (p.WidthInBytes > most || p.Height > most || p.srcPitch > most || p.dstPitch > most || p.srcY > most || p.dstY > most ||
        (p.Height && p.srcPitch > most / p.Height) || (p.Height && p.dstPitch > most / p.Height))
      fail(CUDA_ERROR_INVALID_VALUE, "an area of ", p.WidthInBytes, " bytes by ", p.Height, " with these pitches passes the address space");
    Area area;
    area.width = p.WidthInBytes;
    area.height = p.Height;
    area.source = planeSide(c, "the source", p.srcMemoryType, p.srcHost, p.srcDevice, p.srcPitch, p.srcXInBytes, p.srcY, area.width, area.height);
    area.target = planeSide(c, "the destination", p.dstMemoryType, p.dstHost, p.dstDevice, p.dstPitch, p.dstXInBytes, p.dstY, area.width, area.height);
    copy(c, area, *on, !stream);
  });
}

}  // namespace
}  // namespace kofn::driver

namespace kofn::cuda {
using namespace kofn::driver;

CUresult cuMemcpy(CUdeviceptr target, CUdeviceptr source, std::size_t bytes) {
  return linear(Entry::cuMemcpy, target, Expect::Any, source, Expect::Any, bytes, nullptr);
}

CUresult cuMemcpyHtoD_v2(CUdeviceptr target, const void* source, std::size_t bytes) {
  return linear(Entry::cuMemcpyHtoD_v2, target, Expect::Device, number(source), Expect::Host, bytes, nullptr);
}

CUresult cuMemcpyDtoH_v2(void* target, CUdeviceptr source, std::size_t bytes) {
  return linear(Entry::cuMemcpyDtoH_v2, number(target), Expect::Host, source, Expect::Device, bytes, nullptr);
}

CUresult cuMemcpyDtoD_v2(CUdeviceptr target, CUdeviceptr source, std::size_t bytes) {
  return linear(Entry::cuMemcpyDtoD_v2, target, Expect::Device, source, Expect::Device, bytes, nullptr);
}

CUresult cuMemcpyAsync(CUdeviceptr target, CUdeviceptr source, std::size_t bytes, CUstream stream) {
  return linear(Entry::cuMemcpyAsync, target, Expect::Any, source, Expect::Any, bytes, &stream);
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr target, const void* source, std::size_t bytes, CUstream stream) {
  return linear(Entry::cuMemcpyHtoDAsync_v2, target, Expect::Device, number(source), Expect::Host, bytes, &stream);
}

CUresult cuMemcpyDtoHAsync_v2(void* target, CUdeviceptr source, std::size_t bytes, CUstream stream) {
  return linear(Entry::cuMemcpyDtoHAsync_v2, number(target), Expect::Host, source, Expect::Device, bytes, &stream);
}

CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr target, CUdeviceptr source, std::size_t bytes, CUstream stream) {
  return linear(Entry::cuMemcpyDtoDAsync_v2, target, Expect::Device, source, Expect::Device, bytes, &stream);
}

CUresult cuMemcpy2D_v2(const CUDA_MEMCPY2D* copy) { return plane(Entry::cuMemcpy2D_v2, copy, nullptr); }
CUresult cuMemcpy2DUnaligned_v2(const CUDA_MEMCPY2D* copy) { return plane(Entry::cuMemcpy2DUnaligned_v2, copy, nullptr); }
CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D* copy, CUstream stream) { return plane(Entry::cuMemcpy2DAsync_v2, copy, &stream); }

}  // namespace kofn::cuda
