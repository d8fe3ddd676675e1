// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <climits>

#include "views.cuh"

// Packed and dense forms, and conversions: a thread an element, each read and written once.

namespace kofn {

__device__ __forceinline__ long long threadNumber() { return static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x; }

// An element of the packed form: its number among those of a block row, and where it belongs in W. A thread block takes 256 elements of a
// block row, `chunks` of them make one: numbers that need 64 bits stay out of the divisions.
struct Place {
  int row;
  unsigned inRow;
  int output, input;
  bool exists;

  __device__ __forceinline__ Place(const Pattern& p, int chunks) {
    const unsigned size = p.bo * p.bi;
    row = blockIdx.x / chunks;
    inRow = blockIdx.x % chunks * blockDim.x + threadIdx.x;
    exists = inRow < p.k * size;
    if (!exists) return;
    const unsigned slot = size == 1 ? inRow : inRow / size, inBlock = size == 1 ? 0 : inRow % size, down = inBlock / p.bi;
    output = row * p.bo + down;
    input = p.column(row, slot) * p.bi + (inBlock - down * p.bi);
  }

  __device__ __forceinline__ bool isInside(const Pattern& p) const { return output < p.out && input < p.in; }

  __device__ __forceinline__ long long packed(const Pattern& p) const { return static_cast<long long>(row) * p.k * p.bo * p.bi + inRow; }
};

__device__ __forceinline__ void copyRaw(void* to, long long at, const void* from, long long source, int bytes) {
  if (bytes == 4) static_cast<unsigned*>(to)[at] = static_cast<const unsigned*>(from)[source];
  else if (bytes == 2) static_cast<unsigned short*>(to)[at] = static_cast<const unsigned short*>(from)[source];
  else static_cast<unsigned char*>(to)[at] = static_cast<const unsigned char*>(from)[source];
}

__device__ __forceinline__ void clearRaw(void* to, long long at, int bytes) {
  if (bytes == 4) static_cast<unsigned*>(to)[at] = 0;
  else if (bytes == 2) static_cast<unsigned short*>(to)[at] = 0;
  else static_cast<unsigned char*>(to)[at] = 0;
}

__device__ __forceinline__ int bytesOf(int type) { return type == kF32 ? 4 : type == kI8 ? 1 : 2; }

// Packed values from dense ones; what lies beyond the matrix's edge becomes 0.
__device__ __forceinline__ void packBlocks(const Pattern& p, const View& target, int chunks) {
  const Place place(p, chunks);
  if (!place.exists) return;
  const int bytes = bytesOf(p.type);
  if (place.isInside(p)) copyRaw(target.data, place.packed(p), p.values, place.output * p.pitch + place.input, bytes);
  else clearRaw(target.data, place.packed(p), bytes);
}

// The kept elements into a dense matrix, or its transpose, which holds zeros; converted where the types differ.
__device__ __forceinline__ void scatterBlocks(const Pattern& p, const View& target, int chunks, int transposed) {
  const Place place(p, chunks);
  if (!place.exists || !place.isInside(p)) return;
  const long long from = p.packed ? place.packed(p) : place.output * p.pitch + place.input;
  const long long to = transposed ? target.at(place.input, place.output) : target.at(place.output, place.input);
  if (p.type == target.type) copyRaw(target.data, to, p.values, from, bytesOf(p.type));
  else storeFloat(target.data, target.type, to, loadFloat(p.values, p.type, from));
}

__device__ __forceinline__ void clearMatrix(const View& target) {
  const long long element = threadNumber();
  if (element >= target.rows * target.columns) return;
  clearRaw(target.data, target.at(element / target.columns, element % target.columns), bytesOf(target.type));
}

__device__ __forceinline__ bool isFloating(int type) { return type <= kF16; }

__device__ __forceinline__ long long loadInteger(const void* data, int type, long long i) {
  switch (type) {
    case kI8: return static_cast<const signed char*>(data)[i];
    case kU8: return static_cast<const unsigned char*>(data)[i];
    case kU16: return static_cast<const unsigned short*>(data)[i];
    case kI32: return static_cast<const int*>(data)[i];
    default: return static_cast<const long long*>(data)[i];
  }
}

__device__ __forceinline__ long long clampTo(long long value, long long low, long long high) { return min(max(value, low), high); }

// Saturates.
__device__ __forceinline__ void storeInteger(void* data, int type, long long i, long long value) {
  switch (type) {
    case kI8: static_cast<signed char*>(data)[i] = static_cast<signed char>(clampTo(value, -128, 127)); break;
    case kU8: static_cast<unsigned char*>(data)[i] = static_cast<unsigned char>(clampTo(value, 0, 255)); break;
    case kU16: static_cast<unsigned short*>(data)[i] = static_cast<unsigned short>(clampTo(value, 0, 65535)); break;
    case kI32: static_cast<int*>(data)[i] = static_cast<int>(clampTo(value, INT_MIN, INT_MAX)); break;
    default: static_cast<long long*>(data)[i] = value; break;
  }
}

// The neighbouring F32 with an odd last bit, unless the number is one: what is then rounded to 16 bits is as if rounded once
// (Boldo and Melquiond, IEEE TC 2008).
__device__ __forceinline__ float toOdd(double value) {
  const float nearest = __double2float_rn(value);
  if (static_cast<double>(nearest) == value || (__float_as_uint(nearest) & 1)) return nearest;
  return static_cast<double>(nearest) < value ? __double2float_ru(value) : __double2float_rd(value);
}

// Copies between types, layouts and pitches. To integers by rounding to nearest even and saturating, NaN to 0.
__device__ __forceinline__ void convertElements(const View& source, const View& target) {
  const long long element = threadNumber();
  if (element >= source.rows * source.columns) return;
  // Consecutive threads follow the target's memory.
  long long row = element / source.columns, column = element % source.columns;
  if (target.panels) {
    const long long first = element / (kPanel * source.columns) * kPanel, width = min(static_cast<long long>(kPanel), source.rows - first);
    const long long inPanel = element - first * source.columns;
    row = first + inPanel % width;
    column = inPanel / width;
  }
  const long long from = source.at(row, column), to = target.at(row, column);
  if (isFloating(source.type)) {
    const float value = loadFloat(source.data, source.type, from);
    if (isFloating(target.type)) storeFloat(target.data, target.type, to, value);
    else storeInteger(target.data, target.type, to, isnan(value) ? 0 : __float2ll_rn(value));
  } else {
    const long long value = loadInteger(source.data, source.type, from);
    if (!isFloating(target.type)) storeInteger(target.data, target.type, to, value);
    else if (target.type == kF32) static_cast<float*>(target.data)[to] = __double2float_rn(static_cast<double>(value));
    else storeFloat(target.data, target.type, to, toOdd(static_cast<double>(value)));
  }
}

}  // namespace kofn
