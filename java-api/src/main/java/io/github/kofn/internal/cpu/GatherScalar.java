// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Without vectors: eight sums at once, so that an addition need not wait for the one before it. */
final class GatherScalar implements GatherKernel {
  @Override
  public int lanes() {
    return 1;
  }

  /** Widens U16 inputs in native memory, from a byte on. */
  private static void widen(MemorySegment inputs, long at, int[] to, int count) {
    for (int i = 0; i < count; i++) {
      to[i] = inputs.get(ValueLayout.JAVA_CHAR_UNALIGNED, at + 2L * i);
    }
  }

  @Override
  public void pick(float[] from, int[] positions, int at, float[] to, int toAt, int count) {
    for (int i = 0; i < count; i++) {
      to[toAt + i] = from[positions[at + i]];
    }
  }

  @Override
  public void rows(
      float[] x,
      MemorySegment inputs,
      long inputsAt,
      MemorySegment weights,
      long weightsAt,
      int rows,
      int k,
      int[] widened,
      float[] products,
      float[] sums,
      int sumsAt) {
    widen(inputs, inputsAt, widened, rows * k);
    rows(x, widened, weights, weightsAt, rows, k, sums, sumsAt);
  }

  @Override
  public void rows(
      float[] x,
      int[] inputs,
      MemorySegment weights,
      long weightsAt,
      int rows,
      int k,
      float[] sums,
      int sumsAt) {
    for (int r = 0; r < rows; r++) {
      sums[sumsAt + r] = sum(x, inputs, weights.asSlice(weightsAt + 4L * r * k, 4L * k), r * k, k);
    }
  }

  private static float sum(float[] x, int[] inputs, MemorySegment weights, int at, int length) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    float s4 = 0;
    float s5 = 0;
    float s6 = 0;
    float s7 = 0;
    int j = 0;
    for (; j + 8 <= length; j += 8) {
      int i = at + j;
      s0 = Math.fma(get(weights, j), x[inputs[i]], s0);
      s1 = Math.fma(get(weights, j + 1), x[inputs[i + 1]], s1);
      s2 = Math.fma(get(weights, j + 2), x[inputs[i + 2]], s2);
      s3 = Math.fma(get(weights, j + 3), x[inputs[i + 3]], s3);
      s4 = Math.fma(get(weights, j + 4), x[inputs[i + 4]], s4);
      s5 = Math.fma(get(weights, j + 5), x[inputs[i + 5]], s5);
      s6 = Math.fma(get(weights, j + 6), x[inputs[i + 6]], s6);
      s7 = Math.fma(get(weights, j + 7), x[inputs[i + 7]], s7);
    }
    for (; j < length; j++) {
      s0 = Math.fma(get(weights, j), x[inputs[at + j]], s0);
    }
    return s0 + s1 + (s2 + s3) + (s4 + s5 + (s6 + s7));
  }

  private static float get(MemorySegment weights, int j) {
    return weights.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * j);
  }
}
