// SPDX-License-Identifier: Apache-2.0
//
// When a copy reads and writes ("API synchronization behavior" of the driver API manual):
//
//   source     target     ...Async                                       without Async (legacy default stream)
//   pageable   device     read at the call, written when the stream      waits for the stream, reads at the call, may return
//                         gets there                                     before it is written
//   pinned     device     read and written when the stream gets there    returns when done
//   device     pageable   returns when done                              returns when done
//   device     pinned     written when the stream gets there             returns when done
//   device     device     when the stream gets there                     when the stream gets there: the host does not wait
//   host       host       returns when done                              returns when done
//
// So a pinned buffer that is reused too early, or read too early, holds visibly wrong bytes. In a capture nothing is read
// or written before the graph runs.
#include "driver/copy.hpp"

#include <cstring>

#include "driver/host_memory.hpp"

namespace kofn::driver {
namespace {

const char* name(Where where) {
  return where == Where::Device ? "device" : where == Where::Pinned ? "pinned host" : "host";
}

void accessFailed(Operation& operation, const sim::AccessStatus& status) {
  const std::string text = operation.what + ": " + status.text;
  if (status.error == sim::AccessError::Uninitialised) {
    if (driver().config.engine.on(sim::Check::UninitialisedGlobal))
      driver().report(std::string(sim::name(sim::Check::UninitialisedGlobal)), text);
    return;
  }
  driver().report("fault", text);
  operation.context->setFault(CUDA_ERROR_ILLEGAL_ADDRESS, text);
}

sim::AccessStatus copyRow(sim::DeviceMemory& memory, const Area& area, std::size_t row) {
  const std::uint64_t target = area.target.address + row * area.target.pitch;
  const std::uint64_t source = area.source.address + row * area.source.pitch;
  const bool toDevice = area.target.where == Where::Device, fromDevice = area.source.where == Where::Device;
  if (toDevice && fromDevice) return memory.copyDevice(target, source, area.width);
  if (toDevice) return memory.copyIn(target, reinterpret_cast<const void*>(source), area.width);
  if (fromDevice) return memory.copyOut(reinterpret_cast<void*>(target), source, area.width);
  std::memmove(reinterpret_cast<void*>(target), reinterpret_cast<const void*>(source), area.width);
  return {};
}

void run(Operation& operation, const Area& area) {
  sim::DeviceMemory& memory = *operation.context->device->memory;
  const bool whole = area.height == 1 || (area.source.pitch == area.width && area.target.pitch == area.width);
  Area rows = area;
  if (whole) rows.width *= rows.height, rows.height = 1;
  for (std::size_t row = 0; row < rows.height; ++row) {
    const sim::AccessStatus status = copyRow(memory, rows, row);
    if (status.error == sim::AccessError::None) continue;
    accessFailed(operation, status);
    if (!status.done()) return;
  }
}

// A private copy of the source rows, packed, and the area that reads from it.
std::shared_ptr<std::vector<std::byte>> stage(Area& area) {
  auto bytes = std::make_shared<std::vector<std::byte>>(area.width * area.height);
  for (std::size_t row = 0; row < area.height; ++row)
    std::memcpy(bytes->data() + row * area.width, reinterpret_cast<const void*>(area.source.address + row * area.source.pitch), area.width);
  area.source.address = reinterpret_cast<std::uint64_t>(bytes->data());
  area.source.pitch = area.width;
  return bytes;
}

}  // namespace

Side sideOf(Call& c, std::uint64_t address, std::size_t pitch, std::uint64_t bytes, Expect expect, const char* argument) {
  Side side{Where::Device, address, pitch};
  if (!bytes) return side;
  if (address + bytes < address) fail(CUDA_ERROR_INVALID_VALUE, argument, " ", hex(address), " and ", bytes, " bytes pass the end of the address space");
  if (isDeviceAddress(address)) {
    if (expect == Expect::Host) fail(CUDA_ERROR_INVALID_VALUE, argument, " ", hex(address), " is a device address where host memory is expected");
    const sim::AccessStatus status = c.context->device->memory->probe(address, bytes);
    if (!status.done()) fail(CUDA_ERROR_INVALID_VALUE, argument, ": ", status.text);
    return side;
  }
  if (!address) fail(CUDA_ERROR_INVALID_VALUE, argument, " is null");
  if (address >= sim::kGlobalBase) fail(CUDA_ERROR_INVALID_VALUE, argument, " ", hex(address), " is neither a device nor a host address");
  side.where = pinnedBlock(c.driver, address, bytes) ? Where::Pinned : Where::Pageable;
  if (expect == Expect::Device && side.where == Where::Pageable)
    fail(CUDA_ERROR_INVALID_VALUE, argument, " ", hex(address), " is not memory that the device can reach");
  return side;
}

void copy(Call& c, const Area& given, Stream& stream, bool synchronous) {
  if (!given.width || !given.height) return;
  Area area = given;
  const bool toHost = area.target.where != Where::Device;
  const bool fromHost = area.source.where != Where::Device;
  const bool pageableSource = area.source.where == Where::Pageable && !toHost;
  std::shared_ptr<std::vector<std::byte>> staged;
  const bool capturing = stream.capture != nullptr;
  if (pageableSource && !capturing) {
    if (synchronous) waitForStream(*c.context, stream);
    staged = stage(area);
  }
  Work work{CU_GRAPH_NODE_TYPE_MEMCPY,
            words("copy of ", area.width * area.height, " bytes from ", name(area.source.where), " to ", name(area.target.where), " memory"),
            [area, staged](Operation& operation) { run(operation, area); }};
  const OperationPtr queued = enqueue(c.context, stream, std::move(work));
  const bool hostToHost = toHost && fromHost;
  const bool pinnedSync = synchronous && (area.source.where == Where::Pinned || area.target.where == Where::Pinned);
  if (queued && (hostToHost || area.target.where == Where::Pageable || pinnedSync)) {
    c.driver.scheduler.wait(queued);
    throwFault(*c.context);
  }
}

}  // namespace kofn::driver
