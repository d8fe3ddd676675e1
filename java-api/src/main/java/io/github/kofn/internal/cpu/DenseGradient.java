// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.View;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The dense product dY^T X: X is turned so that inputs lie side by side, 64 of them, and the
 * examples of dY supply the weights, so that it is a product like the forward one, of as many terms
 * as there are examples.
 */
final class DenseGradient {
  private static final int STEP = Layout.PANEL;

  /** The most elements of dY that are held side by side: 64 MiB. */
  private static final int HELD = 1 << 24;

  /** Room for what a taker does with a piece of a row: three pieces, the first of them filled. */
  static final int LINE = 3 * STEP;

  private final ProductWidths widths;
  private final Workers workers;
  private final View x;
  private final View dy;
  private final int batch;

  DenseGradient(ProductWidths widths, Workers workers, View x, View dy) {
    this.widths = widths;
    this.workers = workers;
    this.x = x;
    this.dy = dy;
    this.batch = Math.toIntExact(x.rows());
  }

  /** Takes {@code count} elements of row {@code output} of the product from a feature on. */
  interface Taker {
    void take(int output, int feature, int count, float[] line);
  }

  /**
   * Computes all rows in pieces of at most 64 elements. Pieces that share a block of {@code
   * blockIn} features are given in order, by one thread.
   */
  void compute(int blockIn, Taker taker) {
    int out = Math.toIntExact(dy.columns());
    int most = widths.most();
    int perChunk = Math.max(1, HELD / Math.max(1, batch) / most) * most;
    for (long o = 0; o < out && batch > 0; o += perChunk) {
      compute(blockIn, (int) o, (int) Math.min(out, o + perChunk), taker);
    }
  }

  private void compute(int blockIn, int from, int to, Taker taker) {
    int features = Math.toIntExact(x.columns());
    Scratch.Pool pool = widths.pool();
    Scratch shared = pool.take();
    TermLists lists = shared.lists;
    lists.clear(widths.most());
    lists.listInputs(0, batch);
    lists.group(from, to, 0, batch);
    workers.run(
        lists.groups,
        g -> {
          Scratch mine = pool.take();
          fill(lists, g, mine);
          pool.give(mine);
        });
    long perPart = (long) Math.max(1, STEP / blockIn) * blockIn;
    workers.run(
        Math.toIntExact(Math.ceilDiv(features, perPart)),
        part -> {
          Scratch mine = pool.take();
          long first = part * perPart;
          int end = (int) Math.min(features, first + perPart);
          for (int f = (int) first; f < end; f += STEP) {
            tile(lists, f, Math.min(STEP, end - f), taker, mine);
          }
          pool.give(mine);
        });
    pool.give(shared);
  }

  /** The weights of a group: its outputs' rows of dY. */
  private void fill(TermLists lists, int group, Scratch scratch) {
    int first = lists.firstOutput(group);
    int outs = lists.outputs(group);
    MemorySegment tile = scratch.floats(0, (long) GroupKernels.TILE);
    float[] line = scratch.line(GroupKernels.TILE);
    int pitch = lists.pitch(group);
    for (int p = 0; p < Tiles.panels(batch); p++) {
      Tiles.load(dy, p, first, first + outs, tile, 0, STEP, scratch.stage);
      MemorySegment.copy(tile, ValueLayout.JAVA_FLOAT, 0, line, 0, outs * STEP);
      int width = Tiles.width(batch, p);
      for (int o = 0; o < outs; o++) {
        int at = lists.at(group, first + o, p * STEP);
        for (int b = 0; b < width; b++) {
          lists.weight[at + b * pitch] = line[o * STEP + b];
        }
      }
    }
  }

  private void tile(TermLists lists, int feature, int count, Taker taker, Scratch scratch) {
    MemorySegment turned = scratch.floats(0, (long) batch * STEP);
    for (int p = 0; p < Tiles.panels(batch); p++) {
      Tiles.loadTurned(x, p, feature, count, turned, 4L * p * STEP * STEP, scratch.stage);
    }
    MemorySegment product = scratch.floats(1, GroupKernels.TILE);
    SumKernels sums = widths.sums(STEP);
    GroupKernels groups = widths.groups(STEP);
    float[] line = scratch.line(LINE);
    for (int g = 0; g < lists.groups; g++) {
      lists.sum(g, sums, groups, turned, STEP, product, 0, scratch);
      for (int i = 0; i < lists.outputs(g); i++) {
        MemorySegment.copy(product, ValueLayout.JAVA_FLOAT, 4L * i * STEP, line, 0, count);
        taker.take(lists.firstOutput(g) + i, feature, count, line);
      }
    }
  }
}
