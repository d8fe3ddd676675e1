// SPDX-License-Identifier: Apache-2.0
//
// What is known about an address: cuPointerGetAttribute and its plural.
#include "driver/driver.hpp"

namespace kofn::driver {
namespace {

// Where an address lies; both null: ordinary host memory, or nothing.
struct Place {
  const MemoryBlock* device = nullptr;
  const HostBlock* host = nullptr;
  bool known() const { return device || host; }
  std::uint64_t start() const { return device ? device->address : host->address; }
  std::uint64_t bytes() const { return device ? device->bytes : host->bytes; }
  std::uint64_t index() const { return device ? device->index : host->index; }
  std::shared_ptr<Context> owner() const { return device ? device->owner.lock() : host->owner.lock(); }
};

Place placeOf(Call& c, CUdeviceptr pointer) {
  Place place;
  for (const auto& device : c.driver.devices)   // the addresses of different devices are disjoint
    if (!place.device) place.device = device->blockAt(pointer);
  if (!place.device) place.host = c.driver.hostBlockAt(pointer);
  return place;
}

template <class T>
void put(void* target, T value) {
  *static_cast<T*>(target) = value;
}

// Writes the attribute of a known place; false when it does not apply to it.
bool putAttribute(const Place& place, CUdeviceptr pointer, CUpointer_attribute attribute, void* value) {
  switch (attribute) {
    case CU_POINTER_ATTRIBUTE_CONTEXT: put(value, handleOf<CUcontext>(*place.owner())); return true;
    case CU_POINTER_ATTRIBUTE_MEMORY_TYPE: put<unsigned>(value, place.device ? CU_MEMORYTYPE_DEVICE : CU_MEMORYTYPE_HOST); return true;
    case CU_POINTER_ATTRIBUTE_DEVICE_POINTER: put(value, pointer); return true;
    case CU_POINTER_ATTRIBUTE_HOST_POINTER:
      if (place.device) return false;
      put(value, reinterpret_cast<void*>(pointer));
      return true;
    case CU_POINTER_ATTRIBUTE_SYNC_MEMOPS: put<unsigned char>(value, 0); return true;
    case CU_POINTER_ATTRIBUTE_BUFFER_ID: put<unsigned long long>(value, place.index()); return true;
    case CU_POINTER_ATTRIBUTE_IS_MANAGED: put<unsigned char>(value, 0); return true;
    case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL: put<int>(value, place.owner()->device->ordinal); return true;
    case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR: put<CUdeviceptr>(value, place.start()); return true;
    case CU_POINTER_ATTRIBUTE_RANGE_SIZE: put<std::size_t>(value, place.bytes()); return true;
    case CU_POINTER_ATTRIBUTE_MAPPED: put<unsigned char>(value, 1); return true;
    case CU_POINTER_ATTRIBUTE_MEMPOOL_HANDLE:
      put(value, place.device && place.device->pool ? handleOf<CUmemoryPool>(*place.device->pool) : nullptr);
      return true;
    default: return false;
  }
}

// Bytes of an attribute's value, 0 where this library does not have it.
std::size_t sizeOfAttribute(CUpointer_attribute attribute) {
  switch (attribute) {
    case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
    case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL: return 4;
    case CU_POINTER_ATTRIBUTE_SYNC_MEMOPS:
    case CU_POINTER_ATTRIBUTE_IS_MANAGED:
    case CU_POINTER_ATTRIBUTE_MAPPED: return 1;
    case CU_POINTER_ATTRIBUTE_CONTEXT:
    case CU_POINTER_ATTRIBUTE_DEVICE_POINTER:
    case CU_POINTER_ATTRIBUTE_HOST_POINTER:
    case CU_POINTER_ATTRIBUTE_BUFFER_ID:
    case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR:
    case CU_POINTER_ATTRIBUTE_RANGE_SIZE:
    case CU_POINTER_ATTRIBUTE_MEMPOOL_HANDLE: return 8;
    default: return 0;
  }
}

}  // namespace
}  // namespace kofn::driver

namespace kofn::cuda {
using namespace kofn::driver;

CUresult cuPointerGetAttribute(void* value, CUpointer_attribute attribute, CUdeviceptr pointer) {
  return call(Entry::cuPointerGetAttribute, Need::Context, [&](Call& c) {
    requirePointer(value, "data");
    if (attribute < 1 || attribute > 21) fail(CUDA_ERROR_INVALID_VALUE, "there is no pointer attribute ", attribute);
    if (!sizeOfAttribute(attribute)) fail(CUDA_ERROR_NOT_SUPPORTED, "pointer attribute ", attribute, " is not supported by this device");
    const Place place = placeOf(c, pointer);
    if (!place.known() || !putAttribute(place, pointer, attribute, value))
      fail(CUDA_ERROR_INVALID_VALUE, hex(pointer), place.known() ? " has no such attribute" : " was not allocated by or registered with the driver");
  });
}

// Unlike the singular, an unknown address is no error: it has zeros for attributes and device ordinal -2.
CUresult cuPointerGetAttributes(unsigned count, CUpointer_attribute* attributes, void** values, CUdeviceptr pointer) {
  return call(Entry::cuPointerGetAttributes, Need::Context, [&](Call& c) {
    requirePointer(attributes, "attributes");
    requirePointer(values, "data");
    if (!count) fail(CUDA_ERROR_INVALID_VALUE, "numAttributes is 0");
    const Place place = placeOf(c, pointer);
    for (unsigned i = 0; i < count; ++i) {
      requirePointer(values[i], "an element of data");
      const std::size_t bytes = sizeOfAttribute(attributes[i]);
      if (!bytes) fail(CUDA_ERROR_INVALID_VALUE, "pointer attribute ", attributes[i], " is not supported by this device");
      if (place.known() && putAttribute(place, pointer, attributes[i], values[i])) continue;
      std::fill_n(static_cast<char*>(values[i]), bytes, 0);
      if (attributes[i] == CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL) put<int>(values[i], -2);
    }
  });
}

}  // namespace kofn::cuda
