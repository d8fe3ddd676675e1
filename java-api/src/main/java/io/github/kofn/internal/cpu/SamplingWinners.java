// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

/**
 * The k winners' part of a row's relaxation (the sums and their meaning are those of the
 * reference's closed form), in the linear domain: a number is a double times a power of 2 whose
 * exponent is a double too, so nothing overflows and no logarithm is taken.
 *
 * <p>With {@code e = exp(y)}, y being key / tau less that of the least winner, and winners in their
 * order of removal,
 *
 * <pre>
 * S_j = sum of e over the losers and the winners from j on        V_j = the same sum of e v
 * H_m = sum of 1 / S_j over j up to m                             A_m = sum of V_j / S_j^2
 * soft_i = e_i H_m                                                dz_i = e_i (v_i H_m - A_m) / tau
 * </pre>
 *
 * <p>S never grows with j, so scaling H and A by 1 / S_m keeps all terms at or below order 1.
 */
final class SamplingWinners {
  private static final double LOG2_E = 1 / Math.log(2);

  private double[] e = new double[0];
  private double[] exponents = new double[0];
  private double[] inverses = new double[0];
  private double[] means = new double[0];
  private double[] scales = new double[0];

  /** At the last winner, where the losers join: H and A, as plain numbers. */
  double h;

  double a;

  /** The winners' elements of the sample, or of the gradient times tau. */
  double[] results = new double[0];

  /**
   * Computes everything.
   *
   * @param keys the winners' keys from {@code from} on, in the order of removal
   * @param v the upstream gradient in a row from {@code fromV} on, or null for the sample itself
   * @param columns the winners' columns
   * @param sum the losers' weights, relative to the least winner, added up
   * @param dot their products with the upstream gradient, added up
   */
  void run(
      float[] keys,
      int from,
      int k,
      float least,
      double tau,
      int[] columns,
      float[] v,
      int fromV,
      double sum,
      double dot) {
    reserve(k);
    for (int j = 0; j < k; j++) {
      double x = ((double) keys[from + j] - least) / tau * LOG2_E;
      double rounded = Math.rint(x);
      exponents[j] = rounded;
      e[j] = exp2(x - rounded);
    }
    suffixSums(k, columns, from, v, fromV, sum, dot);
    prefixSums(k, columns, from, v, fromV);
  }

  private void reserve(int k) {
    if (e.length < k) {
      e = new double[k];
      exponents = new double[k];
      inverses = new double[k];
      means = new double[k];
      scales = new double[k];
      results = new double[k];
    }
  }

  private void suffixSums(
      int k, int[] columns, int from, float[] v, int fromV, double sum, double dot) {
    double s = sum;
    double weighted = dot;
    double scale = 0;
    for (int j = k - 1; j >= 0; j--) {
      double term = e[j];
      if (exponents[j] > scale) {
        double shift = power(scale - exponents[j]);
        s *= shift;
        weighted *= shift;
        scale = exponents[j];
      } else {
        term *= power(exponents[j] - scale);
      }
      s += term;
      if (v != null) {
        weighted += term * v[fromV + columns[from + j]];
      }
      inverses[j] = 1 / s;
      means[j] = weighted;
      scales[j] = scale;
    }
  }

  private void prefixSums(int k, int[] columns, int from, float[] v, int fromV) {
    double sumH = 0;
    double sumA = 0;
    double scale = k == 0 ? 0 : scales[0];
    for (int m = 0; m < k; m++) {
      double shift = power(scales[m] - scale);
      scale = scales[m];
      double inverse = inverses[m];
      sumH = sumH * shift + inverse;
      sumA = sumA * shift + means[m] * inverse * inverse;
      double inner = v == null ? sumH : v[fromV + columns[from + m]] * sumH - sumA;
      results[m] = e[m] * power(exponents[m] - scale) * inner;
    }
    h = sumH * power(-scale);
    a = sumA * power(-scale);
  }

  /** A power of 2 with an integer exponent of at most 1; 0 where double has hardly any left. */
  private static double power(double exponent) {
    return exponent < -1000 ? 0 : Double.longBitsToDouble((1023 + (long) exponent) << 52);
  }

  /** 2^f for |f| at most 1/2, within 2e-10: the exponential's series. */
  private static double exp2(double f) {
    double x = f * 0.6931471805599453;
    double p = Math.fma(x, 1.0 / 40320, 1.0 / 5040);
    p = Math.fma(p, x, 1.0 / 720);
    p = Math.fma(p, x, 1.0 / 120);
    p = Math.fma(p, x, 1.0 / 24);
    p = Math.fma(p, x, 1.0 / 6);
    p = Math.fma(p, x, 0.5);
    p = Math.fma(p, x, 1);
    return Math.fma(p, x, 1);
  }

  /** Bytes held. */
  long size() {
    return 48L * e.length;
  }
}
