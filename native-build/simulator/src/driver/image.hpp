// SPDX-License-Identifier: Apache-2.0
//
// What a program hands to cuModuleLoad*: PTX text, a fatbin or its wrapper, machine code, or something else. This turns
// it into the PTX text that suits the device, or says why it cannot.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "driver/cuda_abi.hpp"

namespace kofn::driver {

struct ImageError {
  cuda::CUresult code;
  std::string text;
};

struct DeviceTarget {
  int arch = 80;              // compute capability, 80 for 8.0
  int driverVersion = 13000;  // decides the newest PTX that is understood
};

// The PTX text inside `image`, whose bytes are all there is. Throws ImageError.
std::string selectPtx(std::span<const std::byte> image, const DeviceTarget& target);

// A private copy of the image at `pointer`, whose length only the image itself tells. Reads through the kernel, so that an
// image which claims to be longer than the memory it lies in is cut off there instead of ending the process.
std::string copyImage(const void* pointer);

// The newest PTX version of a driver: 90 for 13.0.
int newestPtx(int driverVersion);

}  // namespace kofn::driver
