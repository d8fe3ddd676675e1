// SPDX-License-Identifier: Apache-2.0
//
// Page-locked host memory: what the device may read and write at the moment the stream gets there.
#pragma once

#include "driver/driver.hpp"

namespace kofn::driver {

// Takes the range back: unmaps it from every device and, where the driver allocated it, makes its pages inaccessible.
void releaseHostBlock(Driver& driver, std::uint64_t address);

// The page-locked block that holds all of [address, address + bytes); null when the range is ordinary memory. A range that
// is partly page-locked fails with CUDA_ERROR_INVALID_VALUE.
const HostBlock* pinnedBlock(Driver& driver, std::uint64_t address, std::uint64_t bytes);

}  // namespace kofn::driver
