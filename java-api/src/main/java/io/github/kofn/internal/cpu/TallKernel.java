// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import java.lang.foreign.MemorySegment;

/**
 * Tiles of sums over examples, two vectors of 16 wide: {@code y[o][i] = sum over b of dy[o][b] *
 * x[b][i]} for {@link #OUTPUTS} outputs and 16 inputs of each of two places. Segments are native;
 * offsets are in bytes; y begins where it begins, in rows of 32 floats.
 */
interface TallKernel {
  /** The outputs of a call. */
  int OUTPUTS = 6;

  /** The inputs of a call. */
  int INPUTS = 32;

  /**
   * Computes the outputs.
   *
   * @param x examples' inputs
   * @param first where the first 16 inputs of the first example are
   * @param second where the others are
   * @param pitch the distance of examples
   * @param examples how many
   * @param dy rows of outputs' examples in full panels
   * @param dyAt where the first output's begin
   * @param panel the distance of panels
   * @param y the sums
   */
  void six(
      MemorySegment x,
      long first,
      long second,
      long pitch,
      int examples,
      MemorySegment dy,
      long dyAt,
      long panel,
      MemorySegment y);
}
