// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.sparse.Activation;

/**
 * Activations and their derivatives, one element at a time, computed in double and rounded once.
 *
 * <p>erf is Abramowitz and Stegun's 7.1.26, whose error is at most 1.5e-7; Phi's is half of it. So
 * GELU is exact to 0.75e-7 |z|, its derivative to 0.75e-7, beside the rounding to float.
 */
final class ProductActivations {
  private static final double SQRT_HALF = Math.sqrt(0.5);
  private static final double DENSITY = 1 / Math.sqrt(2 * Math.PI);

  private ProductActivations() {}

  static float value(Activation activation, float z) {
    return switch (activation) {
      case IDENTITY -> z;
      case RELU -> Math.max(z, 0f);
      case GELU -> (float) (z * normal(z));
      case SILU -> (float) (z * logistic(z));
    };
  }

  static float derivative(Activation activation, float z) {
    return switch (activation) {
      case IDENTITY -> 1f;
      case RELU -> z > 0 ? 1f : 0f;
      case GELU -> (float) (normal(z) + z * DENSITY * Math.exp(-0.5 * z * z));
      case SILU -> {
        double s = logistic(z);
        yield (float) (s * (1 + z * (1 - s)));
      }
    };
  }

  private static double logistic(double z) {
    return 1 / (1 + Math.exp(-z));
  }

  /** The normal distribution function. */
  private static double normal(double z) {
    double x = Math.abs(z) * SQRT_HALF;
    double t = 1 / (1 + 0.3275911 * x);
    double p =
        t
            * (0.254829592
                + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    double upper = 0.5 * p * Math.exp(-x * x);
    return z < 0 ? upper : 1 - upper;
  }
}
