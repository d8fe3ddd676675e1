// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.reference;

import io.github.kofn.sparse.Activation;

/**
 * Activation functions and their derivatives, with Phi and phi the standard normal distribution
 * function and density, s the logistic function:
 *
 * <pre>
 *             f(z)         f'(z)
 * identity    z            1
 * ReLU        max(z, 0)    1 where z &gt; 0, else 0
 * GELU        z Phi(z)     Phi(z) + z phi(z)
 * SiLU        z s(z)       s(z) (1 + z (1 - s(z)))
 * </pre>
 *
 * <p>At the infinities the limits hold: f is 0 or infinite, f' is 0 or 1. NaN gives NaN, except in
 * ReLU's derivative, which is 0 there.
 */
final class Activations {
  private static final double ROOT_HALF = Math.sqrt(0.5);
  private static final double ROOT_TWO_PI = Math.sqrt(2 * Math.PI);

  private Activations() {}

  static double value(Activation activation, double z) {
    return switch (activation) {
      case IDENTITY -> z;
      case RELU -> Math.max(z, 0);
      case GELU -> weighted(z, normal(z));
      case SILU -> weighted(z, logistic(z));
    };
  }

  static double derivative(Activation activation, double z) {
    return switch (activation) {
      case IDENTITY -> 1;
      case RELU -> z > 0 ? 1 : 0;
      case GELU -> normal(z) + weighted(z, Math.exp(-z * z / 2) / ROOT_TWO_PI);
      case SILU -> weighted(1 + weighted(z, logistic(-z)), logistic(z));
    };
  }

  /** A number times a weight that vanishes faster than the number grows. */
  private static double weighted(double number, double weight) {
    return weight == 0 ? 0 : number * weight;
  }

  private static double normal(double z) {
    return ErrorFunction.erfc(-z * ROOT_HALF) / 2;
  }

  private static double logistic(double z) {
    return 1 / (1 + Math.exp(-z));
  }
}
