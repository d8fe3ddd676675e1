// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import java.lang.foreign.MemorySegment;

/** Sums as those of {@link SumKernels}, of several outputs that share their inputs. */
interface GroupKernels {
  /** The outputs of {@link #four}. */
  int FOUR = 4;

  /** The outputs of {@link #six}. */
  int SIX = 6;

  /** The floats of a group of outputs in a panel. */
  int TILE = SIX * Layout.PANEL;

  /** How many outputs are best computed at once: {@link #FOUR} or {@link #SIX}. */
  int most();

  /** Four outputs. */
  void four(
      MemorySegment x,
      int stride,
      int[] inputs,
      int from,
      int to,
      float[] weights,
      int weightsAt,
      MemorySegment y,
      long yAt);

  /** Six outputs. */
  void six(
      MemorySegment x,
      int stride,
      int[] inputs,
      int from,
      int to,
      float[] weights,
      int weightsAt,
      MemorySegment y,
      long yAt);
}
