// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import java.util.Arrays;

/**
 * The definition of one row's relaxed sample and its gradient, in double and O(n k): k softmaxes
 * one after the other, the winners so far removed (Huijben, Veeling and van Sloun, ICLR 2020).
 */
final class SuccessiveSoftmaxes {
  /** The sum of the softmaxes. */
  final double[] soft;

  /** The gradient with respect to the keys. */
  final double[] gradient;

  /** Keys over tau, counted from the greatest. */
  final double[] y;

  /**
   * Computes a row.
   *
   * @param keys keys, none of them +infinity
   * @param removal the winners in the order of their removal
   * @param tau the temperature
   * @param upstream the gradient with respect to the sample
   */
  SuccessiveSoftmaxes(float[] keys, int[] removal, float tau, float[] upstream) {
    int n = keys.length;
    soft = new double[n];
    gradient = new double[n];
    y = centred(keys, tau);
    double[] remaining = y.clone();
    double[] p = new double[n];
    for (int winner : removal) {
      softmax(remaining, p);
      double mean = 0;
      for (int i = 0; i < n; i++) {
        mean += p[i] * upstream[i];
      }
      for (int i = 0; i < n; i++) {
        soft[i] += p[i];
        gradient[i] += p[i] * (upstream[i] - mean) / tau;
      }
      remaining[winner] = Double.NEGATIVE_INFINITY;
    }
  }

  private static double[] centred(float[] keys, float tau) {
    double top = Double.NEGATIVE_INFINITY;
    for (float key : keys) {
      top = Math.max(top, key);
    }
    double[] centred = new double[keys.length];
    for (int i = 0; i < keys.length; i++) {
      centred[i] = keys[i] == Float.NEGATIVE_INFINITY ? keys[i] : ((double) keys[i] - top) / tau;
    }
    return centred;
  }

  private static void softmax(double[] values, double[] p) {
    double top = Arrays.stream(values).max().orElse(0);
    double sum = 0;
    for (int i = 0; i < p.length; i++) {
      double distance = values[i] - top;
      // Below -745 exp is 0 in double; not calling it spares most of the time at low temperatures.
      p[i] = distance < -746 ? 0 : Math.exp(distance);
      sum += p[i];
    }
    for (int i = 0; i < p.length; i++) {
      p[i] /= sum;
    }
  }
}
