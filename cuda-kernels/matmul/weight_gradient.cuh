// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lane_sums.cuh"
#include "lanes.cuh"

// dW[o, i] = sum over b of dY[b, o] X[b, i] for kept (o, i), of any block size, type, layout and pitch; true F32.
//
// X and dY are first turned (turnFeatures): F32, a feature's examples side by side, with zeros beyond the batch up to whole steps.
//
//   32 V examples ->  lanes, V each              a warp: R outputs of a block row, and T of the inputs that it keeps: 1 and 16, or 8 and 4
//     R rows of dY^T     4 V bytes a lane          a step: R + T coalesced loads, V R T multiply-adds; each row of X^T is found by a shuffle
//     T rows of X^T      4 V bytes a lane          R T sums a lane; more of them, with the loads in flight, do not fit 128 registers
//   V is 4, or 1 where steps of 128 examples would be zeros for the most part
//
// Floor: single weights (R = 1) load 4 bytes for a multiply-add, from L2, which is what they are bound by; R = 8 loads 1.5.
// At the end lanes add their sums by halves (lane_sums.cuh), so that a lane has one. The order of additions depends on the batch alone: equal
// arguments give equal bits. Packed gradients of what lies beyond the matrix's edge are 0.
//
// Traffic: X once for every R outputs, from L2; both turned copies are written and read once more; dW once.

namespace kofn {

// X^T and dY^T.
struct TurnedFeatures {
  const float *x, *dy;     // [in][pitch], [out][pitch]
  int pitch, examples;     // less than 2^30, zeros from the batch on; whole steps of them
  int chunks, unused;      // warps along a block row's terms
  long long warps;
};

// 128 features of 64 examples a thread block.
__device__ __forceinline__ void turnFeatures(const View& source, float* target, int pitch) {
  __shared__ float tile[kLaneChunk][kLaneBatch + 1];
  const int tiles = pitch / kLaneBatch;
  const long long example = static_cast<long long>(blockIdx.x % tiles) * kLaneBatch;
  const int feature = blockIdx.x / tiles * kLaneChunk;
  if (example >= source.rows) {
    for (int e = threadIdx.x; e < kLaneChunk * kLaneBatch; e += kLaneWarps * 32) tile[e / kLaneBatch][e % kLaneBatch] = 0.0f;
  } else if (source.panels) {
    stageChunk<float, true>(source, example, feature, tile);
  } else {
    stageChunk<float, false>(source, example, feature, tile);
  }
  __syncthreads();
  // A warp: 8 pieces of 4 features, which lie in all banks of an odd pitch.
  const int piece = (threadIdx.x % 8 + threadIdx.x / 32 % 2 * 8) * 4;
  const int features = static_cast<int>(min(static_cast<long long>(kLaneChunk), source.columns - feature));
  for (int f = threadIdx.x / 64 * 4 + threadIdx.x / 8 % 4; f < features; f += kLaneWarps * 2) {
    const float* from = tile[f] + piece;
    *reinterpret_cast<float4*>(target + static_cast<long long>(feature + f) * pitch + example + piece) =
        make_float4(from[0], from[1], from[2], from[3]);
  }
}

// V floats at from + row * step, a step of bytes, as one multiplication of 32 bits: left alone, the compiler multiplies 64 bits.
template <int V>
__device__ __forceinline__ void loadRow(const float* from, unsigned row, unsigned step, float (&values)[V]) {
  const float* at;
  asm("mad.wide.u32 %0, %1, %2, %3;" : "=l"(at) : "r"(row), "r"(step), "l"(from));
  if constexpr (V == 4) {
    const float4 four = *reinterpret_cast<const float4*>(at);
    values[0] = four.x, values[1] = four.y, values[2] = four.z, values[3] = four.w;
  } else {
    values[0] = *at;
  }
}

template <int R, int V>
__device__ __forceinline__ void weightGradient(const Pattern& p, const TurnedFeatures& t) {
  constexpr int kTerms = R == 1 ? 16 : 32 / R, kSums = R * kTerms;  // as ProductPlan.gradientInputs
  const int lane = threadIdx.x & 31, parts = (p.bo + R - 1) / R, terms = p.k * p.bi;
  const long long warp = (static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x) >> 5;
  if (warp >= t.warps) return;
  const int chunk = static_cast<int>(warp % t.chunks), part = static_cast<int>(warp / t.chunks);
  const int row = part / parts, from = row * p.bo + part % parts * R, till = min(from + R, (row + 1) * p.bo);
  // Lane u holds the input of term u; the last for terms that there are not, and the matrix's last for those beyond its edge.
  const int term = chunk * kTerms + lane % kTerms, slot = min(term, terms - 1) / p.bi, column = p.column(row, slot);
  const int input = column * p.bi + min(term, terms - 1) % p.bi, loaded = min(input, p.in - 1);

  const float *x = t.x + V * lane, *dy = t.dy + V * lane;
  const unsigned step = 4u * t.pitch;
  float sums[kSums] = {};
  for (int b = 0; b < t.examples; b += 32 * V, x += 32 * V, dy += 32 * V) {
    float d[R][V];
#pragma unroll
    for (int r = 0; r < R; ++r) loadRow<V>(dy, min(from + r, p.out - 1), step, d[r]);
#pragma unroll
    for (int u = 0; u < kTerms; ++u) {
      float values[V];
      loadRow<V>(x, __shfl_sync(0xffffffff, loaded, u), step, values);
#pragma unroll
      for (int r = 0; r < R; ++r)
#pragma unroll
        for (int v = 0; v < V; ++v) sums[u * R + r] = fmaf(d[r][v], values[v], sums[u * R + r]);
    }
  }

  float sum = scatteredSum<kSums>(sums, lane);
#pragma unroll
  for (int away = kSums; away < 32; away *= 2) sum += __shfl_xor_sync(0xffffffff, sum, away);
  const int u = lane / R, output = from + lane % R;
  const int mine = __shfl_sync(0xffffffff, input, u), slotOfMine = __shfl_sync(0xffffffff, slot, u);
  const int columnOfMine = __shfl_sync(0xffffffff, column, u);
  const bool inside = output < p.out && mine < p.in;
  if (lane < kSums && chunk * kTerms + u < terms && output < till && (p.packed || inside))
    static_cast<float*>(p.values)[p.position(row, slotOfMine, output, mine, columnOfMine)] = inside ? sum : 0.0f;
}

}  // namespace kofn
