// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.reference;

/**
 * The error function's complement, {@code erfc(x) = 1 - erf(x) = 2 / sqrt(pi) * integral from x of
 * exp(-t^2) dt}, in double: to about 1e-15 up to x = 2, and to about x^2 2^-53 of its own size
 * beyond, so that the tail keeps its relative accuracy.
 *
 * <p>Up to 2 by a series whose terms are all positive, so that nothing cancels (Abramowitz and
 * Stegun, "Handbook of mathematical functions", 7.1.6):
 *
 * <pre>
 * erf(x) = 2 / sqrt(pi) * exp(-x^2) * (x + 2 x^3 / 3 + 4 x^5 / (3 * 5) + ...)
 * </pre>
 *
 * <p>Beyond by a continued fraction (7.1.14):
 *
 * <pre>
 * erfc(x) = exp(-x^2) / sqrt(pi) / (x + (1/2) / (x + 1 / (x + (3/2) / (x + 2 / (x + ...)))))
 * </pre>
 */
final class ErrorFunction {
  private static final double ROOT_PI = Math.sqrt(Math.PI);
  private static final double SERIES_UP_TO = 2;

  /** Enough for the truncation to vanish at {@link #SERIES_UP_TO}, where convergence is slowest. */
  private static final int FRACTIONS = 80;

  private ErrorFunction() {}

  static double erfc(double x) {
    if (x < 0) {
      return 2 - erfc(-x);
    }
    return x > SERIES_UP_TO ? tail(x) : 1 - series(x);
  }

  private static double series(double x) {
    double term = x;
    double sum = 0;
    for (int n = 1; sum + term > sum; n++) {
      sum += term;
      term *= 2 * x * x / (2 * n + 1);
    }
    return 2 / ROOT_PI * Math.exp(-x * x) * sum;
  }

  private static double tail(double x) {
    double denominator = x;
    for (int n = FRACTIONS; n >= 1; n--) {
      denominator = x + n / 2.0 / denominator;
    }
    return Math.exp(-x * x) / ROOT_PI / denominator;
  }
}
