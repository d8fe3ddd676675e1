// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.ProductKernels.Companion;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.KofNLayout;
import java.lang.foreign.MemorySegment;

/**
 * The forward product and the input gradient of single weights, for at least a full panel of
 * examples: rows of X are met where they are fastest, in the first-level cache, at the price of
 * loading and storing an output's sums once a chunk.
 *
 * <p>Loads set the floor: six a term and panel (index, weight, four vectors), three cycles at two a
 * cycle; eight loads and stores more for each of an output's chunks.
 */
final class ChunkedSums {
  /** Terms that an output has in a chunk, on average, for it to be worth its loads and stores. */
  private static final int WORTHWHILE = 3;

  private final ProductWidths widths;
  private final Workers workers;

  ChunkedSums(ProductWidths widths, Workers workers) {
    this.widths = widths;
    this.workers = workers;
  }

  /**
   * Whether a product of so many examples, forward or backward, is best computed so. A last panel
   * of a single example is summed in another order, and a matrix's products must not differ with
   * the way that was chosen.
   */
  boolean suits(Pattern pattern, long batch, boolean backward) {
    KofNLayout layout = pattern.layout();
    long kept = (long) layout.k() * TermChunks.best(layout.k(), layout.in());
    return widths.lanes() > 1
        && batch >= Layout.PANEL
        && batch % Layout.PANEL != 1
        && kept >= (long) WORTHWHILE * layout.in()
        && layout.out() > 0
        && ChunkPlan.suits(pattern);
  }

  private ChunkPlan plan(Pattern pattern) {
    return ChunkPlan.of(pattern, workers.threads(), widths.chunks(Layout.PANEL).together());
  }

  /** Computes Y, and tells so, unless it meets the pattern for the first time. */
  boolean forward(Pattern pattern, View x, View y, ProductFinish finish) {
    if (!suits(pattern, x.rows(), false)) {
      return false;
    }
    ChunkPlan plan = plan(pattern);
    if (!plan.meetsForwardAgain()) {
      return false;
    }
    TermChunks[] slabs = plan.forward(pattern.indices(), workers, widths.pool());
    compute(
        slabs,
        (slab, scratch) -> readRows(pattern, slab.firstOutput(), slab.endOutput(), scratch),
        x,
        y,
        finish);
    return true;
  }

  /** Computes dX. */
  void backward(Pattern pattern, Companion companion, View dy, View dx, ProductFinish finish) {
    ChunkPlan plan = plan(pattern);
    TermChunks[] slabs = plan.backward(companion, workers, widths.pool());
    Scratch shared = widths.pool().take();
    float[] all = readRows(pattern, 0, pattern.layout().out(), shared);
    compute(slabs, (slab, scratch) -> all, dy, dx, finish);
    widths.pool().give(shared);
  }

  /** Gives weights, in an array that may be the scratch's line. */
  private interface Weights {
    float[] of(TermChunks slab, Scratch scratch);
  }

  /** The kept weights of rows [from, to), one behind the other. */
  private static float[] readRows(Pattern pattern, int from, int to, Scratch scratch) {
    int k = pattern.layout().k();
    int count = (to - from) * k;
    float[] line = scratch.line(count);
    View values = pattern.values();
    if (pattern.packed()) {
      Elements.read(values, (long) from * k, line, 0, count);
      return line;
    }
    int[] columns = scratch.features(count);
    Elements.readIndices(pattern.indices(), (long) from * k, columns, 0, count, scratch);
    for (int o = from; o < to; o++) {
      int at = (o - from) * k;
      Elements.readAt(values, o * values.pitch(), columns, at, line, at, k);
    }
    return line;
  }

  private void compute(TermChunks[] slabs, Weights source, View x, View y, ProductFinish finish) {
    Scratch.Pool pool = widths.pool();
    Scratch shared = pool.take();
    Panels inputs = Panels.of(x, widths, workers, shared, 0);
    int panels = inputs.panels();
    int wanted = workers.threads() == 1 ? 1 : Math.ceilDiv(4 * workers.threads(), slabs.length);
    int perSplit = Math.ceilDiv(panels, Math.min(panels, wanted));
    int splits = Math.ceilDiv(panels, perSplit);
    workers.run(
        slabs.length * splits,
        part -> {
          TermChunks slab = slabs[part / splits];
          int panel = part % splits * perSplit;
          Scratch mine = pool.take();
          float[] weights = mine.weights(slab.size());
          widths.gather().pick(source.of(slab, mine), slab.positions(), 0, weights, 0, slab.size());
          for (int p = panel; p < Math.min(panels, panel + perSplit); p++) {
            panel(slab, weights, inputs, y, p, finish, mine);
          }
          pool.give(mine);
        });
    pool.give(shared);
  }

  private void panel(
      TermChunks slab,
      float[] weights,
      Panels x,
      View y,
      int panel,
      ProductFinish finish,
      Scratch scratch) {
    int from = slab.firstOutput();
    int to = slab.endOutput();
    int width = Tiles.width(y.rows(), panel);
    int stride = x.stride(panel);
    boolean direct = Tiles.isTile(y, panel, stride);
    MemorySegment tile =
        direct ? y.buffer().host() : scratch.floats(0, (long) (to - from) * Layout.PANEL);
    long at = direct ? Tiles.offset(y, panel, from) : 0;
    add(slab, weights, x, panel, tile.asSlice(at, 4L * (to - from) * stride));
    finish.apply(widths.of(width), tile, at, stride, panel, from, to, scratch);
    if (!direct) {
      Tiles.store(tile, at, stride, y, panel, from, to, scratch.stage);
    }
  }

  private void add(TermChunks slab, float[] weights, Panels x, int panel, MemorySegment y) {
    int stride = x.stride(panel);
    ChunkKernel kernel = widths.chunks(x.width(panel));
    MemorySegment all = x.segment(panel).asSlice(x.offset(panel), 4L * x.features() * stride);
    for (int r = 0; r < slab.runs(); r++) {
      int chunk = slab.chunk(r);
      MemorySegment inputs = all.asSlice(4L * chunk * slab.inputs() * stride);
      kernel.add(
          inputs,
          slab.lines(),
          weights,
          slab.begin(r),
          slab.begin(r + 1),
          slab.length(r),
          slab.outputs(r),
          y,
          stride,
          chunk == 0);
    }
  }
}
