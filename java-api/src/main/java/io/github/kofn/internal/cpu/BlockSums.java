// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.ProductKernels.Companion;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import java.lang.foreign.MemorySegment;

/**
 * The forward product and the input gradient of blocks with at least four outputs and four inputs,
 * and of dense matrices, for more than a few examples.
 *
 * <p>FMAs are the floor: half a cycle for 16 of a weight's examples, 8 cycles for 256. Copying a
 * weight to where tiles read it takes a fraction of a cycle.
 */
final class BlockSums {
  /** Weights that a part copies: a quarter of a megabyte of the second-level cache. */
  private static final int WEIGHTS = 1 << 16;

  /** Terms that a part lists whose weights are read as they lie: some megabytes. */
  private static final long TERMS = 1 << 18;

  /** Outputs that a part whose weights are copied computes at once. */
  private static final int OUTPUTS = 2048;

  private final ProductWidths widths;
  private final Workers workers;

  BlockSums(ProductWidths widths, Workers workers) {
    this.widths = widths;
    this.workers = workers;
  }

  /**
   * Whether a product of so many examples, forward or backward, is computed so. A last panel of a
   * single example is summed in another order, as everywhere.
   */
  boolean suits(Pattern pattern, long batch) {
    return batch > 8 && batch % Layout.PANEL != 1 && BlockTerms.suits(pattern, widths);
  }

  /** Computes Y. */
  void forward(Pattern pattern, View x, View y, ProductFinish finish) {
    compute(new BlockTerms(pattern, null, widths), x, y, finish);
  }

  /** Computes dX. */
  void backward(Pattern pattern, Companion companion, View dy, View dx, ProductFinish finish) {
    compute(new BlockTerms(pattern, companion, widths), dy, dx, finish);
  }

  /**
   * Computes Y where single rows keep much of their inputs, and tells so: not if an element of X is
   * not finite.
   */
  boolean filled(Pattern pattern, View x, View y, ProductFinish finish) {
    if (!FilledTerms.suits(pattern, x.rows(), widths)) {
      return false;
    }
    Scratch shared = widths.pool().take();
    Panels inputs = Panels.of(x, widths, workers, shared, 0);
    boolean finite = inputs.areFinite(widths, workers);
    if (finite) {
      compute(FilledTerms.of(pattern, widths, workers), inputs, y, finish);
    }
    widths.pool().give(shared);
    return finite;
  }

  private void compute(TileTerms terms, View x, View y, ProductFinish finish) {
    Scratch shared = widths.pool().take();
    compute(terms, Panels.of(x, widths, workers, shared, 0), y, finish);
    widths.pool().give(shared);
  }

  private void compute(TileTerms terms, Panels inputs, View y, ProductFinish finish) {
    Scratch.Pool pool = widths.pool();
    int panels = Tiles.panels(y.rows());
    int units = terms.units();
    int perPart = unitsOfPart(terms, panels);
    int parts = Math.ceilDiv(units, perPart);
    int jobs = terms.areInPlace() ? wanted() : workers.threads();
    int splits = Math.min(panels, Math.max(1, jobs / parts));
    int perSplit = Math.ceilDiv(panels, splits);
    workers.run(
        parts * splits,
        part -> {
          int first = part % parts * perPart;
          int end = Math.min(units, first + perPart);
          int panel = part / parts * perSplit;
          int from = terms.firstOutput(first);
          int to = terms.endOutput(end - 1);
          if (from < to) {
            Scratch mine = pool.take();
            terms.list(first, end, mine);
            for (int p = panel; p < Math.min(panels, panel + perSplit); p++) {
              tile(terms, inputs, y, p, from, to, finish, mine);
            }
            pool.give(mine);
          }
        });
  }

  /**
   * The units of a part. Where weights are read as they lie, as many as lists have room for: a
   * panel of inputs then stays in the second-level cache while all outputs pass.
   */
  private int unitsOfPart(TileTerms terms, int panels) {
    int units = terms.units();
    int outputs = Math.max(1, terms.endOutput(0));
    long weights = Math.max(1, terms.weightsOfUnit());
    if (terms.areInPlace()) {
      int share = Math.ceilDiv(units, Math.ceilDiv(wanted(), Math.max(1, panels)));
      return (int) Math.max(1, Math.min(TERMS / Math.max(1, weights / outputs), share));
    }
    long within = Math.min(WEIGHTS / weights, OUTPUTS / outputs);
    int share = workers.threads() == 1 ? units : Math.ceilDiv(units, wanted());
    return (int) Math.max(1, Math.min(within, share));
  }

  /** Parts such that threads that start late or run slowly still share the work. */
  private int wanted() {
    return workers.threads() == 1 ? 1 : 4 * workers.threads();
  }

  private void tile(
      TileTerms terms,
      Panels x,
      View y,
      int panel,
      int from,
      int to,
      ProductFinish finish,
      Scratch scratch) {
    int width = Tiles.width(y.rows(), panel);
    int stride = x.stride(panel);
    boolean direct = Tiles.isTile(y, panel, stride);
    MemorySegment tile =
        direct ? y.buffer().host() : scratch.floats(0, (long) (to - from) * Layout.PANEL);
    long at = direct ? Tiles.offset(y, panel, from) : 0;
    MemorySegment rows = x.segment(panel).asSlice(x.offset(panel));
    TileKernels kernel = terms.kernel(width);
    TileLists lists = scratch.tiles;
    for (int g = 0; g < lists.groups(); g++) {
      long groupAt = at + 4L * (lists.firstOutput(g) - from) * stride;
      lists.sum(g, kernel, rows, stride, tile, groupAt);
    }
    finish.apply(widths.of(width), tile, at, stride, panel, from, to, scratch);
    if (!direct) {
      Tiles.store(tile, at, stride, y, panel, from, to, scratch.stage);
    }
  }
}
