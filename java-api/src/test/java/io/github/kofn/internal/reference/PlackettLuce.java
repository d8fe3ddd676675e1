// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.reference;

import java.util.Arrays;

/**
 * Exact probabilities of sampling k of n without replacement in proportion to weights.
 *
 * <p>Let column j arrive at an exponential time of rate w_j. The order of arrival is the order of
 * drawing, so column i is among the k drawn if at its own arrival at most k - 1 others have
 * arrived:
 *
 * <pre>
 * pi_i = integral over t of w_i exp(-w_i t) P(at most k - 1 of the others by t)
 * </pre>
 *
 * <p>With s = exp(-c t), c the least weight, the integrand is smooth on [0, 1]; a Gauss-Legendre
 * rule integrates it.
 */
final class PlackettLuce {
  private static final int NODES = 400;

  private PlackettLuce() {}

  static double[] inclusion(double[] w, int k) {
    double c = Arrays.stream(w).min().orElse(1);
    double[] inclusion = new double[w.length];
    for (int node = 0; node < NODES; node++) {
      double[] rule = legendre(node);
      double s = (1 + rule[0]) / 2;
      double t = -Math.log(s) / c;
      for (int i = 0; i < w.length; i++) {
        double density = w[i] / c * Math.pow(s, w[i] / c - 1);
        inclusion[i] += rule[1] / 2 * density * atMost(k - 1, w, i, t);
      }
    }
    return inclusion;
  }

  /** The probability that at most m columns other than one have arrived by t. */
  private static double atMost(int m, double[] w, int other, double t) {
    double[] arrived = new double[m + 1];
    arrived[0] = 1;
    for (int j = 0; j < w.length; j++) {
      if (j != other) {
        double q = -Math.expm1(-w[j] * t);
        for (int a = m; a >= 0; a--) {
          arrived[a] = arrived[a] * (1 - q) + (a == 0 ? 0 : arrived[a - 1] * q);
        }
      }
    }
    return Arrays.stream(arrived).sum();
  }

  /**
   * A node of the rule on [-1, 1] and its weight, by Newton's method on the Legendre polynomial.
   */
  private static double[] legendre(int node) {
    double x = Math.cos(Math.PI * (node + 0.75) / (NODES + 0.5));
    double slope = 0;
    for (int iteration = 0; iteration < 10; iteration++) {
      double before = 1;
      double p = x;
      for (int degree = 2; degree <= NODES; degree++) {
        double next = ((2 * degree - 1) * x * p - (degree - 1) * before) / degree;
        before = p;
        p = next;
      }
      slope = NODES * (x * p - before) / (x * x - 1);
      x -= p / slope;
    }
    return new double[] {x, 2 / ((1 - x * x) * slope * slope)};
  }

  /** The same by enumerating all ordered draws. */
  static double[] bruteForce(double[] w, int k) {
    double[] inclusion = new double[w.length];
    enumerate(w, k, new boolean[w.length], Arrays.stream(w).sum(), 1, inclusion);
    return inclusion;
  }

  private static void enumerate(
      double[] w, int k, boolean[] drawn, double left, double probability, double[] inclusion) {
    for (int i = 0; k > 0 && i < w.length; i++) {
      if (!drawn[i]) {
        double p = probability * w[i] / left;
        inclusion[i] += p;
        drawn[i] = true;
        enumerate(w, k - 1, drawn, left - w[i], p, inclusion);
        drawn[i] = false;
      }
    }
  }

  /** The other distribution on k-subsets, in which a subset's weight is its elements' product. */
  static double[] conditionalPoisson(double[] w, int k) {
    double[] inclusion = new double[w.length];
    double total = symmetric(w, k, -1);
    for (int i = 0; i < w.length; i++) {
      inclusion[i] = w[i] * symmetric(w, k - 1, i) / total;
    }
    return inclusion;
  }

  /** The elementary symmetric polynomial of degree k of all weights but one. */
  private static double symmetric(double[] w, int k, int without) {
    double[] e = new double[k + 1];
    e[0] = 1;
    for (int j = 0; j < w.length; j++) {
      for (int d = k; d >= 1 && j != without; d--) {
        e[d] += e[d - 1] * w[j];
      }
    }
    return e[k];
  }
}
