// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

/** One element after the other. */
final class SamplingSoftmaxScalar implements SamplingSoftmax {
  @Override
  public double weigh(
      float[] values,
      int from,
      int length,
      float top,
      float slope,
      float[] weights,
      float[] lanes) {
    double sum = 0;
    for (int i = from; i < from + length; i++) {
      weights[i] = exp2(values[i] - top, slope);
      sum += weights[i];
    }
    return sum;
  }

  /** 2^(d * slope) for d at most 0. */
  private static float exp2(float d, float slope) {
    float rounded = Math.fma(d, slope, ROUND);
    if (!(rounded >= ROUND - 126)) {
      return 0;
    }
    float f = Math.fma(d, slope, ROUND - rounded);
    float p = Math.fma(f, 0.00015353362f, 0.0013398875f);
    p = Math.fma(p, f, 0.009618437f);
    p = Math.fma(p, f, 0.055503324f);
    p = Math.fma(p, f, 0.24022648f);
    p = Math.fma(p, f, 0.6931472f);
    p = Math.fma(p, f, 1);
    int bits = Float.floatToRawIntBits(p) + (Float.floatToRawIntBits(rounded) << 23);
    return Float.intBitsToFloat(bits);
  }

  @Override
  public double dot(float[] a, int from, float[] b, int fromB, int length, float[] lanes) {
    double sum = 0;
    for (int i = 0; i < length; i++) {
      sum += (double) a[from + i] * b[fromB + i];
    }
    return sum;
  }

  @Override
  public void scale(float[] weights, int from, int length, float factor) {
    for (int i = from; i < from + length; i++) {
      weights[i] *= factor;
    }
  }

  @Override
  public void gradient(
      float[] weights,
      int from,
      float[] v,
      int fromV,
      int length,
      float slope,
      float level,
      float factor,
      float[] out) {
    for (int i = 0; i < length; i++) {
      float w = weights[from + i];
      out[fromV + i] = w > 0 ? w * Math.fma(v[fromV + i], slope, -level) * factor : 0;
    }
  }

  @Override
  public double distanceDot(
      float[] values, float[] weights, int from, int length, float top, float[] lanes) {
    double sum = 0;
    for (int i = from; i < from + length; i++) {
      sum += weights[i] > 0 ? (double) weights[i] * (values[i] - top) : 0;
    }
    return sum;
  }

  @Override
  public void addEntropyGradient(
      float[] values,
      float[] weights,
      int from,
      int length,
      float top,
      float mean,
      float factor,
      float[] gradient) {
    for (int i = from; i < from + length; i++) {
      if (weights[i] > 0) {
        gradient[i] = Math.fma(weights[i] * factor, mean - (values[i] - top), gradient[i]);
      }
    }
  }

  @Override
  public float greatestFinite(float[] values, int from, int length) {
    float greatest = Float.NEGATIVE_INFINITY;
    for (int i = from; i < from + length; i++) {
      if (values[i] > greatest && values[i] < Float.POSITIVE_INFINITY) {
        greatest = values[i];
      }
    }
    return greatest;
  }
}
