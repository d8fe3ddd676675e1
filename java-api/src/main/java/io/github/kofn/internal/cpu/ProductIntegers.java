// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** The forward product of 8-bit integers, summed exactly in 32 bits before the epilogue. */
final class ProductIntegers {
  private final ProductWidths widths;
  private final Workers workers;

  ProductIntegers(ProductWidths widths, Workers workers) {
    this.widths = widths;
    this.workers = workers;
  }

  void multiply(Pattern pattern, View x, View y, ProductFinish finish) {
    ProductTerms terms = ProductTerms.forward(pattern);
    int units = terms.units();
    workers.run(
        Tiles.panels(y.rows()) * units,
        part -> {
          Scratch mine = widths.pool().take();
          TermLists lists = mine.lists;
          lists.clear(widths.most());
          terms.list(part % units, lists, mine);
          tile(lists, x, y, part / units, finish, mine);
          widths.pool().give(mine);
        });
  }

  private void tile(
      TermLists lists, View x, View y, int panel, ProductFinish finish, Scratch scratch) {
    int width = Tiles.width(y.rows(), panel);
    int stride = widths.stride(width);
    int[] sums = new int[Layout.PANEL];
    float[] row = new float[Layout.PANEL];
    for (int g = 0; g < lists.groups; g++) {
      int first = lists.firstOutput(g);
      MemorySegment tile = scratch.floats(0, (long) GroupKernels.SIX * stride);
      for (int i = 0; i < lists.outputs(g); i++) {
        Arrays.fill(sums, 0);
        for (int j = 0; j < lists.length(g); j++) {
          int weight = (int) lists.weight[lists.at(g, first + i, j)];
          addRow(x, panel, lists.input[lists.inputsAt(g) + j], width, weight, sums);
        }
        for (int b = 0; b < stride; b++) {
          row[b] = sums[b];
        }
        MemorySegment.copy(row, 0, tile, ValueLayout.JAVA_FLOAT, 4L * i * stride, stride);
      }
      int end = first + lists.outputs(g);
      finish.apply(widths.of(width), tile, 0, stride, panel, first, end, scratch);
      Tiles.store(tile, 0, stride, y, panel, first, end, scratch.stage);
    }
  }

  private static void addRow(View x, int panel, int feature, int width, int weight, int[] sums) {
    MemorySegment memory = x.buffer().host();
    long first = (long) panel * Layout.PANEL;
    long at = x.offset() + x.index(first, feature);
    long step = x.layout() == Layout.PANELS ? 1 : x.pitch();
    for (int b = 0; b < width; b++) {
      sums[b] += weight * memory.get(ValueLayout.JAVA_BYTE, at + b * step);
    }
  }
}
