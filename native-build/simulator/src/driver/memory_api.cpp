// SPDX-License-Identifier: Apache-2.0
//
// Device memory. The engine's DeviceMemory hands out addresses that never come back; this layer knows which context owns
// a block and which call made it. cuMemFree waits for the context's queued work first, as drivers do, unless the setting
// "eager_free" is on.
#include "driver/driver.hpp"

namespace kofn::driver {
namespace {

constexpr std::size_t kPitch = 512;

// Stream-ordered: the address exists at once, the release happens when the stream gets there.
CUresult allocateAsync(Entry entry, CUdeviceptr* address, std::size_t bytes, const CUmemoryPool* pool, CUstream stream) {
  return call(entry, Need::Context, [&](Call& c) {
    requirePointer(address, "dptr");
    auto on = c.stream(stream);
    auto from = pool ? c.object<Pool>(*pool) : c.context->device->pool;
    if (from->device != c.context->device->ordinal)
      fail(CUDA_ERROR_INVALID_VALUE, "the pool is on device ", from->device, ", the stream on device ", c.context->device->ordinal);
    if (on->capture) fail(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "allocations cannot be captured by this device");
    *address = allocateDevice(c, *c.context->device, bytes, from);
  });
}

}  // namespace

bool isDeviceAddress(std::uint64_t address) { return address >= sim::kGlobalBase && address < sim::kSharedWindow; }

CUdeviceptr allocateDevice(Call& c, Device& device, std::size_t bytes, const std::shared_ptr<Pool>& pool) {
  if (!bytes) fail(CUDA_ERROR_INVALID_VALUE, "bytesize is 0");
  if (++c.driver.allocations == c.driver.config.oomAt) fail(CUDA_ERROR_OUT_OF_MEMORY, "forced by the setting \"oom\"");
  if (pool && pool->maximum && pool->used + bytes > pool->maximum)
    fail(CUDA_ERROR_OUT_OF_MEMORY, "the pool holds at most ", pool->maximum, " bytes; ", pool->used, " are used, ", bytes, " were asked for");
  MemoryBlock block;
  block.index = c.driver.allocations;
  block.site = words(c.site(), ", allocation ", block.index);
  block.address = device.memory->allocate(bytes, block.site);
  if (!block.address) fail(CUDA_ERROR_OUT_OF_MEMORY, bytes, " bytes were asked for, ", device.memory->freeBytes(), " are free");
  block.bytes = bytes;
  block.owner = c.context;
  block.pool = pool;
  if (pool) {
    pool->used += bytes;
    pool->usedHigh = std::max(pool->usedHigh, pool->used);
  }
  device.blocks.emplace(block.address, block);
  return block.address;
}

void releaseBlock(Driver&, Device& device, std::uint64_t address) {
  auto it = device.blocks.find(address);
  if (it == device.blocks.end()) return;
  if (it->second.pool) it->second.pool->used -= it->second.bytes;
  device.memory->release(address);
  device.blocks.erase(it);
}

namespace {

// The block that starts at `address`, or CUDA_ERROR_INVALID_VALUE with what is there instead.
MemoryBlock& requireBlock(Call& c, CUdeviceptr address) {
  Device& device = *c.context->device;
  auto it = device.blocks.find(address);
  if (it == device.blocks.end()) {
    if (const MemoryBlock* inside = device.blockAt(address))
      fail(CUDA_ERROR_INVALID_VALUE, hex(address), " is inside the allocation at ", hex(inside->address), ", not its start");
    const auto known = device.memory->find(address);
    if (known && known->released) fail(CUDA_ERROR_INVALID_VALUE, hex(address), " was released before (made by ", known->site, ")");
    fail(CUDA_ERROR_INVALID_VALUE, hex(address), " is not an allocation of this device");
  }
  MemoryBlock& block = it->second;
  if (block.freeQueued) fail(CUDA_ERROR_INVALID_VALUE, hex(address), " was released before, by ", block.freeSite);
  if (block.owner.lock() != c.context) fail(CUDA_ERROR_INVALID_VALUE, hex(address), " belongs to another context than the current one");
  return block;
}

}  // namespace
}  // namespace kofn::driver

