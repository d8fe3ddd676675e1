// SPDX-License-Identifier: Apache-2.0
// A bf16 matrix product as kernels really do it: cp.async into two buffers, ldmatrix, mma; 64 x 64 x 32 a block, 128 threads.
// Y[m][n] = sum_k A[m][k] B[n][k], with m, n multiples of 64 and k of 32.
#include <cuda_bf16.h>
#include <cuda_pipeline.h>

constexpr int kTile = 64, kDepth = 32, kPitch = kDepth + 8;   // 80-byte rows: ldmatrix without bank conflicts

extern "C" __global__ void __launch_bounds__(128) gemm(const __nv_bfloat16* a, const __nv_bfloat16* b, float* y, int n, int k) {
  __shared__ __align__(16) __nv_bfloat16 sa[2][kTile][kPitch], sb[2][kTile][kPitch];
  const int t = threadIdx.x, lane = t % 32, warp = t / 32;
  const int m0 = blockIdx.y * kTile, n0 = blockIdx.x * kTile;
  float acc[8][4] = {};
  auto fetch = [&](int buffer, int k0) {
    for (int i = t; i < kTile * 4; i += 128) {
      const int row = i / 4, part = i % 4 * 8;
      __pipeline_memcpy_async(&sa[buffer][row][part], a + (long long)(m0 + row) * k + k0 + part, 16);
      __pipeline_memcpy_async(&sb[buffer][row][part], b + (long long)(n0 + row) * k + k0 + part, 16);
    }
    __pipeline_commit();
  };
  fetch(0, 0);
  for (int k0 = 0; k0 < k; k0 += kDepth) {
    const int buffer = k0 / kDepth % 2;
    if (k0 + kDepth < k) { fetch(buffer ^ 1, k0 + kDepth); __pipeline_wait_prior(1); } else { __pipeline_wait_prior(0); }
    __syncthreads();
    for (int s = 0; s < kDepth; s += 16) {
      unsigned ra[4];
      const unsigned pa = __cvta_generic_to_shared(&sa[buffer][warp * 16 + lane % 16][s + lane / 16 * 8]);
      asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];" : "=r"(ra[0]), "=r"(ra[1]), "=r"(ra[2]), "=r"(ra[3]) : "r"(pa));
      for (int j = 0; j < 8; j += 2) {
        unsigned rb[4];
        const unsigned pb = __cvta_generic_to_shared(&sb[buffer][j * 8 + lane % 8 + lane / 16 * 8][s + lane / 8 % 2 * 8]);
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];" : "=r"(rb[0]), "=r"(rb[1]), "=r"(rb[2]), "=r"(rb[3]) : "r"(pb));
        for (int h = 0; h < 2; ++h) {
          float* c = acc[j + h];
          asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                       : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) : "r"(ra[0]), "r"(ra[1]), "r"(ra[2]), "r"(ra[3]), "r"(rb[2 * h]), "r"(rb[2 * h + 1]));
        }
      }
    }
    __syncthreads();
  }
  for (int j = 0; j < 8; ++j)
    for (int i = 0; i < 4; ++i)
      y[(long long)(m0 + warp * 16 + lane / 4 + i / 2 * 8) * n + n0 + j * 8 + lane % 4 * 2 + i % 2] = acc[j][i];
}

// Arithmetic only: the benchmark's plain kernel.
extern "C" __global__ void mix(unsigned* out, int rounds) {
  unsigned a = threadIdx.x * 2654435761u + blockIdx.x, b = a ^ 0x9e3779b9u, c = a + 12345u;
  float f = 1.0f, g = 0.5f;
  for (int i = 0; i < rounds; ++i) {
    a = a * 1664525u + 1013904223u;
    b ^= a >> 15;
    c += b * 5u;
    b = (b << 7) | (b >> 25);
    f = fmaf(f, 0.999f, g);
    g = g * 0.5f + f * 0.25f;
    a ^= c;
  }
  out[blockIdx.x * blockDim.x + threadIdx.x] = a + b + c + __float_as_uint(f + g);
}
