// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.KofNLayout;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The weight gradient of blocks with at least four outputs that are too narrow for {@link
 * TileGradient}: dot products over the batch of outputs' rows of dY and inputs' rows of X, both as
 * they lie in panels.
 *
 * <pre>
 *                kept inputs of a block row
 *              [ 16 | 16 | 16 | ..          ]    a square of 16 x 16 sums, each a vector, 16 KiB: made
 *  outputs 16  [    |    |    |             ]    four by four over up to 8 panels, then added up.
 *          16  [    |    |    |             ]    Its rows of X and of dY stay in the first-level
 *          ..                                    cache for a batch of 256.
 * </pre>
 *
 * <p>Four outputs and four inputs load 8 vectors for 16 FMAs, 8 cycles. With 256 examples that is
 * 128 cycles; storing the 16 sums and adding them up takes some 70.
 */
final class BlockGradient {
  /** Outputs of a square. */
  private static final int SIDE = 16;

  /**
   * Panels that are run through at once, so that many examples' rows of X stay in the second-level
   * cache while all outputs meet them; sums of more panels are added in place.
   */
  private static final int PANELS = 8;

  private final ProductWidths widths;
  private final Workers workers;
  private final Pattern pattern;
  private final KofNLayout layout;
  private final Panels x;
  private final Panels dy;
  private final View target;
  private final ProductTerms terms;
  private final DotKernels kernel;
  private final int lanes;

  BlockGradient(
      ProductWidths widths, Workers workers, Pattern pattern, Panels x, Panels dy, View target) {
    this.widths = widths;
    this.workers = workers;
    this.pattern = pattern;
    this.layout = pattern.layout();
    this.x = x;
    this.dy = dy;
    this.target = target;
    this.terms = ProductTerms.stored(pattern);
    this.kernel = widths.dots();
    this.lanes = widths.lanes();
  }

  /** Whether there are vectors and enough outputs that share their inputs. */
  static boolean takes(KofNLayout layout, ProductWidths widths) {
    return widths.dots() != null && Math.min(layout.out(), layout.blockOut()) >= DotKernels.OUTPUTS;
  }

  /**
   * Computes all kept blocks, some panels after the other; a part is up to 16 outputs of a block
   * row.
   */
  void compute() {
    int bo = Math.min(layout.blockOut(), layout.out());
    int split = Math.ceilDiv(bo, SIDE);
    int parts = Math.multiplyExact(Math.ceilDiv(layout.out(), bo), split);
    for (int p = 0; p < Math.max(1, x.full()); p += PANELS) {
      int first = p;
      workers.run(
          parts,
          part -> {
            Scratch mine = widths.pool().take();
            int row = part / split;
            int from = row * bo + part % split * SIDE;
            int end = Math.min(layout.out(), Math.min((row + 1) * bo, from + SIDE));
            if (from < end) {
              outputs(row, from, end, first, mine);
            }
            widths.pool().give(mine);
          });
    }
  }

  private void outputs(int blockRow, int from, int end, int firstPanel, Scratch scratch) {
    TermLists lists = scratch.lists;
    lists.clear(1);
    int length = terms.listKept(blockRow, lists);
    // Whole vectors of sums: what is beyond the last input repeats it, and is not looked at.
    int padded = Math.ceilDiv(length, lanes) * lanes;
    int[] inputs = lists.inputs(padded);
    Arrays.fill(inputs, length, padded, length == 0 ? 0 : inputs[length - 1]);
    float[] results = scratch.line(Math.multiplyExact(end - from, padded));
    for (int at = 0; at < length; at += lanes) {
      square(inputs, at, Math.min(lanes, length - at), firstPanel, from, end, padded, scratch);
    }
    for (int o = from; o < end; o++) {
      int at = (o - from) * padded;
      if (firstPanel > 0) {
        float[] before = scratch.tile(length);
        read(blockRow, o, inputs, before, length);
        for (int i = 0; i < length; i++) {
          results[at + i] += before[i];
        }
      }
      write(blockRow, o, inputs, results, at, length);
    }
  }

