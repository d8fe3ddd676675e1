// SPDX-License-Identifier: Apache-2.0
//
// The CUDA math library: what nvcc makes of these names is long, straight-line code full of rare forms.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#define UNARY(name, T, expression)                                     \
  extern "C" __global__ void name(const T* in, T* out, int n) {        \
    const int i = blockIdx.x * blockDim.x + threadIdx.x;               \
    if (i < n) { const T x = in[i]; out[i] = expression; }             \
  }

UNARY(f_exp, float, expf(x))
UNARY(f_log, float, logf(x))
UNARY(f_erf, float, erff(x))
UNARY(f_erfc, float, erfcf(x))
UNARY(f_tanh, float, tanhf(x))
UNARY(f_sin, float, sinf(x))
UNARY(f_cos, float, cosf(x))
UNARY(f_tan, float, tanf(x))
UNARY(f_cbrt, float, cbrtf(x))
UNARY(f_log1p, float, log1pf(x))
UNARY(f_expm1, float, expm1f(x))
UNARY(f_exp2, float, exp2f(x))
UNARY(f_log2, float, log2f(x))
UNARY(f_rsqrt, float, rsqrtf(x))
UNARY(f_sqrt, float, sqrtf(x))
UNARY(f_atan, float, atanf(x))
UNARY(f_asin, float, asinf(x))
UNARY(f_sinh, float, sinhf(x))
UNARY(f_lgamma, float, lgammaf(x))
UNARY(f_round, float, roundf(x) + rintf(x) + floorf(x) + ceilf(x) + truncf(x))
UNARY(f_fastexp, float, __expf(x))
UNARY(f_fastlog, float, __logf(x))
UNARY(f_fastsin, float, __sinf(x))
UNARY(d_exp, double, exp(x))
UNARY(d_log, double, log(x))
UNARY(d_sin, double, sin(x))
UNARY(d_cos, double, cos(x))
UNARY(d_tanh, double, tanh(x))
UNARY(d_erf, double, erf(x))
UNARY(d_cbrt, double, cbrt(x))
UNARY(d_tgamma, double, tgamma(x))
UNARY(d_rsqrt, double, rsqrt(x))

#define BINARY(name, T, expression)                                              \
  extern "C" __global__ void name(const T* a, const T* b, T* out, int n) {       \
    const int i = blockIdx.x * blockDim.x + threadIdx.x;                         \
    if (i < n) { const T x = a[i], y = b[i]; out[i] = expression; }              \
  }

BINARY(f_pow, float, powf(x, y))
BINARY(f_atan2, float, atan2f(x, y))
BINARY(f_fmod, float, fmodf(x, y))
BINARY(f_remainder, float, remainderf(x, y))
BINARY(f_hypot, float, hypotf(x, y))
BINARY(f_div, float, x / y)
BINARY(f_minmax, float, fmaxf(x, y) - fminf(x, y) + copysignf(x, y))
BINARY(d_pow, double, pow(x, y))
BINARY(d_div, double, x / y)
BINARY(i_div, long long, x / y + x % y)
BINARY(i_mulhi, long long, __mul64hi(x, y) + static_cast<long long>(__umul64hi(x, y)))
BINARY(i_bits, unsigned,
       (__brev(x) ^ __byte_perm(x, y, y & 0x7777)) + __funnelshift_l(x, y, y) * 3 + __funnelshift_rc(x, y, x) + __popc(x) * 5 +
           __clz(y) * 7 + __ffs(x) + __sad(int(x), int(y), 9) + __umulhi(x, y) + __uhadd(x, y) + __vadd4(x, y) + __vmaxu2(x, y) +
           __vabsdiffu4(x, y) + __dp4a(int(x), int(y), 3) + __mul24(int(x), int(y)) + __rhadd(int(x), int(y)))

extern "C" __global__ void halves(const float* a, const float* b, float* out, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const __half x = __float2half(a[i]), y = __float2half(b[i]);
  const __half2 v = __halves2half2(x, y), w = __hfma2(v, v, __half2half2(y));
  out[8 * i + 0] = __half2float(__hadd(x, y));
  out[8 * i + 1] = __half2float(__hmul(x, y));
  out[8 * i + 2] = __half2float(__hfma(x, y, x));
  out[8 * i + 3] = __low2float(w);
  out[8 * i + 4] = __high2float(w);
  out[8 * i + 5] = __hlt(x, y) ? 1.0f : 0.0f;
  out[8 * i + 6] = __half2float(__hmax(x, y));
  out[8 * i + 7] = static_cast<float>(__half2int_rn(x)) + __half2float(__int2half_rz(i));
}

extern "C" __global__ void brains(const float* a, const float* b, float* out, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const __nv_bfloat16 x = __float2bfloat16(a[i]), y = __float2bfloat16(b[i]);
  const __nv_bfloat162 v = __floats2bfloat162_rn(a[i], b[i]), w = __hfma2(v, v, v);
  out[6 * i + 0] = __bfloat162float(__hadd(x, y));
  out[6 * i + 1] = __bfloat162float(__hmul(x, y));
  out[6 * i + 2] = __bfloat162float(__hfma(x, y, x));
  out[6 * i + 3] = __low2float(w);
  out[6 * i + 4] = __high2float(w);
  out[6 * i + 5] = __bfloat162float(__hmin(x, y));
}
