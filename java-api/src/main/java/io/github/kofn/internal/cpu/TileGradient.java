// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.KofNLayout;
import java.lang.foreign.MemorySegment;

/**
 * The weight gradient of blocks with at least four outputs and a dozen inputs, and of dense
 * matrices: tiles whose terms are examples, as those of {@link MaskGradient}.
 *
 * <pre>
 *                      a strip: up to 64       X is turned first, strip by strip, so that a strip's
 *                      inputs of a column      inputs lie side by side. A part is the outputs of a
 *                     [ x turned         ]     block row, whose rows of dY stay in a near cache
 *   examples          [                  ]     while the strips of its kept blocks pass. dY is read
 *                     [                  ]     as it lies: an output's examples side by side, the
 *   outputs of dY     [ tile             ]     next output's a row apart. No sums are added up
 *                                              across vectors.
 * </pre>
 *
 * <p>FMAs are the floor, half a cycle for 16 of an output's and an example's inputs. Tiles are six
 * outputs high; where strips are a vector of 16 wide, that is too few chains, and tiles are two
 * strips wide ({@link TallKernel}).
 */
final class TileGradient {
  private static final long ROW = 4L * Layout.PANEL;

  /** Inputs that vectors are not wasted on. */
  private static final int INPUTS = 12;

  /** Examples that are summed before they are added to what others gave. */
  private static final int EXAMPLES = 512;

  private static final int TURNED_SLOT = 2;
  private static final int TILE_SLOT = 0;

  /** Where what the target holds is read to, behind the tile. */
  private static final long BEFORE_AT = TallKernel.OUTPUTS * ROW;

  private final ProductWidths widths;
  private final Workers workers;
  private final Pattern pattern;
  private final KofNLayout layout;
  private final WholePanels x;
  private final WholePanels dy;
  private final View target;
  private final long pitch;
  private final int strips;
  private final int blockOut;
  private final int blockIn;
  private final int width;

  private TileGradient(
      ProductWidths widths,
      Workers workers,
      Pattern pattern,
      WholePanels x,
      WholePanels dy,
      View target) {
    this.widths = widths;
    this.workers = workers;
    this.pattern = BlockTerms.asOneBlock(pattern);
    this.layout = this.pattern.layout();
    this.x = x;
    this.dy = dy;
    this.target = target;
    boolean packedRows = pattern.packed() && !this.pattern.packed();
    long rows = packedRows ? this.pattern.values().pitch() : target.pitch();
    this.pitch = this.pattern.packed() ? layout.blockIn() : rows;
    this.blockOut = Math.min(layout.blockOut(), layout.out());
    this.blockIn = Math.min(layout.blockIn(), layout.in());
    this.strips = Math.ceilDiv(blockIn, Layout.PANEL);
    this.width = widths.stride(Math.min(blockIn, Layout.PANEL));
  }

  /** Whether there are vectors, and enough outputs share enough inputs. */
  static boolean suits(Pattern pattern, View x, ProductWidths widths) {
    KofNLayout l = BlockTerms.asOneBlock(pattern).layout();
    return widths.lanes() > 1
        && x.rows() > 0
        && l.k() > 0
        && Math.min(l.out(), l.blockOut()) >= TileKernels.FOUR
        && Math.min(l.in(), l.blockIn()) >= INPUTS;
  }

  /** Computes all kept blocks. */
  static void compute(
      ProductWidths widths, Workers workers, Pattern pattern, View x, View dy, View target) {
    Scratch shared = widths.pool().take();
    WholePanels xs = WholePanels.of(x, workers, widths.pool(), shared, 0);
    WholePanels ds = WholePanels.of(dy, workers, widths.pool(), shared, 1);
    TileGradient gradient = new TileGradient(widths, workers, pattern, xs, ds, target);
    int batch = Math.toIntExact(x.rows());
    for (int b = 0; b < batch; b += EXAMPLES) {
      gradient.add(b, Math.min(EXAMPLES, batch - b), shared);
    }
    widths.pool().give(shared);
  }

