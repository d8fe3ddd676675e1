// SPDX-License-Identifier: Apache-2.0
//
// The table of device attributes. Limits come from the engine's DeviceProperties, so that what is announced is what is
// enforced. A capability that this library does not have (managed memory, cooperative launches, clusters, textures through
// the driver API, peers, sharing between processes) is announced as absent, whatever real devices of that architecture have:
// a program that asks before it uses something gets a true answer.
#include "driver/attributes.hpp"

#include <algorithm>

namespace kofn::driver {
namespace {

int clamped(std::uint64_t value) { return static_cast<int>(std::min<std::uint64_t>(value, 0x7fffffff)); }

}  // namespace

std::optional<int> attributeOf(const Device& device, int attribute) {
  const sim::DeviceProperties& p = device.properties;
  if (attribute < 1 || attribute > 147) return std::nullopt;
  switch (attribute) {
    case 1: return clamped(p.maxThreadsPerBlock);
    case 2: return clamped(p.maxBlock.x);
    case 3: return clamped(p.maxBlock.y);
    case 4: return clamped(p.maxBlock.z);
    case 5: return clamped(p.maxGrid.x);
    case 6: return clamped(p.maxGrid.y);
    case 7: return clamped(p.maxGrid.z);
    case 8: return clamped(p.sharedPerBlock);
    case 9: return 65536;                         // constant memory
    case 10: return p.warpSize;
    case 11: return 0x7fffffff;                   // pitch of a 2-D copy
    case 12: return clamped(p.registersPerBlock);
    case 13: return clamped(p.clockKHz);
    case 14: return 512;                          // alignment of textures: of every allocation
    case 15: return 1;                            // copies overlap kernels
    case 16: return p.multiprocessors;
    case 19: return 1;                            // page-locked memory is mapped
    case 31: return 1;                            // kernels of different streams may overlap
    case 30: case 51: return 512 >> (attribute == 51 ? 4 : 0);   // surface alignment, texture pitch alignment
    case 32: return 1;                            // ECC
    case 33: return device.ordinal + 1;           // PCI bus
    case 36: return clamped(p.memoryClockKHz);
    case 37: return clamped(p.memoryBusBits);
    case 38: return clamped(p.l2Bytes);
    case 39: return clamped(p.maxThreadsPerMultiprocessor);
    case 40: return 3;                            // copy engines
    case 41: return 1;                            // one address space for host and device
    case 75: return p.major;
    case 76: return p.minor;
    case 78: return 1;                            // stream priorities
    case 79: case 80: return 1;                   // L1 caches global and local memory
    case 81: return clamped(p.sharedPerMultiprocessor);
    case 82: return clamped(p.registersPerBlock);
    case 87: return p.major == 8 && p.minor == 0 ? 2 : p.minor == 0 && p.major <= 10 ? 2 : 64;   // fp32 : fp64 rate
    case 90: return 1;                            // compute preemption
    case 91: return 1;                            // registered host memory: its device address is its host address
    case 97: return clamped(p.sharedPerBlockOptin);
    case 99: return 1;                            // host memory can be registered
    case 106: return clamped(p.maxBlocksPerMultiprocessor);
    case 111: return clamped(p.sharedPerMultiprocessor - p.sharedPerBlockOptin);   // reserved by the system, a block
    case 115: return 1;                           // stream-ordered allocation
    case 126: return 1;                           // memory synchronisation domains
    case 131: case 134: return -1;                // NUMA nodes
    default: return 0;
  }
}

}  // namespace kofn::driver
