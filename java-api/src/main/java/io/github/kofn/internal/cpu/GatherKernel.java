// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import java.lang.foreign.MemorySegment;

/**
 * What is gathered: picked weights, and sums for a batch of one, where nothing lies side by side.
 */
interface GatherKernel {
  /** How many partial sums a row has. */
  int lanes();

  /** The first {@code count} inputs as {@link #rows} takes them. */
  void widen(char[] inputs, int[] to, int count);

  /** {@code to[i] = from[positions[i]]} for the first {@code count} positions. */
  void pick(float[] from, int[] positions, float[] to, int count);

  /**
   * Partial sums of rows of {@code k} terms each: those of row {@code r}, from {@code sums[r *
   * lanes()]} on, add up to the sum of {@code weights[r * k + j] * x[inputs[r * k + j]]} over j.
   */
  void rows(
      float[] x,
      int[] inputs,
      MemorySegment weights,
      long weightsAt,
      int rows,
      int k,
      float[] sums);
}
