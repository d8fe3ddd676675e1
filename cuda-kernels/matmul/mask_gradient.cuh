// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dense.cuh"

// dMask[r, c] = sum over the elements (o, i) of block (r, c) of W[o, i] (dY^T X)[o, i], for every candidate: a dense product whose
// epilogue multiplies by W and adds up blocks. True F32.
//
//   the tile of dense.cuh, of outputs x inputs: 8 x 8 a thread, three stages of 16 examples, 4 loads of 16 bytes for 64 multiply-adds
//   dY [16][M] and X [16][N] lie with the examples as the slow index, as a stage wants them: a thread copies one group of four features of
//   some examples, 16 bytes at a time; groups of X go where placeOf says, so that a thread owns 8 neighbouring inputs
//
// X and dY are F32, row-major, their rows at multiples of 16 bytes; others are copied first.
// Traffic: dY in/N times and X out/M times, from L2; W and dMask once. Blocks that divide 64 outputs x N inputs are added up in shared
// memory; for others the weighted products go to memory, [out, in], and sumBlocks adds them. The order of all additions depends on sizes
// alone.

namespace kofn {

constexpr int kMaskOutputs = 64;  // whose blocks are added up at a time

struct MaskGradient {
  View weights;         // [out, in]; absent: the products alone are wanted
  View x, dy;
  float* target;        // [blockRows, blockColumns]
  long long targetPitch;
  float* products;      // [out, in] where blocks do not divide the tile, else null
  int out, in, bo, bi;
};

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

// What a thread copies of each stage: the same group of four features, of dY or of X.
template <class S>
struct MaskCopies {
  static constexpr int kGroups = (S::kM + S::kN) / 4, kRowsAtOnce = S::kThreads / kGroups, kCopies = S::kDepth / kRowsAtOnce;
  static_assert(S::kThreads % kGroups == 0 && S::kDepth % kRowsAtOnce == 0, "threads copy whole rows");

  const float* from;
  long long pitch, left;  // examples from this thread's first on
  unsigned to;
  int bytes;

  __device__ __forceinline__ MaskCopies(const MaskGradient& g, int o0, int i0, const float* memory) {
    const int group = threadIdx.x % kGroups, row = threadIdx.x / kGroups;
    const bool ofX = group >= S::kM / 4;
    const View& v = ofX ? g.x : g.dy;
    const int column = ofX ? i0 + group * 4 - S::kM : o0 + group * 4;
    from = static_cast<const float*>(v.data) + row * v.pitch + column;
    pitch = v.pitch;
    left = v.rows - row;
    const int place = ofX ? S::kDepth * S::kM + row * S::kN + placeOf<S>(group - S::kM / 4) : row * S::kM + group * 4;
    to = sharedAddress(memory + place);
    bytes = min(max(static_cast<int>(v.columns) - column, 0), 4) * 4;
    step = kRowsAtOnce * (ofX ? S::kN : S::kM) * 4;
  }

  __device__ __forceinline__ void produce(int stage) {
#pragma unroll
    for (int j = 0; j < kCopies; ++j)
      copyAsync(to + stage * S::kStageFloats * 4 + j * step, from + j * kRowsAtOnce * pitch, j * kRowsAtOnce < left ? bytes : 0);
    from += S::kDepth * pitch;
    left -= S::kDepth;
    commitCopies();
  }

 private:
  int step;
};

template <class S>
__device__ __forceinline__ void maskGradient(const MaskGradient& g) {
  __shared__ __align__(128) float memory[S::kStages * S::kStageFloats];
  const int tilesIn = (g.in + S::kN - 1) / S::kN;
  const int o0 = blockIdx.x / tilesIn * S::kM, i0 = blockIdx.x % tilesIn * S::kN;
  MaskCopies<S> copies(g, o0, i0, memory);
#pragma unroll
  for (int s = 0; s < S::kStages - 1; ++s) copies.produce(s);

  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const int m0 = warp % S::kWarpsM * 32 + lane / 8 * 8, mine = warp / S::kWarpsM * 8 + lane % 8;  // outputs; eighths of inputs
  const int evens = placeOf<S>(2 * mine), odds = placeOf<S>(2 * mine + 1);
  float sums[8][8] = {};
  int stage = 0;
  for (long long example = 0; example < g.x.rows; example += S::kDepth) {
    waitCopies<S::kStages - 2>();
    __syncthreads();
    copies.produce(stage == 0 ? S::kStages - 1 : stage - 1);
    const float* a = memory + stage * S::kStageFloats;
    const float* b = a + S::kDepth * S::kM;
#pragma unroll
    for (int k = 0; k < S::kDepth; ++k) multiplyEight(a + k * S::kM + m0, a + k * S::kM + m0 + 4, b + k * S::kN, evens, odds, sums);
    stage = stage + 1 == S::kStages ? 0 : stage + 1;
  }
  waitCopies<0>();

  const int o = o0 + m0, i = i0 + mine * 8;
  if (g.products != nullptr || g.bo * g.bi == 1) {
    const int count = min(8, g.in - i);
    if (count <= 0) return;
    const View to = g.products != nullptr ? View{g.products, g.out, g.in, g.in, kF32, 0} : View{g.target, g.out, g.in, g.targetPitch, kF32, 0};
#pragma unroll
    for (int m = 0; m < 8; ++m) {
      if (o + m >= g.out) break;
      if (g.weights.data != nullptr) {
        float weights[8];
        loadRun(g.weights, o + m, i, weights, count);
#pragma unroll
        for (int n = 0; n < 8; ++n) sums[m][n] *= weights[n];
      }
      storeRun(to, o + m, i, sums[m], count);
    }
    return;
  }
  constexpr int kPitch = S::kN + 1;
  static_assert(kMaskOutputs * kPitch <= S::kStages * S::kStageFloats, "the stages hold what is added up at a time");
  for (int first = 0; first < S::kM; first += kMaskOutputs) {
    __syncthreads();
    if (m0 / kMaskOutputs * kMaskOutputs == first) {
#pragma unroll
      for (int m = 0; m < 8; ++m)
#pragma unroll
        for (int n = 0; n < 8; ++n) memory[(m0 - first + m) * kPitch + mine * 8 + n] = sums[m][n];
    }
    __syncthreads();
    storeMaskTile<kMaskOutputs, S::kN, kPitch, S::kThreads>(g, o0 + first, i0, memory);
  }
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
