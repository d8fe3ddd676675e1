// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.reference;

import java.util.Arrays;

/**
 * The relaxation as it is defined: k softmaxes one after another, each over what is left, in O(n k)
 * and with a row of n probabilities for each. Infinite entries share a softmax evenly.
 */
final class MaskedSoftmaxes {
  final double[][] probabilities;
  private final double tau;

  MaskedSoftmaxes(double[] keys, int[] removal, double tau) {
    this.tau = tau;
    this.probabilities = new double[removal.length][];
    boolean[] left = new boolean[keys.length];
    Arrays.fill(left, true);
    for (int j = 0; j < removal.length; j++) {
      probabilities[j] = softmax(keys, left, tau);
      left[removal[j]] = false;
    }
  }

  private static double[] softmax(double[] keys, boolean[] left, double tau) {
    double top = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < keys.length; i++) {
      top = left[i] ? Math.max(top, keys[i]) : top;
    }
    double[] p = new double[keys.length];
    double sum = 0;
    for (int i = 0; i < keys.length; i++) {
      if (left[i] && keys[i] > Double.NEGATIVE_INFINITY) {
        p[i] = keys[i] == top ? 1 : Math.exp((keys[i] - top) / tau);
        sum += p[i];
      }
    }
    for (int i = 0; i < keys.length; i++) {
      p[i] /= sum;
    }
    return p;
  }

  double[] soft() {
    double[] soft = new double[probabilities.length == 0 ? 0 : probabilities[0].length];
    for (double[] p : probabilities) {
      for (int i = 0; i < soft.length; i++) {
        soft[i] += p[i];
      }
    }
    return soft;
  }

  /** The gradient, softmax by softmax: {@code p_i (v_i - sum p v) / tau}. */
  double[] gradient(double[] v) {
    double[] gradient = new double[v.length];
    for (double[] p : probabilities) {
      double mean = mean(p, v);
      for (int i = 0; i < v.length; i++) {
        gradient[i] += p[i] * (v[i] - mean) / tau;
      }
    }
    return gradient;
  }

  /** The sum of the magnitudes that cancel in {@link #gradient}. */
  double[] magnitude(double[] v) {
    double[] absolute = Arrays.stream(v).map(Math::abs).toArray();
    double[] magnitude = new double[v.length];
    for (double[] p : probabilities) {
      double mean = mean(p, absolute);
      for (int i = 0; i < v.length; i++) {
        magnitude[i] += p[i] * (absolute[i] + mean) / tau;
      }
    }
    return magnitude;
  }

  private static double mean(double[] p, double[] v) {
    double mean = 0;
    for (int i = 0; i < v.length; i++) {
      mean += p[i] * v[i];
    }
    return mean;
  }
}
