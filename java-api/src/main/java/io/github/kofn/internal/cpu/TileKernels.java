// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import java.lang.foreign.MemorySegment;

/**
 * Tiles of sums: {@code y[o][b] = sum over from <= i < to of w(i, o) * x[inputs[i]][b]} for some
 * outputs that share their inputs and one panel's examples. Weights are read where they lie: {@code
 * w(i, 0)} at {@code weightsAt + offsets[i]}, the next outputs' at a distance that is the kernel's
 * own, one that it {@link #reads}. An output's terms are added in order, each with one rounding.
 *
 * <p>Memory is native; offsets in segments are in bytes. Rows of x and of sums are {@code stride}
 * floats long, a multiple of the vectors', those of x one behind the other, those of sums as far
 * apart as in a full panel.
 */
interface TileKernels {
  /** The outputs of {@link #six}. */
  int SIX = 6;

  /** The outputs of {@link #four}. */
  int FOUR = 4;

  /** Outputs' weights lie side by side. */
  int SIDE_BY_SIDE = 1;

  /** Outputs' weights lie as far apart as rows in a full panel, in floats. */
  int A_ROW_APART = Layout.PANEL;

  /** Whether there are kernels for a distance, in floats. */
  static boolean reads(int distance) {
    return distance == SIDE_BY_SIDE || distance == 16 || distance == 32 || distance == A_ROW_APART;
  }

  /** Six outputs. */
  void six(
      MemorySegment x,
      int stride,
      int[] inputs,
      long[] offsets,
      int from,
      int to,
      MemorySegment weights,
      long weightsAt,
      float[] sums);

  /** Four outputs. */
  void four(
      MemorySegment x,
      int stride,
      int[] inputs,
      long[] offsets,
      int from,
      int to,
      MemorySegment weights,
      long weightsAt,
      float[] sums);
}
