// SPDX-License-Identifier: Apache-2.0
//
// What the blocks of one launch released to each other through locations in global memory (see races.cpp).
#pragma once

#include <atomic>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "engine/machine.hpp"

namespace kofn::sim {

struct GlobalSync {
 public:
  void release(Warp& w, std::uint64_t address);
  void acquire(Warp& w, std::uint64_t address);
  bool launchOrdered(const Launch& l, std::uint64_t owner);

 private:
  std::mutex mutex_;
  std::atomic<bool> any_{false};
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> released_;
};

}  // namespace kofn::sim