  /** What some panels give to the results of a square; the last full ones with what is left. */
  private void square(
      int[] inputs,
      int at,
      int count,
      int firstPanel,
      int from,
      int end,
      int padded,
      Scratch scratch) {
    int endPanel = Math.min(x.full(), firstPanel + PANELS);
    int pitch = lanes * lanes;
    float[] sums = scratch.sums(SIDE * pitch);
    int whole = endPanel == firstPanel ? from : end - (end - from) % DotKernels.OUTPUTS;
    for (int o = from; o < whole; o += DotKernels.OUTPUTS) {
      dots(inputs, at, count, firstPanel, endPanel, o, sums, (o - from) * pitch);
    }
    Arrays.fill(sums, (whole - from) * pitch, (end - from) * pitch, 0);
    for (int o = whole; o < end; o++) {
      for (int p = firstPanel; p < endPanel; p++) {
        single(inputs, at, count, p, o, sums, (o - from) * pitch);
      }
    }
    for (int o = from; o < end && endPanel == x.full() && x.panels() > x.full(); o++) {
      single(inputs, at, count, endPanel, o, sums, (o - from) * pitch);
    }
    float[] results = scratch.line(0);
    for (int o = 0; o < end - from; o++) {
      widths.widest().fold(sums, o * pitch, lanes, results, o * padded + at);
    }
  }

  private void dots(
      int[] inputs, int at, int count, int firstPanel, int endPanel, int o, float[] sums, int to) {
    long xPanel = 4L * Layout.PANEL * x.features();
    long dPanel = 4L * Layout.PANEL * dy.features();
    MemorySegment d = dy.segment(firstPanel);
    long dAt = dy.offset(firstPanel) + 4L * Layout.PANEL * o;
    int panels = endPanel - firstPanel;
    MemorySegment rows =
        x.segment(firstPanel).asSlice(x.offset(firstPanel), Math.multiplyExact(panels, xPanel));
    for (int i = 0; i < count; i += kernel.inputs()) {
      kernel.dots(
          d,
          dAt,
          dPanel,
          rows,
          xPanel,
          panels,
          inputs,
          at + i,
          sums,
          to + i * lanes,
          lanes * lanes);
    }
  }

  private void single(int[] inputs, int at, int count, int panel, int o, float[] sums, int to) {
    int stride = x.stride(panel);
    widths
        .of(x.width(panel))
        .dots(
            dy.segment(panel),
            dy.offset(panel) + 4L * o * stride,
            x.segment(panel),
            x.offset(panel),
            stride,
            inputs,
            at,
            count,
            sums,
            to,
            lanes);
  }

  /** Writes an output's results to the blocks of its row. */
  private void write(int blockRow, int o, int[] inputs, float[] results, int from, int length) {
    int bi = layout.blockIn();
    if (bi == 1 && !pattern.packed()) {
      Elements.setAt(target, o * target.pitch(), inputs, 0, results, from, length);
      return;
    }
    boolean whole = bi % lanes == 0 && target.buffer().host().isNative();
    for (int j = 0; j < length; j += bi) {
      int run = Math.min(length - j, bi);
      long at = at(blockRow, o, j, inputs);
      if (whole && run == bi) {
        kernel.put(results, from + j, bi, target.buffer().host(), target.offset() + 4 * at);
      } else if (run == 1) {
        Elements.set(target, at, results[from + j]);
      } else {
        Elements.write(target, at, results, from + j, run);
      }
    }
  }

  /** Reads an output's results back. */
  private void read(int blockRow, int o, int[] inputs, float[] results, int length) {
    int bi = layout.blockIn();
    if (bi == 1 && !pattern.packed()) {
      Elements.readAt(target, o * target.pitch(), inputs, 0, results, 0, length);
      return;
    }
    for (int j = 0; j < length; j += bi) {
      int run = Math.min(length - j, bi);
      Elements.read(target, at(blockRow, o, j, inputs), results, j, run);
    }
  }

  /** Where the results of an output and of a kept block, whose first input is listed, belong. */
  private long at(int blockRow, int o, int listed, int[] inputs) {
    if (!pattern.packed()) {
      return o * target.pitch() + inputs[listed];
    }
    int bi = layout.blockIn();
    int bo = layout.blockOut();
    long block = (long) blockRow * layout.k() + listed / bi;
    return (block * bo + (o - (long) blockRow * bo)) * bi;
  }
}
