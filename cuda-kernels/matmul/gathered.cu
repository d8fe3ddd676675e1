// SPDX-License-Identifier: Apache-2.0

// Entry points of products that gather kept inputs for tensor cores, and of what lays their operands out.

#include "entries.cuh"
#include "gathered.cuh"
#include "gathered_gradient.cuh"

namespace {
using bf16 = kofn::Bf16;
using f16 = kofn::F16;
using tf32 = kofn::Tf32;
}  // namespace

#define KOFN_GATHERED(T, THREADS, WARPS_M, WARPS_N, EXAMPLES, RESULTS)                                                           \
  KOFN_WIDE_KERNEL(THREADS)                                                                                                     \
  kofn_gathered_product_##T##_##RESULTS(KOFN_TAKE(Pattern, p), KOFN_TAKE(Operands, o), KOFN_TAKE(Finish, f)) {                  \
    kofn::gatheredProduct<kofn::TurnedShape<T, EXAMPLES, RESULTS, WARPS_M, WARPS_N>>(p, o, f);                                   \
  }

#define KOFN_GATHERED_GRADIENT(T, THREADS, WARPS_M, WARPS_N, TERMS, OUTPUTS)                                                      \
  KOFN_WIDE_KERNEL(THREADS)                                                                                                     \
  kofn_gathered_weight_gradient_##T##_##OUTPUTS(KOFN_TAKE(Pattern, p), KOFN_TAKE(Operands, o), KOFN_TAKE(Split, s)) {            \
    using Shape = kofn::TensorShape<T, OUTPUTS, 1, WARPS_M, WARPS_N, false>;                                                     \
    static_assert(Shape::kExamples == TERMS, "the catalogue's terms");                                                          \
    kofn::gatheredWeightGradient<Shape>(p, o, s);                                                                               \
  }

#define KOFN_LANES(...)
#define KOFN_LANES_BACK(...)
#define KOFN_WEIGHT_GRADIENT(...)
#define KOFN_FEW(...)
#define KOFN_CHUNKED(...)
#define KOFN_CHUNKED_BACK(...)
#define KOFN_DENSE(...)
#define KOFN_MASK(...)
#define KOFN_TENSOR(...)
#define KOFN_TENSOR_HALVES(...)
#define KOFN_TENSOR_BACK(...)
#define KOFN_TENSOR_GRADIENT(...)
#define KOFN_TENSOR_MASK(...)
#include "catalogue.inc"

KOFN_KERNEL(256) kofn_gathered_panels_2(KOFN_TAKE(Staging, s)) { kofn::stagePanels(s); }
KOFN_KERNEL(256) kofn_gathered_panels_4(KOFN_TAKE(Staging, s)) { kofn::stageWidePanels(s); }
KOFN_KERNEL(256) kofn_gathered_terms_2(KOFN_TAKE(Pattern, p), KOFN_TAKE(TermStaging, s)) { kofn::stageTerms<unsigned short>(p, s); }
KOFN_KERNEL(256) kofn_gathered_terms_4(KOFN_TAKE(Pattern, p), KOFN_TAKE(TermStaging, s)) { kofn::stageTerms<unsigned>(p, s); }
