// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "views.cuh"

// dMask[r, c] = sum over the elements (o, i) of block (r, c) of W[o, i] (dY^T X)[o, i], for every candidate: a dense product whose
// epilogue multiplies by W and adds up blocks. True F32.
//
//   a thread block: 64 outputs x 64 inputs, 4 x 4 a thread; the batch in steps of 16, dY and X staged
//   dY [16][64], X [16][64]: a thread's 4 values are one 16-byte load each, 16 multiply-adds for two loads
//
// Traffic: dY in/64 times and X out/64 times, from L2; W and dMask once. Blocks that divide the tile are added up in the tile; for others
// the weighted products go to memory, [out, in], and sumBlocks adds them. The order of all additions depends on sizes alone.

namespace kofn {

constexpr int kMaskTile = 64;
constexpr int kMaskDepth = 16;
constexpr int kMaskThreads = 256;

struct MaskGradient {
  View weights;         // [out, in]; absent: the products alone are wanted
  View x, dy;
  float* target;        // [blockRows, blockColumns]
  long long targetPitch;
  float* products;      // [out, in] where blocks do not divide the tile, else null
  int out, in, bo, bi;
};

__device__ __forceinline__ void stageRows(const View& v, long long example, int feature, float (*tile)[kMaskTile]) {
  for (int e = threadIdx.x; e < kMaskDepth * kMaskTile; e += kMaskThreads) {
    const int b = v.panels ? e % kMaskDepth : e / kMaskTile;
    const int f = v.panels ? e / kMaskDepth : e % kMaskTile;
    const bool inside = example + b < v.rows && feature + f < v.columns;
    tile[b][f] = inside ? loadFloat(v, example + b, feature + f) : 0.0f;
  }
}

// A tile of sums, times W, to its products or its blocks' sums.
template <int OUTPUTS, int INPUTS, int PITCH, int THREADS>
__device__ __forceinline__ void storeMaskTile(const MaskGradient& g, int o0, int i0, float* sums) {
  const bool single = g.products != nullptr || g.bo * g.bi == 1;
  float* to = g.products != nullptr ? g.products : g.target;
  const long long pitch = g.products != nullptr ? g.in : g.targetPitch;
  for (int e = threadIdx.x; e < OUTPUTS * INPUTS; e += THREADS) {
    const int o = e / INPUTS, i = e % INPUTS;
    const bool inside = o0 + o < g.out && i0 + i < g.in;
    const float weight = inside && g.weights.data != nullptr ? loadFloat(g.weights, o0 + o, i0 + i) : 1.0f;
    const float product = inside ? weight * sums[o * PITCH + i] : 0.0f;
    if (!single) sums[o * PITCH + i] = product;
    else if (inside) to[(o0 + o) * pitch + i0 + i] = product;
  }
  if (single) return;
  __syncthreads();
  const int across = INPUTS / g.bi, lane = threadIdx.x & 31;
  for (int block = threadIdx.x >> 5; block < OUTPUTS / g.bo * across; block += THREADS / 32) {
    const int o = block / across * g.bo, i = block % across * g.bi;
    if (o0 + o >= g.out || i0 + i >= g.in) continue;
    float sum = 0.0f;
    for (int e = lane; e < g.bo * g.bi; e += 32) sum += sums[(o + e / g.bi) * PITCH + i + e % g.bi];
    for (int step = 16; step > 0; step >>= 1) sum += __shfl_xor_sync(0xffffffff, sum, step);
    if (lane == 0) g.target[(o0 + o) / g.bo * g.targetPitch + (i0 + i) / g.bi] = sum;
  }
}

__device__ __forceinline__ void maskGradient(const MaskGradient& g) {
  __shared__ __align__(16) float dyTile[kMaskDepth][kMaskTile];
  __shared__ __align__(16) float xTile[kMaskDepth][kMaskTile];
  __shared__ float products[kMaskTile][kMaskTile + 1];
  const int tilesIn = (g.in + kMaskTile - 1) / kMaskTile;
  const int o0 = blockIdx.x / tilesIn * kMaskTile, i0 = blockIdx.x % tilesIn * kMaskTile;
  const int ty = threadIdx.x / 16 * 4, tx = threadIdx.x % 16 * 4;

  float sums[4][4] = {};
  for (long long example = 0; example < g.x.rows; example += kMaskDepth) {
    __syncthreads();
    stageRows(g.dy, example, o0, dyTile);
    stageRows(g.x, example, i0, xTile);
    __syncthreads();
#pragma unroll
    for (int b = 0; b < kMaskDepth; ++b) {
      const float4 a = *reinterpret_cast<const float4*>(&dyTile[b][ty]);
      const float4 c = *reinterpret_cast<const float4*>(&xTile[b][tx]);
      const float as[4] = {a.x, a.y, a.z, a.w}, cs[4] = {c.x, c.y, c.z, c.w};
#pragma unroll
      for (int j = 0; j < 4; ++j)
#pragma unroll
        for (int l = 0; l < 4; ++l) sums[j][l] = fmaf(as[j], cs[l], sums[j][l]);
    }
  }
#pragma unroll
  for (int j = 0; j < 4; ++j)
#pragma unroll
    for (int l = 0; l < 4; ++l) products[ty + j][tx + l] = sums[j][l];
  __syncthreads();
  storeMaskTile<kMaskTile, kMaskTile, kMaskTile + 1, kMaskThreads>(g, o0, i0, &products[0][0]);
}

// target[r, c] = the sum of a block of products [out, in]; a warp a block.
__device__ __forceinline__ void sumBlocks(const MaskGradient& g) {
  const int lane = threadIdx.x & 31, columns = (g.in + g.bi - 1) / g.bi;
  const long long block = (static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x) >> 5;
  const int row = static_cast<int>(block / columns), column = static_cast<int>(block % columns);
  if (row * static_cast<long long>(g.bo) >= g.out) return;
  const int o0 = row * g.bo, i0 = column * g.bi;
  const int height = min(g.bo, g.out - o0), width = min(g.bi, g.in - i0);
  float sum = 0.0f;
  for (long long e = lane; e < static_cast<long long>(height) * width; e += 32)
    sum += g.products[(o0 + e / width) * g.in + i0 + e % width];
  for (int step = 16; step > 0; step >>= 1) sum += __shfl_xor_sync(0xffffffff, sum, step);
  if (lane == 0) g.target[row * g.targetPitch + column] = sum;
}

}  // namespace kofn
