// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Columns without vectors, and for batches of one. */
final class ColumnScalar implements ColumnKernel {
  @Override
  public void four(
      MemorySegment dy,
      int[] columns,
      int from,
      int to,
      float[] weights,
      int weightsAt,
      int term,
      int output,
      MemorySegment dx,
      int stride) {
    for (int b = 0; b < stride; b++) {
      long row = 4L * stride;
      float d0 = dy.get(JAVA_FLOAT_UNALIGNED, 4L * b);
      float d1 = dy.get(JAVA_FLOAT_UNALIGNED, 4L * b + row);
      float d2 = dy.get(JAVA_FLOAT_UNALIGNED, 4L * b + 2 * row);
      float d3 = dy.get(JAVA_FLOAT_UNALIGNED, 4L * b + 3 * row);
      for (int t = from; t < to; t++) {
        long at = columns[t] * row + 4L * b;
        int w = weightsAt + (t - from) * term;
        float sum = dx.get(JAVA_FLOAT_UNALIGNED, at);
        sum = Math.fma(weights[w], d0, sum);
        sum = Math.fma(weights[w + output], d1, sum);
        sum = Math.fma(weights[w + 2 * output], d2, sum);
        sum = Math.fma(weights[w + 3 * output], d3, sum);
        dx.set(JAVA_FLOAT_UNALIGNED, at, sum);
      }
    }
  }

  @Override
  public void one(
      MemorySegment dy,
      int[] columns,
      int from,
      int to,
      float[] weights,
      int weightsAt,
      int term,
      MemorySegment dx,
      int stride) {
    for (int b = 0; b < stride; b++) {
      float d = dy.get(JAVA_FLOAT_UNALIGNED, 4L * b);
      for (int t = from; t < to; t++) {
        long at = 4L * ((long) columns[t] * stride + b);
        float sum = dx.get(JAVA_FLOAT_UNALIGNED, at);
        sum = Math.fma(weights[weightsAt + (t - from) * term], d, sum);
        dx.set(JAVA_FLOAT_UNALIGNED, at, sum);
      }
    }
  }
}
