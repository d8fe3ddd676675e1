// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import java.lang.foreign.MemorySegment;

/**
 * Adds rows of dY to rows of dX, where a block row's blocks are single columns of W.
 *
 * <p>A term is a column, of which the bits stand for an integer, and its weights of some outputs:
 * what a turn of a loop reads has one array and one index, and registers are left for the rest.
 */
interface ColumnKernel {
  /** The outputs of {@link #four}. */
  int FOUR = 4;

  /** The floats of a term of {@link #four}. */
  int TERM_OF_FOUR = 1 + FOUR;

  /** The floats of a term of {@link #one}. */
  int TERM_OF_ONE = 2;

  /**
   * {@code dx[column] += sum over o < 4 of weight[o] * dy[o]}, o ascending, for the terms that
   * begin from {@code from} on and end before {@code to}. Rows of dy and dx are {@code stride}
   * floats long and begin where dy and dx begin.
   */
  void four(MemorySegment dy, float[] terms, int from, int to, MemorySegment dx, int stride);

  /** The same for a single output. */
  void one(MemorySegment dy, float[] terms, int from, int to, MemorySegment dx, int stride);
}
