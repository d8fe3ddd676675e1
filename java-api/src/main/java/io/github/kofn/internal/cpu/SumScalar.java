// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Sums without vectors: what runs where the Vector API is absent, and for batches of one, where
 * nothing lies side by side. Four sums run at once, so that an addition need not wait for the one
 * before it.
 */
final class SumScalar implements SumKernels {
  @Override
  public void one(
      MemorySegment x,
      long xAt,
      int stride,
      int[] inputs,
      int from,
      int to,
      float[] weights,
      int weightsAt,
      MemorySegment y,
      long yAt) {
    for (int b = 0; b < stride; b++) {
      float s = sum(x, xAt + 4L * b, 4L * stride, inputs, from, to - from, weights, weightsAt, 1);
      y.set(JAVA_FLOAT_UNALIGNED, yAt + 4L * b, s);
    }
  }

  static float sum(
      MemorySegment x,
      long xAt,
      long row,
      int[] inputs,
      int from,
      int length,
      float[] weights,
      int weightsAt,
      int pitch) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    int j = 0;
    for (; j + 4 <= length; j += 4) {
      int i = from + j;
      int w = weightsAt + j * pitch;
      s0 += weights[w] * x.get(JAVA_FLOAT_UNALIGNED, xAt + inputs[i] * row);
      s1 += weights[w + pitch] * x.get(JAVA_FLOAT_UNALIGNED, xAt + inputs[i + 1] * row);
      s2 += weights[w + 2 * pitch] * x.get(JAVA_FLOAT_UNALIGNED, xAt + inputs[i + 2] * row);
      s3 += weights[w + 3 * pitch] * x.get(JAVA_FLOAT_UNALIGNED, xAt + inputs[i + 3] * row);
    }
    for (; j < length; j++) {
      float v = x.get(JAVA_FLOAT_UNALIGNED, xAt + inputs[from + j] * row);
      s0 += weights[weightsAt + j * pitch] * v;
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
}
