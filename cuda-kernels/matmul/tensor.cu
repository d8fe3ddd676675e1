// SPDX-License-Identifier: Apache-2.0

// Entry points of the product kernels on tensor cores, apart from the others because they take the longest to compile.

#include "entries.cuh"
#include "tensor_gradient.cuh"
#include "tensor_product.cuh"

namespace {
using bf16 = kofn::Bf16;
using f16 = kofn::F16;
using tf32 = kofn::Tf32;
using i8 = kofn::I8;
}  // namespace

#define KOFN_TENSOR(T, THREADS, WARPS_M, WARPS_N, R, BLOCK)                                                                      \
  KOFN_WIDE_KERNEL(THREADS) kofn_tensor_product_##T##_##BLOCK(KOFN_TAKE(Pattern, p), KOFN_TAKE(Operands, o), KOFN_TAKE(Finish, f)) {    \
    kofn::tensorProduct<kofn::TensorShape<T, BLOCK, R, WARPS_M, WARPS_N, false>>(p, o, f);                                       \
  }

#define KOFN_TENSOR_HALVES(T, THREADS, WARPS_M, WARPS_N, R, BLOCK)                                                               \
  KOFN_WIDE_KERNEL(THREADS)                                                                                                     \
  kofn_tensor_product_halves_##T##_##BLOCK(KOFN_TAKE(Pattern, p), KOFN_TAKE(Operands, o), KOFN_TAKE(Finish, f)) {         \
    kofn::tensorProduct<kofn::TensorShape<T, BLOCK, R, WARPS_M, WARPS_N, false, 4>>(p, o, f);                                    \
  }

#define KOFN_TENSOR_BACK(T, THREADS, WARPS_M, WARPS_N, R, BLOCK)                                                                 \
  KOFN_WIDE_KERNEL(THREADS)                                                                                                     \
  kofn_tensor_input_gradient_##T##_##BLOCK(KOFN_TAKE(Pattern, p), KOFN_TAKE(Operands, o), KOFN_TAKE(Finish, f)) {         \
    kofn::tensorProduct<kofn::TensorShape<T, BLOCK, R, WARPS_M, WARPS_N, true>>(p, o, f);                                        \
  }

#define KOFN_TENSOR_GRADIENT(T, THREADS, WARPS_M, WARPS_N, INPUTS, OUTPUTS)                                                      \
  KOFN_WIDE_KERNEL(THREADS)                                                                                                     \
  kofn_tensor_weight_gradient_##T##_##OUTPUTS##_##INPUTS(KOFN_TAKE(Pattern, p), KOFN_TAKE(Operands, o), KOFN_TAKE(Split, s)) {   \
    kofn::tensorWeightGradient<kofn::GradientShape<T, OUTPUTS, INPUTS, WARPS_M, WARPS_N>>(p, o, s);                              \
  }

#define KOFN_TENSOR_MASK(T, THREADS, WARPS_M, WARPS_N, INPUTS, OUTPUTS)                                                          \
  KOFN_WIDE_KERNEL(THREADS) kofn_tensor_mask_gradient_##T(KOFN_TAKE(MaskGradient, g)) {                                   \
    kofn::tensorMaskGradient<kofn::GradientShape<T, OUTPUTS, INPUTS, WARPS_M, WARPS_N>>(g);                                      \
  }

#define KOFN_LANES(...)
#define KOFN_LANES_BACK(...)
#define KOFN_WEIGHT_GRADIENT(...)
#define KOFN_FEW(...)
#define KOFN_CHUNKED(...)
#define KOFN_CHUNKED_BACK(...)
#define KOFN_DENSE(...)
#define KOFN_MASK(...)
#define KOFN_GATHERED(...)
#define KOFN_GATHERED_GRADIENT(...)
#include "catalogue.inc"
