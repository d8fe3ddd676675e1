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

// Of F32, and within 8 units of |z| 2^-24.
__device__ __forceinline__ float activate(int activation, float z) {
  switch (activation) {
    case kRelu: return z < 0.0f ? 0.0f : z;
    case kGelu: return weighted(z, normal(z));
    case kSilu: return weighted(z, logistic(z));
    default: return z;
  }
}

__device__ __forceinline__ float slope(int activation, float z) {
  switch (activation) {
    case kRelu: return z > 0.0f ? 1.0f : 0.0f;
    case kGelu: return normal(z) + weighted(z, 0.39894228040143268f * expf(-0.5f * z * z));
    case kSilu: return weighted(1.0f + weighted(z, logistic(-z)), logistic(z));
    default: return 1.0f;
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
    float z = scale * sum;
    if (outputScales != nullptr) z *= outputScales[output];
    if (bias != nullptr) z += bias[output];
    if (preActivation.data != nullptr) static_cast<float*>(preActivation.data)[preActivation.at(example, output)] = z;
    float value = activate(activation, z);
    if (residual.data != nullptr) value += loadFloat(residual, example, output);
    if (before.data != nullptr) value *= slope(derivative, loadFloat(before, example, output));
    storeFloat(y.data, y.type, y.at(example, output), value);
  }
};

}  // namespace kofn
