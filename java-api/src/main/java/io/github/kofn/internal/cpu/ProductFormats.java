// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.internal.kernels.ProductKernels;
import io.github.kofn.internal.kernels.ProductKernels.Companion;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.internal.reference.ReferenceEngine;
import io.github.kofn.sparse.KofNLayout;
import java.util.Arrays;

/** Changes of format: indices by column, packed and dense values, layouts and types. */
final class ProductFormats {
  private static final int STEP = 64;

  private ProductFormats() {}

  /** A counting sort by column; within a column rows ascend because they are visited in order. */
  static void transpose(KofNLayout layout, View indices, Companion companion) {
    int rows = layout.blockRows();
    int columns = layout.blockColumns();
    int k = layout.k();
    Scratch scratch = new Scratch();
    int[] line = new int[k];
    int[] next = new int[columns + 1];
    for (int r = 0; r < rows; r++) {
      Elements.readIndices(indices, (long) r * k, line, 0, k, scratch);
      for (int j = 0; j < k; j++) {
        next[line[j] + 1]++;
      }
    }
    Arrays.parallelPrefix(next, Integer::sum);
    Elements.writeInts(companion.starts(), 0, next, 0, columns + 1);
    int[] rowOf = new int[rows * k];
    int[] slotOf = new int[rows * k];
    for (int r = 0; r < rows; r++) {
      Elements.readIndices(indices, (long) r * k, line, 0, k, scratch);
      for (int j = 0; j < k; j++) {
        int at = next[line[j]]++;
        rowOf[at] = r;
        slotOf[at] = j;
      }
    }
    Elements.writeInts(companion.rows(), 0, rowOf, 0, rowOf.length);
    Elements.writeInts(companion.slots(), 0, slotOf, 0, slotOf.length);
  }

  static void pack(Pattern source, View target, Workers workers, Scratch.Pool pool) {
    if (source.packed()) {
      densify(source, target, workers, pool);
      return;
    }
    KofNLayout layout = source.layout();
    int bi = layout.blockIn();
    int bo = layout.blockOut();
    int width = Math.min(bi, layout.in());
    workers.run(
        layout.blockRows(),
        row -> {
          Scratch mine = pool.take();
          int[] columns = mine.features(layout.k());
          Elements.readIndices(
              source.indices(), (long) row * layout.k(), columns, 0, layout.k(), mine);
          float[] line = mine.line(bi);
          for (int j = 0; j < layout.k(); j++) {
            int count = (int) Math.min(width, layout.in() - (long) columns[j] * bi);
            for (int i = 0; i < bo; i++) {
              Arrays.fill(line, 0, bi, 0);
              long o = (long) row * bo + i;
              if (o < layout.out()) {
                long at = o * source.values().pitch() + (long) columns[j] * bi;
                Elements.read(source.values(), at, line, 0, count);
              }
              Elements.write(target, packedAt(layout, row, j, i), line, 0, bi);
            }
          }
          pool.give(mine);
        });
  }

  private static long packedAt(KofNLayout layout, int row, int slot, int rowInBlock) {
    return (((long) row * layout.k() + slot) * layout.blockOut() + rowInBlock) * layout.blockIn();
  }

  static void densify(Pattern source, View target, Workers workers, Scratch.Pool pool) {
    KofNLayout layout = source.layout();
    int bi = layout.blockIn();
    int width = Math.min(bi, layout.in());
    workers.run(
        layout.out(),
        o -> {
          Scratch mine = pool.take();
          int row = o / layout.blockOut();
          int[] columns = mine.features(layout.k());
          Elements.readIndices(
              source.indices(), (long) row * layout.k(), columns, 0, layout.k(), mine);
          float[] line = mine.line(layout.in());
          Arrays.fill(line, 0, layout.in(), 0);
          for (int j = 0; j < layout.k(); j++) {
            int first = columns[j] * bi;
            long at =
                source.packed()
                    ? packedAt(layout, row, j, o % layout.blockOut())
                    : o * source.values().pitch() + first;
            int count = Math.min(width, layout.in() - first);
            Elements.read(source.values(), at, line, first, count);
          }
          Elements.write(target, o * target.pitch(), line, 0, layout.in());
          pool.give(mine);
        });
  }

  static void convert(View source, View target, Workers workers, Scratch.Pool pool) {
    if (!Elements.known(source.type()) || !Elements.known(target.type())) {
      Rare.KERNELS.convert(source, target);
      return;
    }
    int columns = Math.toIntExact(source.columns());
    int chunks = Math.ceilDiv(columns, STEP);
    workers.run(
        chunks * Tiles.panels(source.rows()),
        part -> {
          Scratch mine = pool.take();
          int from = part % chunks * STEP;
          int to = Math.min(columns, from + STEP);
          Tiles.copy(source, target, part / chunks, from, to, mine.stage);
          pool.give(mine);
        });
  }

  /** Integer types wider than a byte are rarely converted, and never in a training step. */
  private static final class Rare {
    static final ProductKernels KERNELS = new ReferenceEngine().products();
  }
}
