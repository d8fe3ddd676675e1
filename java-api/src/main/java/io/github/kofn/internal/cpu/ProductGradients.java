// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.KofNLayout;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** The gradients whose sums run over the batch. */
final class ProductGradients {
  private static final int STEP = Layout.PANEL;

  /**
   * How many dot products run beside each other, panel by panel: their partial sums (8 KiB with 16
   * lanes) and the rows of dY stay in the first-level cache.
   */
  private static final int DOTS = 1 << 7;

  private final ProductWidths widths;
  private final Workers workers;

  ProductGradients(ProductWidths widths, Workers workers) {
    this.widths = widths;
    this.workers = workers;
  }

  void weights(Pattern pattern, View x, View dy, View target) {
    if (pattern.packed() && isCutOff(pattern.layout())) {
      // Elements of blocks that lie beyond the matrix have the gradient 0.
      MemorySegment memory = target.buffer().host();
      memory.asSlice(target.offset(), 4 * pattern.layout().packedElements()).fill((byte) 0);
    }
    if (TileGradient.suits(pattern, x, widths)) {
      TileGradient.compute(widths, workers, pattern, x, dy, target);
      return;
    }
    ProductTerms terms = ProductTerms.stored(pattern);
    Scratch.Pool pool = widths.pool();
    Scratch shared = pool.take();
    Panels xs = Panels.of(x, widths, workers, shared, 0);
    Panels ds = Panels.of(dy, widths, workers, shared, 1);
    if (BlockGradient.takes(pattern.layout(), widths)) {
      new BlockGradient(widths, workers, pattern, xs, ds, target).compute();
      pool.give(shared);
      return;
    }
    int units = terms.units();
    int perPart = Math.max(1, Math.ceilDiv(units, 4 * workers.threads()));
    workers.run(
        Math.ceilDiv(units, perPart),
        part -> {
          Scratch mine = pool.take();
          weightsOfUnits(
              pattern,
              terms,
              part * perPart,
              Math.min(units, (part + 1) * perPart),
              xs,
              ds,
              target,
              mine);
          pool.give(mine);
        });
    pool.give(shared);
  }

  private void weightsOfUnits(
      Pattern pattern,
      ProductTerms terms,
      int firstUnit,
      int endUnit,
      Panels xs,
      Panels ds,
      View target,
      Scratch scratch) {
    TermLists lists = scratch.lists;
    lists.clear(1);
    for (int unit = firstUnit; unit < endUnit; unit++) {
      int inputsAt = -1;
      int length = 0;
      for (int o = terms.firstOutput(unit); o < terms.endOutput(unit); o++) {
        if (lists.weights() + length > DOTS && lists.groups > 0) {
          dots(pattern, xs, ds, target, scratch);
          lists.clear(1);
          inputsAt = -1;
        }
        if (inputsAt < 0) {
          inputsAt = lists.inputs;
          length = terms.listKept(terms.blockOf(unit), lists);
        }
        lists.group(o, o + 1, inputsAt, length);
      }
    }
    dots(pattern, xs, ds, target, scratch);
  }

  private static boolean isCutOff(KofNLayout layout) {
    return layout.out() % layout.blockOut() != 0 || layout.in() % layout.blockIn() != 0;
  }

  /** The sums over the batch of dy[b][o] * x[b][i] for the outputs and inputs that are listed. */
  private void dots(Pattern pattern, Panels xs, Panels ds, View target, Scratch scratch) {
    TermLists lists = scratch.lists;
    int lanes = widths.lanes();
    int size = lists.weights();
    float[] sums = scratch.sums(Math.multiplyExact(size + lanes, lanes));
    Arrays.fill(sums, 0, size * lanes, 0);
    int p = 0;
    for (; p + 2 <= xs.full() && widths.pairs() != null; p += 2) {
      dotsOfTwo(p, xs, ds, lists, sums);
    }
    for (; p < xs.panels(); p++) {
      dotsOfOne(p, xs, ds, lists, sums);
    }
    widths.widest().fold(sums, 0, size, lists.weight, 0);
    for (int g = 0; g < lists.groups; g++) {
      scatter(pattern, lists, g, target);
    }
  }

