// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.reference;

import io.github.kofn.DType;
import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.KofNLayout;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * A random k-of-n matrix with activations of small whole numbers: every product of them, and every
 * finite difference of one, is exact in every type.
 */
final class ProductCase {
  final KofNLayout layout;
  final int batch;
  final DType type;
  final boolean packed;
  final int[][] kept;
  final double[][] weights;
  final double[][] x;
  final double[][] dy;
  private final Random random;

  ProductCase(KofNLayout layout, int batch, DType type, boolean packed, long seed) {
    this.random = new Random(seed);
    this.layout = layout;
    this.batch = batch;
    this.type = type;
    this.packed = packed;
    this.kept = new int[layout.blockRows()][];
    for (int row = 0; row < kept.length; row++) {
      kept[row] = keptColumns();
    }
    this.weights = numbers(layout.out(), layout.in());
    this.x = numbers(batch, layout.in());
    this.dy = numbers(batch, layout.out());
  }

  /** A case of any shape, type and storage. */
  static ProductCase random(long seed) {
    Random random = new Random(seed);
    int in = random.nextInt(24);
    int blockIn = 1 + random.nextInt(7);
    int n = Math.ceilDiv(in, blockIn);
    KofNLayout layout =
        new KofNLayout(
            random.nextInt(24), in, 1 + random.nextInt(7), blockIn, random.nextInt(n + 1));
    int batch = random.nextInt(5) == 0 ? 63 + random.nextInt(70) : random.nextInt(5);
    DType type = new DType[] {DType.F32, DType.BF16, DType.F16, DType.I8}[random.nextInt(4)];
    return new ProductCase(layout, batch, type, random.nextBoolean(), seed);
  }

  private int[] keptColumns() {
    int[] columns = IntStream.range(0, layout.blockColumns()).toArray();
    for (int i = columns.length - 1; i > 0; i--) {
      int other = random.nextInt(i + 1);
      int column = columns[i];
      columns[i] = columns[other];
      columns[other] = column;
    }
    return IntStream.of(columns).limit(layout.k()).sorted().toArray();
  }

  private double[][] numbers(int rows, int columns) {
    double[][] numbers = new double[rows][columns];
    for (double[] row : numbers) {
      Arrays.setAll(row, i -> random.nextInt(7) - 3);
    }
    return numbers;
  }

  boolean keeps(int output, int input) {
    int column = input / layout.blockIn();
    return IntStream.of(kept[output / layout.blockOut()]).anyMatch(c -> c == column);
  }

  View indices() {
    View view = Matrices.zeros(layout.indexType(), kept.length, layout.k());
    Elements elements = new Elements(view);
    for (int row = 0; row < kept.length; row++) {
      for (int slot = 0; slot < layout.k(); slot++) {
        elements.set(row, slot, kept[row][slot]);
      }
    }
    return view;
  }

  View activations(double[][] values, int columns) {
    return Matrices.of(type, anyLayout(), values, columns);
  }

  View activations(DType of, int columns) {
    return Matrices.zeros(of, anyLayout(), batch, columns);
  }

  private Layout anyLayout() {
    return random.nextBoolean() ? Layout.PANELS : Layout.ROW_MAJOR;
  }

  Pattern pattern() {
    return pattern(weights);
  }

  /** The pattern with other weights. */
  Pattern pattern(double[][] dense) {
    return new Pattern(layout, indices(), packed, packed ? packed(dense) : inPlace(dense));
  }

  private View inPlace(double[][] dense) {
    return Matrices.of(type, Layout.ROW_MAJOR, dense, layout.in());
  }

  /** The kept blocks of a dense matrix, one after another; 0 beyond its edge. */
  View packed(double[][] dense) {
    int rows = layout.blockRows() * layout.k() * layout.blockOut();
    View view = Matrices.dense(type, rows, layout.blockIn());
    Elements elements = new Elements(view);
    int row = 0;
    for (int r = 0; r < kept.length; r++) {
      for (int column : kept[r]) {
        for (int i = 0; i < layout.blockOut(); i++) {
          for (int j = 0; j < layout.blockIn(); j++) {
            int output = r * layout.blockOut() + i;
            int input = column * layout.blockIn() + j;
            boolean exists = output < layout.out() && input < layout.in();
            elements.set(row, j, exists ? dense[output][input] : 0);
          }
          row++;
        }
      }
    }
    return view;
  }

  @Override
  public String toString() {
    return layout + ", batch " + batch + ", " + type + (packed ? ", packed" : ", in place");
  }
}
