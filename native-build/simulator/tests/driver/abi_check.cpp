// SPDX-License-Identifier: Apache-2.0
//
// Compares, at compile time, what the library says about the driver's binary interface with the toolkit's cuda.h: every
// constant, every result, every structure, and the parameters of every entry point. That it compiles is
// most of the test. Built only where cuda.h is installed.
#include <cstdint>
#include <tuple>
#include <type_traits>

#include "driver/cuda_abi.hpp"

#define __CUDA_API_VERSION_INTERNAL   // declares the older forms of entry points too
#include <cuda.h>

// ---- constants and results ----
#define KOFN_CONSTANT(name, value) static_assert(static_cast<long long>(name) == (value), #name);
#include "driver/constants.def"
#undef KOFN_CONSTANT
#define KOFN_RESULT(name, value, text) static_assert(static_cast<int>(name) == (value), #name);
#include "driver/results.def"
#undef KOFN_RESULT

#define SAME_LAYOUT(type) static_assert(sizeof(::type) == sizeof(kofn::cuda::type) && alignof(::type) == alignof(kofn::cuda::type), #type)
#define SAME_FIELD(type, field) static_assert(offsetof(::type, field) == offsetof(kofn::cuda::type, field), #type "." #field)
SAME_LAYOUT(CUuuid);
SAME_LAYOUT(CUdevprop);
SAME_FIELD(CUdevprop, maxGridSize);
SAME_FIELD(CUdevprop, textureAlign);
SAME_LAYOUT(CUmemPoolProps);
SAME_FIELD(CUmemPoolProps, location);
SAME_FIELD(CUmemPoolProps, maxSize);
SAME_LAYOUT(CUlaunchAttribute);
SAME_FIELD(CUlaunchAttribute, value);
SAME_LAYOUT(CUlaunchConfig);
SAME_FIELD(CUlaunchConfig, sharedMemBytes);
SAME_FIELD(CUlaunchConfig, hStream);
SAME_FIELD(CUlaunchConfig, attrs);
SAME_FIELD(CUlaunchConfig, numAttrs);
SAME_LAYOUT(CUDA_MEMCPY2D);
SAME_FIELD(CUDA_MEMCPY2D, srcDevice);
SAME_FIELD(CUDA_MEMCPY2D, dstMemoryType);
SAME_FIELD(CUDA_MEMCPY2D, dstPitch);
SAME_FIELD(CUDA_MEMCPY2D, Height);
SAME_LAYOUT(CUDA_GRAPH_INSTANTIATE_PARAMS);
SAME_FIELD(CUDA_GRAPH_INSTANTIATE_PARAMS, result_out);
SAME_LAYOUT(CUctxCreateParams);
SAME_FIELD(CUctxCreateParams, cigParams);

// ---- entry points ----
namespace {

template <class Ours, class Theirs>
constexpr bool samePassing() {
  if constexpr (std::is_pointer_v<Ours> && std::is_pointer_v<Theirs>) {
    using A = std::remove_cv_t<std::remove_pointer_t<Ours>>;
    using B = std::remove_cv_t<std::remove_pointer_t<Theirs>>;
    if constexpr (std::is_void_v<A> || std::is_void_v<B> || std::is_function_v<A> || std::is_function_v<B>)
      return true;
    else if constexpr (requires { sizeof(A); sizeof(B); })
      return sizeof(A) == sizeof(B) && std::is_pointer_v<A> == std::is_pointer_v<B> && std::is_floating_point_v<A> == std::is_floating_point_v<B>;
    else
      return true;
  } else {
    return sizeof(Ours) == sizeof(Theirs) && std::is_pointer_v<Ours> == std::is_pointer_v<Theirs> &&
           std::is_floating_point_v<Ours> == std::is_floating_point_v<Theirs>;
  }
}

template <class Ours, class Theirs>
struct Same : std::false_type {};
template <class... A, class... B>
struct Same<kofn::cuda::CUresult(A...), CUresult(B...)>
    : std::bool_constant<sizeof...(A) == sizeof...(B) && []<std::size_t... I>(std::index_sequence<I...>) {
        return (samePassing<std::tuple_element_t<I, std::tuple<A...>>, std::tuple_element_t<I, std::tuple<B...>>>() && ...);
      }(std::make_index_sequence<(sizeof...(A) < sizeof...(B) ? sizeof...(A) : sizeof...(B))>())> {};

}  // namespace

namespace kofn::cuda::types {
#define KOFN_ENTRY(version, name, parameters) using name = CUresult parameters;
#include "driver/entry_points.def"
#undef KOFN_ENTRY
}  // namespace kofn::cuda::types

#include <cudaProfiler.h>
#define KOFN_ENTRY(version, name, parameters) \
  static_assert(Same<kofn::cuda::types::name, std::remove_pointer_t<decltype(&::name)>>::value, #name);
#include "driver/entry_points.def"
#undef KOFN_ENTRY

// Numbers that cuda.h spells as pointers cannot be compared by the compiler.
int main() {
  const auto number = [](const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); };
  return number(CU_STREAM_LEGACY) == kofn::cuda::kStreamLegacy && number(CU_STREAM_PER_THREAD) == kofn::cuda::kStreamPerThread &&
                 number(CU_LAUNCH_PARAM_END) == kofn::cuda::kLaunchParamEnd &&
                 number(CU_LAUNCH_PARAM_BUFFER_POINTER) == kofn::cuda::kLaunchParamBufferPointer &&
                 number(CU_LAUNCH_PARAM_BUFFER_SIZE) == kofn::cuda::kLaunchParamBufferSize
             ? 0
             : 1;
}
