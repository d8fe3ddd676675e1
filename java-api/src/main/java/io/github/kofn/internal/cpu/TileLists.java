// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * What a part of a product runs through for every panel: terms, each an input's row and where its
 * weights begin, and groups of outputs that share terms. In memory that is used again.
 */
final class TileLists {
  private static final int FIELDS = 5;
  private static final int WEIGHTS_SLOT = 3;

  private final Scratch scratch;
  private int[] table = new int[64];
  private long[] weightsAt = new long[16];
  private int[] input = new int[64];
  private long[] offset = new long[64];
  private int groups;
  private int terms;
  private MemorySegment weights;
  private final float[] sums = new float[TileKernels.SIX * Layout.PANEL];

  TileLists(Scratch scratch) {
    this.scratch = scratch;
  }

  /** Empties the lists; weights will be read from a memory. */
  void clear(MemorySegment from) {
    groups = 0;
    terms = 0;
    weights = from;
  }

  /**
   * Empties the lists; weights will be read from memory of their own, so many floats. A group of
   * which few outputs are wanted may read behind them.
   */
  void clear(long floats) {
    clear(scratch.floats(WEIGHTS_SLOT, floats + TileKernels.SIX * TileKernels.A_ROW_APART));
  }

  /** Copies rows of weights to an offset in the lists' own memory. */
  void copy(
      TurnKernel kernel,
      MemorySegment from,
      long at,
      long distance,
      int rows,
      int count,
      long toAt,
      long pitch) {
    kernel.copy(from, at, distance, rows, count, weights, toAt, pitch);
  }

  /** Where weights are read from: the lists' own memory, if they were emptied for it. */
  MemorySegment weights() {
    return weights;
  }

  int groups() {
    return groups;
  }

  int terms() {
    return terms;
  }

  int firstOutput(int group) {
    return table[FIELDS * group];
  }

  /** The outputs that are wanted of a group. */
  int outputs(int group) {
    return table[FIELDS * group + 4];
  }

  /** Adds terms of neighbouring inputs, whose weights begin at an offset and so far apart. */
  void terms(int firstInput, int count, long firstOffset, long distance) {
    int end = Math.addExact(terms, count);
    if (input.length < end) {
      input = Arrays.copyOf(input, end + end / 2);
      offset = Arrays.copyOf(offset, end + end / 2);
    }
    for (int i = 0; i < count; i++) {
      input[terms + i] = firstInput + i;
      offset[terms + i] = firstOffset + i * distance;
    }
    terms = end;
  }

  /** How many groups outputs are cut into. */
  static int groupsOf(int outputs) {
    int sixes = sixesOf(outputs);
    return sixes + Math.max(0, Math.ceilDiv(outputs - sixes * TileKernels.SIX, TileKernels.FOUR));
  }

  /**
   * The first output of one of the groups of so many outputs: sixes, and in the end fours where
   * that computes fewer outputs twice. The last group begins early where it would have too few.
   */
  static int firstOf(int group, int outputs) {
    int sixes = sixesOf(outputs);
    int first =
        group < sixes
            ? group * TileKernels.SIX
            : sixes * TileKernels.SIX + (group - sixes) * TileKernels.FOUR;
    return Math.max(0, Math.min(first, outputs - sizeOf(group, outputs)));
  }

  /** How many outputs one of the groups of so many outputs computes. */
  static int sizeOf(int group, int outputs) {
    return group < sixesOf(outputs) ? TileKernels.SIX : TileKernels.FOUR;
  }

  private static int sixesOf(int outputs) {
    int whole = outputs / TileKernels.SIX;
    return switch (outputs % TileKernels.SIX) {
      case 1, 2 -> Math.max(0, whole - 1);
      case 5 -> whole == 0 ? 0 : whole + 1;
      default -> whole;
    };
  }

  /**
   * Adds a group of {@code size} outputs, of which the first {@code count} are wanted; its terms
   * are those from a position on, and its weights begin at so many bytes.
   */
  void group(int firstOutput, int size, int count, int firstTerm, long at) {
    int field = FIELDS * groups;
    if (table.length < field + FIELDS) {
      table = Arrays.copyOf(table, 2 * table.length);
      weightsAt = Arrays.copyOf(weightsAt, 2 * weightsAt.length);
    }
    table[field] = firstOutput;
    table[field + 1] = size;
    table[field + 2] = firstTerm;
    table[field + 3] = terms;
    table[field + 4] = count;
    weightsAt[groups++] = at;
  }

  /**
   * Computes some outputs from all terms, without a group of their own; their weights begin at so
   * many bytes, and their sums lie as far apart as rows in a full panel.
   */
  void sumAll(int size, TileKernels kernel, long at, MemorySegment x, int stride, MemorySegment y) {
    compute(kernel, size, x, stride, 0, terms, at);
    MemorySegment.copy(sums, 0, y, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, size * Layout.PANEL);
  }

  /** Computes a group for a panel, whose rows are that long. */
  void sum(int group, TileKernels kernel, MemorySegment x, int stride, MemorySegment y, long yAt) {
    int field = FIELDS * group;
    compute(
        kernel, table[field + 1], x, stride, table[field + 2], table[field + 3], weightsAt[group]);
    int count = table[field + 4];
    int rows = stride == Layout.PANEL ? 1 : count;
    int length = count * stride / rows;
    for (int o = 0; o < rows; o++) {
      long to = yAt + 4L * o * stride;
      MemorySegment.copy(sums, o * Layout.PANEL, y, ValueLayout.JAVA_FLOAT_UNALIGNED, to, length);
    }
  }

  private void compute(
      TileKernels kernel, int size, MemorySegment x, int stride, int from, int to, long at) {
    if (size == TileKernels.SIX) {
      kernel.six(x, stride, input, offset, from, to, weights, at, sums);
    } else {
      kernel.four(x, stride, input, offset, from, to, weights, at, sums);
    }
  }
}
