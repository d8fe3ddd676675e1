// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.DType;
import io.github.kofn.internal.kernels.View;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Lists the weights of blocks, F32 in native memory, whole vectors at a time: forward by turning
 * squares, since an output's weights lie side by side there and a term's are wanted so; backward as
 * they lie. A weight takes about a cycle so, and 8 cycles of FMAs a panel.
 */
final class BlockWeights {
  /** Room that groups need behind the last weight: a vector is written where fewer are wanted. */
  static final int ROOM = 16;

  /** The side of the greatest square. */
  private static final int SIDE = 16;

  private static final int STAGE = 3;

  private final ProductWidths widths;
  private final MemorySegment memory;
  private final long offset;

  private BlockWeights(ProductWidths widths, View values) {
    this.widths = widths;
    this.memory = values.buffer().host();
    this.offset = values.offset();
  }

  /** For values that can be read by vectors; else null. */
  static BlockWeights of(ProductWidths widths, View values) {
    boolean readable = values.type() == DType.F32 && values.buffer().host().isNative();
    return readable && widths.lanes() > 1 ? new BlockWeights(widths, values) : null;
  }

  /** Whether a block is large enough for a square. */
  static boolean isTurned(int outputs, int inputs) {
    return Math.min(outputs, inputs) >= 4;
  }

  /** Where the terms of a unit are turned to: {@code [terms][outputs]}, rows of whole squares. */
  MemorySegment stage(int terms, int outputs, Scratch scratch) {
    return scratch.floats(STAGE, (long) terms * stagePitch(outputs) + SIDE);
  }

  private static int stagePitch(int outputs) {
    return Math.ceilDiv(outputs, SIDE) * SIDE;
  }

  /** Turns a block: outputs' weights begin at an index and lie some elements apart. */
  void turn(
      long index, long distance, int outputs, int inputs, MemorySegment stage, int firstTerm) {
    int least = Math.min(outputs, inputs);
    TurnKernel kernel = widths.turns(least >= SIDE ? SIDE : least >= 8 ? 8 : 4);
    int lanes = kernel.lanes();
    long pitch = 4L * stagePitch(outputs);
    long at = offset + 4 * index;
    long to = firstTerm * pitch;
    int wholeOutputs = outputs - outputs % lanes;
    int wholeInputs = inputs - inputs % lanes;
    for (int i = 0; i < wholeInputs; i += lanes) {
      for (int o = 0; o < wholeOutputs; o += lanes) {
        long corner = at + 4 * (o * distance + i);
        kernel.square(memory, corner, 4 * distance, stage, to + i * pitch + 4L * o, pitch);
      }
    }
    for (int o = 0; o < outputs; o++) {
      for (int i = o < wholeOutputs ? wholeInputs : 0; i < inputs; i++) {
        float weight = memory.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at + 4 * (o * distance + i));
        stage.set(ValueLayout.JAVA_FLOAT_UNALIGNED, to + i * pitch + 4L * o, weight);
      }
    }
  }

  /** Gives groups, from the first on, what was turned. */
  void list(MemorySegment stage, int outputs, int firstGroup, TermLists lists) {
    int from = lists.firstOutput(firstGroup);
    for (int g = firstGroup; g < lists.groups; g++) {
      long at = 4L * (lists.firstOutput(g) - from);
      long pitch = 4L * stagePitch(outputs);
      lay(stage, at, pitch, lists.length(g), lists, g, 0);
    }
  }

  /**
   * Gives a group terms whose weights lie side by side: the first's at an index, the next ones'
   * some elements further on. A group's terms are given in order, and groups one after the other.
   */
  void list(long index, long distance, int terms, TermLists lists, int group, int firstTerm) {
    long at = offset + 4 * index;
    int safe = terms;
    while (safe > 0 && at + 4 * (distance * (safe - 1) + ROOM) > memory.byteSize()) {
      safe--; // There is less than a vector behind the last weights of all.
    }
    lay(memory, at, 4 * distance, safe, lists, group, firstTerm);
    int outputs = lists.outputs(group);
    int to = lists.weightsAt(group) + firstTerm * lists.pitch(group);
    for (int t = safe; t < terms; t++) {
      long row = at + 4L * t * distance;
      int term = to + t * lists.pitch(group);
      MemorySegment.copy(
          memory, ValueLayout.JAVA_FLOAT_UNALIGNED, row, lists.weight, term, outputs);
    }
  }

  private void lay(
      MemorySegment from,
      long at,
      long distance,
      int terms,
      TermLists lists,
      int group,
      int firstTerm) {
    int pitch = lists.pitch(group);
    int to = lists.weightsAt(group) + firstTerm * pitch;
    widths.turns(pitch).lay(from, at, distance, terms, lists.weight, to, pitch);
  }
}
