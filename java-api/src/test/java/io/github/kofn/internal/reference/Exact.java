// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.reference;

import static java.math.BigDecimal.ONE;
import static java.math.BigDecimal.TWO;
import static java.math.BigDecimal.ZERO;

import java.math.BigDecimal;
import java.math.MathContext;

/** The error and exponential functions to 100 digits, by their Taylor series. */
final class Exact {
  private static final MathContext DIGITS = new MathContext(160);
  private static final BigDecimal TINY = BigDecimal.valueOf(1, 150);
  private static final BigDecimal PI =
      arctanOfInverse(5)
          .multiply(BigDecimal.valueOf(16))
          .subtract(arctanOfInverse(239).multiply(BigDecimal.valueOf(4)));

  private Exact() {}

  /** arctan(1 / n); with n = 5 and 239 Machin's formula gives pi. */
  private static BigDecimal arctanOfInverse(int n) {
    BigDecimal square = BigDecimal.valueOf((long) n * n);
    BigDecimal power = ONE.divide(BigDecimal.valueOf(n), DIGITS);
    BigDecimal sum = ZERO;
    for (int i = 1; power.compareTo(TINY) > 0; i += 2) {
      BigDecimal term = power.divide(BigDecimal.valueOf(i), DIGITS);
      sum = i % 4 == 1 ? sum.add(term) : sum.subtract(term);
      power = power.divide(square, DIGITS);
    }
    return sum;
  }

  static BigDecimal erfc(double x) {
    BigDecimal square = new BigDecimal(x).pow(2, DIGITS);
    BigDecimal power = new BigDecimal(x);
    BigDecimal sum = ZERO;
    for (int n = 0; n < 50 || power.abs().compareTo(TINY) > 0; n++) {
      sum = sum.add(power.divide(BigDecimal.valueOf(2L * n + 1), DIGITS));
      power = power.multiply(square).negate().divide(BigDecimal.valueOf(n + 1L), DIGITS);
    }
    return ONE.subtract(sum.multiply(TWO).divide(PI.sqrt(DIGITS), DIGITS));
  }

  static BigDecimal exp(double x) {
    BigDecimal value = new BigDecimal(x);
    BigDecimal term = ONE;
    BigDecimal sum = ZERO;
    for (int n = 1; n < 50 || term.abs().compareTo(TINY) > 0; n++) {
      sum = sum.add(term);
      term = term.multiply(value).divide(BigDecimal.valueOf(n), DIGITS);
    }
    return sum;
  }

  /** z Phi(z). */
  static BigDecimal gelu(double z) {
    // erfc wants -z / sqrt(2); a double near it and a first-order step reach 1e-30.
    double near = -z / Math.sqrt(2);
    BigDecimal rest =
        new BigDecimal(-z).divide(TWO.sqrt(DIGITS), DIGITS).subtract(new BigDecimal(near));
    BigDecimal slope =
        exp(-near * near).multiply(BigDecimal.valueOf(-2)).divide(PI.sqrt(DIGITS), DIGITS);
    BigDecimal twicePhi = erfc(near).add(rest.multiply(slope));
    return new BigDecimal(z).multiply(twicePhi).divide(TWO, DIGITS);
  }

  static BigDecimal silu(double z) {
    return new BigDecimal(z).divide(ONE.add(exp(-z)), DIGITS);
  }
}
