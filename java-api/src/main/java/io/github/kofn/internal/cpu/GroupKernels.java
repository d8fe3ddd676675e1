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

  /** The floats that a group of outputs of a panel needs to work in. */
  int TILE = SIX * Layout.PANEL;

  /** How many outputs are best computed at once: {@link #FOUR} or {@link #SIX}. */
  int most();

  /** Up to four outputs; an input has four weights whatever {@code outs} is. */
  void four(
      MemorySegment x,
      int stride,
      int[] inputs,
      int from,
      int to,
      float[] weights,
      int weightsAt,
      MemorySegment y,
      long yAt,
      int outs,
      float[] tile);

  /** Up to six outputs; an input has six weights whatever {@code outs} is. */
  void six(
      MemorySegment x,
      int stride,
      int[] inputs,
      int from,
      int to,
      float[] weights,
      int weightsAt,
      MemorySegment y,
      long yAt,
      int outs,
      float[] tile);
}
