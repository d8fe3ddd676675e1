// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.DType;
import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.KofNLayout;
import java.lang.foreign.MemorySegment;

/**
 * The weight gradient of blocks that are 16, 32 or 64 inputs wide, a block column after the other:
 * tiles whose terms are examples, as those of {@link MaskGradient}. A column's inputs are turned
 * once for all block rows that keep it, so that no sums have to be added up across vectors.
 *
 * <p>FMAs are the floor, half a cycle for 16 of an output's and an example's inputs. Tiles of a
 * single vector would wait for their six chains: blocks that narrow are left to {@link
 * BlockGradient}.
 */
final class ColumnGradient {
  private static final long ROW = 4L * Layout.PANEL;

  /** Turned inputs of so many examples stay in the second-level cache. */
  private static final int EXAMPLES = 2048;

  private static final int TURNED_SLOT = 0;
  private static final int TILE_SLOT = 1;

  private final ProductWidths widths;
  private final Pattern pattern;
  private final KofNLayout layout;
  private final WholePanels x;
  private final WholePanels dy;
  private final View target;
  private final int batch;
  private final TurnKernel turns;

  private ColumnGradient(
      ProductWidths widths,
      Pattern pattern,
      WholePanels x,
      WholePanels dy,
      View target,
      int batch) {
    this.widths = widths;
    this.pattern = pattern;
    this.layout = pattern.layout();
    this.x = x;
    this.dy = dy;
    this.target = target;
    this.batch = batch;
    this.turns = widths.turns(16);
  }

  /** Whether blocks are whole and of a width that tiles have, and the examples not too many. */
  static boolean suits(Pattern pattern, View x, View target, ProductWidths widths) {
    KofNLayout l = pattern.layout();
    int bi = l.blockIn();
    return widths.lanes() > 1
        && pattern.indices() != null
        && (bi == 16 || bi == 32 || bi == Layout.PANEL)
        && bi >= 2 * widths.lanes()
        && l.in() % bi == 0
        && l.blockOut() >= TileKernels.FOUR
        && l.out() % l.blockOut() == 0
        && x.rows() > 0
        && x.rows() <= EXAMPLES
        && target.type() == DType.F32
        && target.buffer().host().isNative();
  }

  /** Computes all kept blocks; a part is a block column. */
  static void compute(
      ProductWidths widths, Workers workers, Pattern pattern, View x, View dy, View target) {
    Scratch shared = widths.pool().take();
    WholePanels xs = WholePanels.of(x, workers, widths.pool(), shared, 0);
    WholePanels ds = WholePanels.of(dy, workers, widths.pool(), shared, 1);
    ColumnGradient gradient =
        new ColumnGradient(widths, pattern, xs, ds, target, Math.toIntExact(x.rows()));
    workers.run(
        pattern.layout().blockColumns(),
        column -> {
          Scratch mine = widths.pool().take();
          gradient.column(column, mine);
          widths.pool().give(mine);
        });
    widths.pool().give(shared);
  }

  private void column(int column, Scratch scratch) {
    int bi = layout.blockIn();
    int bo = layout.blockOut();
    int panels = Tiles.panels(batch);
    MemorySegment turned = scratch.floats(TURNED_SLOT, (long) panels * Layout.PANEL * bi);
    MemorySegment tile = scratch.floats(TILE_SLOT, TileKernels.SIX * Layout.PANEL);
    TileLists lists = scratch.tiles;
    lists.clear(dy.segment());
    for (int p = 0; p < panels; p++) {
      int examples = Math.min(Layout.PANEL, batch - p * Layout.PANEL);
      lists.terms(p * Layout.PANEL, examples, dy.at(p, 0), Float.BYTES);
    }
    boolean isTurned = false;
    for (int row = 0; row < layout.blockRows(); row++) {
      int slot = slotOf(row, column);
      if (slot < 0) {
        continue;
      }
      if (!isTurned) {
        turn(column * bi, panels, turned);
        isTurned = true;
      }
      int before = lists.groups();
      for (int g = 0; g < TileLists.groupsOf(bo); g++) {
        int o = row * bo + TileLists.firstOf(g, bo);
        int size = TileLists.sizeOf(g, bo);
        lists.group(o, size, size, 0, o * ROW);
      }
      TileKernels kernel = widths.tiles(bi, TileKernels.A_ROW_APART);
      for (int g = before; g < lists.groups(); g++) {
        lists.sum(g, kernel, turned, bi, tile, 0);
        put(row, slot, column, lists.firstOutput(g), lists.outputs(g), tile);
      }
    }
  }

  /** Where a block row's list has a column, or less than 0. */
  private int slotOf(int row, int column) {
    int k = layout.k();
    View indices = pattern.indices();
    int slot = Elements.lowerBound(indices, (long) row * k, k, column);
    int next = slot;
    if (slot < k) {
      next = Elements.lowerBound(indices, (long) row * k, k, column + 1);
    }
    return next > slot ? slot : -1;
  }

  /** Turns panels of a block column's inputs to {@code [examples][blockIn]}. */
  private void turn(int feature, int panels, MemorySegment to) {
    int side = turns.lanes();
    long pitch = 4L * layout.blockIn();
    for (int p = 0; p < panels; p++) {
      long source = x.at(p, feature);
      long start = (long) p * Layout.PANEL * pitch;
      for (int f = 0; f < layout.blockIn(); f += side) {
        for (int b = 0; b < Layout.PANEL; b += side) {
          long corner = source + f * ROW + 4L * b;
          turns.square(x.segment(), corner, ROW, to, start + b * pitch + 4L * f, pitch);
        }
      }
    }
  }

  private void put(int row, int slot, int column, int o, int rows, MemorySegment tile) {
    int bi = layout.blockIn();
    long pitch = 4 * (pattern.packed() ? bi : target.pitch());
    long block = (long) row * layout.k() + slot;
    long inBlock = o - (long) row * layout.blockOut();
    long index =
        pattern.packed()
            ? (block * layout.blockOut() + inBlock) * bi
            : o * target.pitch() + (long) column * bi;
    long at = target.offset() + 4 * index;
    turns.copy(tile, 0, 4L * bi, rows, bi, target.buffer().host(), at, pitch);
  }
}
