// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import java.lang.foreign.MemorySegment;

/**
 * Blocks and a few examples: vectors lie along the inputs of a block, as its weights do, and every
 * weight is read once for four examples. A strip is a vector's worth of a block's inputs.
 *
 * <p>Slot {@code j} of a block row holds block column {@code columns[j]}. The weights of its first
 * output begin {@code j * place.slot() + columns[j] * place.column()} bytes behind {@code at},
 * those of the next output {@code place.row()} bytes further on. Inputs of a block column begin at
 * {@code columns[j] * bi}, {@code pitch} apart from one example to the next.
 */
interface StripKernel {
  /** Outputs of {@link #eight}. */
  int EIGHT = 8;

  /** Outputs of {@link #fourOfFour}, and examples of all that take four. */
  int FOUR = 4;

  /**
   * Where weights lie, in bytes: packed blocks follow each other, those of a dense matrix lie where
   * their column is.
   */
  record Place(long row, long slot, long column) {}

  /** Inputs in a strip. */
  int lanes();

  /**
   * Partial sums of eight outputs for one example over whole strips: {@code lanes} floats an
   * output, added to what is at {@code sumsAt}.
   */
  void eight(
      MemorySegment weights,
      long at,
      Place place,
      int[] columns,
      int from,
      int to,
      int bi,
      int strips,
      float[] x,
      float[] sums,
      int sumsAt);

  /** The same of four outputs for four examples each: output after output. */
  void fourOfFour(
      MemorySegment weights,
      long at,
      Place place,
      int[] columns,
      int from,
      int to,
      int bi,
      int strips,
      float[] x,
      int xAt,
      int pitch,
      float[] sums,
      int sumsAt);

  /** The same of one output for one example, for the strip that begins at an input of the block. */
  void one(
      MemorySegment weights,
      long at,
      Place place,
      int[] columns,
      int from,
      int to,
      int bi,
      int input,
      int width,
      float[] x,
      float[] sums,
      int sumsAt);

  /** The same of one output for four examples. */
  void oneOfFour(
      MemorySegment weights,
      long at,
      Place place,
      int[] columns,
      int from,
      int to,
      int bi,
      int input,
      int width,
      float[] x,
      int xAt,
      int pitch,
      float[] sums,
      int sumsAt);

  /**
   * The input gradient of one example: adds the weights of slots [from, to), a whole strip of their
   * inputs, times {@code dy[dyAt + o]} to {@code dx}, for so many outputs in ascending order.
   */
  void spread(
      MemorySegment weights,
      long at,
      Place place,
      int[] columns,
      int from,
      int to,
      int bi,
      int input,
      float[] dy,
      int dyAt,
      int outputs,
      float[] dx);

  /** The same for four examples, whose dY lie side by side: {@code dy[dyAt + 4 * o + e]}. */
  void spreadFour(
      MemorySegment weights,
      long at,
      Place place,
      int[] columns,
      int from,
      int to,
      int bi,
      int input,
      float[] dy,
      int dyAt,
      int outputs,
      float[] dx,
      int dxAt,
      int pitch);

  /**
   * The forward product of packed blocks of single columns and one example, where vectors lie along
   * the outputs: {@code y[yAt + l]}, for as many outputs as there are lanes, becomes the sum of
   * {@code x[columns[j]]} times the l-th weight at {@code at + j * slot} over {@code count} slots.
   */
  void stack(
      MemorySegment weights,
      long at,
      long slot,
      int[] columns,
      int count,
      float[] x,
      float[] y,
      int yAt);

  /** The same for four examples; those of y lie {@code yPitch} apart. */
  void stackFour(
      MemorySegment weights,
      long at,
      long slot,
      int[] columns,
      int count,
      float[] x,
      int xAt,
      int pitch,
      float[] y,
      int yAt,
      int yPitch);
}
