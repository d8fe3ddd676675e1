// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.KofNLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** The gradients whose sums run over the batch. */
final class ProductGradients {
  private static final int STEP = Layout.PANEL;

  /** The most elements of dY that are held side by side for the dense product: 64 MiB. */
  private static final int HELD = 1 << 24;

  private final ProductWidths widths;
  private final Workers workers;

  ProductGradients(ProductWidths widths, Workers workers) {
    this.widths = widths;
    this.workers = workers;
  }

  void weights(Pattern pattern, View x, View dy, View target) {
    ProductTerms terms = ProductTerms.stored(pattern);
    Scratch.Pool pool = widths.pool();
    Scratch shared = pool.take();
    Panels xs = Panels.of(x, widths, workers, shared, 0);
    Panels ds = Panels.of(dy, widths, workers, shared, 1);
    if (pattern.packed() && isCutOff(pattern.layout())) {
      // Elements of blocks that lie beyond the matrix have the gradient 0.
      MemorySegment memory = target.buffer().host();
      memory.asSlice(target.offset(), 4 * pattern.layout().packedElements()).fill((byte) 0);
    }
    workers.run(
        terms.units(),
        unit -> {
          Scratch mine = pool.take();
          ProductTerms.Lists lists = new ProductTerms.Lists(mine);
          int length = terms.listKept(terms.blockOf(unit), lists);
          float[] line = mine.line(Math.max(1, length));
          for (int o = terms.firstOutput(unit); o < terms.endOutput(unit); o++) {
            dots(xs, ds, o, lists.input, length, Tiles.panels(x.rows()), x.rows(), line, mine);
            scatter(pattern, o, lists.input, length, line, target);
          }
          pool.give(mine);
        });
    pool.give(shared);
  }

  private static boolean isCutOff(KofNLayout layout) {
    return layout.out() % layout.blockOut() != 0 || layout.in() % layout.blockIn() != 0;
  }

  /** line[j] = the sum over the batch of dy[b][o] * x[b][inputs[j]]. */
  private void dots(
      Panels xs,
      Panels ds,
      int o,
      int[] inputs,
      int length,
      int panels,
      long batch,
      float[] line,
      Scratch scratch) {
    int lanes = widths.lanes();
    float[] sums = scratch.sums(Math.multiplyExact(Math.max(1, length), lanes));
    Arrays.fill(sums, 0, length * lanes, 0);
    for (int p = 0; p < panels; p++) {
      int stride = xs.stride(p);
      long at = ds.offset(p) + 4L * o * stride;
      ProductLanes kernel = widths.of(Tiles.width(batch, p));
      kernel.dots(
          ds.segment(p),
          at,
          xs.segment(p),
          xs.offset(p),
          stride,
          inputs,
          0,
          length,
          sums,
          0,
          lanes);
    }
    fold(sums, length, lanes, line);
  }

  /** Adds up the lanes of each sum as a balanced tree. */
  private static void fold(float[] sums, int count, int lanes, float[] to) {
    for (int j = 0; j < count; j++) {
      int at = j * lanes;
      for (int half = lanes / 2; half > 0; half /= 2) {
        for (int l = at; l < at + half; l++) {
          sums[l] += sums[l + half];
        }
      }
      to[j] = sums[at];
    }
  }

  private static void scatter(
      Pattern pattern, int o, int[] inputs, int length, float[] line, View target) {
    KofNLayout layout = pattern.layout();
    int bi = layout.blockIn();
    long blockSize = (long) layout.blockOut() * bi;
    int blockRow = o / layout.blockOut();
    long packedAt =
        (long) blockRow * layout.k() * blockSize + (o - (long) blockRow * layout.blockOut()) * bi;
    if (pattern.packed() && layout.blockOut() == 1) {
      Elements.write(target, packedAt, line, 0, length);
      return;
    }
    for (int j = 0; j < length; ) {
      int run = Math.min(length - j, bi);
      long at = pattern.packed() ? packedAt + j / bi * blockSize : o * target.pitch() + inputs[j];
      if (run == 1) {
        Elements.set(target, at, line[j]);
      } else {
        Elements.write(target, at, line, j, run);
      }
      j += run;
    }
  }

  /**
   * The dense product dY^T X, four outputs by 64 inputs at a time: X is turned so that inputs lie
   * side by side, and dY supplies the weights. A part is a run of block columns.
   */
  void mask(KofNLayout layout, View weights, View x, View dy, View target) {
    int batch = Math.toIntExact(x.rows());
    for (int r = 0; r < layout.blockRows(); r++) {
      clear(target, r);
    }
    int perChunk = Math.max(1, HELD / Math.max(1, batch) / ProductLanes.GROUP);
    int groups = Math.ceilDiv(layout.out(), ProductLanes.GROUP);
    for (int g = 0; g < groups && batch > 0; g += perChunk) {
      int from = g * ProductLanes.GROUP;
      int to = (int) Math.min(layout.out(), (long) (g + perChunk) * ProductLanes.GROUP);
      maskOfOutputs(layout, weights, x, dy, target, from, to);
    }
  }

