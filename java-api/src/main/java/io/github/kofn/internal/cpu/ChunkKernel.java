// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import java.lang.foreign.MemorySegment;

/** Sums of outputs that each have weights of their own, a chunk of inputs at a time. */
interface ChunkKernel {
  /**
   * Adds terms to sums, a line of {@link TermChunks} after the other: in a line of one output,
   * {@code y[line[0]] += sum over j of weights[j] * x[line[j]]} for j from 1 to {@code length}; in
   * a line of two, the same with a step of 2 for each of them. Terms are added one after the other.
   * Rows of x and y are {@code stride} floats long and begin where x and y begin.
   *
   * @param weights each term's weight, where the lines have the term
   * @param begin where the first line begins
   * @param end where the last one ends
   * @param length the terms of each output
   * @param outputs the outputs of each line, 1 or 2
   * @param fresh whether sums begin with 0 instead of what y holds
   */
  void add(
      MemorySegment x,
      char[] lines,
      float[] weights,
      int begin,
      int end,
      int length,
      int outputs,
      MemorySegment y,
      int stride,
      boolean fresh);

  /** The outputs that a line best has. */
  int together();
}
