// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import java.lang.foreign.MemorySegment;

/** Adds rows of dY to rows of dX, where a block row's blocks are single columns of W. */
interface ColumnKernel {
  /** The outputs of {@link #four}. */
  int FOUR = 4;

  /**
   * {@code dx[columns[t]] += sum over o < 4 of weights[weightsAt + t * term + o * output] * dy[o]}
   * for terms [from, to), o ascending. Rows of dy and dx are {@code stride} floats long and begin
   * where dy and dx begin.
   */
  void four(
      MemorySegment dy,
      int[] columns,
      int from,
      int to,
      float[] weights,
      int weightsAt,
      int term,
      int output,
      MemorySegment dx,
      int stride);

  /** The same for a single output. */
  void one(
      MemorySegment dy,
      int[] columns,
      int from,
      int to,
      float[] weights,
      int weightsAt,
      int term,
      MemorySegment dx,
      int stride);
}