  private static void clear(View target, int row) {
    MemorySegment memory = target.buffer().host();
    long at = target.offset() + 4L * row * target.pitch();
    memory.asSlice(at, 4 * target.columns()).fill((byte) 0);
  }

  private void maskOfOutputs(
      KofNLayout layout, View weights, View x, View dy, View target, int from, int to) {
    int batch = Math.toIntExact(x.rows());
    Scratch.Pool pool = widths.pool();
    Scratch shared = pool.take();
    int groups = Math.ceilDiv(to - from, ProductLanes.GROUP);
    float[] d = shared.weights(groups * ProductLanes.GROUP * batch);
    workers.run(
        groups,
        g -> {
          Scratch mine = pool.take();
          int first = from + g * ProductLanes.GROUP;
          int outs = Math.min(ProductLanes.GROUP, to - first);
          interleave(dy, first, outs, d, g * ProductLanes.GROUP * batch, mine);
          pool.give(mine);
        });
    int columns = Math.max(1, STEP / layout.blockIn());
    workers.run(
        Math.ceilDiv(layout.blockColumns(), columns),
        part -> {
          Scratch mine = pool.take();
          long first = (long) part * columns * layout.blockIn();
          int end = (int) Math.min(layout.in(), first + (long) columns * layout.blockIn());
          for (int f = (int) first; f < end; f += STEP) {
            int count = Math.min(STEP, end - f);
            maskTile(layout, weights, x, d, target, from, to, f, count, mine);
          }
          pool.give(mine);
        });
    pool.give(shared);
  }

  /** Lays the given outputs of dY side by side: to[at + 4 b + i]. */
  private void interleave(View dy, int first, int outs, float[] to, int at, Scratch scratch) {
    int panels = Tiles.panels(dy.rows());
    MemorySegment tile = scratch.floats(0, (long) ProductLanes.GROUP * STEP);
    float[] line = scratch.line(ProductLanes.GROUP * STEP);
    for (int p = 0; p < panels; p++) {
      Tiles.load(dy, p, first, first + outs, tile, 0, STEP, scratch.stage);
      MemorySegment.copy(tile, ValueLayout.JAVA_FLOAT, 0, line, 0, outs * STEP);
      int width = Tiles.width(dy.rows(), p);
      for (int b = 0; b < width; b++) {
        int row = at + ProductLanes.GROUP * (p * STEP + b);
        for (int i = 0; i < ProductLanes.GROUP; i++) {
          to[row + i] = i < outs ? line[i * STEP + b] : 0;
        }
      }
    }
  }

  private void maskTile(
      KofNLayout layout,
      View weights,
      View x,
      float[] d,
      View target,
      int from,
      int to,
      int feature,
      int count,
      Scratch scratch) {
    int batch = Math.toIntExact(x.rows());
    MemorySegment turned = scratch.floats(0, (long) batch * STEP);
    for (int p = 0; p < Tiles.panels(batch); p++) {
      Tiles.loadTurned(x, p, feature, count, turned, 4L * p * STEP * STEP, scratch.stage);
    }
    int[] examples = scratch.features(batch);
    for (int b = 0; b < batch; b++) {
      examples[b] = b;
    }
    MemorySegment product = scratch.floats(1, (long) ProductLanes.GROUP * STEP);
    ProductLanes kernel = widths.of(STEP);
    float[] line = scratch.line(3 * STEP);
    for (int o = from; o < to; o += ProductLanes.GROUP) {
      int outs = Math.min(ProductLanes.GROUP, to - o);
      kernel.sums4(turned, 0, STEP, examples, 0, batch, d, (o - from) * batch, product, 0, outs);
      for (int i = 0; i < outs; i++) {
        MemorySegment.copy(product, ValueLayout.JAVA_FLOAT, 4L * i * STEP, line, 0, count);
        addToBlocks(layout, weights, target, o + i, feature, count, line);
      }
    }
  }

  /** Multiplies a piece of a row of dY^T X by the weights and adds it to the blocks' sums. */
  private static void addToBlocks(
      KofNLayout layout, View weights, View target, int o, int feature, int count, float[] line) {
    Elements.read(weights, o * weights.pitch() + feature, line, STEP, count);
    int bi = layout.blockIn();
    int first = feature / bi;
    int columns = (feature + count - 1) / bi - first + 1;
    long at = o / layout.blockOut() * target.pitch() + first;
    if (bi == 1 && layout.blockOut() == 1) {
      for (int i = 0; i < count; i++) {
        line[i] *= line[STEP + i];
      }
      Elements.write(target, at, line, 0, columns);
      return;
    }
    Elements.read(target, at, line, 2 * STEP, columns);
    for (int i = 0; i < count; i++) {
      line[2 * STEP + (feature + i) / bi - first] += line[i] * line[STEP + i];
    }
    Elements.write(target, at, line, 2 * STEP, columns);
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
            fold(sums, to - from, lanes, line);
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
