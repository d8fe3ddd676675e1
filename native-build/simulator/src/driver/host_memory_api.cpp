// SPDX-License-Identifier: Apache-2.0
//
// Page-locked host memory. A device address of it is its host address. Pages that were allocated here and freed stay
// reserved and inaccessible: their addresses never come back, and a late access stops at once instead of corrupting
// something else.
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "driver/host_memory.hpp"

namespace kofn::driver {
namespace {

constexpr unsigned char kPoison = 0xCD;

std::size_t wholePages(std::size_t bytes) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

void addHostBlock(Call& c, HostBlock block) {
  block.index = c.driver.allocations;
  block.site = c.site();
  block.owner = c.context;
  for (const auto& device : c.driver.devices)
    if (!device->memory->mapHost(reinterpret_cast<void*>(block.address), block.bytes, block.site))
      fail(CUDA_ERROR_OUT_OF_MEMORY, "the range cannot be mapped into device ", device->ordinal);
  c.driver.hostBlocks.emplace(block.address, block);
}

CUresult allocateHost(Entry entry, void** pointer, std::size_t bytes, unsigned flags) {
  return call(entry, Need::Context, [&](Call& c) {
    requirePointer(pointer, "pp");
    refuseWhileCapturing(c, "allocating pinned memory");
    if (!bytes) fail(CUDA_ERROR_INVALID_VALUE, "bytesize is 0");
    if (flags & ~7u) fail(CUDA_ERROR_INVALID_VALUE, "flags ", hex(flags), " has bits outside 0x7");
    if (++c.driver.allocations == c.driver.config.oomAt) fail(CUDA_ERROR_OUT_OF_MEMORY, "forced by the setting \"oom\"");
    if (bytes > std::size_t{1} << 46) fail(CUDA_ERROR_OUT_OF_MEMORY, "no room for ", bytes, " bytes of pinned memory");
    void* memory = mmap(nullptr, wholePages(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) fail(CUDA_ERROR_OUT_OF_MEMORY, "no room for ", bytes, " bytes of pinned memory");
    std::memset(memory, kPoison, bytes);
    HostBlock block;
    block.address = reinterpret_cast<std::uint64_t>(memory);
    block.bytes = bytes;
    block.flags = flags;
    addHostBlock(c, block);
    *pointer = memory;
  });
}

HostBlock& requireHostBlock(Call& c, const void* pointer, bool start) {
  requirePointer(pointer, "p");
  HostBlock* block = c.driver.hostBlockAt(reinterpret_cast<std::uint64_t>(pointer));
  if (!block || (start && block->address != reinterpret_cast<std::uint64_t>(pointer)))
    fail(CUDA_ERROR_INVALID_VALUE, hex(reinterpret_cast<std::uint64_t>(pointer)), start ? " is not the start of" : " is not in",
         " pinned or registered memory");
  return *block;
}

}  // namespace

void releaseHostBlock(Driver& driver, std::uint64_t address) {
  const HostBlock block = driver.hostBlocks.at(address);
  void* memory = reinterpret_cast<void*>(address);
  for (const auto& device : driver.devices) device->memory->unmapHost(memory);
  driver.hostBlocks.erase(address);
  if (block.registered) return;
  madvise(memory, wholePages(block.bytes), MADV_DONTNEED);
  mprotect(memory, wholePages(block.bytes), PROT_NONE);
}

const HostBlock* pinnedBlock(Driver& driver, std::uint64_t address, std::uint64_t bytes) {
  if (!bytes) return driver.hostBlockAt(address);
  const HostBlock* first = driver.hostBlockAt(address);
  const HostBlock* last = driver.hostBlockAt(address + bytes - 1);
  if (first == last) return first;
  fail(CUDA_ERROR_INVALID_VALUE, "the host range at ", hex(address), ", ", bytes, " bytes, is only partly page-locked");
}

}  // namespace kofn::driver

namespace kofn::cuda {
using namespace kofn::driver;

CUresult cuMemAllocHost_v2(void** pointer, std::size_t bytes) { return allocateHost(Entry::cuMemAllocHost_v2, pointer, bytes, 0); }

CUresult cuMemHostAlloc(void** pointer, std::size_t bytes, unsigned flags) {
  return allocateHost(Entry::cuMemHostAlloc, pointer, bytes, flags);
}

CUresult cuMemFreeHost(void* pointer) {
  return call(Entry::cuMemFreeHost, Need::Context, [&](Call& c) {
    refuseWhileCapturing(c, "freeing pinned memory");
    HostBlock& block = requireHostBlock(c, pointer, true);
    if (block.registered) fail(CUDA_ERROR_INVALID_VALUE, "the memory is registered, not allocated by the driver: it is unregistered instead");
    c.driver.scheduler.waitAll(*c.context);
    releaseHostBlock(c.driver, block.address);
    throwFault(*c.context);
  });
}

CUresult cuMemHostRegister_v2(void* pointer, std::size_t bytes, unsigned flags) {
  return call(Entry::cuMemHostRegister_v2, Need::Context, [&](Call& c) {
    requirePointer(pointer, "p");
    refuseWhileCapturing(c, "registering host memory");
    if (!bytes) fail(CUDA_ERROR_INVALID_VALUE, "bytesize is 0");
    if (flags & ~15u) fail(CUDA_ERROR_INVALID_VALUE, "Flags ", hex(flags), " has bits outside 0xf");
    if (flags & CU_MEMHOSTREGISTER_IOMEMORY) fail(CUDA_ERROR_NOT_SUPPORTED, "input-output memory cannot be registered");
    HostBlock block;
    block.address = reinterpret_cast<std::uint64_t>(pointer);
    block.bytes = bytes;
    block.flags = flags;
    block.registered = true;
    auto after = c.driver.hostBlocks.lower_bound(block.address);
    if (c.driver.hostBlockAt(block.address) || (after != c.driver.hostBlocks.end() && after->first < block.address + bytes))
      fail(CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED, "part of the range at ", hex(block.address), " is page-locked already");
    ++c.driver.allocations;
    addHostBlock(c, block);
  });
}

CUresult cuMemHostUnregister(void* pointer) {
  return call(Entry::cuMemHostUnregister, Need::Context, [&](Call& c) {
    requirePointer(pointer, "p");
    refuseWhileCapturing(c, "unregistering host memory");
    HostBlock* block = c.driver.hostBlockAt(reinterpret_cast<std::uint64_t>(pointer));
    if (!block || !block->registered || block->address != reinterpret_cast<std::uint64_t>(pointer))
      fail(CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED, hex(reinterpret_cast<std::uint64_t>(pointer)), " is not the start of registered memory");
    c.driver.scheduler.waitAll(*c.context);
    releaseHostBlock(c.driver, block->address);
    throwFault(*c.context);
  });
}

CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr* address, void* pointer, unsigned flags) {
  return call(Entry::cuMemHostGetDevicePointer_v2, Need::Context, [&](Call& c) {
    requirePointer(address, "pdptr");
    if (flags) fail(CUDA_ERROR_INVALID_VALUE, "Flags is ", flags, "; only 0 is defined");
    requireHostBlock(c, pointer, false);
    *address = reinterpret_cast<CUdeviceptr>(pointer);
  });
}

CUresult cuMemHostGetFlags(unsigned* flags, void* pointer) {
  return call(Entry::cuMemHostGetFlags, Need::Context, [&](Call& c) {
    requirePointer(flags, "pFlags");
    const HostBlock& block = requireHostBlock(c, pointer, false);
    if (block.registered) fail(CUDA_ERROR_INVALID_VALUE, "the memory is registered, not allocated by the driver");
    *flags = block.flags | CU_MEMHOSTALLOC_DEVICEMAP;
  });
}

}  // namespace kofn::cuda
