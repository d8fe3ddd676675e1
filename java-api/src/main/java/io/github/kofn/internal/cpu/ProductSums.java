// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.View;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The forward product and the input gradient: outputs that are weighted sums of inputs' rows.
 *
 * <pre>
 *            panel 0   panel 1           a part: a run of outputs, all panels (or, where there are
 *  part 0  [ 64 wide | 64 wide | .. ]    few outputs, some of them). It lists its terms once, as
 *  part 1  [         |         |    ]    inputs' rows and weights side by side, and then runs
 *                                        through them for every panel.
 * </pre>
 */
final class ProductSums {
  /** Weights that a part lists for several panels: a megabyte of the second-level cache. */
  private static final int TERMS = 1 << 17;

  /** Weights that a part lists for a single panel: they stay in the first-level cache. */
  private static final int TERMS_OF_ONE_PANEL = 1 << 11;

  /** Weights that a part runs through for a single example: they come from beyond any cache. */
  private static final int TERMS_OF_ONE_EXAMPLE = 1 << 15;

  /** Outputs that a part computes at once. */
  private static final int OUTPUTS = 2048;

  private final ProductWidths widths;
  private final Workers workers;

  ProductSums(ProductWidths widths, Workers workers) {
    this.widths = widths;
    this.workers = workers;
  }

  void compute(ProductTerms terms, View x, View y, ProductFinish finish) {
    int panels = Tiles.panels(y.rows());
    int units = terms.units();
    if (panels == 0 || units == 0) {
      return;
    }
    if (x.rows() == 1 && terms.isRowsOfSingleWeights()) {
      single(terms, x, y, finish);
      return;
    }
    Scratch.Pool pool = widths.pool();
    Scratch shared = pool.take();
    Panels inputs = Panels.of(x, widths, workers, shared, 0);
    int limit = panels == 1 ? TERMS_OF_ONE_PANEL : TERMS;
    int perPart = Math.max(1, Math.min(terms.unitsWithin(limit, OUTPUTS), share(units)));
    int parts = Math.ceilDiv(units, perPart);
    int splits = Math.min(panels, Math.max(1, workers.threads() / parts));
    int perSplit = Math.ceilDiv(panels, splits);
    workers.run(
        parts * splits,
        part -> {
          int unit = part / splits * perPart;
          int panel = part % splits * perSplit;
          Scratch mine = pool.take();
          TermLists lists = mine.lists;
          lists.clear(widths.most());
          int end = Math.min(units, unit + perPart);
          terms.list(unit, end, lists, mine);
          int from = terms.firstOutput(unit);
          int to = terms.endOutput(end - 1);
          for (int p = panel; p < Math.min(panels, panel + perSplit); p++) {
            tile(lists, inputs, y, p, from, to, finish, mine);
          }
          pool.give(mine);
        });
    pool.give(shared);
  }

  /**
   * A batch of one and packed single weights: values and indices are run through once, as they lie,
   * with nothing listed but their inputs.
   */
  private void single(ProductTerms terms, View x, View y, ProductFinish finish) {
    Scratch.Pool pool = widths.pool();
    Scratch shared = pool.take();
    int inputs = Math.toIntExact(x.columns());
    float[] values = shared.line(inputs);
    Elements.read(x, 0, values, 0, inputs);
    int outputs = terms.units();
    int lanes = widths.gather().lanes();
    int within = Math.min(terms.unitsWithin(TERMS_OF_ONE_EXAMPLE, OUTPUTS), share(outputs));
    int perPart = Math.max(1, within);
    workers.run(
        Math.ceilDiv(outputs, perPart),
        part -> {
          int from = part * perPart;
          int to = Math.min(outputs, from + perPart);
          Scratch mine = pool.take();
          boolean direct = Tiles.isTile(y, 0, 1);
          MemorySegment tile = direct ? y.buffer().host() : mine.floats(0, to - from);
          long at = direct ? Tiles.offset(y, 0, from) : 0;
          float[] partial = mine.sums(Math.multiplyExact(to - from + lanes, lanes));
          float[] results = mine.line(to - from);
          terms.sumRows(from, to, values, widths.gather(), partial, mine);
          widths.gathered().fold(partial, 0, to - from, results, 0);
          MemorySegment.copy(results, 0, tile, ValueLayout.JAVA_FLOAT_UNALIGNED, at, to - from);
          finish.apply(widths.of(1), tile, at, 1, 0, from, to, mine);
          if (!direct) {
            Tiles.store(tile, at, 1, y, 0, from, to, mine.stage);
          }
          pool.give(mine);
        });
    pool.give(shared);
  }

  /** Units of a part such that threads that start late or run slowly still share the work. */
  private int share(int units) {
    return workers.threads() == 1 ? units : Math.ceilDiv(units, 4 * workers.threads());
  }

  private void tile(
      TermLists lists,
      Panels x,
      View y,
      int panel,
      int from,
      int to,
      ProductFinish finish,
      Scratch scratch) {
    int width = Tiles.width(y.rows(), panel);
    ProductLanes kernel = widths.of(width);
    int stride = x.stride(panel);
    boolean direct = Tiles.isTile(y, panel, stride);
    MemorySegment tile =
        direct ? y.buffer().host() : scratch.floats(0, (long) (to - from) * Layout.PANEL);
    long at = direct ? Tiles.offset(y, panel, from) : 0;
    MemorySegment segment = x.segment(panel).asSlice(x.offset(panel));
    float[] single = width == 1 ? scratch.line(x.features()) : null;
    if (single != null) {
      MemorySegment.copy(segment, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, single, 0, x.features());
    }
    SumKernels sums = widths.sums(width);
    GroupKernels groups = widths.groups(width);
    for (int g = 0; g < lists.groups; g++) {
      long to0 = at + 4L * (lists.firstOutput(g) - from) * stride;
      if (single != null && lists.outputs(g) == 1) {
        float sum =
            SumScalar.sum(
                single,
                lists.input,
                lists.inputsAt(g),
                lists.length(g),
                lists.weight,
                lists.weightsAt(g));
        tile.set(ValueLayout.JAVA_FLOAT_UNALIGNED, to0, sum);
      } else {
        lists.sum(g, sums, groups, segment, stride, tile, to0, scratch);
      }
    }
    finish.apply(kernel, tile, at, stride, panel, from, to, scratch);
    if (!direct) {
      Tiles.store(tile, at, stride, y, panel, from, to, scratch.stage);
    }
  }
}
