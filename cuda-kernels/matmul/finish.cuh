// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "views.cuh"

// What happens to a sum before it is stored.
//
//   z = scale outputScales[o] sum + bias[o],   y = (activation(z) + residual) derivative'(before)
//
// The last factor is the input gradient's: the slope of the layer before, at its own z. With Phi and phi the normal distribution and
// density and s the logistic function:
//
//              f(z)       f'(z)
//   identity   z          1
//   ReLU       max(z, 0)  1 where z > 0, else 0
//   GELU       z Phi(z)   Phi(z) + z phi(z)
//   SiLU       z s(z)     s(z) (1 + z (1 - s(z)))
//
// At the infinities the limits hold, so a weight that has vanished wins over a number that has grown.

namespace kofn {

enum Activation : int { kIdentity, kRelu, kGelu, kSilu };  // ProductParameters.code

__device__ __forceinline__ float weighted(float number, float weight) { return weight == 0.0f ? 0.0f : number * weight; }

__device__ __forceinline__ float normal(float z) { return 0.5f * erfcf(-0.70710678118654752f * z); }

__device__ __forceinline__ float logistic(float z) { return 1.0f / (1.0f + expf(-z)); }

// Of F32, and within 8 units of |z| 2^-24. Called, not inlined: the code is long, and epilogues run once.
static __device__ __noinline__ float activate(int activation, float z) {
  switch (activation) {
    case kRelu: return z < 0.0f ? 0.0f : z;
    case kGelu: return weighted(z, normal(z));
    case kSilu: return weighted(z, logistic(z));
    default: return z;
  }
}

static __device__ __noinline__ float slope(int activation, float z) {
  switch (activation) {
    case kRelu: return z > 0.0f ? 1.0f : 0.0f;
    case kGelu: return normal(z) + weighted(z, 0.39894228040143268f * expf(-0.5f * z * z));
    case kSilu: return weighted(1.0f + weighted(z, logistic(-z)), logistic(z));
    default: return 1.0f;
  }
}

// Up to 8 neighbouring elements of a row, in accesses of 16 bytes where they are whole and aligned.
__device__ __forceinline__ bool isVector(const View& v, long long at, int count) {
  const int bytes = v.type == kF32 ? 4 : 2;
  return count == 8 && !v.panels && (reinterpret_cast<unsigned long long>(v.data) + at * bytes) % 16 == 0;
}

__device__ __forceinline__ void storeRun(const View& v, long long row, int column, const float (&values)[8], int count) {
  const long long at = v.at(row, column);
  if (!isVector(v, at, count)) {
    for (int i = 0; i < 8; ++i)
      if (i < count) storeFloat(v.data, v.type, v.at(row, column + i), values[i]);
  } else if (v.type == kF32) {
    float4* to = reinterpret_cast<float4*>(static_cast<float*>(v.data) + at);
    to[0] = make_float4(values[0], values[1], values[2], values[3]);
    to[1] = make_float4(values[4], values[5], values[6], values[7]);
  } else {
    unsigned words[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      if (v.type == kBf16) {
        const __nv_bfloat162 pair = __floats2bfloat162_rn(values[2 * i], values[2 * i + 1]);
        words[i] = *reinterpret_cast<const unsigned*>(&pair);
      } else {
        const __half2 pair = __floats2half2_rn(values[2 * i], values[2 * i + 1]);
        words[i] = *reinterpret_cast<const unsigned*>(&pair);
      }
    }
    *reinterpret_cast<uint4*>(static_cast<unsigned short*>(v.data) + at) = make_uint4(words[0], words[1], words[2], words[3]);
  }
}

__device__ __forceinline__ void loadRun(const View& v, long long row, int column, float (&values)[8], int count) {
  const long long at = v.at(row, column);
  if (!isVector(v, at, count)) {
    for (int i = 0; i < 8; ++i) values[i] = i < count ? loadFloat(v, row, column + i) : 0.0f;
  } else if (v.type == kF32) {
    const float4* from = reinterpret_cast<const float4*>(static_cast<const float*>(v.data) + at);
    const float4 a = from[0], b = from[1];
    values[0] = a.x, values[1] = a.y, values[2] = a.z, values[3] = a.w;
    values[4] = b.x, values[5] = b.y, values[6] = b.z, values[7] = b.w;
  } else {
    const uint4 raw = *reinterpret_cast<const uint4*>(static_cast<const unsigned short*>(v.data) + at);
    const unsigned words[4] = {raw.x, raw.y, raw.z, raw.w};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const float2 pair = v.type == kBf16 ? __bfloat1622float2(*reinterpret_cast<const __nv_bfloat162*>(&words[i]))
                                          : __half22float2(*reinterpret_cast<const __half2*>(&words[i]));
      values[2 * i] = pair.x;
      values[2 * i + 1] = pair.y;
    }
  }
}

struct Finish {
  const float* outputScales;  // [out], null where absent
  const float* bias;          // [out], null where absent
  View preActivation;         // receives z
  View residual;
  View before;                // the z of the layer before
  float scale;
  int activation, derivative;

  // One element of the result; float(sum) has been taken already.
  __device__ __forceinline__ void store(const View& y, long long example, int output, float sum) const {
    store(y, example, output, output, sum);
  }

  // With the scale and the bias of a channel that has several outputs.
  __device__ __forceinline__ void store(const View& y, long long example, int output, int channel, float sum) const {
    float z = scale * sum;
    if (outputScales != nullptr) z *= outputScales[channel];
    if (bias != nullptr) z += bias[channel];
    if (preActivation.data != nullptr) static_cast<float*>(preActivation.data)[preActivation.at(example, output)] = z;
    float value = activate(activation, z);
    if (residual.data != nullptr) value += loadFloat(residual, example, output);
    if (before.data != nullptr) value *= slope(derivative, loadFloat(before, example, output));
    storeFloat(y.data, y.type, y.at(example, output), value);
  }

  // The same for up to 8 neighbouring outputs.
  __device__ __forceinline__ void storeRun(const View& y, long long example, int output, const float (&sums)[8], int count) const {
    float z[8], value[8], more[8];
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      z[i] = scale * (i < count ? sums[i] : 0.0f);
      if (outputScales != nullptr && i < count) z[i] *= outputScales[output + i];
      if (bias != nullptr && i < count) z[i] += bias[output + i];
    }
    if (preActivation.data != nullptr) kofn::storeRun(preActivation, example, output, z, count);
#pragma unroll
    for (int i = 0; i < 8; ++i) value[i] = activation == kIdentity ? z[i] : activate(activation, z[i]);
    if (residual.data != nullptr) {
      loadRun(residual, example, output, more, count);
#pragma unroll
      for (int i = 0; i < 8; ++i) value[i] += more[i];
    }
    if (before.data != nullptr) {
      loadRun(before, example, output, more, count);
#pragma unroll
      for (int i = 0; i < 8; ++i) value[i] *= slope(derivative, more[i]);
    }
    kofn::storeRun(y, example, output, value, count);
  }
};

}  // namespace kofn
