// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "finish.cuh"
#include "mma.cuh"

// A warp's sums, 16 TILES examples x COLUMNS results, from `example` and `result` on. Fragments go through the warp's own part of shared
// memory into rows, 8 results a lane at a time, which finish.storeRun takes. A pitch of 8 words more than the columns lets the four rows of a store phase hit different
// banks.

namespace kofn {

template <int COLUMNS>
constexpr int kStoreFloats = 16 * (COLUMNS + 8);  // a warp's part

template <int TILES, int COLUMNS, class Sum, class To>
__device__ __forceinline__ void storeSums(const Sum (&sums)[TILES][COLUMNS / 8][4], float* rows, const View& y, long long example, int result,
                                          int results, const To& finish) {
  constexpr int pitch = COLUMNS + 8;
  const int lane = threadIdx.x & 31;
  for (int m = 0; m < TILES; ++m) {
    __syncwarp();
#pragma unroll
    for (int n = 0; n < COLUMNS / 8; ++n) {
      float* at = rows + lane / 4 * pitch + n * 8 + lane % 4 * 2;
#pragma unroll
      for (int t = 0; t < TILES; ++t) {
        if (t != m) continue;
        *reinterpret_cast<float2*>(at) = make_float2(sums[t][n][0], sums[t][n][1]);
        *reinterpret_cast<float2*>(at + 8 * pitch) = make_float2(sums[t][n][2], sums[t][n][3]);
      }
    }
    __syncwarp();
    for (int e = lane; e < 16 * COLUMNS / 8; e += 32) {
      const int row = e / (COLUMNS / 8), column = e % (COLUMNS / 8) * 8;
      const long long b = example + m * 16 + row;
      if (b >= y.rows || result + column >= results) continue;
      float values[8];
      loadEight(rows + row * pitch + column, e / 4 % 2, values);
      finish.storeRun(y, b, result + column, values, min(8, results - result - column));
    }
  }
}

}  // namespace kofn
