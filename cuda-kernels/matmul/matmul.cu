// SPDX-License-Identifier: Apache-2.0

// Entry points of the product kernels but those on tensor cores (tensor.cu). Their names are built from the catalogue's lines in the same
// way here and in Java (CudaProducts); geometry and workspace come from there.

#include "activation_gradient.cuh"
#include "chunked.cuh"
#include "companion.cuh"
#include "dense.cuh"
#include "entries.cuh"
#include "few.cuh"
#include "lanes.cuh"
#include "mask_gradient.cuh"
#include "storage.cuh"
#include "weight_gradient.cuh"
#include "weight_sums.cuh"

namespace {
using f32 = float;
using i32 = int;
}  // namespace

#define KOFN_LANES(T, R)                                                                                                        \
  KOFN_WIDE_KERNEL(256) kofn_matmul_lanes_##T##_##R(KOFN_TAKE(Pattern, p), KOFN_TAKE(Operands, o), KOFN_TAKE(Finish, f)) {          \
    kofn::lanesProduct<T, R, false>(p, o, f);                                                                                   \
  }

#define KOFN_LANES_BACK(R)                                                                                                      \
  KOFN_WIDE_KERNEL(256) kofn_matmul_input_gradient_lanes_##R(KOFN_TAKE(Pattern, p), KOFN_TAKE(Operands, o), KOFN_TAKE(Finish, f)) {          \
    kofn::lanesProduct<float, R, true>(p, o, f);                                                                                \
  }

#define KOFN_WEIGHT_GRADIENT(R, V)                                                                                              \
  KOFN_WIDE_KERNEL(256) kofn_matmul_weight_gradient_lanes_##R##_##V(KOFN_TAKE(Pattern, p), KOFN_TAKE(TurnedFeatures, t)) {         \
    kofn::weightGradient<R, V>(p, t);                                                                                           \
  }

#define KOFN_FEW(R, EXAMPLES)                                                                                                   \
  KOFN_KERNEL(256) kofn_matmul_few_##R##_##EXAMPLES(KOFN_TAKE(Pattern, p), KOFN_TAKE(Operands, o), KOFN_TAKE(Finish, f)) {       \
    kofn::fewProduct<R, EXAMPLES>(p, o, f);                                                                                     \
  }

#define KOFN_CHUNKED(OUTPUTS, EXAMPLES)                                                                                         \
  KOFN_WIDE_KERNEL(256)                                                                                                         \
  kofn_matmul_chunked_##EXAMPLES(KOFN_TAKE(Pattern, p), KOFN_TAKE(Operands, o), KOFN_TAKE(Finish, f)) {                         \
    kofn::chunkedProduct<EXAMPLES, OUTPUTS, false>(p, o, f);                                                                    \
  }

#define KOFN_CHUNKED_BACK(OUTPUTS, EXAMPLES)                                                                                    \
  KOFN_WIDE_KERNEL(256)                                                                                                         \
  kofn_matmul_input_gradient_chunked_##EXAMPLES(KOFN_TAKE(Pattern, p), KOFN_TAKE(Operands, o), KOFN_TAKE(Finish, f)) {          \
    kofn::chunkedProduct<EXAMPLES, OUTPUTS, true>(p, o, f);                                                                     \
  }

#define KOFN_DENSE(THREADS, WARPS_M, WARPS_N)                                                                                    \
  extern "C" __global__ void __launch_bounds__(THREADS, THREADS == 64 ? 6 : 2)                                                   \
  kofn_matmul_dense_##THREADS(KOFN_TAKE(Dense, d), KOFN_TAKE(Operands, o), KOFN_TAKE(Finish, f)) {                               \
    kofn::denseProduct<kofn::DenseShape<WARPS_M, WARPS_N>>(d, o, f);                                                            \
  }

#define KOFN_MASK(THREADS, WARPS_M, WARPS_N)                                                                                     \
  extern "C" __global__ void __launch_bounds__(THREADS, THREADS == 64 ? 6 : 2)                                                   \
  kofn_matmul_mask_gradient_##THREADS(KOFN_TAKE(MaskGradient, g)) { kofn::maskGradient<kofn::DenseShape<WARPS_M, WARPS_N>>(g); }

