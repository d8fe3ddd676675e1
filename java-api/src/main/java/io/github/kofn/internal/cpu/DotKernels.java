// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import java.lang.foreign.MemorySegment;

/** Dot products over full panels of {@link #OUTPUTS} outputs with some inputs each. */
interface DotKernels {
  /** The outputs of a call. */
  int OUTPUTS = 4;

  /** The inputs of a call. */
  int inputs();

  /**
   * Partial sums: lane l of the vector at {@code sums[sumsAt + o * pitch + j * lanes]} becomes the
   * sum of {@code d[o][b] * x[inputs[inputsAt + j]][b]} over all b of the panels with {@code b %
   * lanes = l}. Segments are native; rows follow each other; panels are {@code dPanel} and {@code
   * xPanel} bytes apart.
   *
   * @param x begins with the first of the panels
   */
  void dots(
      MemorySegment d,
      long dAt,
      long dPanel,
      MemorySegment x,
      long xPanel,
      int panels,
      int[] inputs,
      int inputsAt,
      float[] sums,
      int sumsAt,
      int pitch);

  /** Copies whole vectors. */
  void put(float[] from, int at, int count, MemorySegment to, long toAt);
}
