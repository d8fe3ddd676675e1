// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../common/keys.cuh"

namespace kofn {

// What a draw writes; null where not wanted. The layout is known to the Java side (CudaSampling.outputParameters).
struct Outputs {
  void* indices;             // int32 or uint16 [rows, k], ascending columns
  float* keys;               // [rows, k], beside the indices
  unsigned* bits;            // [rows, ceil(n / 32)]
  unsigned char* bytes;      // [rows, n]
  float* floats;             // [rows, n]
  unsigned long long* badRow;  // receives the lowest row with a NaN or too few drawable entries
  long long indexPitch, keyPitch, bitPitch, bytePitch, floatPitch;  // elements
  int shortIndices;          // indices are uint16
};

__device__ __forceinline__ void reportBadRow(const Outputs& o, long long row) {
  atomicMin(o.badRow, static_cast<unsigned long long>(row));
}

__device__ __forceinline__ void writeIndex(const Outputs& o, long long row, int slot, int column) {
  const long long at = row * o.indexPitch + slot;
  if (o.shortIndices) {
    static_cast<unsigned short*>(o.indices)[at] = static_cast<unsigned short>(column);
  } else {
    static_cast<int*>(o.indices)[at] = column;
  }
}

// The 0/1 masks of four consecutive columns; chosen has bit j set if column + j was drawn.
__device__ __forceinline__ void writeMasks(const Outputs& o, long long row, int column, int n, unsigned chosen) {
  if (o.bytes != nullptr) {
    unsigned char* to = o.bytes + row * o.bytePitch + column;
    if (column + 4 <= n && (reinterpret_cast<unsigned long long>(to) & 3) == 0) {
      *reinterpret_cast<unsigned*>(to) =
          (chosen & 1) | (chosen & 2) << 7 | (chosen & 4) << 14 | (chosen & 8) << 21;
    } else {
      for (int j = 0; j < 4 && column + j < n; ++j) to[j] = static_cast<unsigned char>(chosen >> j & 1);
    }
  }
  if (o.floats != nullptr) {
    float* to = o.floats + row * o.floatPitch + column;
    for (int j = 0; j < 4 && column + j < n; ++j) to[j] = static_cast<float>(chosen >> j & 1);
  }
}

}  // namespace kofn
