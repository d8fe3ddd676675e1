// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// Tensor-core instructions, and what feeds them. All element types share one geometry: a unit of 32 bytes along the contraction is one mma
// (k = 16 for 16-bit types, 8 for TF32, 32 for I8), and ldmatrix moves rows of 16 bytes whatever they hold.

namespace kofn {

// Keeps a value in a register: left alone, the compiler computes it again in every branch of a loop that needs it.
__device__ __forceinline__ void pin(unsigned& value) { asm volatile("" : "+r"(value)); }

constexpr int kUnitBytes = 32;
constexpr int kPieceBytes = 16;  // what one cp.async and one ldmatrix row move

__device__ __forceinline__ unsigned sharedAddress(const void* p) { return static_cast<unsigned>(__cvta_generic_to_shared(p)); }

// 16 bytes from global to shared memory, of which the first `bytes` are read and the others zero.
__device__ __forceinline__ void copyAsync(unsigned to, const void* from, int bytes) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(to), "l"(from), "r"(bytes) : "memory");
}
__device__ __forceinline__ void commitCopies() { asm volatile("cp.async.commit_group;\n" ::: "memory"); }
template <int PENDING>
__device__ __forceinline__ void waitCopies() { asm volatile("cp.async.wait_group %0;\n" ::"n"(PENDING) : "memory"); }

__device__ __forceinline__ void loadMatrices(uint32_t (&r)[4], unsigned from) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];\n"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(from) : "memory");
}
template <int OFFSET = 0>
__device__ __forceinline__ void loadTransposed(uint32_t (&r)[4], unsigned from) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4 + %5];\n"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(from), "n"(OFFSET) : "memory");
}
template <int OFFSET = 0>
__device__ __forceinline__ uint32_t loadWord(unsigned from) {
  uint32_t r;
  asm volatile("ld.shared.b32 %0, [%1 + %2];\n" : "=r"(r) : "r"(from), "n"(OFFSET) : "memory");
  return r;
}

// Eight floats of a row in shared memory, aligned to 16 bytes. Lanes lie 32 bytes apart, so that four of them cover all banks with one
// half each: the next four begin with the other.
__device__ __forceinline__ void loadEight(const float* from, int other, float (&values)[8]) {
  const float4 first = *reinterpret_cast<const float4*>(from + 4 * other);
  const float4 second = *reinterpret_cast<const float4*>(from + 4 - 4 * other);
  const float4 low = other ? second : first, high = other ? first : second;
  values[0] = low.x, values[1] = low.y, values[2] = low.z, values[3] = low.w;
  values[4] = high.x, values[5] = high.y, values[6] = high.z, values[7] = high.w;
}

// Shared memory is conflict-free where the 8 rows of an ldmatrix phase hit 8 different 16-byte columns of a 128-byte line: a row's
// pieces are permuted by its number. PIECES is the length of a row in pieces, a power of two.
template <int PIECES>
__device__ __forceinline__ int swizzle(int piece, int row) {
  if constexpr (PIECES >= 8) return piece ^ (row & 7);
  if constexpr (PIECES == 4) return piece ^ (row >> 1 & 3);
  return piece ^ (row >> 2 & 1);
}

#define KOFN_MMA_F32(SHAPE_AND_TYPES)                                                                                   \
  asm volatile("mma.sync.aligned." SHAPE_AND_TYPES " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};\n"  \
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])                                                         \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1))

struct Bf16 {
  using Sum = float;
  static constexpr int kBytes = 2;
  static __device__ __forceinline__ void round(uint32_t&) {}
  static __device__ __forceinline__ void mma(Sum (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    KOFN_MMA_F32("m16n8k16.row.col.f32.bf16.bf16.f32");
  }
};

struct F16 {
  using Sum = float;
  static constexpr int kBytes = 2;
  static __device__ __forceinline__ void round(uint32_t&) {}
  static __device__ __forceinline__ void mma(Sum (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    KOFN_MMA_F32("m16n8k16.row.col.f32.f16.f16.f32");
  }
};

// F32 in memory; factors are rounded to nearest, 10 mantissa bits.
struct Tf32 {
  using Sum = float;
  static constexpr int kBytes = 4;
  static __device__ __forceinline__ void round(uint32_t& x) { asm("cvt.rna.tf32.f32 %0, %1;\n" : "=r"(x) : "f"(__uint_as_float(x))); }
  static __device__ __forceinline__ void mma(Sum (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    KOFN_MMA_F32("m16n8k8.row.col.f32.tf32.tf32.f32");
  }
};

struct I8 {
  using Sum = int;
  static constexpr int kBytes = 1;
  static __device__ __forceinline__ void round(uint32_t&) {}
  static __device__ __forceinline__ void mma(Sum (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};\n"
                 : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
};

#undef KOFN_MMA_F32

}  // namespace kofn