  private void dotsOfOne(int p, Panels xs, Panels ds, TermLists lists, float[] sums) {
    int stride = xs.stride(p);
    ProductLanes kernel = widths.of(xs.width(p));
    for (int g = 0; g < lists.groups; g++) {
      kernel.dots(
          ds.segment(p),
          ds.offset(p) + 4L * lists.firstOutput(g) * stride,
          xs.segment(p),
          xs.offset(p),
          stride,
          lists.input,
          lists.inputsAt(g),
          lists.length(g),
          sums,
          lists.weightsAt(g) * widths.lanes(),
          widths.lanes());
    }
  }

  /** A full panel and the next, which lie in the same memory. */
  private void dotsOfTwo(int p, Panels xs, Panels ds, TermLists lists, float[] sums) {
    for (int g = 0; g < lists.groups; g++) {
      long row = 4L * lists.firstOutput(g) * STEP;
      int from = lists.inputsAt(g);
      widths
          .pairs()
          .dots(
              ds.segment(p),
              ds.offset(p) + row,
              ds.offset(p + 1) + row,
              xs.segment(p),
              xs.offset(p),
              xs.offset(p + 1),
              lists.input,
              from,
              from + lists.length(g),
              sums,
              lists.weightsAt(g) * widths.lanes());
    }
  }

  private static void scatter(Pattern pattern, TermLists lists, int group, View target) {
    int o = lists.firstOutput(group);
    int length = lists.length(group);
    int from = lists.weightsAt(group);
    int inputsAt = lists.inputsAt(group);
    KofNLayout layout = pattern.layout();
    int bi = layout.blockIn();
    long blockSize = (long) layout.blockOut() * bi;
    int blockRow = o / layout.blockOut();
    long packedAt =
        (long) blockRow * layout.k() * blockSize + (o - (long) blockRow * layout.blockOut()) * bi;
    if (pattern.packed() && layout.blockOut() == 1) {
      Elements.write(target, packedAt, lists.weight, from, length);
      return;
    }
    if (!pattern.packed() && bi == 1) {
      Elements.setAt(target, o * target.pitch(), lists.input, inputsAt, lists.weight, from, length);
      return;
    }
    for (int j = 0; j < length; ) {
      int run = Math.min(length - j, bi);
      long at =
          pattern.packed()
              ? packedAt + j / bi * blockSize
              : o * target.pitch() + lists.input[inputsAt + j];
      if (run == 1) {
        Elements.set(target, at, lists.weight[from + j]);
      } else {
        Elements.write(target, at, lists.weight, from + j, run);
      }
      j += run;
    }
  }

  void activations(View dy, Activation activation, View z, float scale, View dz, View dBias) {
    int features = Math.toIntExact(dy.columns());
    int panels = Tiles.panels(dy.rows());
    int lanes = widths.lanes();
    workers.run(
        Math.ceilDiv(features, STEP),
        part -> {
          Scratch mine = widths.pool().take();
          int from = part * STEP;
          int to = Math.min(features, from + STEP);
          float[] sums = mine.sums(STEP * lanes);
          Arrays.fill(sums, 0, STEP * lanes, 0);
          for (int p = 0; p < panels; p++) {
            activationTile(dy, activation, z, scale, dz, p, from, to, sums, mine);
          }
          if (dBias != null) {
            float[] line = mine.line(STEP);
            widths.widest().fold(sums, 0, to - from, line, 0);
            Elements.write(dBias, from, line, 0, to - from);
          }
          widths.pool().give(mine);
        });
  }

  private void activationTile(
      View dy,
      Activation activation,
      View z,
      float scale,
      View dz,
      int panel,
      int from,
      int to,
      float[] sums,
      Scratch scratch) {
    int width = Tiles.width(dy.rows(), panel);
    int stride = widths.stride(width);
    ProductLanes kernel = widths.of(width);
    MemorySegment tile = scratch.floats(0, STEP * STEP);
    Tiles.load(dy, panel, from, to, tile, 0, stride, scratch.stage);
    new ProductFinish.Backward(activation, z)
        .apply(kernel, tile, 0, stride, panel, from, to, scratch);
    for (int f = 0; f < to - from; f++) {
      kernel.total(tile, 4L * f * stride, stride, sums, f * widths.lanes());
    }
    if (scale != 1) {
      kernel.affine(tile, 0, (to - from) * stride, scale, 0);
    }
    Tiles.store(tile, 0, stride, dz, panel, from, to, scratch.stage);
  }
}
