// SPDX-License-Identifier: Apache-2.0
// Pairs of kernels: bad* has exactly one defect, good* is the same without it.
#include <cuda_pipeline.h>

// --- out of bounds: global, shared
extern "C" __global__ void badGlobalBounds(int* a, int n) { if (threadIdx.x <= n) a[threadIdx.x] = 1; }
extern "C" __global__ void goodGlobalBounds(int* a, int n) { if (threadIdx.x < n) a[threadIdx.x] = 1; }
extern "C" __global__ void badSharedBounds(int* a, int n) { extern __shared__ int s[]; s[threadIdx.x + n] = 1; __syncthreads(); a[threadIdx.x] = s[threadIdx.x + n]; }
extern "C" __global__ void goodSharedBounds(int* a, int) { extern __shared__ int s[]; s[threadIdx.x] = 1; __syncthreads(); a[threadIdx.x] = s[threadIdx.x]; }

// --- misaligned
extern "C" __global__ void badAligned(char* a, int) { *(int*)(a + 4 * threadIdx.x + 1) = 1; }
extern "C" __global__ void goodAligned(char* a, int) { *(int*)(a + 4 * threadIdx.x) = 1; }

// --- uninitialised: global, shared, local, register
extern "C" __global__ void copyAll(const int* in, int* out) { out[threadIdx.x] = in[threadIdx.x] + 1; }
extern "C" __global__ void badSharedInit(int* a, int n) { __shared__ int s[64]; if (threadIdx.x != n) s[threadIdx.x] = 1; __syncthreads(); a[threadIdx.x] = s[threadIdx.x]; }
extern "C" __global__ void goodSharedInit(int* a, int) { __shared__ int s[64]; s[threadIdx.x] = 1; __syncthreads(); a[threadIdx.x] = s[threadIdx.x]; }
extern "C" __global__ void badLocalInit(int* a, int n) { int x[8]; for (int i = 0; i < n; ++i) x[(i * 5) & 7] = i; a[threadIdx.x] = x[(n + threadIdx.x) & 7]; }
extern "C" __global__ void goodLocalInit(int* a, int n) { int x[8]; for (int i = 0; i < 8; ++i) x[i] = i; for (int i = 0; i < n; ++i) x[(i * 5) & 7] = i; a[threadIdx.x] = x[(n + threadIdx.x) & 7]; }
extern "C" __global__ void badRegister(int* a, int n) {
  int v;
  asm volatile("{ .reg .pred p; .reg .b32 t; setp.gt.s32 p, %1, 2; @p mov.b32 t, 7; add.s32 %0, t, 1; }" : "=r"(v) : "r"(n));
  a[threadIdx.x] = v;
}
extern "C" __global__ void goodRegister(int* a, int n) {
  int v;
  asm volatile("{ .reg .pred p; .reg .b32 t; setp.gt.s32 p, %1, 2; mov.b32 t, 5; @p mov.b32 t, 7; add.s32 %0, t, 1; }" : "=r"(v) : "r"(n));
  a[threadIdx.x] = v;
}

// --- shared races between warps: read after write, write after read
extern "C" __global__ void badRace(int* a, int) { __shared__ int s[64]; s[threadIdx.x] = 0; __syncthreads(); s[threadIdx.x] = threadIdx.x; a[threadIdx.x] = s[63 - threadIdx.x]; }
extern "C" __global__ void goodRace(int* a, int) { __shared__ int s[64]; s[threadIdx.x] = 0; __syncthreads(); s[threadIdx.x] = threadIdx.x; __syncthreads(); a[threadIdx.x] = s[63 - threadIdx.x]; }
extern "C" __global__ void badLoopRace(int* a, int n) {
  __shared__ int s[64];
  int sum = 0;
  for (int i = 0; i < n; ++i) { s[threadIdx.x] = i + threadIdx.x; __syncthreads(); sum += s[63 - threadIdx.x]; }
  a[threadIdx.x] = sum;
}
extern "C" __global__ void goodLoopRace(int* a, int n) {
  __shared__ int s[64];
  int sum = 0;
  for (int i = 0; i < n; ++i) { s[threadIdx.x] = i + threadIdx.x; __syncthreads(); sum += s[63 - threadIdx.x]; __syncthreads(); }
  a[threadIdx.x] = sum;
}

