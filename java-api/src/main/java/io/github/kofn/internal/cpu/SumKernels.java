// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import java.lang.foreign.MemorySegment;

/**
 * Outputs that are weighted sums of inputs' rows: {@code y[o][b] = sum over from <= i < to of w[i -
 * from][o] * x[inputs[i]][b]}, the inner loops for one vector width. The weights of an input lie
 * side by side. Memory is native; offsets in segments are in bytes; the rows of x and y are {@code
 * stride} floats long, a multiple of the width, and those of x begin where it begins.
 */
interface SumKernels {
  /** One output; rows of x begin at an offset, which may be negative where no input is so small. */
  void one(
      MemorySegment x,
      long xAt,
      int stride,
      int[] inputs,
      int from,
      int to,
      float[] weights,
      int weightsAt,
      MemorySegment y,
      long yAt);
}
