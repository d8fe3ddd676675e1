// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import java.lang.foreign.MemorySegment;

/**
 * Outputs that are weighted sums of inputs' rows: {@code y[o][b] = sum over from <= i < to of w[i -
 * from][o] * x[inputs[i]][b]}, the inner loops for one vector width. The weights of an input lie
 * side by side. Memory is native; offsets in segments are in bytes; the rows of x and y are {@code
 * stride} floats long, a multiple of the width, and those of x begin where it begins.
 */
interface SumKernels {
  /** The outputs of {@link #four}. */
  int FOUR = 4;

  /** The outputs of {@link #six}. */
  int SIX = 6;

  /** The floats that a group of outputs of a panel needs to work in. */
  int TILE = SIX * Layout.PANEL;

  /** How many outputs are best computed at once: {@link #FOUR} or {@link #SIX}. */
  int most();

  /** One output; rows of x begin at an offset, which may be negative where no input is so small. */
  void one(
      MemorySegment x,
      long xAt,
      int stride,
      int[] inputs,
      int from,
      int to,
      float[] weights,
      int weightsAt,
      MemorySegment y,
      long yAt);

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
