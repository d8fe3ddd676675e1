// SPDX-License-Identifier: Apache-2.0
//
// Cooperative groups and warp intrinsics of the toolkit, divergence included.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cooperative_groups/scan.h>

namespace cg = cooperative_groups;

extern "C" __global__ void tileReduce(const int* in, int* sums, float* maxima) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  auto tile = cg::tiled_partition<16>(cg::this_thread_block());
  const int sum = cg::reduce(tile, in[i], cg::plus<int>());
  const float most = cg::reduce(tile, static_cast<float>(in[i]) * 0.5f, cg::greater<float>());
  sums[i] = sum;
  maxima[i] = most;
}

extern "C" __global__ void tileScans(const int* in, int* inclusive, int* exclusive) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  auto tile = cg::tiled_partition<8>(cg::this_thread_block());
  inclusive[i] = cg::inclusive_scan(tile, in[i]);
  exclusive[i] = cg::exclusive_scan(tile, in[i], cg::bit_xor<int>());
}

extern "C" __global__ void coalescedReduce(const int* in, int* sums, int* ranks, int* sizes) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  sums[i] = ranks[i] = sizes[i] = -1;
  if (in[i] % 3 == 0) {
    auto active = cg::coalesced_threads();
    sums[i] = cg::reduce(active, in[i], cg::plus<int>());
    ranks[i] = active.thread_rank();
    sizes[i] = active.num_threads();
  }
}

extern "C" __global__ void coalescedScan(const int* in, int* out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  out[i] = -1;
  if (in[i] & 1) out[i] = cg::inclusive_scan(cg::coalesced_threads(), in[i]);
}

extern "C" __global__ void partitions(const int* in, int* byLabel, int* byBit) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  auto tile = cg::tiled_partition<32>(cg::this_thread_block());
  auto mine = cg::labeled_partition(tile, in[i] % 5);
  byLabel[i] = cg::reduce(mine, in[i], cg::less<int>());
  auto half = cg::binary_partition(tile, in[i] % 2 == 0);
  byBit[i] = cg::reduce(half, 1, cg::plus<int>());
}

extern "C" __global__ void warpPrimitives(const int* in, unsigned* out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const unsigned full = 0xffffffffu;
  const int v = in[i];
  unsigned* o = out + 10 * i;
  o[0] = __ballot_sync(full, v & 1);
  o[1] = __match_any_sync(full, v % 4);
  int all;
  o[2] = __match_all_sync(full, v / 1000000, &all);
  o[3] = static_cast<unsigned>(all);
  o[4] = __reduce_add_sync(full, static_cast<unsigned>(v));
  o[5] = static_cast<unsigned>(__reduce_min_sync(full, v));
  o[6] = __reduce_xor_sync(full, static_cast<unsigned>(v));
  o[7] = static_cast<unsigned>(__shfl_up_sync(full, v, 3, 16));
  o[8] = static_cast<unsigned>(__shfl_sync(full, v, v & 31, 8));
  o[9] = static_cast<unsigned>(__shfl_xor_sync(full, v, 5) + __shfl_down_sync(full, v, 7));
}

extern "C" __global__ void blockVotes(const int* in, int* out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const int count = __syncthreads_count(in[i] & 1), every = __syncthreads_and(in[i] >= 0), any = __syncthreads_or(in[i] == 17);
  out[i] = count * 4 + (every != 0) * 2 + (any != 0);
}

// Loops of different length a lane, an early exit, and a barrier that the survivors pass.
extern "C" __global__ void divergent(const int* in, int* out, int n) {
  __shared__ int cells[256];
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  for (int c = threadIdx.x; c < 256; c += blockDim.x) cells[c] = 0;
  __syncthreads();
  if (i >= n) return;
  int steps = 0;
  for (unsigned v = static_cast<unsigned>(in[i]); v > 1; v = v & 1 ? 3 * v + 1 : v / 2) {
    if (++steps > 200) break;
    if (steps % 7 == 3) continue;
  }
  atomicAdd(&cells[steps], 1);
  __syncthreads();
  out[i] = cells[steps];
}
