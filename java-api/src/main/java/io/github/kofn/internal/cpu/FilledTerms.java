// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.DType;
import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.KofNLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The terms of Y = X W^T where rows of their own keep so much that it is worth computing them as if
 * they kept everything, with zeros for what they do not: six rows that share their inputs run at
 * the speed of FMAs, single ones at little more than half of it. Inputs must be finite, for 0 * Inf
 * is NaN.
 *
 * <p>Filling a row takes a load and a store for 16 inputs, of which each then meets 16 FMAs where
 * there are 256 examples.
 */
final class FilledTerms implements TileTerms {
  /** The outputs of a unit. */
  private static final int UNIT = TileKernels.SIX;

  /** The bytes of a unit's weights of 64 terms. */
  private static final long PIECE = 4L * UNIT * Layout.PANEL;

  private static final long ROW = 4L * Layout.PANEL;

  /** The native scratch memory that rows pass through that cannot be read where they lie. */
  private static final int SLOT = 2;

  private final Pattern pattern;
  private final KofNLayout layout;
  private final RowMasks masks;
  private final ProductWidths widths;
  private final MemorySegment memory;
  private final int words;

  private FilledTerms(Pattern pattern, RowMasks masks, ProductWidths widths) {
    this.pattern = pattern;
    this.layout = pattern.layout();
    this.masks = masks;
    this.widths = widths;
    this.words = masks.words();
    View values = pattern.values();
    boolean direct = values.type() == DType.F32 && values.buffer().host().isNative();
    this.memory = direct ? values.buffer().host() : null;
  }

  /** The terms of a pattern that {@link #suits}. */
  static FilledTerms of(Pattern pattern, ProductWidths widths, Workers workers) {
    return new FilledTerms(pattern, RowMasks.of(pattern, workers, widths.pool()), widths);
  }

  /**
   * Whether rows of their own keep at least half of their inputs, and examples pay for filling
   * them.
   */
  static boolean suits(Pattern pattern, long batch, ProductWidths widths) {
    KofNLayout l = pattern.layout();
    return widths.lanes() > 1
        && batch >= widths.lanes()
        && batch % Layout.PANEL != 1
        && pattern.indices() != null
        && l.blockOut() == 1
        && 2L * l.k() * l.blockIn() >= l.in()
        && Math.min(l.out(), l.in()) > 0
        && (long) l.out() * l.in() < Integer.MAX_VALUE;
  }

  @Override
  public int units() {
    return Math.ceilDiv(layout.out(), UNIT);
  }

  @Override
  public int firstOutput(int unit) {
    return (int) Math.min(layout.out(), (long) unit * UNIT);
  }

  @Override
  public int endOutput(int unit) {
    return firstOutput(unit + 1);
  }

  @Override
  public boolean areInPlace() {
    return false;
  }

  @Override
  public long weightsOfUnit() {
    return (long) UNIT * words * Layout.PANEL;
  }

  @Override
  public TileKernels kernel(int width) {
    return widths.tiles(width, TileKernels.A_ROW_APART);
  }

  @Override
  public void list(int first, int end, Scratch scratch) {
    TileLists lists = scratch.tiles;
    lists.clear((end - first) * weightsOfUnit());
    for (int w = 0; w < words; w++) {
      int input = w * Layout.PANEL;
      lists.terms(input, Math.min(Layout.PANEL, layout.in() - input), w * PIECE, Float.BYTES);
    }
    for (int unit = first; unit < end; unit++) {
      int from = firstOutput(unit);
      int count = endOutput(unit) - from;
      long at = (unit - first) * 4L * weightsOfUnit();
      for (int g = 0; g < TileLists.groupsOf(count); g++) {
        int o = TileLists.firstOf(g, count);
        int size = TileLists.sizeOf(g, count);
        lists.group(from + o, size, Math.min(size, count), 0, at + o * ROW);
      }
      for (int o = 0; o < count; o++) {
        fill(from + o, lists.weights(), at + o * ROW, scratch);
      }
    }
  }

  private void fill(int o, MemorySegment to, long at, Scratch scratch) {
    View values = pattern.values();
    boolean packed = pattern.packed();
    int kept = layout.k() * layout.blockIn();
    long index = packed ? (long) o * kept : o * values.pitch();
    MemorySegment from = memory;
    long fromAt = values.offset() + 4 * index;
    long whole = 4L * words * Layout.PANEL;
    if (memory == null || fromAt + whole > memory.byteSize()) {
      from = scratch.floats(SLOT, (long) words * Layout.PANEL + layout.blockIn());
      fromAt = 0;
      int count = packed ? kept : layout.in();
      float[] line = scratch.line(count);
      Elements.read(values, index, line, 0, count);
      MemorySegment.copy(line, 0, from, ValueLayout.JAVA_FLOAT, 0, count);
    }
    int maskAt = o * words;
    if (packed) {
      widths.fills().expand(from, fromAt, masks.bits(), maskAt, words, to, at, PIECE);
    } else {
      widths.fills().select(from, fromAt, masks.bits(), maskAt, words, to, at, PIECE);
    }
  }
}
