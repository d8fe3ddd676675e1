// SPDX-License-Identifier: Apache-2.0

// Entry points of the convolution kernels. Their names are built from the catalogue's lines in the same way here and in Java
// (CudaConvolutions); geometry and workspace come from there.

#include "gradients.cuh"
#include "pooling.cuh"
#include "taps.cuh"
#include "window.cuh"

// Up to 64 registers, 96, or 128: left to itself, the compiler spills some to fit more thread blocks on a multiprocessor.
#define KOFN_KERNEL(THREADS) extern "C" __global__ void __launch_bounds__(THREADS, 8)
#define KOFN_WIDE(THREADS) extern "C" __global__ void __launch_bounds__(THREADS, 5)
#define KOFN_WIDEST(THREADS) extern "C" __global__ void __launch_bounds__(THREADS, 4)
#define KOFN_TAKE(T, NAME) __grid_constant__ const kofn::T NAME
#define KOFN_SUMS KOFN_TAKE(Shape, s), KOFN_TAKE(Pattern, p), KOFN_TAKE(Maps, m), KOFN_TAKE(Finish, f)
#define KOFN_GRADIENT KOFN_TAKE(Shape, s), KOFN_TAKE(Pattern, p), KOFN_TAKE(WeightGradient, g)

#define KOFN_WINDOW(STRIDE, ROWS, COLUMNS, STRIP)                                                                   \
  KOFN_WIDEST(128) kofn_convolution_window_##STRIDE##_##ROWS##_##COLUMNS##_##STRIP(KOFN_SUMS) {                       \
    kofn::windowSums<ROWS, COLUMNS, STRIDE, false, STRIP>(s, p, m, f);                                              \
  }

#define KOFN_WINDOW_BACK(STRIDE, ROWS, COLUMNS, STRIP)                                                              \
  KOFN_WIDEST(128) kofn_convolution_window_back_##STRIDE##_##ROWS##_##COLUMNS##_##STRIP(KOFN_SUMS) {                  \
    kofn::windowSums<ROWS, COLUMNS, STRIDE, true, STRIP>(s, p, m, f);                                               \
  }

#define KOFN_WINDOW_GRADIENT(STRIDE, ROWS, COLUMNS, STRIP)                                                          \
  KOFN_WIDE(128) kofn_convolution_weight_gradient_##STRIDE##_##ROWS##_##COLUMNS##_##STRIP(KOFN_GRADIENT) {          \
    kofn::weightGradient<ROWS, COLUMNS == 0 ? 1 : COLUMNS, STRIDE, STRIP>(s, p, g);                                 \
  }

#define KOFN_TAPS(STRIP)                                                                                             \
  KOFN_KERNEL(128) kofn_convolution_taps_##STRIP(KOFN_SUMS) { kofn::tapSums<false, STRIP>(s, p, m, f); }             \
  KOFN_KERNEL(128) kofn_convolution_taps_back_##STRIP(KOFN_SUMS) { kofn::tapSums<true, STRIP>(s, p, m, f); }

#include "catalogue.inc"

KOFN_KERNEL(128) kofn_convolution_weight_gradient_taps(KOFN_GRADIENT) { kofn::weightGradient<1, 1, 0, 8>(s, p, g); }
KOFN_KERNEL(128) kofn_convolution_weight_sums(KOFN_TAKE(Pattern, p), KOFN_TAKE(WeightGradient, g)) { kofn::weightSums(p, g); }
KOFN_KERNEL(128) kofn_convolution_mask_sums(KOFN_TAKE(Pattern, p), KOFN_TAKE(WeightGradient, g), KOFN_TAKE(View, target)) {
  kofn::maskSums(p, g, target);
}
KOFN_KERNEL(128) kofn_convolution_channel_sums(const float* features, float* channels, int count, int pixels) {
  kofn::channelSums(features, channels, count, pixels);
}
KOFN_KERNEL(128) kofn_convolution_max_pool(KOFN_TAKE(Pooling, g)) { kofn::maxPool(g); }
KOFN_KERNEL(128) kofn_convolution_max_pool_gradient(KOFN_TAKE(Pooling, g)) { kofn::maxPoolGradient(g); }
