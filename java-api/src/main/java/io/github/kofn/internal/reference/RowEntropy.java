// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.reference;

/**
 * The entropy of one row's softmax p, in nats: {@code H = -sum p_i ln p_i = ln Z - sum p_i x_i},
 * with {@code ln p_i = x_i - ln Z}; and its gradient {@code dH / dx_i = -p_i (ln p_i + H)}. Entries
 * without probability add nothing and have gradient 0.
 */
final class RowEntropy {
  private final double[] logProbabilities;
  private final double value;

  RowEntropy(double[] x) {
    double logZ = Centred.logSumExp(x);
    logProbabilities = new double[x.length];
    double sum = 0;
    for (int i = 0; i < x.length; i++) {
      logProbabilities[i] = x[i] - logZ;
      double p = Math.exp(logProbabilities[i]);
      sum -= p == 0 ? 0 : p * logProbabilities[i];
    }
    value = sum;
  }

  double value() {
    return value;
  }

  double gradient(int column) {
    double p = Math.exp(logProbabilities[column]);
    return p == 0 ? 0 : -p * (logProbabilities[column] + value);
  }
}
