// SPDX-License-Identifier: Apache-2.0
//
// Devices: names, identifiers, sizes. Attributes are in attributes.cpp.
#include <cstring>

#include "driver/attributes.hpp"
#include "driver/driver.hpp"

namespace kofn::driver {
namespace {

// One PCI bus a device, so that the identifiers are consistent with the PCI attributes.
std::string busIdOf(const Device& device) {
  char text[16];
  std::snprintf(text, sizeof text, "0000:%02X:00.0", attributeOf(device, 33).value_or(0));
  return text;
}

void copyText(char* target, int length, const std::string& text, const char* argument) {
  requirePointer(target, argument);
  if (length <= 0) fail(CUDA_ERROR_INVALID_VALUE, "len is ", length, "; it must be positive");
  std::snprintf(target, static_cast<std::size_t>(length), "%s", text.c_str());
}

// A recognisable constant, the ordinal in its last byte.
CUuuid uuidOf(const Device& device) {
  CUuuid id{{'k', 'o', 'f', 'n', '-', 's', 'i', 'm', char(0x80), 0, 0, 0, 0, 0, char(device.properties.major * 10 + device.properties.minor),
             char(device.ordinal)}};
  return id;
}

CUresult deviceUuid(Entry entry, CUuuid* uuid, CUdevice device) {
  return call(entry, Need::Init, [&](Call& c) {
    requirePointer(uuid, "uuid");
    *uuid = uuidOf(c.device(device));
  });
}

}  // namespace
}  // namespace kofn::driver

namespace kofn::cuda {
using namespace kofn::driver;

CUresult cuDeviceGet(CUdevice* device, int ordinal) {
  return call(Entry::cuDeviceGet, Need::Init, [&](Call& c) {
    requirePointer(device, "device");
    *device = c.device(ordinal).ordinal;
  });
}

CUresult cuDeviceGetCount(int* count) {
  return call(Entry::cuDeviceGetCount, Need::Init, [&](Call& c) {
    requirePointer(count, "count");
    *count = static_cast<int>(c.driver.devices.size());
  });
}

CUresult cuDeviceGetName(char* name, int length, CUdevice device) {
  return call(Entry::cuDeviceGetName, Need::Init,
              [&](Call& c) { copyText(name, length, c.device(device).properties.name, "name"); });
}

CUresult cuDeviceGetUuid(CUuuid* uuid, CUdevice device) { return deviceUuid(Entry::cuDeviceGetUuid, uuid, device); }
CUresult cuDeviceGetUuid_v2(CUuuid* uuid, CUdevice device) { return deviceUuid(Entry::cuDeviceGetUuid_v2, uuid, device); }

CUresult cuDeviceTotalMem_v2(std::size_t* bytes, CUdevice device) {
  return call(Entry::cuDeviceTotalMem_v2, Need::Init, [&](Call& c) {
    requirePointer(bytes, "bytes");
    *bytes = c.device(device).memory->totalBytes();
  });
}

CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute attribute, CUdevice device) {
  return call(Entry::cuDeviceGetAttribute, Need::Init, [&](Call& c) {
    requirePointer(value, "pi");
    const auto found = attributeOf(c.device(device), attribute);
    if (!found) fail(CUDA_ERROR_INVALID_VALUE, "there is no device attribute ", attribute);
    *value = *found;
  });
}

CUresult cuDeviceGetProperties(CUdevprop* properties, CUdevice device) {
  return call(Entry::cuDeviceGetProperties, Need::Init, [&](Call& c) {
    requirePointer(properties, "prop");
    const Device& d = c.device(device);
    const auto at = [&](int attribute) { return attributeOf(d, attribute).value_or(0); };
    *properties = {at(1), {at(2), at(3), at(4)}, {at(5), at(6), at(7)}, at(8), at(9), at(10), at(11), at(12), at(13), at(14)};
  });
}

CUresult cuDeviceComputeCapability(int* major, int* minor, CUdevice device) {
  return call(Entry::cuDeviceComputeCapability, Need::Init, [&](Call& c) {
    requirePointer(major, "major");
    requirePointer(minor, "minor");
    *major = c.device(device).properties.major;
    *minor = c.device(device).properties.minor;
  });
}

CUresult cuDeviceGetPCIBusId(char* busId, int length, CUdevice device) {
  return call(Entry::cuDeviceGetPCIBusId, Need::Init, [&](Call& c) {
    const std::string text = busIdOf(c.device(device));
    copyText(busId, length, text, "pciBusId");
    if (length <= static_cast<int>(text.size()))
      fail(CUDA_ERROR_INVALID_VALUE, "len is ", length, "; a bus id takes ", text.size() + 1, " bytes");
  });
}

CUresult cuDeviceGetByPCIBusId(CUdevice* device, const char* busId) {
  return call(Entry::cuDeviceGetByPCIBusId, Need::Init, [&](Call& c) {
    requirePointer(device, "dev");
    requirePointer(busId, "pciBusId");
    for (const auto& one : c.driver.devices) {
      const std::string full = busIdOf(*one);   // domain:bus:device.function; domain and function may be left out
      if (full == busId || full.substr(5) == busId || full.substr(5, 5) == busId) {
        *device = one->ordinal;
        return;
      }
    }
    fail(CUDA_ERROR_INVALID_DEVICE, "no device has the bus id \"", busId, "\"");
  });
}

CUresult cuDeviceCanAccessPeer(int* can, CUdevice device, CUdevice peer) {
  return call(Entry::cuDeviceCanAccessPeer, Need::Init, [&](Call& c) {
    requirePointer(can, "canAccessPeer");
    c.device(device);
    c.device(peer);
    *can = 0;   // each simulated device sees its own memory alone
  });
}

CUresult cuDeviceGetDefaultMemPool(CUmemoryPool* pool, CUdevice device) {
  return call(Entry::cuDeviceGetDefaultMemPool, Need::Init, [&](Call& c) {
    requirePointer(pool, "pool_out");
    *pool = handleOf<CUmemoryPool>(*c.device(device).defaultPool);
  });
}

CUresult cuDeviceGetMemPool(CUmemoryPool* pool, CUdevice device) {
  return call(Entry::cuDeviceGetMemPool, Need::Init, [&](Call& c) {
    requirePointer(pool, "pool");
    *pool = handleOf<CUmemoryPool>(*c.device(device).pool);
  });
}

CUresult cuDeviceSetMemPool(CUdevice device, CUmemoryPool pool) {
  return call(Entry::cuDeviceSetMemPool, Need::Init, [&](Call& c) {
    Device& d = c.device(device);
    auto object = c.object<Pool>(pool);
    if (object->device != device) fail(CUDA_ERROR_INVALID_VALUE, "the pool is on device ", object->device, ", not ", device);
    d.pool = object;
  });
}

}  // namespace kofn::cuda
