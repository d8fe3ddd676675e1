// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.DType;
import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.ProductKernels.Companion;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.KofNLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What the outputs of a product of blocks are sums of. Packed blocks' weights are read where they
 * are stored: forward, an output's lie as far from the next one's as the block is wide, backward
 * they lie side by side, as those of a few terms do in place. Others are copied to where tiles read
 * them, whole vectors at a time and never turned:
 *
 * <pre>
 *   forward, a unit of outputs              backward, a unit of outputs (columns of W)
 *     64 terms: o0 [ .. 64 weights .. ]       term 0: [ a weight for each output ]
 *               o1 [ .. 64 weights .. ]       term 1: [                          ]
 *               ..                            ..
 *     64 terms: o0 [ ..               ]
 * </pre>
 *
 * <p>A unit is what shares a list of terms: a block row (backward: a block column), cut to at most
 * {@link #UNIT} outputs.
 */
final class BlockTerms implements TileTerms {
  /** Groups of six divide it. */
  private static final int UNIT = 96;

  /**
   * Terms whose weights are read in place: lines of memory that lie a row of W apart, which share
   * few sets of a cache. Narrower vectors would read them several times a panel.
   */
  private static final int FEW = 128;

  /** The bytes of a group's weights of 64 terms. */
  private static final long PIECE = 4L * TileKernels.SIX * Layout.PANEL;

  private final Pattern pattern;
  private final KofNLayout layout;
  private final Companion companion;
  private final ProductWidths widths;
  private final MemorySegment memory;
  private final int outputs;
  private final int block;
  private final int split;
  private final boolean direct;
  private final int distance;

  /** The terms of Y = X W^T, or of dX = dY W where a companion is given. */
  BlockTerms(Pattern pattern, Companion companion, ProductWidths widths) {
    this.pattern = asOneBlock(pattern);
    this.layout = this.pattern.layout();
    this.companion = companion;
    this.widths = widths;
    this.memory = pattern.values().buffer().host();
    boolean forward = companion == null;
    this.outputs = forward ? layout.out() : layout.in();
    this.block = Math.min(outputs, forward ? layout.blockOut() : layout.blockIn());
    this.split = Math.ceilDiv(block, UNIT);
    boolean stays =
        forward
            ? this.pattern.packed() && TileKernels.reads(layout.blockIn())
            : this.pattern.packed() || (widths.lanes() == 16 && termsOfColumn() <= FEW);
    this.direct = stays && layout.k() > 0 && lastGroupFits();
    int stored = direct ? layout.blockIn() : TileKernels.A_ROW_APART;
    this.distance = forward ? stored : TileKernels.SIDE_BY_SIDE;
  }

  /** Whether weights can be read by vectors and enough outputs share enough inputs. */
  static boolean suits(Pattern pattern, ProductWidths widths) {
    KofNLayout l = asOneBlock(pattern).layout();
    View values = pattern.values();
    return widths.lanes() > 1
        && values.type() == DType.F32
        && values.buffer().host().isNative()
        && Math.min(l.out(), l.blockOut()) >= TileKernels.FOUR
        && Math.min(l.in(), l.blockIn()) >= TileKernels.FOUR;
  }

  /** A matrix that keeps everything, as a single block of in-place values where it is stored so. */
  static Pattern asOneBlock(Pattern pattern) {
    KofNLayout l = pattern.layout();
    boolean rowsLieTogether = !pattern.packed() || l.blockOut() == 1;
    if (!l.isDense() || !rowsLieTogether || l.out() == 0 || l.in() == 0) {
      return pattern;
    }
    View v = pattern.values();
    long pitch = pattern.packed() ? (long) l.blockColumns() * l.blockIn() : v.pitch();
    View dense = new View(v.buffer(), v.offset(), v.type(), l.out(), l.in(), pitch, v.layout());
    return new Pattern(new KofNLayout(l.out(), l.in(), l.out(), l.in(), 1), null, false, dense);
  }

  /**
   * Whether the last outputs are enough for a group, which otherwise reads what is stored behind
   * them: packed blocks are stored whole, while rows of a matrix end where it ends.
   */
  private boolean lastGroupFits() {
    int rest = pattern.packed() ? 0 : outputs % block;
    int last = (rest == 0 ? block : rest) % UNIT;
    return last == 0 || last >= TileKernels.FOUR;
  }

  @Override
  public int units() {
    return Math.ceilDiv(outputs, block) * split;
  }

  @Override
  public int firstOutput(int unit) {
    return (int) Math.min(outputs, (long) (unit / split) * block + (long) (unit % split) * UNIT);
  }

  @Override
  public int endOutput(int unit) {
    long inBlock = Math.min(block, (long) (unit % split + 1) * UNIT);
    return (int) Math.min(outputs, (long) (unit / split) * block + inBlock);
  }

  private boolean keepsEverything() {
    return pattern.indices() == null;
  }

  @Override
  public boolean areInPlace() {
    return direct;
  }

  @Override
  public long weightsOfUnit() {
    long terms = companion == null ? (long) layout.k() * layout.blockIn() : termsOfColumn();
    return terms * Math.min(block, UNIT);
  }

  /** The terms that a column has, on average. */
  private long termsOfColumn() {
    long blocks = (long) layout.blockRows() * layout.k();
    return Math.ceilDiv(blocks, layout.blockColumns()) * layout.blockOut();
  }

  @Override
  public TileKernels kernel(int width) {
    return widths.tiles(width, distance);
  }

  @Override
  public void list(int first, int end, Scratch scratch) {
    if (companion == null) {
      listRows(first, end, scratch);
    } else {
      listColumns(first, end, scratch);
    }
  }

  private void listRows(int first, int end, Scratch scratch) {
    TileLists lists = scratch.tiles;
    if (direct) {
      lists.clear(memory);
    } else {
      int groups = 0;
      for (int unit = first; unit < end; unit++) {
        groups += TileLists.groupsOf(endOutput(unit) - firstOutput(unit));
      }
      lists.clear(groups * groupBytes() / Float.BYTES);
    }
    long at = 0;
    for (int unit = first; unit < end; unit++) {
      int row = unit / split;
      int[] columns = keptOf(pattern, row, scratch);
      int firstTerm = lists.terms();
      int from = firstOutput(unit);
      int count = endOutput(unit) - from;
      if (direct) {
        at = listBlocks(row, columns, from, lists);
      } else {
        listPieces(columns, lists);
      }
      for (int g = 0; g < TileLists.groupsOf(count); g++) {
        int o = TileLists.firstOf(g, count);
        int size = TileLists.sizeOf(g, count);
        int wanted = Math.min(size, count);
        if (direct) {
          lists.group(from + o, size, wanted, firstTerm, at + o * 4L * distance);
        } else {
          lists.group(from + o, size, wanted, firstTerm, at);
          copyRows(row, columns, from + o, wanted, at, lists);
          at += groupBytes();
        }
      }
    }
  }

  /** The bytes of a group's copied weights. */
  private long groupBytes() {
    return Math.ceilDiv((long) layout.k() * layout.blockIn(), Layout.PANEL) * PIECE;
  }

  /** The kept block columns of a block row. */
  static int[] keptOf(Pattern pattern, int row, Scratch scratch) {
    int k = pattern.layout().k();
    int[] columns = scratch.features(Math.max(1, k));
    if (pattern.indices() == null) {
      for (int j = 0; j < k; j++) {
        columns[j] = j;
      }
    } else {
      Elements.readIndices(pattern.indices(), (long) row * k, columns, 0, k, scratch);
    }
    return columns;
  }

  private int inputsOf(int column) {
    return (int) Math.min(layout.blockIn(), layout.in() - (long) column * layout.blockIn());
  }

  /**
   * Lists a block row's terms with their weights where they are stored.
   *
   * @return where the weights of an output begin
   */
  private long listBlocks(int row, int[] columns, int o, TileLists lists) {
    long block = 4L * layout.blockOut() * layout.blockIn();
    for (int j = 0; j < layout.k(); j++) {
      int input = columns[j] * layout.blockIn();
      lists.terms(input, inputsOf(columns[j]), j * block, Float.BYTES);
    }
    return pattern.values().offset() + 4 * indexOf(row, 0, 0, o);
  }

  /** Lists a block row's terms with their weights in pieces of 64. */
  private void listPieces(int[] columns, TileLists lists) {
    int term = 0;
    for (int j = 0; j < layout.k(); j++) {
      int input = columns[j] * layout.blockIn();
      int rest = inputsOf(columns[j]);
      while (rest > 0) {
        int run = Math.min(rest, Layout.PANEL - term % Layout.PANEL);
        lists.terms(input, run, placeOf(term), Float.BYTES);
        input += run;
        term += run;
        rest -= run;
      }
    }
  }

  /** Where a term's weights begin among those of a group. */
  private static long placeOf(int term) {
    return term / Layout.PANEL * PIECE + 4L * (term % Layout.PANEL);
  }

  /** Copies the weights of outputs [o, o + rows), a kept block after the other. */
  private void copyRows(int row, int[] columns, int o, int rows, long at, TileLists lists) {
    View values = pattern.values();
    long apart = 4 * (pattern.packed() ? layout.blockIn() : values.pitch());
    int term = 0;
    for (int j = 0; j < layout.k(); j++) {
      long source = values.offset() + 4 * indexOf(row, j, columns[j], o);
      int rest = inputsOf(columns[j]);
      while (rest > 0) {
        int run = Math.min(rest, Layout.PANEL - term % Layout.PANEL);
        long to = at + placeOf(term);
        lists.copy(widths.turns(run), memory, source, apart, rows, run, to, 4L * Layout.PANEL);
        source += 4L * run;
        term += run;
        rest -= run;
      }
    }
  }

  /** The element of an output and the first input of the block row's kept block {@code slot}. */
  private long indexOf(int row, int slot, int column, int o) {
    int bi = layout.blockIn();
    int bo = layout.blockOut();
    if (!pattern.packed()) {
      return o * pattern.values().pitch() + (long) column * bi;
    }
    return (((long) row * layout.k() + slot) * bo + (o - (long) row * bo)) * bi;
  }

  private void listColumns(int first, int end, Scratch scratch) {
    int firstColumn = first / split;
    int columns = (end - 1) / split - firstColumn + 1;
    int[] starts = startsOf(firstColumn, columns);
    int bo = layout.blockOut();
    long floats = 0;
    for (int unit = first; unit < end; unit++) {
      int column = unit / split - firstColumn;
      floats += (long) (starts[column + 1] - starts[column]) * bo * pitchOf(unit);
    }
    TileLists lists = scratch.tiles;
    if (direct) {
      lists.clear(memory);
    } else {
      lists.clear(floats);
    }
    long at = 0;
    for (int unit = first; unit < end; unit++) {
      int column = unit / split - firstColumn;
      int entries = starts[column + 1] - starts[column];
      at = listColumn(unit, starts[column], entries, at, scratch);
    }
  }

  /** Where the entries of some block columns begin, and the end. */
  private int[] startsOf(int firstColumn, int columns) {
    int[] starts = new int[columns + 1];
    if (keepsEverything()) {
      for (int i = 0; i <= columns; i++) {
        starts[i] = Math.multiplyExact(i, layout.blockRows());
      }
    } else {
      View view = companion.starts();
      MemorySegment.copy(
          view.buffer().host(),
          ValueLayout.JAVA_INT_UNALIGNED,
          view.offset() + 4L * firstColumn,
          starts,
          0,
          columns + 1);
    }
    return starts;
  }

  /** The distance of a unit's terms, in floats: whole cache lines. */
  private int pitchOf(int unit) {
    return Math.ceilDiv(endOutput(unit) - firstOutput(unit), 16) * 16;
  }

  /**
   * Lists a unit of a block column that has so many entries from one on; weights that are copied go
   * to an offset.
   *
   * @return where the next unit's go
   */
  private long listColumn(int unit, int entry, int entries, long at, Scratch scratch) {
    TileLists lists = scratch.tiles;
    int from = firstOutput(unit);
    int count = endOutput(unit) - from;
    long pitch = 4L * pitchOf(unit);
    int bo = layout.blockOut();
    int[] rows = scratch.features(Math.max(1, 2 * entries));
    if (keepsEverything()) {
      for (int e = 0; e < entries; e++) {
        rows[e] = e;
        rows[entries + e] = unit / split;
      }
    } else {
      Elements.readIndices(companion.rows(), entry, rows, 0, entries, scratch);
      Elements.readIndices(companion.slots(), entry, rows, entries, entries, scratch);
    }
    int firstTerm = lists.terms();
    View values = pattern.values();
    long apart = 4 * (pattern.packed() ? layout.blockIn() : values.pitch());
    long next = at;
    for (int e = 0; e < entries; e++) {
      int o = rows[e] * bo;
      int terms = Math.min(bo, layout.out() - o);
      long inBlock = from - (long) (unit / split) * layout.blockIn();
      long index = indexOf(rows[e], rows[entries + e], unit / split, o) + inBlock;
      long source = values.offset() + 4 * index;
      if (direct) {
        lists.terms(o, terms, source, apart);
      } else {
        lists.copy(widths.turns(count), memory, source, apart, terms, count, next, pitch);
        lists.terms(o, terms, next, pitch);
        next += terms * pitch;
      }
    }
    for (int g = 0; g < TileLists.groupsOf(count); g++) {
      int o = TileLists.firstOf(g, count);
      int size = TileLists.sizeOf(g, count);
      lists.group(from + o, size, Math.min(size, count), firstTerm, 4L * o);
    }
    return next;
  }
}
