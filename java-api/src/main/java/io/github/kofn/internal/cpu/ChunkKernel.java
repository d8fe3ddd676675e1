// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import java.lang.foreign.MemorySegment;

/** Sums of outputs that each have weights of their own, a chunk of inputs at a time. */
interface ChunkKernel {
  /**
   * Adds {@code length} terms to each of some outputs: for the r-th of outputs [first, end) of a
   * list, {@code y[outputs[r]] += sum over j < length of weights[t + j] * x[terms[t + j]]} with
   * {@code t = at + (r - first) * length}, one term after the other. Rows of x and y are {@code
   * stride} floats long and begin where x and y begin.
   *
   * @param fresh whether sums begin with 0 instead of what y holds
   */
  void add(
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
      boolean fresh);
}
