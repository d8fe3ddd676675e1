// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.pruning;

import io.github.kofn.sampling.Philox;

/** Normal noise that is the same everywhere: Box-Muller on Philox words. */
final class Gaussian {
  private Gaussian() {}

  /**
   * A matrix of independent N(0, deviation^2) samples. {@link StrictMath} gives the same bits on
   * every machine, which {@link Math} need not.
   */
  static float[] matrix(long seed, int stream, int step, int rows, int columns, double deviation) {
    float[] values = new float[Math.multiplyExact(rows, columns)];
    int[] words = new int[4];
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column += 2) {
        if ((column & 3) == 0) {
          Philox.words(seed, column >>> 2, row, stream, step, words);
        }
        double u = unit(words[column & 3]);
        double radius = deviation * StrictMath.sqrt(-2 * StrictMath.log(u));
        double angle = 2 * Math.PI * unit(words[(column & 3) + 1]);
        int i = row * columns + column;
        values[i] = (float) (radius * StrictMath.cos(angle));
        if (column + 1 < columns) {
          values[i + 1] = (float) (radius * StrictMath.sin(angle));
        }
      }
    }
    return values;
  }

  /** The middle of a word's interval of (0, 1): never 0, never 1. */
  private static double unit(int word) {
    return ((word & 0xFFFFFFFFL) + 0.5) * 0x1p-32;
  }
}
