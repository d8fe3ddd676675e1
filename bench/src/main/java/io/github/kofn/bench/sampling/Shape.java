// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.sampling;

import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The parameter {@code shape} of a sampling benchmark.
 *
 * @param rows rows of the logits
 * @param n candidates in a row
 * @param k drawn from each row
 */
public record Shape(int rows, int n, int k) {
  private static final Pattern TEXT = Pattern.compile("(\\d+)x(\\d+):(\\d+)");

  /**
   * Reads the parameter.
   *
   * @param text ROWSxN:K
   * @return the shape
   */
  public static Shape of(String text) {
    Matcher matcher = TEXT.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("shape is \"" + text + "\"; allowed: ROWSxN:K");
    }
    return new Shape(
        Integer.parseInt(matcher.group(1)),
        Integer.parseInt(matcher.group(2)),
        Integer.parseInt(matcher.group(3)));
  }

  /**
   * The number of logits.
   *
   * @return rows * n
   */
  public int elements() {
    return Math.multiplyExact(rows, n);
  }

  /** Logits as a trained layer has them: standard normal. */
  float[] logits() {
    Random random = new Random(elements());
    float[] values = new float[elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  /** Fails unless each row of a mask keeps exactly k. */
  void checkMask(float[] mask) {
    for (int row = 0; row < rows; row++) {
      int kept = 0;
      for (int i = row * n; i < (row + 1) * n; i++) {
        if (mask[i] == 1) {
          kept++;
        } else if (mask[i] != 0) {
          throw new IllegalStateException("mask[" + row + "] holds " + mask[i]);
        }
      }
      if (kept != k) {
        throw new IllegalStateException("row " + row + " keeps " + kept + " of " + k);
      }
    }
  }

  /** Fails unless each row of a relaxed sample sums to k. */
  void checkSoft(float[] soft) {
    for (int row = 0; row < rows; row++) {
      double sum = 0;
      for (int i = row * n; i < (row + 1) * n; i++) {
        sum += soft[i];
      }
      // Each of n terms is rounded to F32, and so is each of the k softmaxes that libtorch adds up.
      if (!(Math.abs(sum - k) <= (n + k) * 0x1p-22 * k + 0x1p-20)) {
        throw new IllegalStateException("row " + row + " sums to " + sum + ", not " + k);
      }
    }
  }
}