// --- races inside a warp
extern "C" __global__ void badWarpRace(int* a, int) { __shared__ int s[32]; s[threadIdx.x] = threadIdx.x; a[threadIdx.x] = s[31 - threadIdx.x]; }
extern "C" __global__ void goodWarpRace(int* a, int) { __shared__ int s[32]; s[threadIdx.x] = threadIdx.x; __syncwarp(); a[threadIdx.x] = s[31 - threadIdx.x]; }
extern "C" __global__ void badHalfWarpRace(int* a, int) {   // each half synchronises, but reads from the other
  __shared__ int s[32];
  s[threadIdx.x] = threadIdx.x;
  if (threadIdx.x < 16) __syncwarp(0xffff); else __syncwarp(0xffff0000);
  a[threadIdx.x] = s[31 - threadIdx.x];
}
extern "C" __global__ void goodHalfWarpRace(int* a, int) {
  __shared__ int s[32];
  s[threadIdx.x] = threadIdx.x;
  if (threadIdx.x < 16) __syncwarp(0xffff); else __syncwarp(0xffff0000);
  a[threadIdx.x] = s[threadIdx.x ^ 15];
}

// --- global races between blocks
extern "C" __global__ void badGlobalRace(int* a, int) { a[threadIdx.x] = blockIdx.x; }
extern "C" __global__ void goodGlobalRace(int* a, int) { atomicMax(a + threadIdx.x, (int)blockIdx.x); }
__device__ unsigned ticket;
extern "C" __global__ void badLastBlock(int* a, int) {   // no fence: the sum of the others may not be there
  if (threadIdx.x == 0) { a[blockIdx.x] = 1; if (atomicAdd(&ticket, 1u) == gridDim.x - 1) { int s = 0; for (int b = 0; b < gridDim.x; ++b) s += a[b]; a[63] = s; ticket = 0; } }
}
extern "C" __global__ void goodLastBlock(int* a, int) {
  if (threadIdx.x == 0) { a[blockIdx.x] = 1; __threadfence(); if (atomicAdd(&ticket, 1u) == gridDim.x - 1) { int s = 0; for (int b = 0; b < gridDim.x; ++b) s += a[b]; a[63] = s; ticket = 0; } }
}

// --- barriers and shuffles
extern "C" __global__ void badDivergentBarrier(int* a, int n) {
  if (threadIdx.x < n) { asm volatile("bar.sync 0;"); a[threadIdx.x] = 1; } else { a[threadIdx.x] = 3; asm volatile("bar.sync 0;"); a[threadIdx.x] = 2; }
}
extern "C" __global__ void goodDivergentBarrier(int* a, int n) {
  __syncthreads();
  if (threadIdx.x < n) a[threadIdx.x] = 1; else a[threadIdx.x] = 2;
}
extern "C" __global__ void badBarrierMismatch(int* a, int n) {   // warps at two different barriers
  if (threadIdx.x / 32 == n) { asm volatile("bar.sync 1;"); a[threadIdx.x] = 1; } else { asm volatile("bar.sync 2;"); a[threadIdx.x] = 2; }
}
extern "C" __global__ void goodBarrierMismatch(int* a, int n) {
  if (threadIdx.x / 32 == n) { asm volatile("bar.sync 1, 32;"); a[threadIdx.x] = 1; } else { asm volatile("bar.sync 2, 32;"); a[threadIdx.x] = 2; }
}
extern "C" __global__ void badShuffle(int* a, int n) { int v = threadIdx.x; if (threadIdx.x < n) v = __shfl_xor_sync(0xffffffffu, v, 1); else asm volatile("bar.sync 0;"); a[threadIdx.x] = v; }
extern "C" __global__ void goodShuffle(int* a, int n) { int v = threadIdx.x; if (threadIdx.x < n) v = __shfl_xor_sync(0xffffu, v, 1); a[threadIdx.x] = v; }

// --- cp.async
extern "C" __global__ void badAsync(int* a, int) {
  __shared__ int s[256];
  __pipeline_memcpy_async(&s[threadIdx.x * 4], a + 64 + threadIdx.x * 4, 16);
  __pipeline_commit();
  a[threadIdx.x] = s[threadIdx.x * 4];
}
extern "C" __global__ void goodAsync(int* a, int) {
  __shared__ int s[256];
  __pipeline_memcpy_async(&s[threadIdx.x * 4], a + 64 + threadIdx.x * 4, 16);
  __pipeline_commit();
  __pipeline_wait_prior(0);
  a[threadIdx.x] = s[threadIdx.x * 4];
}
