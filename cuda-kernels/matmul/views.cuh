// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

// Matrices as kernels see them. The structs mirror those that the Java side writes (ProductParameters).

namespace kofn {

// The element types, numbered as in ProductParameters.code.
enum Type : int { kF32, kBf16, kF16, kI8, kU8, kU16, kI32, kI64 };

constexpr int kPanel = 64;  // Layout.PANEL

// Typed elements [rows, columns]; absent where data is null. In panels, 64 examples of a feature lie side by side.
struct View {
  void* data;
  long long rows, columns, pitch;
  int type, panels;

  __device__ __forceinline__ long long at(long long row, long long column) const {
    if (!panels) return row * pitch + column;
    const long long first = row & ~static_cast<long long>(kPanel - 1);
    const long long width = min(static_cast<long long>(kPanel), rows - first);
    return first * columns + column * width + (row - first);
  }
};

// One element as F32, which holds every value of the floating-point types and of I8 exactly. The branch is the same for all threads.
__device__ __forceinline__ float loadFloat(const void* data, int type, long long i) {
  switch (type) {
    case kF32: return static_cast<const float*>(data)[i];
    case kBf16: return __bfloat162float(static_cast<const __nv_bfloat16*>(data)[i]);
    case kF16: return __half2float(static_cast<const __half*>(data)[i]);
    default: return static_cast<float>(static_cast<const signed char*>(data)[i]);
  }
}

__device__ __forceinline__ void storeFloat(void* data, int type, long long i, float value) {
  switch (type) {
    case kF32: static_cast<float*>(data)[i] = value; break;
    case kBf16: static_cast<__nv_bfloat16*>(data)[i] = __float2bfloat16_rn(value); break;
    default: static_cast<__half*>(data)[i] = __float2half_rn(value); break;
  }
}

__device__ __forceinline__ float loadFloat(const View& v, long long row, long long column) {
  return loadFloat(v.data, v.type, v.at(row, column));
}

// The kept part of W [out, in]: io.github.kofn.internal.kernels.ProductKernels.Pattern.
struct Pattern {
  const void* indices;  // uint16 or int32 [blockRows, k], ascending
  void* values;         // dense [out, in] of a pitch, or packed [blockRows, k, bo, bi]
  long long indexPitch, pitch;
  int shortIndices, packed, type;
  int out, in, bo, bi, k, blockRows, blockColumns;

  __device__ __forceinline__ int column(int blockRow, int slot) const {
    const long long i = blockRow * indexPitch + slot;
    return shortIndices ? static_cast<const unsigned short*>(indices)[i] : static_cast<const int*>(indices)[i];
  }

  // Where element (o, i) of W lies, which is in the block of slot `slot`.
  __device__ __forceinline__ long long position(int blockRow, int slot, int o, int i, int blockColumn) const {
    if (!packed) return o * pitch + i;
    const long long block = static_cast<long long>(blockRow) * k + slot;
    return (block * bo + (o - blockRow * bo)) * bi + (i - blockColumn * bi);
  }
};

// The pattern by columns.
struct Companion {
  int* starts;  // [blockColumns + 1]
  int* rows;    // [blockRows * k]
  int* slots;   // [blockRows * k]
};

// What decides on the device whether a launch computes anything; null: it does.
struct Guard {
  const int* flag;
  int wanted;

  __device__ __forceinline__ bool isSkipped() const { return flag != nullptr && *flag != wanted; }
};

// What a product reads and writes beside the pattern: X and Y forward, dY and dX backward, X and dY for a gradient of the weights.
struct Operands {
  View source, target;
  Companion companion;
  int tiles;         // the grid's fastest direction
  int wanted;        // what the guard must hold
  const int* guard;  // decides on the device whether the launch computes anything; null: it does
  const int* order;  // block columns, those with the longest lists first; null: as they come

  __device__ __forceinline__ bool isSkipped() const { return guard != nullptr && *guard != wanted; }
};

// The first of k ascending indices that is at least `column`.
__device__ __forceinline__ int lowerBound(const Pattern& p, int blockRow, int column) {
  int low = 0, high = p.k;
  while (low < high) {
    const int middle = (low + high) >> 1;
    if (p.column(blockRow, middle) < column) low = middle + 1; else high = middle;
  }
  return low;
}

}  // namespace kofn
