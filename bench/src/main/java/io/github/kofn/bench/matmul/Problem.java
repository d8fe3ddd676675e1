// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.matmul;

import java.util.Random;
import java.util.stream.IntStream;

/**
 * A product's operands, the same for everyone: W [n, n] of which each block row keeps k blocks, X
 * and dY [batch, n].
 */
final class Problem {
  private static final int CHECKS = 512;

  private final int n;
  private final int batch;
  private final int blockOut;
  private final int blockIn;
  private final int[][] kept;
  private final float[] weights;
  private final float[] x;
  private final float[] dy;

  private Problem(
      int n,
      int batch,
      int blockOut,
      int blockIn,
      int[][] kept,
      float[] weights,
      float[] x,
      float[] dy) {
    this.n = n;
    this.batch = batch;
    this.blockOut = blockOut;
    this.blockIn = blockIn;
    this.kept = kept;
    this.weights = weights;
    this.x = x;
    this.dy = dy;
  }

  /** Inputs and outputs. */
  int n() {
    return n;
  }

  /** Examples. */
  int batch() {
    return batch;
  }

  /** Outputs in a block. */
  int blockOut() {
    return blockOut;
  }

  /** Inputs in a block. */
  int blockIn() {
    return blockIn;
  }

  /** The kept block columns of each block row, ascending. */
  int[][] kept() {
    return kept;
  }

  /** W, pruned elements included. */
  float[] weights() {
    return weights;
  }

  /** X. */
  float[] x() {
    return x;
  }

  /** DY. */
  float[] dy() {
    return dy;
  }

  /** A problem by its parameters: ROWSxCOLUMNS of a block, and the percentage that is pruned. */
  static Problem of(int n, int batch, String block, int sparsity) {
    int x = block.indexOf('x');
    int blockOut = Integer.parseInt(block.substring(0, x));
    int blockIn = Integer.parseInt(block.substring(x + 1));
    Random random = new Random(n);
    int columns = Math.ceilDiv(n, blockIn);
    int k = Math.max(1, Math.round(columns * (100 - sparsity) / 100f));
    int[][] kept = new int[Math.ceilDiv(n, blockOut)][];
    for (int row = 0; row < kept.length; row++) {
      kept[row] = draw(columns, k, random);
    }
    return new Problem(
        n,
        batch,
        blockOut,
        blockIn,
        kept,
        values(n * n, random),
        values(batch * n, random),
        values(batch * n, random));
  }

  /** A dense problem. */
  static Problem dense(int n, int batch) {
    return of(n, batch, "1x1", 0);
  }

  private static int[] draw(int n, int k, Random random) {
    int[] columns = IntStream.range(0, n).toArray();
    for (int i = 0; i < k; i++) {
      int j = i + random.nextInt(n - i);
      int swapped = columns[i];
      columns[i] = columns[j];
      columns[j] = swapped;
    }
    return IntStream.of(columns).limit(k).sorted().toArray();
  }

  private static float[] values(int count, Random random) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = 2 * random.nextFloat() - 1;
    }
    return values;
  }

  /** Blocks that a block row keeps. */
  int k() {
    return kept[0].length;
  }

  /** The kept columns of all block rows, one behind the other. */
  int[] indices() {
    return IntStream.range(0, kept.length).flatMap(row -> IntStream.of(kept[row])).toArray();
  }

  /** Where the block rows begin in {@link #indices}, and the end. */
  int[] starts() {
    return IntStream.rangeClosed(0, kept.length).map(row -> row * k()).toArray();
  }

  /** The kept blocks, one behind the other, for block sizes that divide n. */
  float[] packed() {
    float[] packed = new float[kept.length * k() * blockOut * blockIn];
    int at = 0;
    for (int row = 0; row < kept.length; row++) {
      for (int column : kept[row]) {
        for (int i = 0; i < blockOut; i++) {
          System.arraycopy(
              weights, (row * blockOut + i) * n + column * blockIn, packed, at, blockIn);
          at += blockIn;
        }
      }
    }
    return packed;
  }

  /** W with zeros where nothing is kept. */
  float[] masked() {
    float[] masked = new float[weights.length];
    for (int out = 0; out < n; out++) {
      for (int column : kept[out / blockOut]) {
        int from = out * n + column * blockIn;
        int length = Math.min(blockIn, n - column * blockIn);
        System.arraycopy(weights, from, masked, from, length);
      }
    }
    return masked;
  }

  /** Values [rows, columns], turned. */
  static float[] turned(float[] values, int columns) {
    int rows = values.length / columns;
    float[] turned = new float[values.length];
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        turned[c * rows + r] = values[r * columns + c];
      }
    }
    return turned;
  }

  /** Fails unless elements of Y = X W^T all over [batch, n] are right. */
  void checkForward(float[] y) {
    float[] w = masked();
    check(y, batch, n, n, (b, o, i) -> (double) x[b * n + i] * w[o * n + i]);
  }

  /** Fails unless elements of dX = dY W all over [batch, n] are right. */
  void checkInputGradient(float[] dx) {
    float[] w = masked();
    check(dx, batch, n, n, (b, i, o) -> (double) dy[b * n + o] * w[o * n + i]);
  }

  /** Fails unless elements of dW = dY^T X all over [n, n] are right where W is kept. */
  void checkWeightGradient(float[] dw) {
    float[] w = masked();
    for (int i = 0; i < dw.length; i++) {
      dw[i] = w[i] == 0 ? 0 : dw[i];
    }
    check(
        dw,
        n,
        n,
        batch,
        (o, i, b) -> w[o * n + i] == 0 ? 0 : (double) dy[b * n + o] * x[b * n + i]);
  }

  /** Fails unless elements of dMask = the blocks' sums of W * (dY^T X) are right. */
  void checkMaskGradient(float[] dMask) {
    int columns = Math.ceilDiv(n, blockIn);
    int size = blockOut * blockIn;
    check(
        dMask,
        kept.length,
        columns,
        batch * size,
        (row, column, index) -> {
          int b = index / size;
          int o = row * blockOut + index % size / blockIn;
          int i = column * blockIn + index % blockIn;
          return o < n && i < n ? (double) dy[b * n + o] * x[b * n + i] * weights[o * n + i] : 0;
        });
  }

  /** One term of the sum that makes an element. */
  private interface Term {
    double of(int row, int column, int index);
  }

  /** Within the bound of a sum of so many products in F32: (terms + 4) eps times its magnitudes. */
  private static void check(float[] got, int rows, int columns, int terms, Term term) {
    Random random = new Random(rows);
    for (int c = 0; c < CHECKS; c++) {
      int row = random.nextInt(rows);
      int column = random.nextInt(columns);
      double sum = 0;
      double magnitude = 0;
      for (int i = 0; i < terms; i++) {
        double t = term.of(row, column, i);
        sum += t;
        magnitude += Math.abs(t);
      }
      float value = got[row * columns + column];
      if (!(Math.abs(value - sum) <= (terms + 4) * 0x1p-24 * magnitude)) {
        throw new IllegalStateException(
            "element [" + row + ", " + column + "] is " + value + ", not " + sum);
      }
    }
  }
}
