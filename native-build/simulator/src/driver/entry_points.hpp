// SPDX-License-Identifier: Apache-2.0
//
// The declarations of the entry points, made from the one list of them.
#pragma once

#include "driver/cuda_abi.hpp"

#define KOFN_API __attribute__((visibility("default")))

namespace kofn::cuda {
extern "C" {
#define KOFN_ENTRY(version, name, parameters) KOFN_API CUresult name parameters;
#include "driver/entry_points.def"
#undef KOFN_ENTRY
}
}  // namespace kofn::cuda
