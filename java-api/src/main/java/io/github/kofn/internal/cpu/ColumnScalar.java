// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Columns without vectors, and for batches of one. */
final class ColumnScalar implements ColumnKernel {
  @Override
  public void four(
      MemorySegment dy, float[] terms, int from, int to, MemorySegment dx, int stride) {
    for (int b = 0; b < stride; b++) {
      long row = 4L * stride;
      float d0 = dy.get(JAVA_FLOAT_UNALIGNED, 4L * b);
      float d1 = dy.get(JAVA_FLOAT_UNALIGNED, 4L * b + row);
      float d2 = dy.get(JAVA_FLOAT_UNALIGNED, 4L * b + 2 * row);
      float d3 = dy.get(JAVA_FLOAT_UNALIGNED, 4L * b + 3 * row);
      for (int t = from; t < to; t += TERM_OF_FOUR) {
        long at = Float.floatToRawIntBits(terms[t]) * row + 4L * b;
        float sum = dx.get(JAVA_FLOAT_UNALIGNED, at);
        sum = Math.fma(terms[t + 1], d0, sum);
        sum = Math.fma(terms[t + 2], d1, sum);
        sum = Math.fma(terms[t + 3], d2, sum);
        sum = Math.fma(terms[t + 4], d3, sum);
        dx.set(JAVA_FLOAT_UNALIGNED, at, sum);
      }
    }
  }

  @Override
  public void one(MemorySegment dy, float[] terms, int from, int to, MemorySegment dx, int stride) {
    for (int b = 0; b < stride; b++) {
      float d = dy.get(JAVA_FLOAT_UNALIGNED, 4L * b);
      for (int t = from; t < to; t += TERM_OF_ONE) {
        long at = 4L * ((long) Float.floatToRawIntBits(terms[t]) * stride + b);
        float sum = dx.get(JAVA_FLOAT_UNALIGNED, at);
        sum = Math.fma(terms[t + 1], d, sum);
        dx.set(JAVA_FLOAT_UNALIGNED, at, sum);
      }
    }
  }
}
