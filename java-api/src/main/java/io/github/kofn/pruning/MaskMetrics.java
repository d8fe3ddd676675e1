// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.pruning;

import io.github.kofn.KofnException;

/**
 * How decided a mask's logits are, and how much its rows differ. These are kofn's own definitions,
 * made from the rows' distributions {@code pi_r = softmax(logits_r)} and their entropies H, in
 * nats; they are not taken from a paper.
 *
 * @param confidence {@code 1 - mean H(pi_r) / ln n}, 0 to 1: 0 if every row is uniform, {@code 1 -
 *     ln k / ln n} if every row's mass lies evenly on k entries, 1 if it lies on one (and if n = 1)
 * @param diversity {@code H(mean pi_r) - mean H(pi_r)}, in nats, 0 to the smaller of ln rows and ln
 *     n: the mutual information of row and entry, also known as the generalised Jensen-Shannon
 *     divergence. 0 if all rows prefer the same entries
 */
public record MaskMetrics(double confidence, double diversity) {

  static MaskMetrics of(float[] logits, int rows, int n) {
    double[] mean = new double[n];
    double[] row = new double[n];
    double entropies = 0;
    for (int r = 0; r < rows; r++) {
      softmax(logits, r * n, row);
      entropies += entropy(row);
      for (int i = 0; i < n; i++) {
        mean[i] += row[i] / rows;
      }
    }
    double average = rows == 0 ? 0 : entropies / rows;
    return new MaskMetrics(
        n <= 1 ? 1 : clamp(1 - average / Math.log(n), 1),
        clamp(entropy(mean) - average, Math.log(Math.max(1, Math.min(rows, n)))));
  }

  private static void softmax(float[] logits, int start, double[] target) {
    double max = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < target.length; i++) {
      max = Math.max(max, logits[start + i]); // NaN stays NaN
    }
    if (!Double.isFinite(max)) {
      throw new KofnException(
          "row %d of the logits has the maximum %s; metrics need a finite one"
              .formatted(start / target.length, max));
    }
    double sum = 0;
    for (int i = 0; i < target.length; i++) {
      target[i] = Math.exp(logits[start + i] - max);
      sum += target[i];
    }
    for (int i = 0; i < target.length; i++) {
      target[i] /= sum;
    }
  }

  private static double entropy(double[] distribution) {
    double sum = 0;
    for (double p : distribution) {
      sum -= p == 0 ? 0 : p * Math.log(p);
    }
    return sum;
  }

  /** Takes back what rounding added beyond the range. */
  private static double clamp(double value, double maximum) {
    return Math.clamp(value, 0, maximum);
  }
}
