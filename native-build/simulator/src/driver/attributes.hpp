// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "driver/objects.hpp"

namespace kofn::driver {

// The value of a CUdevice_attribute, none where CUDA 13.0 has no attribute of that number.
std::optional<int> attributeOf(const Device& device, int attribute);

}  // namespace kofn::driver