  /** Inputs of a strip of a block column. */
  private int inputsOf(int column, int strip) {
    long rest = layout.in() - (long) column * layout.blockIn();
    return (int) Math.min(Math.min(rest, blockIn) - (long) strip * Layout.PANEL, Layout.PANEL);
  }

  /** The floats of a turned strip: whole panels of examples, of which squares are written. */
  private long sizeOf(int examples) {
    return (long) Tiles.panels(examples) * Layout.PANEL * width;
  }

  /** Adds what some examples give, from the first of a panel on. */
  private void add(int first, int examples, Scratch shared) {
    long size = sizeOf(examples);
    int all = Math.multiplyExact(layout.blockColumns(), strips);
    MemorySegment turned = shared.floats(TURNED_SLOT, all * size);
    workers.run(
        all,
        part -> {
          int column = part / strips;
          int strip = part % strips;
          int count = inputsOf(column, strip);
          if (count > 0) {
            int feature = column * layout.blockIn() + strip * Layout.PANEL;
            MemorySegment to = turned.asSlice(4L * part * size, 4 * size);
            x.turn(widths, feature, count, first, examples, to, widths.stride(count));
          }
        });
    int perRow = layout.k() * strips;
    int wanted = workers.threads() == 1 ? 1 : 4 * workers.threads();
    boolean together = layout.blockRows() >= wanted;
    int units = together ? layout.blockRows() : Math.multiplyExact(layout.blockRows(), perRow);
    int shares = Math.min(Math.ceilDiv(wanted, units), Math.ceilDiv(blockOut, 2 * TileKernels.SIX));
    int share = Math.ceilDiv(blockOut, shares);
    workers.run(
        Math.multiplyExact(units, shares),
        part -> {
          int unit = part / shares;
          int row = together ? unit : unit / perRow;
          int from = part % shares * share;
          int to = Math.min(Math.min(blockOut, from + share), layout.out() - row * blockOut);
          if (from < to) {
            Scratch mine = widths.pool().take();
            Row outputs = new Row(row, from, to, first, examples, turned, mine);
            if (together) {
              outputs.strips(0, perRow);
            } else {
              outputs.strips(unit % perRow, unit % perRow + 1);
            }
            widths.pool().give(mine);
          }
        });
  }

  /** Some outputs of a block row. */
  private final class Row {
    private final int row;
    private final int from;
    private final int to;
    private final int firstPanel;
    private final int examples;
    private final MemorySegment turned;
    private final TileLists lists;
    private final MemorySegment tile;
    private final int[] columns;
    private final TallKernel tall;

    Row(
        int row,
        int from,
        int to,
        int firstExample,
        int examples,
        MemorySegment turned,
        Scratch scratch) {
      this.row = row;
      this.from = row * blockOut + from;
      this.to = row * blockOut + to;
      this.firstPanel = firstExample / Layout.PANEL;
      this.examples = examples;
      this.turned = turned;
      this.lists = scratch.tiles;
      this.tile = scratch.floats(TILE_SLOT, (BEFORE_AT + ROW) / Float.BYTES);
      this.tall = layout.out() < TallKernel.OUTPUTS ? null : widths.tall();
      this.columns = BlockTerms.keptOf(pattern, row, scratch);
      lists.clear(dy.segment());
      for (int e = 0; e < examples; e += Layout.PANEL) {
        long at = dy.at(firstPanel + e / Layout.PANEL, 0);
        lists.terms(e, Math.min(Layout.PANEL, examples - e), at, Float.BYTES);
      }
    }

    /** The outputs' elements in some strips of the kept blocks. */
    void strips(int first, int end) {
      int s = first;
      while (s < end) {
        int done = tall == null ? from : tall(s, Math.min(s + 1, end - 1));
        int next = s + (done > from && isNarrow(s) ? 2 : 1);
        for (; s < next; s++) {
          rest(s, done);
        }
      }
    }

