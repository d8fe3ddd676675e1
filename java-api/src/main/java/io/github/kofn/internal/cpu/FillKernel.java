// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import java.lang.foreign.MemorySegment;

/**
 * Rows of weights with zeros for what is not kept, in pieces of 64 inputs whose masks say what is.
 * Offsets in segments are in bytes. Whole vectors are read: up to 63 floats behind the last.
 */
interface FillKernel {
  /**
   * Writes {@code pieces} pieces, {@code apart} bytes from one to the next, out of kept weights
   * that follow each other.
   */
  void expand(
      MemorySegment kept,
      long at,
      long[] masks,
      int maskAt,
      int pieces,
      MemorySegment to,
      long toAt,
      long apart);

  /** The same out of a row of all weights. */
  void select(
      MemorySegment row,
      long at,
      long[] masks,
      int maskAt,
      int pieces,
      MemorySegment to,
      long toAt,
      long apart);
}
