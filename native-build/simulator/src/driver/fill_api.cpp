// SPDX-License-Identifier: Apache-2.0
//
// The memset entry points: width 1, 2 or 4 bytes, one row or many. Without Async they go to the legacy default stream
// and, as documented, do not make the host wait unless the target is page-locked host memory.
#include <cstring>

#include "driver/copy.hpp"

namespace kofn::driver {
namespace {

void fillHost(std::uint64_t address, std::uint32_t value, unsigned width, std::size_t count) {
  auto* bytes = reinterpret_cast<unsigned char*>(address);
  for (std::size_t i = 0; i < count; ++i) std::memcpy(bytes + i * width, &value, width);
}

struct Fill {
  Side target;
  std::uint32_t value;
  unsigned width;                  // bytes of an element
  std::size_t count, height;       // elements of a row, rows
};

void run(Operation& operation, const Fill& fill) {
  for (std::size_t row = 0; row < fill.height; ++row) {
    const std::uint64_t address = fill.target.address + row * fill.target.pitch;
    if (fill.target.where != Where::Device) {
      fillHost(address, fill.value, fill.width, fill.count);
      continue;
    }
    const sim::AccessStatus status = operation.context->device->memory->fill(address, fill.value, fill.width, fill.count);
    if (status.done()) continue;
    const std::string text = operation.what + ": " + status.text;
    driver().report("fault", text);
    operation.context->setFault(CUDA_ERROR_ILLEGAL_ADDRESS, text);
    return;
  }
}

CUresult queueFill(Entry entry, CUdeviceptr target, std::size_t pitch, std::uint32_t value, unsigned width, std::size_t count, std::size_t height,
                   const CUstream* stream) {
  return call(entry, Need::Context, [&](Call& c) {
    auto on = stream ? c.stream(*stream) : c.context->legacy;
    constexpr std::size_t most = std::size_t{1} << 46;
    if (count > most || height > most || pitch > most || (height && pitch > most / height))
      fail(CUDA_ERROR_INVALID_VALUE, count, " elements by ", height, " rows pass the address space");
    if (!count || !height) return;
    if (target % width) fail(CUDA_ERROR_INVALID_VALUE, "dstDevice ", hex(target), " is not a multiple of ", width, " bytes");
    if (height > 1 && (pitch % width || pitch < count * width))
      fail(CUDA_ERROR_INVALID_VALUE, "dstPitch is ", pitch, "; it must be a multiple of ", width, " and at least ", count * width);
    Fill fill{sideOf(c, target, pitch, pitch * (height - 1) + count * width, Expect::Device, "dstDevice"), value, width, count, height};
    const OperationPtr queued = enqueue(c.context, *on,
                                        {CU_GRAPH_NODE_TYPE_MEMSET, words("fill of ", count * width * height, " bytes at ", hex(target)),
                                         [fill](Operation& operation) { run(operation, fill); }});
    if (queued && !stream && fill.target.where == Where::Pinned) {
      c.driver.scheduler.wait(queued);
      throwFault(*c.context);
    }
  });
}

}  // namespace
}  // namespace kofn::driver

namespace kofn::cuda {
using namespace kofn::driver;

CUresult cuMemsetD8_v2(CUdeviceptr target, unsigned char value, std::size_t count) {
  return queueFill(Entry::cuMemsetD8_v2, target, 0, value, 1, count, 1, nullptr);
}
CUresult cuMemsetD16_v2(CUdeviceptr target, unsigned short value, std::size_t count) {
  return queueFill(Entry::cuMemsetD16_v2, target, 0, value, 2, count, 1, nullptr);
}
CUresult cuMemsetD32_v2(CUdeviceptr target, unsigned value, std::size_t count) {
  return queueFill(Entry::cuMemsetD32_v2, target, 0, value, 4, count, 1, nullptr);
}
CUresult cuMemsetD2D8_v2(CUdeviceptr target, std::size_t pitch, unsigned char value, std::size_t width, std::size_t height) {
  return queueFill(Entry::cuMemsetD2D8_v2, target, pitch, value, 1, width, height, nullptr);
}
CUresult cuMemsetD2D16_v2(CUdeviceptr target, std::size_t pitch, unsigned short value, std::size_t width, std::size_t height) {
  return queueFill(Entry::cuMemsetD2D16_v2, target, pitch, value, 2, width, height, nullptr);
}
CUresult cuMemsetD2D32_v2(CUdeviceptr target, std::size_t pitch, unsigned value, std::size_t width, std::size_t height) {
  return queueFill(Entry::cuMemsetD2D32_v2, target, pitch, value, 4, width, height, nullptr);
}
CUresult cuMemsetD8Async(CUdeviceptr target, unsigned char value, std::size_t count, CUstream stream) {
  return queueFill(Entry::cuMemsetD8Async, target, 0, value, 1, count, 1, &stream);
}
CUresult cuMemsetD16Async(CUdeviceptr target, unsigned short value, std::size_t count, CUstream stream) {
  return queueFill(Entry::cuMemsetD16Async, target, 0, value, 2, count, 1, &stream);
}
CUresult cuMemsetD32Async(CUdeviceptr target, unsigned value, std::size_t count, CUstream stream) {
  return queueFill(Entry::cuMemsetD32Async, target, 0, value, 4, count, 1, &stream);
}
CUresult cuMemsetD2D8Async(CUdeviceptr target, std::size_t pitch, unsigned char value, std::size_t width, std::size_t height, CUstream stream) {
  return queueFill(Entry::cuMemsetD2D8Async, target, pitch, value, 1, width, height, &stream);
}
CUresult cuMemsetD2D16Async(CUdeviceptr target, std::size_t pitch, unsigned short value, std::size_t width, std::size_t height, CUstream stream) {
  return queueFill(Entry::cuMemsetD2D16Async, target, pitch, value, 2, width, height, &stream);
}
CUresult cuMemsetD2D32Async(CUdeviceptr target, std::size_t pitch, unsigned value, std::size_t width, std::size_t height, CUstream stream) {
  return queueFill(Entry::cuMemsetD2D32Async, target, pitch, value, 4, width, height, &stream);
}

}  // namespace kofn::cuda
