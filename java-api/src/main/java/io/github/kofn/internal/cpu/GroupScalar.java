// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Groups without vectors: one output after the other. */
final class GroupScalar implements GroupKernels {
  @Override
  public int most() {
    return FOUR;
  }

  @Override
  public void four(
      MemorySegment x,
      int stride,
      int[] inputs,
      int from,
      int to,
      float[] weights,
      int weightsAt,
      MemorySegment y,
      long yAt) {
    many(FOUR, x, stride, inputs, from, to, weights, weightsAt, y, yAt);
  }

  @Override
  public void six(
      MemorySegment x,
      int stride,
      int[] inputs,
      int from,
      int to,
      float[] weights,
      int weightsAt,
      MemorySegment y,
      long yAt) {
    many(SIX, x, stride, inputs, from, to, weights, weightsAt, y, yAt);
  }

  private static void many(
      int pitch,
      MemorySegment x,
      int stride,
      int[] inputs,
      int from,
      int to,
      float[] weights,
      int weightsAt,
      MemorySegment y,
      long yAt) {
    long row = 4L * stride;
    for (int o = 0; o < pitch; o++) {
      for (int b = 0; b < stride; b++) {
        int w = weightsAt + o;
        float s = SumScalar.sum(x, 4L * b, row, inputs, from, to - from, weights, w, pitch);
        y.set(JAVA_FLOAT_UNALIGNED, yAt + o * row + 4L * b, s);
      }
    }
  }
}
