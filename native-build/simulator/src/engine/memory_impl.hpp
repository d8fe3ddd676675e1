// SPDX-License-Identifier: Apache-2.0
//
// Inside of DeviceMemory. One reserved range of addresses, three arrays over it that the system backs page by page when
// touched: the bytes, a state per byte, a race cell per four bytes. Addresses only grow.
#pragma once

#include <atomic>
#include <map>
#include <mutex>

#include "engine/engine.hpp"

namespace kofn::sim {

enum ByteState : std::uint8_t { kUnallocated = 0, kUninitialised = 1, kInitialised = 3, kInFlight = 5 };

// Race state of four bytes of global memory, see races.cpp.
struct GlobalCell {
  std::uint64_t write, read;
};

struct HostRange {
  std::uint64_t bytes;
  std::string site;
};

struct DeviceMemory::Impl {
  Impl(std::uint64_t totalBytes, unsigned index);
  ~Impl();

  const std::uint64_t base;   // the first address
  std::uint64_t total = 0, reserved = 0, live = 0;
  std::atomic<std::uint64_t> used{0};   // grows while kernels run: device-side malloc
  std::byte* data = nullptr;
  std::uint8_t* state = nullptr;
  GlobalCell* cells = nullptr;
  std::map<std::uint64_t, Allocation> allocations;    // live and released, by address
  std::map<std::uint64_t, HostRange> hostRanges;      // by host address
  mutable std::mutex mutex;
  std::atomic<std::uint64_t> nextOwner{1};            // of blocks, over all launches
  struct Past { std::uint64_t firstOwner, launchId; };
  std::vector<Past> launches;                         // with a launchId, by first owner

  // Host pointer of `address`, or null; only says whether the reserved range contains it.
  bool contains(std::uint64_t address, std::uint64_t bytes) const {
    const std::uint64_t offset = address - base;
    const std::uint64_t end = used.load(std::memory_order_relaxed);
    return offset < end && bytes <= end - offset;
  }
  // A pointer for [address, address + bytes) inside one mapped host range; null otherwise.
  std::byte* hostPointer(std::uint64_t address, std::uint64_t bytes) const;
  std::optional<Allocation> find(std::uint64_t address) const;
  AccessStatus check(std::uint64_t address, std::uint64_t bytes) const;
};

}  // namespace kofn::sim
