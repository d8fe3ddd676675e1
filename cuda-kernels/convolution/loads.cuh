// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../matmul/views.cuh"

// Loads of pixels that may lie outside an image.

namespace kofn {

// A pixel OFFSET bytes on, or 0, and nothing is read, where `column` is not below `limit`. In PTX, because the compiler would branch.
template <int OFFSET>
__device__ __forceinline__ float loadBelow(const float* from, unsigned column, unsigned limit) {
  float value;
  asm("{\n.reg .pred inside;\nsetp.lt.u32 inside, %2, %3;\nmov.f32 %0, 0f00000000;\n@inside ld.global.f32 %0, [%1+%4];\n}"
      : "=f"(value) : "l"(from), "r"(column), "r"(limit), "n"(OFFSET));
  return value;
}
template <int OFFSET>
__device__ __forceinline__ unsigned short loadBitsBelow(const void* from, unsigned column, unsigned limit) {
  unsigned short bits;
  asm("{\n.reg .pred inside;\nsetp.lt.u32 inside, %2, %3;\nmov.u16 %0, 0;\n@inside ld.global.u16 %0, [%1+%4];\n}"
      : "=h"(bits) : "l"(from), "r"(column), "r"(limit), "n"(OFFSET));
  return bits;
}
template <int OFFSET>
__device__ __forceinline__ float loadBelow(const __nv_bfloat16* from, unsigned column, unsigned limit) {
  return __bfloat162float(__ushort_as_bfloat16(loadBitsBelow<OFFSET>(from, column, limit)));
}
template <int OFFSET>
__device__ __forceinline__ float loadBelow(const __half* from, unsigned column, unsigned limit) {
  return __half2float(__ushort_as_half(loadBitsBelow<OFFSET>(from, column, limit)));
}

// What a thread sees of x: where the window begins in its first plane, and the image's size.
struct Window {
  int row, left, height, width;

  __device__ __forceinline__ unsigned limit(int i) const {
    return static_cast<unsigned>(row + i) < static_cast<unsigned>(height) ? width : 0;
  }
};

}  // namespace kofn
