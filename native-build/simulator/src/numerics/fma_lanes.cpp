// SPDX-License-Identifier: Apache-2.0
#include "fma_lanes.hpp"

#include "float_arith.hpp"

#if defined(__x86_64__) && defined(__GNUC__)
#define KOFN_CHOOSE_FMA 1
#endif

namespace kofn::sim::num {
namespace {

template <class T> [[gnu::always_inline]] inline void all(T* d, const T* a, const T* b, const T* c) {
#pragma GCC ivdep
  for (int l = 0; l < 32; l++) d[l] = finish(std::fma(a[l], b[l], c[l]), {});
}

template <class T> void portable(T* d, const T* a, const T* b, const T* c) { all(d, a, b, c); }
#ifdef KOFN_CHOOSE_FMA
template <class T> [[gnu::target("avx2,fma")]] void withInstruction(T* d, const T* a, const T* b, const T* c) { all(d, a, b, c); }
#endif

template <class T> auto choose() {
#ifdef KOFN_CHOOSE_FMA
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &withInstruction<T>;
#endif
  return &portable<T>;
}

} // namespace

void fma_lanes(float* d, const float* a, const float* b, const float* c) {
  static const auto f = choose<float>();
  f(d, a, b, c);
}

void fma_lanes(double* d, const double* a, const double* b, const double* c) {
  static const auto f = choose<double>();
  f(d, a, b, c);
}

} // namespace kofn::sim::num
