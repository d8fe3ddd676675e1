// SPDX-License-Identifier: Apache-2.0
// Kernels with nothing wrong in them: the engine's first customers.
#include <cassert>
#include <cstdio>

extern "C" __global__ void vecadd(const float* a, const float* b, float* c, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) c[i] = a[i] + b[i];
}

extern "C" __global__ void blockSum(const float* in, float* out, int n) {
  __shared__ float part[256];
  float s = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) s += in[i];
  part[threadIdx.x] = s;
  __syncthreads();
  for (int d = blockDim.x / 2; d > 0; d /= 2) {
    if (threadIdx.x < d) part[threadIdx.x] += part[threadIdx.x + d];
    __syncthreads();
  }
  if (threadIdx.x == 0) atomicAdd(out, part[0]);
}

extern "C" __global__ void warpSum(const int* in, int* out) {
  int v = in[blockIdx.x * blockDim.x + threadIdx.x];
  for (int d = 16; d > 0; d /= 2) v += __shfl_xor_sync(0xffffffffu, v, d);
  if (threadIdx.x % 32 == 0) out[(blockIdx.x * blockDim.x + threadIdx.x) / 32] = v;
}

__device__ int table[4] = {3, 1, 4, 1};
__constant__ float weights[3] = {0.5f, 0.25f, 2.0f};

__noinline__ __device__ int factorial(int n) { return n < 2 ? 1 : n * factorial(n - 1); }
// Not a tail call, and with local memory that each depth owns.
__noinline__ __device__ int treeSum(int depth, int seed) {
  int local[4];
  for (int i = 0; i < 4; ++i) local[i] = seed * (i + 1);
  if (depth == 0) return local[seed & 3];
  const int left = treeSum(depth - 1, seed + 1), right = treeSum(depth - 1, seed + 2);
  return left + right + local[(seed + depth) & 3];
}
__noinline__ __device__ int doubled(int a) { return 2 * a; }
__noinline__ __device__ int squared(int a) { return a * a; }

extern "C" __global__ void calls(int* out, int mode) {
  const int t = threadIdx.x;
  int (*f)(int) = t % 3 == 0 ? doubled : squared;
  int r = factorial(t % 7) + treeSum(t % 5, t) + f(t);
  switch (mode) {
    case 0: r += table[t & 3]; break;
    case 1: r -= table[t & 3]; break;
    case 2: r += (int)weights[t % 3]; break;
    case 3: r ^= 0x55; break;
    case 4: r *= 3; break;
    default: r = 0;
  }
  out[t] = r;
}

extern "C" __global__ void speak(const char* name, int n) {
  printf("block %d thread %u of %s: %5.2f %lld%%\n", blockIdx.x, threadIdx.x, name, 0.5 * n, (long long)n << 40);
  assert(n != 13);
}

// Divergent loops: each lane its own trip count.
extern "C" __global__ void collatz(const unsigned* in, unsigned* steps, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  unsigned v = in[i], k = 0;
  while (v != 1) v = v & 1 ? 3 * v + 1 : v / 2, ++k;
  steps[i] = k;
}

// The last block to finish adds up: ordered by a fence and an atomic.
__device__ unsigned finished = 0;
extern "C" __global__ void lastBlock(const float* in, float* partial, float* out, int n) {
  __shared__ bool last;
  __shared__ float part[128];
  float s = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) s += in[i];
  part[threadIdx.x] = s;
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int i = 1; i < 128; ++i) s += part[i];
    partial[blockIdx.x] = s;
    __threadfence();
    last = atomicAdd(&finished, 1u) == gridDim.x - 1;
  }
  __syncthreads();
  if (last && threadIdx.x == 0) {
    float total = 0;
    for (unsigned b = 0; b < gridDim.x; ++b) total += partial[b];
    *out = total;
    finished = 0;
  }
}

// Every block waits for its left neighbour: works only when blocks make progress side by side.
extern "C" __global__ void chain(volatile int* flags, int* out) {
  if (threadIdx.x == 0) {
    if (blockIdx.x > 0)
      while (flags[blockIdx.x - 1] == 0) {}
    __threadfence();
    out[blockIdx.x] = blockIdx.x > 0 ? out[blockIdx.x - 1] + 1 : 1;
    __threadfence();
    flags[blockIdx.x] = 1;
  }
}

// A spin lock between lanes of one warp needs progress of every lane.
extern "C" __global__ void spinLock(int* lock, int* sum) {
  bool done = false;
  while (!done) {
    if (atomicCAS(lock, 0, 1) == 0) {
      *(volatile int*)sum = *(volatile int*)sum + 1;
      __threadfence();
      atomicExch(lock, 0);
      done = true;
    }
  }
}

extern "C" __global__ void early(int* out) {
  __shared__ int s[64];
  if (threadIdx.x >= 40) return;   // exited lanes must not hold up the barrier
  s[threadIdx.x] = threadIdx.x;
  __syncthreads();
  out[threadIdx.x] = s[39 - threadIdx.x];
}

extern "C" __global__ void counted(int* out, const int* in) {
  out[threadIdx.x] = __syncthreads_count(in[threadIdx.x]) * 4 + __syncthreads_or(in[threadIdx.x] > 1) * 2 + __syncthreads_and(in[threadIdx.x] >= 0);
}
