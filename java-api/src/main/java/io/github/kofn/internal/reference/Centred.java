// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.reference;

/**
 * Numbers divided by a temperature, counted from the greatest finite one, so that differences near
 * the top lose nothing to rounding. A softmax does not see the shift.
 *
 * <p>+infinity becomes {@value #INFINITE}: the limit in which all infinite entries grow alike. They
 * share the softmax evenly, and beside them every finite entry's exponential is exactly 0 in
 * double. -infinity stays, and its exponential is 0.
 */
final class Centred {
  /** Beyond this distance exp is 0 in double, which happens at 745.2. */
  static final double INFINITE = 2000;

  private Centred() {}

  static double[] of(float[] values, float temperature) {
    float top = Float.NEGATIVE_INFINITY;
    for (float value : values) {
      if (value < Float.POSITIVE_INFINITY) {
        top = Math.max(top, value);
      }
    }
    double[] centred = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      centred[i] =
          Float.isInfinite(values[i])
              ? Math.min(values[i], INFINITE)
              : ((double) values[i] - top) / temperature;
    }
    return centred;
  }

  /** The logarithm of the sum of exponentials; of none (-infinity) if all numbers are. */
  static double logSumExp(double[] values) {
    double greatest = Double.NEGATIVE_INFINITY;
    for (double value : values) {
      greatest = Math.max(greatest, value);
    }
    if (greatest == Double.NEGATIVE_INFINITY) {
      return greatest;
    }
    double sum = 0;
    for (double value : values) {
      sum += Math.exp(value - greatest);
    }
    return greatest + Math.log(sum);
  }
}