#define KOFN_TENSOR(...)
#define KOFN_TENSOR_HALVES(...)
#define KOFN_TENSOR_BACK(...)
#define KOFN_TENSOR_GRADIENT(...)
#define KOFN_TENSOR_MASK(...)
#define KOFN_GATHERED(...)
#define KOFN_GATHERED_GRADIENT(...)
#include "catalogue.inc"

KOFN_KERNEL(256) kofn_matmul_stage_1(KOFN_TAKE(View, source), float* target) { kofn::stageFew<1>(source, target); }
KOFN_KERNEL(256) kofn_matmul_stage_4(KOFN_TAKE(View, source), float* target) { kofn::stageFew<4>(source, target); }
KOFN_KERNEL(256) kofn_matmul_stage_8(KOFN_TAKE(View, source), float* target) { kofn::stageFew<8>(source, target); }

KOFN_KERNEL(256) kofn_matmul_stage_tiles_16(KOFN_TAKE(TileStaging, s)) { kofn::stageTiles<16>(s); }
KOFN_KERNEL(256) kofn_matmul_stage_tiles_32(KOFN_TAKE(TileStaging, s)) { kofn::stageTiles<32>(s); }
KOFN_KERNEL(256) kofn_matmul_stage_tiles_64(KOFN_TAKE(TileStaging, s)) { kofn::stageTiles<64>(s); }

KOFN_KERNEL(256) kofn_matmul_find_non_finite(KOFN_TAKE(View, source), int* flag) { kofn::findNonFinite(source, flag); }

KOFN_KERNEL(256) kofn_matmul_turn_features(KOFN_TAKE(View, source), float* target, int pitch) {
  kofn::turnFeatures(source, target, pitch);
}

KOFN_KERNEL(256) kofn_matmul_sum_blocks(KOFN_TAKE(MaskGradient, g)) { kofn::sumBlocks(g); }

KOFN_KERNEL(256) kofn_matmul_activation_gradient(KOFN_TAKE(ActivationGradient, g)) { kofn::activationGradient(g); }
KOFN_KERNEL(256) kofn_matmul_sum_chunks(KOFN_TAKE(ActivationGradient, g)) { kofn::sumChunks(g); }

KOFN_KERNEL(256) kofn_matmul_sum_gradients(KOFN_TAKE(Pattern, p), KOFN_TAKE(GradientChunks, c)) { kofn::sumGradients(p, c); }

KOFN_KERNEL(256) kofn_matmul_column_bits(KOFN_TAKE(Pattern, p), KOFN_TAKE(Transpose, t)) { kofn::columnBits(p, t); }
KOFN_KERNEL(256) kofn_matmul_column_counts(KOFN_TAKE(Pattern, p), KOFN_TAKE(Transpose, t)) { kofn::columnCounts(p, t); }
KOFN_KERNEL(256) kofn_matmul_column_starts(KOFN_TAKE(Pattern, p), KOFN_TAKE(Transpose, t)) { kofn::columnStarts(p, t); }
KOFN_KERNEL(256) kofn_matmul_column_fill(KOFN_TAKE(Pattern, p), KOFN_TAKE(Transpose, t)) { kofn::columnFill(p, t); }

KOFN_KERNEL(256) kofn_matmul_column_order(const int* starts, int* order, int columns) { kofn::columnOrder(starts, order, columns); }

KOFN_KERNEL(256) kofn_matmul_pack_blocks(KOFN_TAKE(Pattern, p), KOFN_TAKE(View, target), int chunks) {
  kofn::packBlocks(p, target, chunks);
}
KOFN_KERNEL(256) kofn_matmul_scatter_blocks(KOFN_TAKE(Pattern, p), KOFN_TAKE(View, target), int chunks, int transposed) {
  kofn::scatterBlocks(p, target, chunks, transposed);
}
KOFN_KERNEL(256) kofn_matmul_clear_matrix(KOFN_TAKE(View, target)) { kofn::clearMatrix(target); }
KOFN_KERNEL(256) kofn_matmul_convert(KOFN_TAKE(View, source), KOFN_TAKE(View, target)) { kofn::convertElements(source, target); }
