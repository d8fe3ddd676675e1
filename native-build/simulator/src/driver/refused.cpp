// SPDX-License-Identifier: Apache-2.0
//
// The entry points of refused.def. They take no parameters here: what a caller passes is never looked at, and on the
// calling conventions that CUDA supports surplus arguments do no harm.
#include <cstdio>

#include "driver/driver.hpp"

namespace kofn::driver {
namespace {

CUresult refuse(const char* name, CUresult code, const char* why) {
  try {
    frame::Locked locked;
    const std::string text = words(name, " answers ", resultName(code), ": ", why);
    lastMessage() = text;
    driver().report("api", text);
  } catch (...) {   // out of memory while reporting: the answer stands
  }
  return code;
}

}  // namespace
}  // namespace kofn::driver

extern "C" {
#define KOFN_OLD(name)                                                                                              \
  KOFN_API kofn::cuda::CUresult name();                                                                             \
  kofn::cuda::CUresult name() {                                                                                     \
    return kofn::driver::refuse(#name, kofn::cuda::CUDA_ERROR_INVALID_CONTEXT,                                      \
                                "this name is the 32-bit interface from before CUDA 3.2; call the one with _v2");   \
  }
#define KOFN_REFUSED(name)                                                                                          \
  KOFN_API kofn::cuda::CUresult name();                                                                             \
  kofn::cuda::CUresult name() {                                                                                     \
    return kofn::driver::refuse(#name, kofn::cuda::CUDA_ERROR_NOT_SUPPORTED, "this entry point is not simulated");  \
  }
#include "driver/refused.def"
#undef KOFN_OLD
#undef KOFN_REFUSED
}
