// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import java.lang.foreign.MemorySegment;

/**
 * What is gathered: picked weights, and sums for a batch of one, where nothing lies side by side.
 */
interface GatherKernel {
  /** How many partial sums a row has. */
  int lanes();

  /** {@code to[toAt + i] = from[positions[at + i]]} for {@code count} positions. */
  void pick(float[] from, int[] positions, int at, float[] to, int toAt, int count);

  /**
   * Partial sums of rows of {@code k} terms each: those of row {@code r}, from {@code sums[sumsAt +
   * r * lanes()]} on, add up to the sum of {@code weights[r * k + j] * x[inputs[r * k + j]]} over
   * j.
   */
  void rows(
      float[] x,
      int[] inputs,
      MemorySegment weights,
      long weightsAt,
      int rows,
      int k,
      float[] sums,
      int sumsAt);

  /**
   * The same with U16 inputs in native memory, from a byte on; there is room for as many widened
   * inputs and products as there are terms.
   */
  void rows(
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
      int sumsAt);
}
