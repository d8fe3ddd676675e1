// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "finish.cuh"

// dZ = scale dY f'(Z) and dBias[f] = sum over the batch of dY f'(Z).
//
//   a thread block: 32 features x 256 examples, 8 examples at a time, a feature a lane
//
// Traffic, the floor: dY and Z read, dZ written once. The bias's gradient is a partial sum of each thread block, [chunks, features], added
// up in ascending order by sumChunks: no atomics, the same bits every time.

namespace kofn {

constexpr int kSlopeWarps = 8;
constexpr int kSlopeExamples = 256;

struct ActivationGradient {
  View dy, z, dz;      // z and dz may be absent
  float* partial;      // [chunks, features], null where not wanted
  float* bias;         // [features]
  float scale;
  int activation, chunks;
};

__device__ __forceinline__ void activationGradient(const ActivationGradient& g) {
  __shared__ float sums[kSlopeWarps][32];
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const int chunk = blockIdx.x % g.chunks;
  const long long feature = static_cast<long long>(blockIdx.x / g.chunks) * 32 + lane;
  const long long first = static_cast<long long>(chunk) * kSlopeExamples;
  const long long end = min(first + kSlopeExamples, g.dy.rows);
  float sum = 0.0f;
  if (feature < g.dy.columns) {
    for (long long b = first + warp; b < end; b += kSlopeWarps) {
      float value = loadFloat(g.dy, b, feature);
      if (g.z.data != nullptr) value *= slope(g.activation, loadFloat(g.z, b, feature));
      sum += value;
      if (g.dz.data != nullptr) storeFloat(g.dz.data, g.dz.type, g.dz.at(b, feature), g.scale * value);
    }
  }
  if (g.partial == nullptr) return;
  sums[warp][lane] = sum;
  __syncthreads();
  if (warp == 0 && feature < g.dy.columns) {
    for (int w = 1; w < kSlopeWarps; ++w) sum += sums[w][lane];
    g.partial[chunk * g.dy.columns + feature] = sum;
  }
}

__device__ __forceinline__ void sumChunks(const ActivationGradient& g) {
  const long long feature = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (feature >= g.dy.columns) return;
  float sum = 0.0f;
  for (int chunk = 0; chunk < g.chunks; ++chunk) sum += g.partial[chunk * g.dy.columns + feature];
  g.bias[feature] = sum;
}

}  // namespace kofn
