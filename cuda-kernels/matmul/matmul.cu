// SPDX-License-Identifier: Apache-2.0

// Entry points of the product kernels. Their names are built from the catalogue's lines in the same way here and in Java
// (ProductCatalogue); geometry and workspace come from there.

#include "activation_gradient.cuh"
#include "companion.cuh"
#include "few.cuh"
#include "lanes.cuh"
#include "mask_gradient.cuh"
#include "storage.cuh"
#include "tensor_gradient.cuh"
#include "tensor_product.cuh"
#include "weight_gradient.cuh"

namespace {
using f32 = float;
using i32 = int;
using bf16 = kofn::Bf16;
using f16 = kofn::F16;
using tf32 = kofn::Tf32;
using i8 = kofn::I8;
}  // namespace

#define KOFN_KERNEL(THREADS) extern "C" __global__ void __launch_bounds__(THREADS)
// Two thread blocks a multiprocessor leave a thread the registers that its accumulators need.
#define KOFN_WIDE_KERNEL(THREADS) extern "C" __global__ void __launch_bounds__(THREADS, 2)
#define KOFN_TAKE(T, NAME) __grid_constant__ const kofn::T NAME

#define KOFN_LANES(T, R)                                                                                                        \
  KOFN_WIDE_KERNEL(256) kofn_matmul_lanes_##T##_##R(KOFN_TAKE(Pattern, p), KOFN_TAKE(Operands, o), KOFN_TAKE(Finish, f)) {          \
    kofn::lanesProduct<T, R, false>(p, o, f);                                                                                   \
  }

#define KOFN_LANES_BACK(R)                                                                                                      \
  KOFN_WIDE_KERNEL(256) kofn_matmul_input_gradient_lanes_##R(KOFN_TAKE(Pattern, p), KOFN_TAKE(Operands, o), KOFN_TAKE(Finish, f)) {          \
    kofn::lanesProduct<float, R, true>(p, o, f);                                                                                \
  }

#define KOFN_WEIGHT_GRADIENT(R)                                                                                                 \
  KOFN_KERNEL(256) kofn_matmul_weight_gradient_lanes_##R(KOFN_TAKE(Pattern, p), KOFN_TAKE(Operands, o)) {                               \
    kofn::weightGradient<R>(p, o);                                                                                              \
  }

#define KOFN_TENSOR(T, THREADS, WARPS_M, WARPS_N, R, BLOCK)                                                                      \
  KOFN_WIDE_KERNEL(THREADS) kofn_matmul_tensor_##T##_##BLOCK(KOFN_TAKE(Pattern, p), KOFN_TAKE(Operands, o), KOFN_TAKE(Finish, f)) {    \
    kofn::tensorProduct<kofn::TensorShape<T, BLOCK, R, WARPS_M, WARPS_N, false>>(p, o, f);                                       \
  }

#define KOFN_TENSOR_BACK(T, THREADS, WARPS_M, WARPS_N, R, BLOCK)                                                                 \
  KOFN_WIDE_KERNEL(THREADS)                                                                                                     \
  kofn_matmul_input_gradient_tensor_##T##_##BLOCK(KOFN_TAKE(Pattern, p), KOFN_TAKE(Operands, o), KOFN_TAKE(Finish, f)) {         \
    kofn::tensorProduct<kofn::TensorShape<T, BLOCK, R, WARPS_M, WARPS_N, true>>(p, o, f);                                        \
  }

#define KOFN_TENSOR_GRADIENT(T, THREADS, WARPS_M, WARPS_N, INPUTS, OUTPUTS)                                                      \
  KOFN_WIDE_KERNEL(THREADS) kofn_matmul_weight_gradient_tensor_##T##_##OUTPUTS(KOFN_TAKE(Pattern, p), KOFN_TAKE(Operands, o)) {   \
    kofn::tensorWeightGradient<kofn::GradientShape<T, OUTPUTS, INPUTS, WARPS_M, WARPS_N>>(p, o);                                 \
  }

#define KOFN_TENSOR_MASK(T, THREADS, WARPS_M, WARPS_N, INPUTS, OUTPUTS)                                                          \
  KOFN_WIDE_KERNEL(THREADS) kofn_matmul_mask_gradient_tensor_##T(KOFN_TAKE(MaskGradient, g)) {                                   \
    kofn::tensorMaskGradient<kofn::GradientShape<T, OUTPUTS, INPUTS, WARPS_M, WARPS_N>>(g);                                      \
  }

#define KOFN_FEW(R, EXAMPLES)                                                                                                   \
  KOFN_KERNEL(256) kofn_matmul_few_##R##_##EXAMPLES(KOFN_TAKE(Pattern, p), KOFN_TAKE(Operands, o), KOFN_TAKE(Finish, f)) {       \
    kofn::fewProduct<R, EXAMPLES>(p, o, f);                                                                                     \
  }

#include "catalogue.inc"

KOFN_KERNEL(256) kofn_matmul_stage_1(KOFN_TAKE(View, source), float* target) { kofn::stageFew<1>(source, target); }
KOFN_KERNEL(256) kofn_matmul_stage_4(KOFN_TAKE(View, source), float* target) { kofn::stageFew<4>(source, target); }
KOFN_KERNEL(256) kofn_matmul_stage_8(KOFN_TAKE(View, source), float* target) { kofn::stageFew<8>(source, target); }

KOFN_KERNEL(256) kofn_matmul_mask_gradient(KOFN_TAKE(MaskGradient, g)) { kofn::maskGradient(g); }
KOFN_KERNEL(256) kofn_matmul_sum_blocks(KOFN_TAKE(MaskGradient, g)) { kofn::sumBlocks(g); }

KOFN_KERNEL(256) kofn_matmul_activation_gradient(KOFN_TAKE(ActivationGradient, g)) { kofn::activationGradient(g); }
KOFN_KERNEL(256) kofn_matmul_sum_chunks(KOFN_TAKE(ActivationGradient, g)) { kofn::sumChunks(g); }

KOFN_KERNEL(256) kofn_matmul_column_bits(KOFN_TAKE(Pattern, p), KOFN_TAKE(Transpose, t)) { kofn::columnBits(p, t); }
KOFN_KERNEL(256) kofn_matmul_column_counts(KOFN_TAKE(Pattern, p), KOFN_TAKE(Transpose, t)) { kofn::columnCounts(p, t); }
KOFN_KERNEL(256) kofn_matmul_column_starts(KOFN_TAKE(Pattern, p), KOFN_TAKE(Transpose, t)) { kofn::columnStarts(p, t); }
KOFN_KERNEL(256) kofn_matmul_column_fill(KOFN_TAKE(Pattern, p), KOFN_TAKE(Transpose, t)) { kofn::columnFill(p, t); }

KOFN_KERNEL(256) kofn_matmul_pack_blocks(KOFN_TAKE(Pattern, p), KOFN_TAKE(View, target)) { kofn::packBlocks(p, target); }
KOFN_KERNEL(256) kofn_matmul_scatter_blocks(KOFN_TAKE(Pattern, p), KOFN_TAKE(View, target)) { kofn::scatterBlocks(p, target); }
KOFN_KERNEL(256) kofn_matmul_clear_matrix(KOFN_TAKE(View, target)) { kofn::clearMatrix(target); }
KOFN_KERNEL(256) kofn_matmul_convert(KOFN_TAKE(View, source), KOFN_TAKE(View, target)) { kofn::convertElements(source, target); }
