// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

/**
 * What outputs are sums of, unit by unit of neighbouring outputs that share a list of terms, for
 * {@link BlockSums} to compute.
 */
interface TileTerms {
  /** The number of units. */
  int units();

  /** The first output of a unit; of the unit behind the last, the number of outputs. */
  int firstOutput(int unit);

  /** The end of a unit's outputs. */
  int endOutput(int unit);

  /** Whether weights are read where they are stored; else {@link #list} copies them. */
  boolean areInPlace();

  /** The weights that a unit has, on average. */
  long weightsOfUnit();

  /** The tiles of a panel of so many examples. */
  TileKernels kernel(int width);

  /** Lists units [first, end), none of them without outputs, in the scratch's tiles. */
  void list(int first, int end, Scratch scratch);
}
