// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import java.lang.foreign.MemorySegment;

/** Dot products over two full panels at once, where there are registers for so many rows. */
interface PairKernel {
  /**
   * What {@link ProductLanes#dots} does for two panels whose tiles begin at the given bytes: half
   * as many turns of the partial sums, which are loaded and stored at each.
   */
  void dots(
      MemorySegment d,
      long dAt,
      long nextDAt,
      MemorySegment x,
      long xAt,
      long nextXAt,
      int[] inputs,
      int from,
      int to,
      float[] sums,
      int sumsAt);
}
