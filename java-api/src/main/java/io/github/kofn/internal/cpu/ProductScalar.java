// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import io.github.kofn.sparse.Activation;
import java.lang.foreign.MemorySegment;

/**
 * The inner loops without vectors: what runs where the Vector API is absent, and for batches of
 * one, where nothing lies side by side. Four sums run at once, so that an addition need not wait
 * for the one before it.
 */
final class ProductScalar implements ProductLanes {
  @Override
  public int lanes() {
    return 1;
  }

  @Override
  public void sums1(
      MemorySegment x,
      long xAt,
      int stride,
      int[] inputs,
      int inputsAt,
      int length,
      float[] weights,
      int weightsAt,
      MemorySegment y,
      long yAt) {
    for (int b = 0; b < stride; b++) {
      long from = xAt + 4L * b;
      float s = sum(x, from, 4L * stride, inputs, inputsAt, length, weights, weightsAt);
      y.set(JAVA_FLOAT_UNALIGNED, yAt + 4L * b, s);
    }
  }

  private static float sum(
      MemorySegment x,
      long xAt,
      long pitch,
      int[] inputs,
      int inputsAt,
      int length,
      float[] weights,
      int weightsAt) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    int j = 0;
    for (; j + 4 <= length; j += 4) {
      int i = inputsAt + j;
      int w = weightsAt + j;
      s0 += weights[w] * x.get(JAVA_FLOAT_UNALIGNED, xAt + inputs[i] * pitch);
      s1 += weights[w + 1] * x.get(JAVA_FLOAT_UNALIGNED, xAt + inputs[i + 1] * pitch);
      s2 += weights[w + 2] * x.get(JAVA_FLOAT_UNALIGNED, xAt + inputs[i + 2] * pitch);
      s3 += weights[w + 3] * x.get(JAVA_FLOAT_UNALIGNED, xAt + inputs[i + 3] * pitch);
    }
    for (; j < length; j++) {
      float v = x.get(JAVA_FLOAT_UNALIGNED, xAt + inputs[inputsAt + j] * pitch);
      s0 += weights[weightsAt + j] * v;
    }
    return s0 + s1 + (s2 + s3);
  }

  /** A batch of one: the sum of {@code weights[weightsAt + j] * x[inputs[inputsAt + j]]}. */
  static float sum(
      float[] x, int[] inputs, int inputsAt, int length, float[] weights, int weightsAt) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    int j = 0;
    for (; j + 4 <= length; j += 4) {
      int i = inputsAt + j;
      int w = weightsAt + j;
      s0 += weights[w] * x[inputs[i]];
      s1 += weights[w + 1] * x[inputs[i + 1]];
      s2 += weights[w + 2] * x[inputs[i + 2]];
      s3 += weights[w + 3] * x[inputs[i + 3]];
    }
    for (; j < length; j++) {
      s0 += weights[weightsAt + j] * x[inputs[inputsAt + j]];
    }
    return s0 + s1 + (s2 + s3);
  }

  /** The same with weights and U16 inputs side by side, eight sums at once. */
  static float sum(float[] x, char[] inputs, float[] weights, int at, int length) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    float s4 = 0;
    float s5 = 0;
    float s6 = 0;
    float s7 = 0;
    int j = at;
    int end = at + length;
    for (; j + 8 <= end; j += 8) {
      s0 = Math.fma(weights[j], x[inputs[j]], s0);
      s1 = Math.fma(weights[j + 1], x[inputs[j + 1]], s1);
      s2 = Math.fma(weights[j + 2], x[inputs[j + 2]], s2);
      s3 = Math.fma(weights[j + 3], x[inputs[j + 3]], s3);
      s4 = Math.fma(weights[j + 4], x[inputs[j + 4]], s4);
      s5 = Math.fma(weights[j + 5], x[inputs[j + 5]], s5);
      s6 = Math.fma(weights[j + 6], x[inputs[j + 6]], s6);
      s7 = Math.fma(weights[j + 7], x[inputs[j + 7]], s7);
    }
    for (; j < end; j++) {
      s0 = Math.fma(weights[j], x[inputs[j]], s0);
    }
    return s0 + s1 + (s2 + s3) + (s4 + s5 + (s6 + s7));
  }

  @Override
  public void sums4(
      MemorySegment x,
      long xAt,
      int stride,
      int[] inputs,
      int inputsAt,
      int length,
      float[] weights,
      int weightsAt,
      MemorySegment y,
      long yAt,
      int outs,
      float[] tile) {
    for (int b = 0; b < stride; b++) {
      float s0 = 0;
      float s1 = 0;
      float s2 = 0;
      float s3 = 0;
      for (int j = 0; j < length; j++) {
        float v =
            x.get(JAVA_FLOAT_UNALIGNED, xAt + 4L * ((long) inputs[inputsAt + j] * stride + b));
        int w = weightsAt + GROUP * j;
        s0 += weights[w] * v;
        s1 += weights[w + 1] * v;
        s2 += weights[w + 2] * v;
        s3 += weights[w + 3] * v;
      }
      long to = yAt + 4L * b;
      long row = 4L * stride;
      y.set(JAVA_FLOAT_UNALIGNED, to, s0);
      if (outs > 1) {
        y.set(JAVA_FLOAT_UNALIGNED, to + row, s1);
      }
      if (outs > 2) {
        y.set(JAVA_FLOAT_UNALIGNED, to + 2 * row, s2);
      }
      if (outs > 3) {
        y.set(JAVA_FLOAT_UNALIGNED, to + 3 * row, s3);
      }
    }
  }

  @Override
  public void dots(
      MemorySegment d,
      long dAt,
      MemorySegment x,
      long xAt,
      int stride,
      int[] inputs,
      int inputsAt,
      int length,
      float[] sums,
      int sumsAt,
      int pitch) {
    for (int j = 0; j < length; j++) {
      long row = xAt + 4L * stride * inputs[inputsAt + j];
      float s = 0;
      for (int b = 0; b < stride; b++) {
        s += d.get(JAVA_FLOAT_UNALIGNED, dAt + 4L * b) * x.get(JAVA_FLOAT_UNALIGNED, row + 4L * b);
      }
      sums[sumsAt + j * pitch] += s;
    }
  }

  @Override
  public void fold(float[] sums, int count, float[] to) {
    System.arraycopy(sums, 0, to, 0, count);
  }

  @Override
  public void affine(MemorySegment y, long yAt, int width, float factor, float summand) {
    for (long at = yAt; at < yAt + 4L * width; at += 4) {
      y.set(JAVA_FLOAT_UNALIGNED, at, factor * y.get(JAVA_FLOAT_UNALIGNED, at) + summand);
    }
  }

  @Override
  public void activate(MemorySegment y, long yAt, int width, Activation activation) {
    for (long at = yAt; at < yAt + 4L * width; at += 4) {
      float z = y.get(JAVA_FLOAT_UNALIGNED, at);
      y.set(JAVA_FLOAT_UNALIGNED, at, ProductActivations.value(activation, z));
    }
  }

  @Override
  public void multiplyByDerivative(
      MemorySegment y, long yAt, MemorySegment z, long zAt, int width, Activation activation) {
    for (long i = 0; i < 4L * width; i += 4) {
      float slope = ProductActivations.derivative(activation, z.get(JAVA_FLOAT_UNALIGNED, zAt + i));
      y.set(JAVA_FLOAT_UNALIGNED, yAt + i, y.get(JAVA_FLOAT_UNALIGNED, yAt + i) * slope);
    }
  }

  @Override
  public void add(MemorySegment y, long yAt, MemorySegment x, long xAt, int width) {
    for (long i = 0; i < 4L * width; i += 4) {
      float sum = y.get(JAVA_FLOAT_UNALIGNED, yAt + i) + x.get(JAVA_FLOAT_UNALIGNED, xAt + i);
      y.set(JAVA_FLOAT_UNALIGNED, yAt + i, sum);
    }
  }

  @Override
  public void multiply(MemorySegment y, long yAt, MemorySegment x, long xAt, int width) {
    for (long i = 0; i < 4L * width; i += 4) {
      float product = y.get(JAVA_FLOAT_UNALIGNED, yAt + i) * x.get(JAVA_FLOAT_UNALIGNED, xAt + i);
      y.set(JAVA_FLOAT_UNALIGNED, yAt + i, product);
    }
  }

  @Override
  public void total(MemorySegment y, long yAt, int width, float[] sums, int sumsAt) {
    float s = 0;
    for (long at = yAt; at < yAt + 4L * width; at += 4) {
      s += y.get(JAVA_FLOAT_UNALIGNED, at);
    }
    sums[sumsAt] += s;
  }
}
