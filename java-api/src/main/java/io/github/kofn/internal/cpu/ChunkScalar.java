// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Chunks without vectors: one example after the other. */
final class ChunkScalar implements ChunkKernel {
  @Override
  public void add(
      MemorySegment x,
      char[] terms,
      float[] weights,
      int at,
      int length,
      char[] outputs,
      int first,
      int end,
      MemorySegment y,
      int stride,
      boolean fresh) {
    long row = 4L * stride;
    for (int r = first, from = at; r < end; r++, from += length) {
      for (int b = 0; b < stride; b++) {
        long to = outputs[r] * row + 4L * b;
        float sum = fresh ? 0 : y.get(JAVA_FLOAT_UNALIGNED, to);
        y.set(JAVA_FLOAT_UNALIGNED, to, sum(x, 4L * b, row, terms, weights, from, length, sum));
      }
    }
  }

  private static float sum(
      MemorySegment x,
      long xAt,
      long row,
      char[] terms,
      float[] weights,
      int from,
      int length,
      float start) {
    float sum = start;
    for (int i = from; i < from + length; i++) {
      sum = Math.fma(weights[i], x.get(JAVA_FLOAT_UNALIGNED, xAt + terms[i] * row), sum);
    }
    return sum;
  }
}
