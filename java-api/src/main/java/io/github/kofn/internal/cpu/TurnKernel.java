// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import java.lang.foreign.MemorySegment;

/** Moves weights to where sums read them, whole vectors at a time. Segments are native. */
interface TurnKernel {
  /** The number of floats in a vector. */
  int lanes();

  /**
   * Turns a square of as many rows as there are lanes: {@code to[i][o] = from[o][i]}, rows {@code
   * distance} and {@code pitch} bytes apart.
   */
  void square(MemorySegment from, long at, long distance, MemorySegment to, long toAt, long pitch);

  /**
   * Lays down the first {@code pitch} floats of rows behind each other, in order; of every row a
   * vector is read, and of the last a vector is written.
   */
  void lay(MemorySegment from, long at, long distance, int rows, float[] to, int toAt, int pitch);

  /**
   * Copies the first {@code count} floats of rows, {@code distance} and {@code pitch} bytes apart.
   */
  void copy(
      MemorySegment from,
      long at,
      long distance,
      int rows,
      int count,
      MemorySegment to,
      long toAt,
      long pitch);
}
