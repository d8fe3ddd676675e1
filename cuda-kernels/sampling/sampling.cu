// SPDX-License-Identifier: Apache-2.0

// Entry points of the sampling kernels. Their names are built from the catalogue's lines in the same way here and in Java
// (SamplingPlan); geometry and workspace come from there.

#include "draw_block.cuh"
#include "draw_group.cuh"
#include "draw_stream.cuh"
#include "relax.cuh"
#include "sort_winners.cuh"

namespace {
using f32 = float;
using f16 = __half;
using bf16 = __nv_bfloat16;
}  // namespace

#define KOFN_GROUP(T, LANES, QUADS, THREADS)                                                              \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                   \
      kofn_draw_group_##T##_##LANES##_##QUADS(__grid_constant__ const kofn::Draw d, __grid_constant__ const kofn::Outputs o) { \
    kofn::drawGroup<T, LANES, QUADS, THREADS>(d, o);                                                               \
  }

#define KOFN_BLOCK(T, QUADS, THREADS)                                                                     \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                   \
      kofn_draw_block_##T##_##THREADS(__grid_constant__ const kofn::Draw d, __grid_constant__ const kofn::Outputs o) { \
    kofn::drawBlock<T, QUADS, THREADS>(d, o);                                                                      \
  }

#define KOFN_ROWS(T, THREADS)                                                                             \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                   \
      kofn_stream_sample_##T(__grid_constant__ const kofn::Draw d, __grid_constant__ const kofn::Outputs o, \
                             __grid_constant__ const kofn::Stream s) {                                    \
    kofn::streamSample<T>(d, s);                                                                          \
  }                                                                                                       \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                   \
      kofn_stream_filter_##T(__grid_constant__ const kofn::Draw d, __grid_constant__ const kofn::Outputs o, \
                             __grid_constant__ const kofn::Stream s) {                                    \
    kofn::streamFilter<T, THREADS>(d, o, s);                                                              \
  }                                                                                                       \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                   \
      kofn_stream_emit_##T(__grid_constant__ const kofn::Draw d, __grid_constant__ const kofn::Outputs o, \
                           __grid_constant__ const kofn::Stream s) {                                      \
    kofn::streamEmit<T, THREADS>(d, o, s);                                                                \
  }                                                                                                       \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                   \
      kofn_sort_winners_##T(__grid_constant__ const kofn::Draw d, __grid_constant__ const kofn::Sort s) { \
    kofn::sortWinners<T>(d, s);                                                                           \
  }                                                                                                       \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                   \
      kofn_write_sorted_##T(__grid_constant__ const kofn::Draw d, __grid_constant__ const kofn::Outputs o, \
                            __grid_constant__ const kofn::Sort s) {                                       \
    kofn::writeSorted<T>(d, o, s);                                                                        \
  }                                                                                                       \
  extern "C" __global__ void __launch_bounds__(THREADS, 3) /* with 64 registers it would spill */          \
      kofn_relax_##T(__grid_constant__ const kofn::Draw d, __grid_constant__ const kofn::Relax r) {       \
    kofn::relaxRow<T, false>(d, r);                                                                       \
  }                                                                                                       \
  extern "C" __global__ void __launch_bounds__(THREADS, 3) /* with 64 registers it would spill */          \
      kofn_relax_gradient_##T(__grid_constant__ const kofn::Draw d, __grid_constant__ const kofn::Relax r) { \
    kofn::relaxRow<T, true>(d, r);                                                                        \
  }                                                                                                       \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                   \
      kofn_entropy_##T(__grid_constant__ const kofn::Draw d, __grid_constant__ const kofn::Entropy e) {   \
    kofn::entropyRow<T>(d, e);                                                                            \
  }

#include "catalogue.inc"

extern "C" __global__ void __launch_bounds__(256)
    kofn_order_by_index(__grid_constant__ const kofn::Draw d, __grid_constant__ const kofn::Reorder r) {
  kofn::orderByIndex(d, r);
}

#define KOFN_STREAM(NAME, THREADS, CALL)                                                                  \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                   \
      kofn_stream_##NAME(__grid_constant__ const kofn::Draw d, __grid_constant__ const kofn::Outputs o,   \
                         __grid_constant__ const kofn::Stream s) {                                        \
    CALL;                                                                                                 \
  }

KOFN_STREAM(refine, 256, kofn::streamRefine(s))
KOFN_STREAM(pick, 256, kofn::streamPick(d, o, s))
KOFN_STREAM(count, 256, kofn::streamCount(d, s))
KOFN_STREAM(offsets, 64, kofn::streamOffsets(s))