    private int countOf(int s) {
      return inputsOf(columns[s / strips], s % strips);
    }

    /** Where a strip's inputs begin, in bytes. */
    private long inputsAt(int s) {
      return 4L * ((long) columns[s / strips] * strips + s % strips) * sizeOf(examples);
    }

    /** Whether a strip is a single vector wide, as a pair's are. */
    private boolean isNarrow(int s) {
      int count = countOf(s);
      return count > 0 && widths.stride(count) == 16;
    }

    /**
     * Tall tiles of a strip of two vectors, or of one and the next.
     *
     * @return the first output that is left
     */
    private int tall(int s, int other) {
      boolean pair = other > s && isNarrow(s) && isNarrow(other);
      int count = countOf(s);
      if (!pair && (count <= 0 || widths.stride(count) != TallKernel.INPUTS)) {
        return from;
      }
      long at = inputsAt(s);
      long second = pair ? inputsAt(other) : at + 64;
      long row = pair ? 64 : 128;
      int next = from;
      while (to - next >= TileKernels.FOUR) {
        int o = Math.min(next, layout.out() - TallKernel.OUTPUTS);
        int end = Math.min(to, o + TallKernel.OUTPUTS);
        long dyAt = dy.at(firstPanel, o);
        tall.six(turned, at, second, row, examples, dy.segment(), dyAt, dy.panel(), tile);
        if (pair) {
          put(s, o, next, end, 0, TallKernel.INPUTS);
          put(other, o, next, end, 64, TallKernel.INPUTS);
        } else {
          put(s, o, next, end, 0, TallKernel.INPUTS);
        }
        next = end;
      }
      return next;
    }

    /** The outputs from one on, as many at a time as tiles have. */
    private void rest(int s, int first) {
      int count = countOf(s);
      int outputs = to - first;
      if (count <= 0 || outputs == 0) {
        return;
      }
      int stride = widths.stride(count);
      TileKernels kernel = widths.tiles(count, TileKernels.A_ROW_APART);
      MemorySegment inputs = turned.asSlice(inputsAt(s), 4L * examples * stride);
      int next = first;
      for (int g = 0; g < TileLists.groupsOf(outputs); g++) {
        int size = TileLists.sizeOf(g, outputs);
        int o = Math.min(first + TileLists.firstOf(g, outputs), layout.out() - size);
        int end = Math.min(to, o + size);
        lists.sumAll(size, kernel, o * ROW, inputs, stride, tile);
        put(s, o, next, end, 0, Layout.PANEL);
        next = end;
      }
    }

    /**
     * Gives the target a strip's outputs [next, end) of a tile that begins with another, in rows of
     * so many floats.
     */
    private void put(int s, int first, int next, int end, long tileAt, int row) {
      MemorySegment memory = target.buffer().host();
      int count = countOf(s);
      long at = target.offset() + 4 * indexOf(s, next);
      long source = tileAt + 4L * (next - first) * row;
      int rows = end - next;
      for (int r = 0; firstPanel > 0 && r < rows; r++) {
        MemorySegment.copy(memory, at + 4L * r * pitch, tile, BEFORE_AT, 4L * count);
        long to = source + 4L * r * row;
        widths.of(count).add(tile, to, tile, BEFORE_AT, widths.stride(count));
      }
      for (int r = 0; r < rows; r++) {
        long to = at + 4L * r * pitch;
        MemorySegment.copy(tile, source + 4L * r * row, memory, to, 4L * count);
      }
    }

    /** The target's element of an output and a strip's first input. */
    private long indexOf(int s, int o) {
      int slot = s / strips;
      int input = s % strips * Layout.PANEL;
      if (!pattern.packed()) {
        return o * pitch + (long) columns[slot] * layout.blockIn() + input;
      }
      long block = (long) row * layout.k() + slot;
      long output = block * layout.blockOut() + o - (long) row * blockOut;
      return output * layout.blockIn() + input;
    }
  }
}