namespace kofn::cuda {
using namespace kofn::driver;

CUresult cuMemGetInfo_v2(std::size_t* free, std::size_t* total) {
  return call(Entry::cuMemGetInfo_v2, Need::Context, [&](Call& c) {
    if (free) *free = c.context->device->memory->freeBytes();
    if (total) *total = c.context->device->memory->totalBytes();
  });
}

CUresult cuMemAlloc_v2(CUdeviceptr* address, std::size_t bytes) {
  return call(Entry::cuMemAlloc_v2, Need::Context, [&](Call& c) {
    requirePointer(address, "dptr");
    refuseWhileCapturing(c, "allocating memory");
    *address = allocateDevice(c, *c.context->device, bytes, nullptr);
  });
}

CUresult cuMemAllocPitch_v2(CUdeviceptr* address, std::size_t* pitch, std::size_t widthBytes, std::size_t height, unsigned elementBytes) {
  return call(Entry::cuMemAllocPitch_v2, Need::Context, [&](Call& c) {
    requirePointer(address, "dptr");
    requirePointer(pitch, "pPitch");
    refuseWhileCapturing(c, "allocating memory");
    if (elementBytes != 4 && elementBytes != 8 && elementBytes != 16)
      fail(CUDA_ERROR_INVALID_VALUE, "ElementSizeBytes is ", elementBytes, "; allowed: 4, 8, 16");
    if (!widthBytes || !height) fail(CUDA_ERROR_INVALID_VALUE, "an area of ", widthBytes, " bytes by ", height, " is empty");
    if (widthBytes > 0x7fffffff) fail(CUDA_ERROR_INVALID_VALUE, "WidthInBytes is ", widthBytes, "; at most 2147483647");
    const std::size_t row = (widthBytes + kPitch - 1) / kPitch * kPitch;
    if (height > (std::size_t{1} << 47) / row) fail(CUDA_ERROR_OUT_OF_MEMORY, row, " bytes by ", height, " rows is more than there is");
    *address = allocateDevice(c, *c.context->device, row * height, nullptr);
    *pitch = row;
  });
}

CUresult cuMemFree_v2(CUdeviceptr address) {
  return call(Entry::cuMemFree_v2, Need::Context, [&](Call& c) {
    refuseWhileCapturing(c, "releasing memory");
    if (!address) return;   // like free(): drivers accept it
    requireBlock(c, address);
    if (!c.driver.config.eagerFree) c.driver.scheduler.waitAll(*c.context);
    releaseBlock(c.driver, *c.context->device, address);
    throwFault(*c.context);
  });
}

CUresult cuMemGetAddressRange_v2(CUdeviceptr* base, std::size_t* bytes, CUdeviceptr address) {
  return call(Entry::cuMemGetAddressRange_v2, Need::Context, [&](Call& c) {
    std::uint64_t start = 0, length = 0;
    if (const MemoryBlock* block = c.context->device->blockAt(address)) {
      start = block->address, length = block->bytes;
    } else if (const HostBlock* host = c.driver.hostBlockAt(address)) {
      start = host->address, length = host->bytes;
    } else {
      fail(CUDA_ERROR_NOT_FOUND, hex(address), " is in no allocation");
    }
    if (base) *base = start;
    if (bytes) *bytes = length;
  });
}

CUresult cuMemAllocAsync(CUdeviceptr* address, std::size_t bytes, CUstream stream) {
  return allocateAsync(Entry::cuMemAllocAsync, address, bytes, nullptr, stream);
}

CUresult cuMemAllocFromPoolAsync(CUdeviceptr* address, std::size_t bytes, CUmemoryPool pool, CUstream stream) {
  return allocateAsync(Entry::cuMemAllocFromPoolAsync, address, bytes, &pool, stream);
}

CUresult cuMemFreeAsync(CUdeviceptr address, CUstream stream) {
  return call(Entry::cuMemFreeAsync, Need::Context, [&](Call& c) {
    auto on = c.stream(stream);
    if (on->capture) fail(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "releases cannot be captured by this device");
    MemoryBlock& block = requireBlock(c, address);
    if (!block.pool) fail(CUDA_ERROR_INVALID_VALUE, hex(address), " was not allocated in stream order (made by ", block.site, ")");
    block.freeQueued = true;
    block.freeSite = c.site();
    Device* device = c.context->device;
    enqueue(c.context, *on, {CU_GRAPH_NODE_TYPE_MEM_FREE, words("release of ", hex(address)),
                             [device, address](Operation&) { releaseBlock(driver::driver(), *device, address); }, true});
  });
}

CUresult cuMemPoolCreate(CUmemoryPool* pool, const CUmemPoolProps* properties) {
  return call(Entry::cuMemPoolCreate, Need::Init, [&](Call& c) {
    requirePointer(pool, "pool");
    requirePointer(properties, "poolProps");
    if (properties->allocType != CU_MEM_ALLOCATION_TYPE_PINNED)
      fail(CUDA_ERROR_INVALID_VALUE, "allocType is ", properties->allocType, "; allowed: ", CU_MEM_ALLOCATION_TYPE_PINNED, " (pinned)");
    if (properties->location.type != CU_MEM_LOCATION_TYPE_DEVICE)
      fail(CUDA_ERROR_INVALID_VALUE, "location.type is ", properties->location.type, "; allowed: ", CU_MEM_LOCATION_TYPE_DEVICE, " (device)");
    if (properties->handleTypes) fail(CUDA_ERROR_NOT_SUPPORTED, "pools cannot be shared between processes");
    auto made = std::make_shared<Pool>();
    made->device = c.device(properties->location.id).ordinal;
    made->maximum = properties->maxSize;
    c.driver.handles.add(Kind::Pool, made, c.site());
    *pool = handleOf<CUmemoryPool>(*made);
  });
}

CUresult cuMemPoolDestroy(CUmemoryPool pool) {
  return call(Entry::cuMemPoolDestroy, Need::Init, [&](Call& c) {
    auto object = c.object<Pool>(pool);
    if (object->isDefault) fail(CUDA_ERROR_INVALID_VALUE, "the default pool of a device cannot be destroyed");
    Device& device = c.device(object->device);
    if (device.pool == object) device.pool = device.defaultPool;
    c.driver.handles.remove(*object, c.site());   // its allocations live on until they are released, as documented
  });
}

CUresult cuMemPoolTrimTo(CUmemoryPool pool, std::size_t) {
  return call(Entry::cuMemPoolTrimTo, Need::Init, [&](Call& c) { c.object<Pool>(pool); });   // nothing is held back
}

CUresult cuMemPoolGetAttribute(CUmemoryPool pool, CUmemPool_attribute attribute, void* value) {
  return call(Entry::cuMemPoolGetAttribute, Need::Init, [&](Call& c) {
    requirePointer(value, "value");
    auto object = c.object<Pool>(pool);
    auto& wide = *static_cast<std::uint64_t*>(value);
    switch (attribute) {
      case CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES:
      case CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC:
      case CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES: *static_cast<int*>(value) = object->reuse[attribute - 1]; break;
      case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD: wide = object->releaseThreshold; break;
      case CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT:
      case CU_MEMPOOL_ATTR_USED_MEM_CURRENT: wide = object->used; break;
      case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH:
      case CU_MEMPOOL_ATTR_USED_MEM_HIGH: wide = object->usedHigh; break;
      default: fail(CUDA_ERROR_INVALID_VALUE, "there is no pool attribute ", attribute);
    }
  });
}

CUresult cuMemPoolSetAttribute(CUmemoryPool pool, CUmemPool_attribute attribute, void* value) {
  return call(Entry::cuMemPoolSetAttribute, Need::Init, [&](Call& c) {
    requirePointer(value, "value");
    auto object = c.object<Pool>(pool);
    const auto wide = [&] { return *static_cast<const std::uint64_t*>(value); };
    switch (attribute) {
      case CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES:
      case CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC:
      case CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES: object->reuse[attribute - 1] = *static_cast<const int*>(value); break;
      case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD: object->releaseThreshold = wide(); break;
      case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH:
      case CU_MEMPOOL_ATTR_USED_MEM_HIGH:
        if (wide()) fail(CUDA_ERROR_INVALID_VALUE, "a high-water mark can only be reset to 0");
        object->usedHigh = object->used;
        break;
      default: fail(CUDA_ERROR_INVALID_VALUE, "pool attribute ", attribute, " cannot be set");
    }
  });
}

}  // namespace kofn::cuda
