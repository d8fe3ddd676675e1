// SPDX-License-Identifier: Apache-2.0
//
// A model of the L2: 128-byte lines of four 32-byte sectors, 16 ways, least recently used line replaced, write back. It
// starts cold with each launch and is flushed at its end, so that traffic to DRAM has one definition.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace kofn::sim {

class L2Model {
 public:
  explicit L2Model(std::uint64_t bytes);
  // `sector` is an address / 32.
  void access(std::uint64_t sector, bool isWrite);
  // Writes back what is dirty, then tells the bytes that went to and fro.
  void flush(std::uint64_t& readBytes, std::uint64_t& writtenBytes);

 private:
  static constexpr unsigned kWays = 16;
  struct Line { std::uint64_t tag; std::uint32_t used; std::uint8_t present, dirty; };
  struct Set { Line lines[kWays]; std::uint32_t time; };
  static constexpr unsigned kLocks = 64;

  std::uint64_t setCount_;
  std::unique_ptr<Set[], void (*)(void*)> sets_;   // from calloc: a launch pays only for the sets it touches
  std::array<std::mutex, kLocks> locks_;
  std::array<std::uint64_t, kLocks> read_{}, written_{};
  std::array<std::vector<std::uint64_t>, kLocks> touched_;
};

}  // namespace kofn::sim
