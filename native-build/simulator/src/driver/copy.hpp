// SPDX-License-Identifier: Apache-2.0
//
// Copies and fills as plain values: an area of `height` rows of `width` bytes, each side with its own pitch.
#pragma once

#include "driver/driver.hpp"

namespace kofn::driver {

enum class Where : std::uint8_t { Device, Pinned, Pageable };

struct Side {
  Where where = Where::Device;
  std::uint64_t address = 0;
  std::size_t pitch = 0;
};

struct Area {
  Side target, source;
  std::size_t width = 0, height = 1;
  std::uint64_t sourceBytes() const { return width && height ? source.pitch * (height - 1) + width : 0; }
  std::uint64_t targetBytes() const { return width && height ? target.pitch * (height - 1) + width : 0; }
};

// Where a range lies, by its address alone. It must be one allocation, or ordinary host memory; `hostOnly` and
// `deviceOnly` refuse the other side.
enum class Expect : std::uint8_t { Any, Host, Device };
Side sideOf(Call& c, std::uint64_t address, std::size_t pitch, std::uint64_t bytes, Expect expect, const char* argument);

// Queues the copy in `stream` and returns when its documented synchronisation behaviour says so: `synchronous` is that of
// the calls without Async in their name.
void copy(Call& c, const Area& area, Stream& stream, bool synchronous);

}  // namespace kofn::driver
